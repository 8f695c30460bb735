"""Which images are exemplars, against plain sets."""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.matching.exemplars import exemplar_rows, matches
from exemplar.settings import SettingsError

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


@given(st.lists(st.text("ab.*", max_size=4)), st.text("ab.*?[]", max_size=5))
def test_globs_are_those_of_fnmatch(names, glob):
    assert matches(names, glob).tolist() == [fnmatchcase(name, glob) for name in names]


def test_what_removes_nothing_is_an_error():
    with pytest.raises(SettingsError) as caught:
        # A test image, a case that differs, a domain that is not there.
        exemplar_rows(ITEMS, params(cats=["im03", "im00", "IM*"], cows=["x"]), "cats")
    assert str(caught.value).splitlines()[1:] == [
        "  removed.cows: no such domain; there are cats, dogs",
        "  removed.cats: no training image's id matches 'im03'; ids are like 'im00'",
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
