"""Which images are exemplars, against plain sets."""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.matching.exemplars import exemplar_rows
from exemplar.settings import SettingsError, load_params

IDS = [f"im{i:02d}" for i in range(12)]
ITEMS = pd.DataFrame({"id": IDS, "split": ["train", "train", "val", "test"] * 3})


def params(**removed: object) -> dict:
    return {"domains": {"cats": {}, "dogs": {}}, "removed": removed}


@given(st.lists(st.sampled_from(["im0[14]", "im00", "im*8", "*5", "im?9"]), unique=True))
def test_exemplars_are_the_training_images_that_no_glob_matches(globs):
    expected = [
        row
        for row, name in enumerate(IDS)
        if row % 4 < 2 and not any(fnmatchcase(name, glob) for glob in globs)
    ]
    assert exemplar_rows(ITEMS, params(cats=globs), "cats").tolist() == expected
    assert len(exemplar_rows(ITEMS, params(cats=globs), "dogs")) == 6


def test_what_removes_nothing_is_an_error():
    with pytest.raises(SettingsError) as caught:
        # A test image, a case that differs, a domain that is not there.
        exemplar_rows(ITEMS, params(cats=["im03", "im00", "IM*"], cows=["x"]), "cats")
    meant = "; did you mean 'im09' or 'im08' or 'im05'?"
    assert str(caught.value).splitlines()[1:] == [
        "  removed.cows: no such domain; there are cats, dogs",
        f"  removed.cats: no training image's id matches 'im03'{meant}",
        "  removed.cats: no training image's id matches 'IM*'; ids are like 'im00'",
    ]


@pytest.mark.parametrize(
    ("removed", "message"),
    [({"cats": "im00"}, "removed.cats: Input should be a valid list"), (None, "removed: Input")],
)
def test_a_section_of_another_form_is_an_error(removed, message):
    with pytest.raises(SettingsError, match=message):
        exemplar_rows(ITEMS, params() | {"removed": removed}, "cats")


def test_no_removal_at_all():
    np.testing.assert_array_equal(exemplar_rows(ITEMS, params(), "cats"), [0, 1, 4, 5, 8, 9])


def test_an_id_is_meant_literally_before_it_is_a_glob():
    items = pd.DataFrame({"id": ["a[1]", "a1", "b*", "bc", "cafe\u0301"], "split": "train"})
    for removed, left in (
        (["a[1]"], [1, 2, 3, 4]), (["a[!2]"], [0, 2, 3, 4]), (["b*"], [0, 1, 3, 4]),
        (["b?", "a1"], [0, 4]), (["caf\u00e9"], [0, 1, 2, 3]), (["caf?"], [0, 1, 2, 3]),
    ):  # fmt: skip
        assert exemplar_rows(items, params(cats=removed), "cats").tolist() == left


def test_what_removes_too_many_is_told_with_its_line(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("domains: {cats: {}}\nremoved:\n  cats: ['im0[01]', dog*]\n")
    said = "removed.cats: leaves 4 of 6 training images, but candidates are composed of 5; "
    with pytest.raises(SettingsError) as caught:
        exemplar_rows(ITEMS, load_params(path), "cats", needed=5)
    assert str(caught.value).splitlines()[1:] == [
        "  line 3: removed.cats: no training image's id matches 'dog*'; ids are like 'im00'",
        f"  line 3: {said}take globs out, or add training images",
    ]
    left = exemplar_rows(ITEMS, params(cats=["im0[01]"]), "cats", needed=4)
    assert left.tolist() == [4, 5, 8, 9]


def test_few_images_of_which_none_is_removed_are_not_told_here():
    assert len(exemplar_rows(ITEMS, params(cats=[]), "cats", needed=11)) == 6
