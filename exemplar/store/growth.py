"""Stores that grow: rows that a former store has are taken from it, the others are made.

For groups whose rows depend on one row of their inputs each. Beside its values a row has a `key`,
the hash of what it was made from; the attribute `made_by` is the hash of what made it. A shard
whose rows all are one shard of the former store is taken over as files. The result is the same,
byte for byte, as if everything had been made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import zarr

from exemplar.store.arrays import array, open_group, read_rows, shard_size
from exemplar.store.shards import Same

KEY = ((16,), "uint8")
"""The form of the array `key`, as for `fill_group`."""


@dataclass(frozen=True)
class Former:
    """A finished store.

    Attributes:
        group: its arrays.
        keys: (N,) the sorted keys of its rows.
        rows: (N,) int64, the row of each.
    """

    group: zarr.Group
    keys: np.ndarray
    rows: np.ndarray


def row_keys(*inputs: np.ndarray) -> np.ndarray:
    """Hashes of what rows are made from.

    Args:
        inputs: (n, …), arrays whose rows belong together.

    Returns:
        (n, 16) u8.
    """
    form = repr([(x.dtype.str, x.shape[1:]) for x in inputs]).encode()
    keys = []
    for row in range(len(inputs[0])):
        digest = hashlib.blake2b(form, digest_size=16)
        for x in inputs:
            digest.update(np.ascontiguousarray(x[row]).data)
        keys.append(np.frombuffer(digest.digest(), np.uint8))
    return np.array(keys, np.uint8).reshape(-1, 16)


def open_former(
    path: Path, made_by: str, arrays: dict[str, tuple[tuple[int, ...], str]]
) -> Former | None:
    """Opens a store whose rows can serve again.

    Args:
        path: where the store was before and will be again.
        made_by: the hash of all that turns inputs into rows.
        arrays: name → (shape of one image's values, dtype), with `key`.

    Returns:
        The store; None if there is none, or other things made it.

    Raises:
        StoreError: its keys are damaged.
    """
    if not (path / "zarr.json").is_file():
        return None
    group = open_group(path)
    if group.attrs.get("made_by") != made_by or set(group.array_keys()) != set(arrays):
        return None
    for name, (shape, dtype) in arrays.items():
        stored = array(group, name)
        if stored.shape[1:] != tuple(shape) or stored.dtype != np.dtype(dtype):
            return None
    keys = array(group, "key")
    sortable = _sortable(read_rows(keys, np.arange(keys.shape[0])))
    rows = np.argsort(sortable, kind="stable")
    return Former(group, sortable[rows], rows)


def taken_over(
    former: Former | None,
    keys: np.ndarray,
    make: Callable[[np.ndarray], dict[str, np.ndarray]],
    size: int,
) -> dict[str, np.ndarray] | Same:
    """The values of some rows, made only where the former store does not have them.

    Args:
        former: from `open_former`.
        keys: (n, 16) u8, of the rows of one shard.
        make: from places among the n rows, int64, ascending, to each array's values for them.
        size: images a shard has in the new store.

    Returns:
        Values of all n rows, for `fill_group`, with the array `key`; or the shard that has them.

    Raises:
        StoreError: a shard of the former store is missing or damaged.
    """
    if former is None:
        return {**make(np.arange(len(keys))), "key": keys}
    rows = _find(former, keys)
    if _is_shard(former, rows, size):
        return Same(former.group, int(rows[0]))
    known, fresh = np.flatnonzero(rows >= 0), np.flatnonzero(rows < 0)
    made = make(fresh) if len(fresh) else {}
    values: dict[str, np.ndarray] = {"key": keys}
    for name in former.group.array_keys():
        if name != "key":
            stored = array(former.group, name)
            values[name] = np.empty((len(keys), *stored.shape[1:]), stored.dtype)
            values[name][known] = read_rows(stored, rows[known])
            if len(fresh):
                values[name][fresh] = made.pop(name)
    return values


def _find(former: Former, keys: np.ndarray) -> np.ndarray:
    """The former row of each key, −1 where there is none."""
    wanted = _sortable(keys)
    places = np.searchsorted(former.keys, wanted).clip(max=len(former.keys) - 1)
    return np.where(former.keys[places] == wanted, former.rows[places], -1)


def _is_shard(former: Former, rows: np.ndarray, size: int) -> bool:
    """Whether these former rows are one whole shard, of as many images as a new one has."""
    stored = array(former.group, "key")
    first = int(rows[0])
    whole = min(first + size, stored.shape[0]) - first
    return (
        shard_size(stored) == size
        and first >= 0
        and first % size == 0
        and np.array_equal(rows, np.arange(first, first + whole))
    )


def _sortable(keys: np.ndarray) -> np.ndarray:
    """(n, 16) u8 as (n,) values that have an order."""
    return np.ascontiguousarray(keys).view("S16")[:, 0]
