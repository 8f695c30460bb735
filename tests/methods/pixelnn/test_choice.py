"""Which exemplars a user's globs and photograph choose, against plain sets and loops."""

from __future__ import annotations

from fnmatch import fnmatch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.data.problems import RequestError
from exemplar.features.look import LENGTH, looks
from exemplar.methods.pixelnn.choice import alike, allowed_rows, how_many_alike, require_enough
from exemplar.store.arrays import StoreError, array, open_group, write_group

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
        RequestError, match=r"matches 'cow', 'im03'; ids are like 'im00', .* cat, dog"
    ):
        allowed_rows(ITEMS, ROWS, ["cow", "cat"], ["im03"])
    with pytest.raises(RequestError, match="no exemplar.s id or category matches .cat.; cat"):
        allowed_rows(ITEMS, ROWS[:0], ["cat"], [])


def test_an_id_or_category_is_meant_literally_before_it_is_a_glob():
    items = pd.DataFrame(
        {"id": ["a[1]", "a1", "x", "y", "z"], "category": ["b1", "a1", "b[1]", "[!", "cafe\u0301"]}
    )
    rows = np.arange(5)
    for wanted, expected in (
        ("a[1]", [0]), ("b[1]", [2]), ("a[12]", [1]), ("[!", [3]), ("?1", [0, 1]),
        ("caf\u00e9", [4]),
    ):  # fmt: skip
        assert allowed_rows(items, rows, [wanted], []).tolist() == expected
        left = [row for row in rows.tolist() if row not in expected]
        assert allowed_rows(items, rows, [], [wanted]).tolist() == left
    with pytest.raises(RequestError, match=r"matches 'A\[1\]'; .*; did you mean 'a\[1\]' or "):
        allowed_rows(items, rows, ["A[1]"], [])


def test_too_few_are_an_error_with_numbers():
    require_enough(11, 11, "released", globs=True)
    with pytest.raises(RequestError, match="leave 4 exemplars, the schedule 'paper' needs"):
        require_enough(4, 10, "paper", globs=True)
    with pytest.raises(
        RequestError, match="domain has 4 exemplars, the schedule 'paper' needs 10; a"
    ):
        require_enough(4, 10, "paper", globs=False)


def test_how_many_are_alike():
    assert how_many_alike(None, 11, 600) == 55
    assert how_many_alike(None, 11, 20) == 20
    assert how_many_alike(11, 11, 20) == 11
    assert how_many_alike(20, 11, 20) == 20
    for asked in (10, 21):
        with pytest.raises(RequestError, match=rf"--like {asked}: expected 11 \(.*\) to 20 \("):
            how_many_alike(asked, 11, 20)


def stored(folder, look):
    path = folder / f"{len(list(folder.iterdir()))}.zarr"
    write_group(path, {"look": look.astype(np.float32)})
    return array(open_group(path), "look")


def test_those_alike_have_the_smallest_distances(tmp_path):
    photographs = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3)).astype(np.uint8)
    photographs[[30, 32]] = photographs[8]  # equally like; the lower is taken
    look = looks(photographs)
    rows, wanted = np.arange(1, 39), photographs[8] // 2
    distance = {row: sum((a - b) ** 2 for a, b in zip(looks(wanted[None])[0].tolist(),
                look[row].tolist(), strict=True)) for row in rows.tolist()}  # fmt: skip
    ranked = sorted(distance, key=lambda row: (round(distance[row], 9), row))
    for count in (1, 2, ranked.index(8) + 1, ranked.index(8) + 2, 38):
        got = alike(stored(tmp_path, look), rows, wanted, count)
        assert got.tolist() == sorted(ranked[:count])


def test_damaged_looks_are_told_where_they_are_read(tmp_path):
    look = np.zeros((9, LENGTH))
    look[[2, 7]] = np.nan
    photograph = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(StoreError, match=r"look: values that are not finite in rows \[7\]; the st"):
        alike(stored(tmp_path, look), np.array([1, 4, 7]), photograph, 2)
    assert alike(stored(tmp_path, look), np.array([1, 4]), photograph, 2).tolist() == [1, 4]
    with pytest.raises(StoreError, match=f"looks of 5 values, expected {LENGTH}; run `exemplar re"):
        alike(stored(tmp_path, look[:, :5]), np.array([1, 4]), photograph, 2)
