"""Kept rows are the store's rows, and never more than the budget."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.store.arrays import StoreError, array, open_group, write_group
from exemplar.store.resident import Resident, row_bytes

VALUES = np.arange(20 * 6, dtype=np.float16).reshape(20, 2, 3)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("resident") / "a.zarr"
    write_group(path, {"x": VALUES})
    return array(open_group(path), "x")


@given(
    queries=st.lists(st.lists(st.integers(0, 19), min_size=1, max_size=6), max_size=8),
    kept=st.integers(0, 8),
)
def test_rows_are_the_store_s_whatever_is_kept(source, queries, kept):
    resident = Resident(source, budget=kept * row_bytes(source))
    for rows in queries:
        np.testing.assert_array_equal(resident.rows(np.array(rows)), VALUES[rows])
        assert len(resident._kept) <= kept


def test_what_was_used_last_is_not_read_again(source, monkeypatch):
    read = []
    original = Resident.rows.__globals__["read_rows"]
    monkeypatch.setitem(
        Resident.rows.__globals__,
        "read_rows",
        lambda s, rows: read.append(rows) or original(s, rows),
    )
    resident = Resident(source, budget=3 * row_bytes(source))
    resident.rows(np.array([4, 7, 9]))
    resident.rows(np.array([7, 2]))  # 4, used longest ago, makes room
    resident.rows(np.array([9, 2, 7]))
    resident.rows(np.array([4]))
    assert read == [[4, 7, 9], [2], [4]]


def test_a_row_that_is_not_there_is_refused(source):
    with pytest.raises(StoreError, match="rows must be in 0…19"):
        Resident(source).rows(np.array([20]))
