"""One shard of every array of a group that is being filled: written, marked, and looked at.

`shards` says what is to be made and by whom; here it goes into the workplace, with a marker beside
it when it is whole.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace as replaced
from pathlib import Path

import numpy as np
import zarr

from exemplar.store.arrays import (
    StoreError,
    array,
    open_group,
    read_slice,
    shard_file,
    shard_slices,
    write_rows,
)
from exemplar.store.files import put


@dataclass(frozen=True)
class Same:
    """Values that need not be made: a shard of another group, of the same arrays.

    Attributes:
        group: the other group.
        start: the shard's first row there.
    """

    group: zarr.Group
    start: int


def marker(folder: Path, start: int) -> Path:
    """The file in a workplace that says that the shard from some row on is finished."""
    return folder / "done" / f"{start:09d}"


def write(folder: Path, part: slice, values: dict[str, np.ndarray] | Same) -> None:
    """Writes one shard of every array, then its marker."""
    group = zarr.open_group(str(folder / "group.zarr"), mode="r+")
    if isinstance(values, Same):
        for name in group.array_keys():
            source, target = array(values.group, name), array(group, name)
            rows = slice(values.start, values.start + part.stop - part.start)
            file = shard_file(source, values.start)
            if not file.is_file():
                root = next(above for above in file.parents if above.suffix == ".zarr")
                raise StoreError(
                    f"{file}: the shard is missing; remove {root} and run `exemplar reproduce`"
                )
            taken = read_slice(source, rows)  # what is damaged is found here, not taken over
            if source.metadata == replaced(target.metadata, shape=source.shape):
                root = folder / "group.zarr" / name
                place = shard_file(target, part.start)
                put(place, root, lambda new, old=file: _link(old, new), folder)
            else:  # of an older form
                write_rows(target, part.start, taken, folder)
    elif missing := set(group.array_keys()) - set(values):
        raise StoreError(f"rows {part.start} to {part.stop - 1}: no values of {sorted(missing)}")
    else:
        for name, rows in values.items():
            write_rows(array(group, name), part.start, rows, folder)
    marker(folder, part.start).touch()


def _link(source: Path, target: Path) -> None:
    """One more name for a finished file, or a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def whole(folder: Path, path: Path, part: slice, names: Iterable[str]) -> bool:
    """Whether a shard is finished and every array's file of it can be read, checksums and all."""
    finished = marker(folder, part.start)
    if not finished.exists():
        return False
    group = open_group(folder / "group.zarr")
    try:
        for name in names:
            read_slice(array(group, name), part)
    except StoreError as error:
        told = str(error).partition("; remove")[0]
        print(f"{path}: {told}; they are made again", file=sys.stderr, flush=True)
        finished.unlink()
        return False
    return True


def check_group(path: Path | str) -> None:
    """Reads all that a finished group has.

    Args:
        path: the folder.

    Raises:
        StoreError: a shard is missing or damaged.
    """
    group = open_group(path)
    for name in sorted(group.array_keys()):
        stored = array(group, name)
        for part in shard_slices(stored):
            read_slice(stored, part)
