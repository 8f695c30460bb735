"""Zarr groups of per-image arrays: one chunk an image, many images a shard, whole shards only.

Row i of every array of a group belongs to image i; where an image has few values a chunk holds a
whole shard, for these are read together. Attributes hold neither times nor host names,
so equal contents are equal bytes. Chunks carry checksums, and every shard is a file even if all
its values are zero: what is damaged or missing is an error, never zeros. `shards` fills groups
that do not fit into memory.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.storage import LocalStore, MemoryStore, StorePath

from exemplar.store.files import put, written

SHARD = 64
SMALL = 1024  # bytes of an image's values up to which a chunk holds a shard


class StoreError(ValueError):
    """A store is missing, incomplete, or not of the expected form."""


def create_group(path: Path | str, attributes: dict[str, Any] | None = None) -> zarr.Group:
    """Starts an empty group at a path that must not exist.

    Args:
        path: the folder, by convention ending in `.zarr`.
        attributes: JSON values; no times, host names or absolute paths.

    Returns:
        The group, open for writing.
    """
    return zarr.create_group(
        store=str(path), zarr_format=3, overwrite=False, attributes=attributes or {}
    )


def create_array(
    group: zarr.Group,
    name: str,
    shape: tuple[int, ...],
    dtype: str | np.dtype,
    shard: int = SHARD,
    compressed: bool = True,
) -> zarr.Array:
    """Adds an array of N per-image values to a group.

    Args:
        group: from `create_group`.
        name: the array's name.
        shape: (N, …); the first axis counts images.
        dtype: a numpy dtype.
        shard: images a shard; a whole number of them is written at a time.
        compressed: descriptors, which are noise to a compressor, are not: that would take ten
            times as long to write and to read and save 7 %.

    Returns:
        The array, to be filled with `write_rows`.
    """
    if not shape or shape[0] < 1:
        raise StoreError(f"{name}: expected at least one image, got shape {shape}")
    shard = min(shard, shape[0])
    small = np.dtype(dtype).itemsize * math.prod(shape[1:]) <= SMALL
    return group.create_array(
        name,
        shape=shape,
        chunks=(shard if small else 1, *shape[1:]),
        shards=(shard, *shape[1:]),
        dtype=dtype,
        compressors=ZstdCodec(level=1, checksum=True) if compressed else Crc32cCodec(),
        fill_value=0,
        # Without it chunks of zeros are left out, and a lost shard reads as zeros.
        config={"write_empty_chunks": True},
    )


def shard_size(array: zarr.Array) -> int:
    """Images a shard."""
    return (array.shards or array.chunks)[0]


def shard_slices(array: zarr.Array) -> list[slice]:
    """The rows of each shard, in order; the last may be short."""
    count, size = array.shape[0], shard_size(array)
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def shard_file(array: zarr.Array, row: int) -> Path:
    """The file that holds a row."""
    place = (row // shard_size(array), *[0] * (array.ndim - 1))
    return _root(array) / array.path / array.metadata.encode_chunk_key(place)


def write_rows(
    array: zarr.Array, start: int, values: np.ndarray, scratch: Path | None = None
) -> None:
    """Writes whole shards.

    Args:
        array: from `create_array`.
        start: the first row; the first of a shard.
        values: (n, …), of the array's row shape, ending at the end of a shard or of the array.
        scratch: a folder for what is unfinished, as for `put`.

    Raises:
        StoreError: the rows do not cover whole shards (several processes that wrote parts of one
            would lose data), or their shape differs.
    """
    stop, size = start + len(values), shard_size(array)
    if start % size or (stop % size and stop != array.shape[0]) or stop > array.shape[0]:
        raise StoreError(
            f"{array.path}: rows {start} to {stop} are not whole shards of {size} "
            f"in an array of {array.shape[0]}"
        )
    if values.shape[1:] != array.shape[1:]:
        raise StoreError(f"{array.path}: expected rows {array.shape[1:]}, got {values.shape[1:]}")
    for row in range(start, stop, size):
        encoded = _encoded(array, row, values[row - start : row - start + size])
        file, root = shard_file(array, row), _root(array) / array.path
        put(file, root, lambda new, data=encoded: new.write_bytes(data), scratch)


def _encoded(array: zarr.Array, row: int, values: np.ndarray) -> bytes:
    """The bytes of one shard's file, made apart from what is there, which may be damaged."""
    held: dict[str, Any] = {}
    alone = zarr.AsyncArray(cast(Any, array.metadata), StorePath(MemoryStore(held)))
    # Without it a shard of zeros would be left out.
    whole = zarr.Array(alone).with_config({"write_empty_chunks": True})
    whole[row : row + len(values)] = values.astype(array.dtype, copy=False)
    return next(iter(held.values())).to_bytes()


def write_group(
    path: Path | str, arrays: dict[str, np.ndarray], attributes: dict[str, Any] | None = None
) -> None:
    """Writes arrays held in memory as one group.

    Args:
        path: a folder that must not exist.
        arrays: name → (N, …); all with the same N.
        attributes: as for `create_group`.
    """
    counts = {name: len(values) for name, values in arrays.items()}
    if len(set(counts.values())) > 1:
        raise StoreError(f"{path}: arrays of different lengths: {counts}")
    group = create_group(path, attributes)
    for name, values in arrays.items():
        array = create_array(group, name, values.shape, values.dtype)
        write_rows(array, 0, values)


