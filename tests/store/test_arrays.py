"""Zarr groups: whole shards, resumed fills, equal bytes for equal contents."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.store.arrays import (
    StoreError,
    array,
    create_array,
    create_group,
    fill_group,
    open_group,
    read_rows,
    shard_slices,
    working_copy,
    write_group,
    write_rows,
)
from exemplar.store.files import content_hash

VALUES = np.random.default_rng(0).random((23, 4, 5)).astype(np.float16)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "a.zarr"
    group = create_group(path)
    target = create_array(group, "x", VALUES.shape, "float16", shard=8)
    for part in shard_slices(target):
        write_rows(target, part.start, VALUES[part])
    return array(open_group(path, "x"), "x")


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.integers(0, 22)))
def test_any_rows_in_any_order(stored, rows):
    np.testing.assert_array_equal(read_rows(stored, rows), VALUES[np.array(rows, int)])


def test_partial_shards_are_refused(tmp_path):
    target = create_array(create_group(tmp_path / "a.zarr"), "x", (23, 4, 5), "float16", shard=8)
    for start, stop in ((0, 4), (4, 12), (8, 23 - 1), (16, 24)):
        with pytest.raises(StoreError, match="are not whole shards of 8"):
            write_rows(target, start, np.zeros((stop - start, 4, 5), np.float16))
    with pytest.raises(StoreError, match=r"expected rows \(4, 5\), got \(5, 4\)"):
        write_rows(target, 0, np.zeros((8, 5, 4), np.float16))


def test_rows_out_of_range_are_refused(stored):
    with pytest.raises(StoreError, match="rows must be in 0…22"):
        read_rows(stored, [23])


def test_missing_groups_and_arrays_are_named(tmp_path, stored):
    with pytest.raises(StoreError, match="no Zarr group; the stage that makes it has not run"):
        open_group(tmp_path / "none.zarr")
    write_group(tmp_path / "b.zarr", {"x": VALUES})
    with pytest.raises(StoreError, match="no array y; it has x"):
        open_group(tmp_path / "b.zarr", "x", "y")


def test_equal_contents_are_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write_group(tmp_path / f"{name}.zarr", {"x": VALUES, "y": VALUES[:, 0]}, {"k": [1, "two"]})
    assert content_hash(tmp_path / "a.zarr") == content_hash(tmp_path / "b.zarr")


def test_a_killed_fill_goes_on_from_the_last_whole_shard(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked: list[int] = []

    def produce(part: slice, dies_at: int = 99) -> dict[str, np.ndarray]:
        asked.append(part.start)
        if part.start == dies_at:
            raise KeyboardInterrupt
        return {"x": VALUES[part]}

    def fill(name: str, dies_at: int, inputs: list[object]) -> None:
        specs = {"x": ((4, 5), "float16")}
        target = tmp_path / name
        fill_group(target, specs, 23, lambda p: produce(p, dies_at), {"a": 1}, inputs, shard=8)

    with pytest.raises(KeyboardInterrupt):
        fill("killed.zarr", 16, [{"seed": 1}])
    assert not (tmp_path / "killed.zarr").exists()
    asked.clear()
    fill("killed.zarr", 99, [{"seed": 1}])
    assert asked == [16]
    fill("whole.zarr", 99, [{"seed": 1}])
    assert content_hash(tmp_path / "killed.zarr") == content_hash(tmp_path / "whole.zarr")


def test_a_fill_with_other_inputs_starts_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def dying(part: slice) -> dict[str, np.ndarray]:
        if part.start:
            raise KeyboardInterrupt
        return {"x": np.zeros((8, 4, 5), np.float16)}

    specs = {"x": ((4, 5), "float16")}
    with pytest.raises(KeyboardInterrupt):
        fill_group(tmp_path / "a.zarr", specs, 23, dying, {}, [{"seed": 1}], shard=8)
    fill_group(tmp_path / "a.zarr", specs, 23, lambda p: {"x": VALUES[p]}, {}, [{"seed": 2}], 8)
    np.testing.assert_array_equal(array(open_group(tmp_path / "a.zarr"), "x")[:], VALUES)
    assert not list((tmp_path / ".work").rglob("group.zarr"))


def test_a_working_copy_is_the_rows_asked_for(tmp_path, stored):
    rows = np.array([20, 3, 4, 5])
    copy = working_copy(stored, rows, tmp_path / "x.npy")
    np.testing.assert_array_equal(copy, VALUES[rows])
    assert not copy.flags.writeable
