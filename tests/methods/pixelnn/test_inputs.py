"""Which exemplars a user's globs allow, against a filter of plain sets."""

from __future__ import annotations

from fnmatch import fnmatch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.conditions.files import InputError
from exemplar.methods.pixelnn.inputs import allowed_rows

ITEMS = pd.DataFrame(
    {"id": [f"im{i:02d}" for i in range(12)], "category": ["cat", "dog", "fox"] * 4}
)
ROWS = np.array([0, 1, 2, 4, 5, 7, 8, 9, 11])
GLOBS = st.lists(st.sampled_from(["cat", "d*", "fox", "im0?", "im11", "*"]), max_size=3)


@given(only=GLOBS, exclude=GLOBS)
def test_allowed_is_only_without_exclude(only, exclude):
    def named(row: int, globs: list[str]) -> bool:
        return any(fnmatch(str(v), g) for v in ITEMS.iloc[row] for g in globs)

    expected = [r for r in ROWS if (not only or named(r, only)) and not named(r, exclude)]
    assert allowed_rows(ITEMS, ROWS, only, exclude).tolist() == expected


def test_a_glob_without_effect_is_an_error():
    with pytest.raises(
        InputError, match=r"matches 'cow', 'im03'; ids are like 'im00', .* cat, dog"
    ):
        allowed_rows(ITEMS, ROWS, ["cow", "cat"], ["im03"])