def open_group(path: Path | str, *names: str) -> zarr.Group:
    """Opens a group for reading.

    Args:
        path: the folder.
        names: arrays that must be there.

    Returns:
        The group.

    Raises:
        StoreError: there is no group, or an array is missing.
    """
    if not (Path(path) / "zarr.json").is_file():
        raise StoreError(
            f"{path}: no Zarr group; the stage that makes it has not run: `exemplar reproduce`"
        )
    group = zarr.open_group(str(path), mode="r")
    missing = [name for name in names if name not in group]
    if missing:
        have = ", ".join(sorted(group.array_keys())) or "none"
        raise StoreError(f"{path}: no array {', '.join(missing)}; it has {have}")
    return group


def name_list(group: zarr.Group, attribute: str) -> tuple[str, ...]:
    """An attribute that is a list of names.

    Raises:
        StoreError: the group has no such attribute.
    """
    value = group.attrs.get(attribute)
    if not isinstance(value, list):
        raise StoreError(f"{group.store_path}: no list {attribute!r} among its attributes")
    return tuple(map(str, value))


def array(group: zarr.Group, name: str) -> zarr.Array:
    """One array of a group, typed."""
    value = group[name]
    if not isinstance(value, zarr.Array):
        raise StoreError(f"{group.store_path}: {name} is a group, expected an array")
    return value


def read_slice(source: zarr.Array, part: slice) -> np.ndarray:
    """Reads neighbouring images.

    Args:
        source: an array of N images.
        part: a first and a last row plus one, both within 0…N.

    Returns:
        (n, …).

    Raises:
        StoreError: a shard's file is missing or damaged; the message names it and what to do.
    """
    if part.start == part.stop:
        return np.empty((0, *source.shape[1:]), source.dtype)
    size = shard_size(source)
    starts = range(part.start - part.start % size, part.stop, size)
    files = {row: shard_file(source, row) for row in starts}
    # Zarr reads zeros from a shard that is not there, and from some that are empty.
    missing = [row for row, file in files.items() if not file.is_file() or not file.stat().st_size]
    if missing:
        raise _unreadable(source, slice(missing[0], missing[-1] + size), "the shard is missing")
    try:
        return np.asarray(source[part])
    except Exception as error:  # each codec, and the file system, fails in its own way
        raise _unreadable(source, part, f"damaged ({error})") from error


def _unreadable(source: zarr.Array, part: slice, reason: str) -> StoreError:
    root, last = _root(source), min(part.stop, source.shape[0]) - 1
    return StoreError(
        f"{root}: {source.path}, rows {part.start} to {last}: {reason}; "
        f"remove {root} and run `exemplar reproduce` to make it again"
    )


def _root(source: zarr.Array) -> Path:
    assert isinstance(source.store, LocalStore)  # groups are opened by their paths
    return source.store.root


def read_rows(source: zarr.Array, rows: np.ndarray | list[int]) -> np.ndarray:
    """Reads some images, each run of neighbouring rows as one contiguous slice.

    Args:
        source: an array of N images.
        rows: row numbers in any order; repeats are allowed.

    Returns:
        (len(rows), …), in the order asked for.

    Raises:
        StoreError: a row is out of range, or a shard is missing or damaged.
    """
    rows = np.asarray(rows, dtype=np.int64)
    if rows.size and (rows.min() < 0 or rows.max() >= source.shape[0]):
        raise StoreError(f"{source.path}: rows must be in 0…{source.shape[0] - 1}, got {rows}")
    unique, inverse = np.unique(rows, return_inverse=True)
    out = np.empty((len(unique), *source.shape[1:]), source.dtype)
    for start, stop in _runs(unique):
        first = int(unique[start])
        out[start:stop] = read_slice(source, slice(first, first + stop - start))
    return out[inverse]


def _runs(rows: np.ndarray) -> Iterator[tuple[int, int]]:
    """Index ranges of consecutive values in a sorted array."""
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    edges = [0, *breaks.tolist(), len(rows)]
    yield from ((a, b) for a, b in pairwise(edges) if b > a)


def working_copy(source: zarr.Array, rows: np.ndarray, path: Path) -> np.ndarray:
    """Copies some images to a memory map, for random access in training.

    Args:
        source: an array of N images.
        rows: which, in the order wanted.
        path: a file ending in `.npy`; an existing one is used as it is.

    Returns:
        (len(rows), …), read-only; memory holds only what is being used.
    """
    if not path.is_file():
        with written(path) as partial:
            shape = (len(rows), *source.shape[1:])
            copy = np.lib.format.open_memmap(partial, "w+", source.dtype, shape)
            with partial.open("r+b") as file:  # else a full disk would kill the process
                os.posix_fallocate(file.fileno(), 0, partial.stat().st_size)
            for start in range(0, len(rows), SHARD):
                copy[start : start + SHARD] = read_rows(source, rows[start : start + SHARD])
            copy.flush()
    return np.load(path, mmap_mode="r", allow_pickle=False)
