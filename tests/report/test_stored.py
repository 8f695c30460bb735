"""What the report reads of one test image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from exemplar.report.stored import (
    Coherent,
    Spread,
    Stored,
    candidate_errors,
    candidate_spread,
    evenly,
)

SCORE = [3.0, 1.0, 2.0, 1.5, 2.0]


def stored(errors: dict[str, dict[int, float]]) -> Stored:
    blank = np.zeros((5, 4, 4, 3), np.uint8)
    members = [(1, 1, 1), (1, 1, 7), (3, 1, 0), (5, 4, 11), (5, 1, 0)]
    score = np.array(SCORE, np.float32)
    coherent = Coherent(blank, blank.astype(np.int32), members, score, [1, 4], 2)
    published = [[5, 1, 0], [1, 1, 7], [1, 2, 7]]
    return Stored(
        "cat-9", "edges", blank[0], blank[0], blank[0], coherent, blank, published, blank, errors,
        blank, {},
    )  # fmt: skip


def test_places_count_those_with_a_lower_score() -> None:
    coherent = stored({}).coherent
    assert coherent.best == 1
    for candidate, score in enumerate(SCORE):
        assert coherent.place(candidate) == sorted(SCORE).index(score) + 1


def test_the_same_member_is_found_whatever_holds_it() -> None:
    known = stored({})
    assert [known.same(candidate) for candidate in range(5)] == [None, 1, None, None, 0]
    assert replace(known, members=[]).same(1) is None


def test_errors_are_those_of_the_image_and_the_lowest_is_nearest() -> None:
    scores = pd.DataFrame(
        {
            "image": ["a", "a", "a", "a", "b"],
            "method": ["coherent", "coherent", "global", "global", "coherent"],
            "candidate": [0, 1, 0, 1, 0],
            "mean": [9.0, 8.0, np.nan, 7.0, 1.0],
        }
    )
    errors = candidate_errors(scores, "a")
    assert errors == {"coherent": {0: 9.0, 1: 8.0}, "global": {1: 7.0}}
    assert candidate_errors(scores, "c") == {}
    assert stored(errors).nearest("coherent") == 1
    assert stored({"global": {4: 2.0, 3: 2.0}}).nearest("global") == 3
    assert stored({}).nearest("global") is None


def test_the_spread_is_that_of_the_image_with_its_digits() -> None:
    table = pd.DataFrame(
        {
            "image": ["a", "b", "a"],
            "method": ["pix2pix", "pix2pix", "coherent"],
            "diversity": ["0.1200", "0.5", ""],
            "order": ["2 0 1", "0 1 2", "1 0"],
        }
    )
    assert candidate_spread(table, "a") == {
        "pix2pix": Spread("0.1200", [2, 0, 1]),
        "coherent": Spread("", [1, 0]),
    }
    assert candidate_spread(table, "c") == {}


@given(total=st.integers(0, 300), count=st.integers(1, 20))
def test_even_steps_are_distinct_and_even(total: int, count: int) -> None:
    chosen = evenly(total, count)
    assert len(chosen) == min(total, count)
    assert chosen == sorted(set(chosen))
    steps = np.diff(chosen)
    assert steps.size == 0 or steps.max() - steps.min() <= 1
    assert all(0 <= index < total for index in chosen)
