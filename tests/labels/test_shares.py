"""What is said of the classes of many maps."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from exemplar.labels.shares import counted, said_in_notes, said_of_split, unlearnable


@given(arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 1, 2, 255])))
def test_pixels_are_counted_by_class_and_at_the_end_those_without(labels):
    values = labels.ravel().tolist()
    assert counted(labels, 3).tolist() == [values.count(number) for number in (0, 1, 2, 255)]


def test_maps_of_a_split_are_said_together():
    said = said_of_split("train", ["number", "colour", "number"], ("a", "b"), [[1, 0, 1]] * 3)
    assert said == (
        "train: 3 label maps, classes by colour or number: a 50%; none of b; no class 50%"
    )
    assert said_of_split("val", ["colour"], ("a", "b"), [[1, 3, 0]]).startswith("val: 1 label map,")


def test_notes_that_differ_in_shares_alone_are_one_line():
    found = [
        ("a.png", ["is odd: 12% of it", "was cut"]),
        ("b.png", ["is odd: 0.4% of it"]),
        ("c.png", []),
        ("d.png", ["was cut", "is odd: less than 0.1% of it"]),
        ("e.png", ["is odd"]),
    ]
    assert said_in_notes(found) == [
        "note: a.png and 2 more, with shares of their own: is odd: 12% of it",
        "note: a.png and 1 more: was cut",
        "note: e.png: is odd",
    ]


def test_what_cannot_be_learned_is_told():
    assert unlearnable(("a", "b"), np.array([5, 5, 5]), ()) == []
    assert len(unlearnable(("a", "b"), np.array([5, 0, 6]), ())) == 2
    assert unlearnable(("a", "b"), np.array([5, 0, 0]), ("b",)) == [
        "only one class has pixels, so there is no layout to learn from"
    ]
