"""Zarr groups: whole shards, equal bytes for equal contents, nothing damaged is believed."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.store import arrays
from exemplar.store.arrays import (
    StoreError,
    array,
    create_array,
    create_group,
    open_group,
    read_rows,
    read_slice,
    shard_file,
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


@pytest.fixture(
    scope="module",
    params=[(5, True), (80, True), (80, False)],
    ids=["a chunk a shard", "a chunk an image", "uncompressed"],
)
def zeros(tmp_path_factory, request):
    """A store whose second shard is all zeros, and what it holds."""
    path = tmp_path_factory.mktemp("zeros") / "b.zarr"
    width, compressed = request.param
    values = np.random.default_rng(1).random((20, 4, width)).astype(np.float32)
    values[8:16] = 0
    target = create_array(create_group(path), "x", values.shape, "float32", 8, compressed)
    for part in shard_slices(target):
        write_rows(target, part.start, values[part])
    return path, values


def test_a_missing_shard_is_an_error_even_where_all_was_zero(zeros, tmp_path):
    path, values = zeros
    shutil.copytree(path, tmp_path / "b.zarr")
    stored = array(open_group(tmp_path / "b.zarr"), "x")
    np.testing.assert_array_equal(read_rows(stored, np.arange(20)), values)
    shard_file(stored, 15).unlink()
    said = (
        r"b\.zarr: x, rows 8 to 15: the shard is missing; "
        r"remove .*b\.zarr and run `exemplar reproduce` to make it again"
    )
    for rows in ([8], [19, 3, 11], list(range(20))):
        with pytest.raises(StoreError, match=said):
            read_rows(stored, rows)
    with pytest.raises(StoreError, match=said):
        read_slice(stored, slice(4, 12))
    with pytest.raises(StoreError, match=said):
        working_copy(stored, np.arange(20), tmp_path / "x.npy")
    np.testing.assert_array_equal(read_rows(stored, [19, 0]), values[[19, 0]])


@settings(max_examples=150, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
def test_a_damaged_shard_is_never_read_as_something_else(zeros, share, bit, cut):
    path, values = zeros
    stored = array(open_group(path), "x")
    file = shard_file(stored, 16)
    whole = file.read_bytes()
    place = int(share * len(whole))
    damaged = bytearray(whole)
    damaged[place] ^= 1 << bit
    file.write_bytes(whole[:place] if cut else damaged)
    try:
        read = read_slice(stored, slice(16, 20))
    except StoreError as error:
        said = r"b\.zarr: x, rows 16 to 19: (damaged \(.*\)|the shard is missing); remove .*b\.zarr"
        assert re.search(said, str(error))
    else:
        np.testing.assert_array_equal(read, values[16:20])
    finally:
        file.write_bytes(whole)


def test_a_flipped_byte_among_the_values_is_found(zeros):
    path, _ = zeros
    stored = array(open_group(path), "x")
    file = shard_file(stored, 0)
    whole = file.read_bytes()
    for place in range(8, len(whole) // 2, len(whole) // 60):  # within the chunks, before the index
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(StoreError, match="rows 0 to 7: damaged"):
            read_slice(stored, slice(0, 8))
    file.write_bytes(whole)


def test_whole_shards_replace_damaged_ones(zeros, tmp_path):
    path, values = zeros
    shutil.copytree(path, tmp_path / "b.zarr")
    target = array(zarr.open_group(str(tmp_path / "b.zarr"), mode="r+"), "x")
    for row in (0, 16):
        shard_file(target, row).write_bytes(b"cut")
        write_rows(target, row, values[row : row + 8])
    assert content_hash(tmp_path / "b.zarr") == content_hash(path)


def test_what_is_small_lies_in_one_chunk_a_shard(tmp_path):
    group = create_group(tmp_path / "a.zarr")
    for shape, chunk in (((23, 16), 8), ((23, 256), 8), ((23, 257), 1), ((3, 16), 3)):
        target = create_array(group, f"{shape}", shape, "float32", shard=8)
        assert target.chunks == (chunk, shape[1])


def test_a_working_copy_is_the_rows_asked_for(tmp_path, stored):
    rows = np.array([20, 3, 4, 5])
    copy = working_copy(stored, rows, tmp_path / "x.npy")
    np.testing.assert_array_equal(copy, VALUES[rows])
    assert not copy.flags.writeable


def test_a_working_copy_has_its_room_before_it_is_filled(tmp_path, stored, monkeypatch):
    """A hole in a mapped file that a full disk cannot fill kills the process."""
    places = []
    read = arrays.read_rows

    def reading(source, rows):
        (partial,) = tmp_path.glob(".x.npy.*.partial")
        places.append(partial.stat().st_blocks * 512 >= partial.stat().st_size)
        return read(source, rows)

    monkeypatch.setattr(arrays, "read_rows", reading)
    copy = working_copy(stored, np.arange(23).repeat(2000), tmp_path / "x.npy")
    assert len(places) > 600 and all(places)
    assert copy.nbytes == 23 * 2000 * 40


def test_shards_of_zeros_are_files_also_in_a_group_that_was_opened_anew(tmp_path):
    create_array(create_group(tmp_path / "a.zarr"), "x", (8, 2, 3), "uint8", shard=4)
    again = array(zarr.open_group(str(tmp_path / "a.zarr"), mode="r+"), "x")
    for start in (0, 4):
        write_rows(again, start, np.zeros((4, 2, 3), np.uint8))
    assert not read_rows(array(open_group(tmp_path / "a.zarr"), "x"), [0, 7]).any()
