"""Filling a group shard by shard: resumable, by this process or by several.

A stage says what the values of some rows are; here they are made, written and counted. Each shard
is made and written whole by one process, which then leaves a marker, so shards may be finished in
any order and what a kill cuts short is made again. Memory holds two shards, however many there are.
Whoever made them and whenever: all are read once more before the group gets its name.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from exemplar.store.arrays import (
    SHARD,
    StoreError,
    array,
    create_array,
    create_group,
    open_group,
)
from exemplar.store.files import (
    full_disk,
    make_way,
    remove,
    replace,
    sources_hash,
    workplace,
    written,
)
from exemplar.store.placing import Same, marker, whole, write

ROUNDS = 2  # times a shard is made at most: what cannot be read even then, the disk has lost
VERSIONED = ("numpy", "numcodecs", "torch", "zarr")
SHOWN = 5  # shards that a message spells out


Make = Callable[[slice], dict[str, np.ndarray] | Same]
"""From the rows of a shard to each array's values (n, …) for them."""


@dataclass(frozen=True)
class Workers:
    """Processes that share the shards.

    Attributes:
        opener: a module-level function as `module:name`; called once in each process, it gives
            what makes the shards there.
        arguments: its arguments, JSON values.
        count: worker processes to start on this machine; with one, no process is started.
        cluster: the address of a Dask scheduler whose workers are used instead. They run in the
            project's root, on a file system that all share.
    """

    opener: str
    arguments: tuple[Any, ...] = ()
    count: int = 1
    cluster: str | None = None


@dataclass(frozen=True)
class Task:
    """One shard for a worker process.

    Attributes:
        folder: the workplace, relative to the project's root.
        workers: what opens the maker.
        start: the first row.
        stop: the last row plus one.
        sources: the code that the values depend on.
        code: its hash.
        fill: a name for all shards made together, unlike that of any others.
        versions: of the packages that values and bytes depend on, by name.
    """

    folder: str
    workers: Workers
    start: int
    stop: int
    sources: tuple[str, ...]
    code: str
    fill: str
    versions: tuple[tuple[str, str], ...] = ()


def fill_group(
    path: Path,
    arrays: dict[str, tuple[tuple[int, ...], str]],
    count: int,
    make: Make,
    attributes: dict[str, Any],
    inputs: list[Any],
    shard: int = SHARD,
    sources: tuple[str, ...] = ("exemplar", "stages"),
    workers: Workers | None = None,
    uncompressed: tuple[str, ...] = (),
) -> None:
    """Makes a group shard by shard, going on from the finished shards if interrupted.

    Args:
        path: the finished group; replaced when all shards are done.
        arrays: name → (shape of one image's values, dtype).
        count: N, the number of images.
        make: the values of some rows, which depend on nothing but `inputs`.
        attributes: of the group.
        inputs: everything the values depend on, as for `content_hash`.
        shard: images a shard.
        sources: the code that the values depend on, as for `sources_hash`; what other code began
            is not gone on with.
        workers: other processes to make the shards; by default this one makes them.
        uncompressed: names of arrays that are not worth it.

    Raises:
        StoreError: worker processes died, went away or were not where the files are; the disk is
            full; what was written cannot be read.
        Exception: what making a shard raised, with a note of its rows; finished shards are kept.
    """
    make_way(path)
    try:
        _fill(path, arrays, count, make, attributes, inputs, shard, sources, workers, uncompressed)
    except OSError as error:
        if told := full_disk(error, path):
            raise StoreError(f"{path}: {told}; what is finished is kept") from None
        raise


def _fill(
    path: Path,
    arrays: dict[str, tuple[tuple[int, ...], str]],
    count: int,
    make: Make,
    attributes: dict[str, Any],
    inputs: list[Any],
    shard: int,
    sources: tuple[str, ...],
    workers: Workers | None,
    uncompressed: tuple[str, ...],
) -> None:
    """Makes what is missing until all can be read, and gives the group its name."""
    form = {"arrays": arrays, "shard": shard, "count": count, "uncompressed": uncompressed}
    form["code"] = sources_hash(*sources)
    with workplace(str(path), *inputs, attributes, form) as folder:
        _begin(folder, arrays, count, attributes, shard, uncompressed)
        parts = [slice(start, min(start + shard, count)) for start in range(0, count, shard)]
        left = [part for part in parts if not marker(folder, part.start).exists()]
        for _ in range(ROUNDS):
            _make(folder, path, left, count, make, sources, workers)
            left = [part for part in parts if not whole(folder, path, part, arrays)]
            if not left:
                break
        else:
            raise StoreError(
                f"{path}: {_rows(left)} cannot be read although they were written {ROUNDS} times; "
                f"check the disk that holds {folder.parent} and run again"
            )
        for litter in (folder / "group.zarr").rglob("*.partial"):  # of writers that were killed
            litter.unlink()
        replace(folder / "group.zarr", path)


def _make(
    folder: Path,
    path: Path,
    left: list[slice],
    count: int,
    make: Make,
    sources: tuple[str, ...],
    workers: Workers | None,
) -> None:
    """Makes some shards, here or by other processes, and tells how many images are done."""
    done = count - sum(part.stop - part.start for part in left)

    def tell(part: slice) -> None:
        nonlocal done
        done += part.stop - part.start
        print(f"{path}: {done}/{count}", file=sys.stderr, flush=True)

    if not left or not workers or (not workers.cluster and min(workers.count, len(left)) < 2):
        _make_here(folder, left, make, tell)
        return
    from exemplar.store.cluster import map_shards  # brings Dask

    same = sources, sources_hash(*sources), uuid4().hex, tuple(_versions().items())
    tasks = [Task(str(folder), workers, part.start, part.stop, *same) for part in left]
    map_shards(tasks, workers, str(path), lambda t: tell(slice(t.start, t.stop)))
    # Someone else's word that a shard is there is not enough.
    if lost := [part for part in left if not marker(folder, part.start).exists()]:
        raise StoreError(
            f"{path}: workers say that they made {_rows(lost)}, but nothing of it is in {folder}; "
            "start workers in the project's root, on a file system that all machines share"
        )


def _rows(parts: list[slice]) -> str:
    """Rows as a message has them."""
    shown = [f"{part.start} to {part.stop - 1}" for part in parts[:SHOWN]]
    more = [f"{len(parts) - SHOWN} shards more"] if len(parts) > SHOWN else []
    return "rows " + ", ".join([*shown, *more])


def make_shard(task: Task) -> None:
    """Makes and writes one shard; called in a worker process.

    Raises:
        StoreError: the worker does not see the project's files, or has other code or packages.
    """
    folder = Path(task.folder)
    if not (folder / "group.zarr" / "zarr.json").is_file():
        raise StoreError(
            f"a worker found no {folder} in its folder; start workers in the project's root, "
            "on a file system that all machines share"
        )
    if task.code != sources_hash(*task.sources):
        raise StoreError(
            "a worker runs other code than the stage; restart the cluster's workers after a "
            "change, from the same version of the project"
        )
    here = _versions()
    other = [f"{name} {here[name]}, not {wanted}"
             for name, wanted in task.versions if here[name] != wanted]  # fmt: skip
    if other:
        raise StoreError(
            f"a worker has {'; '.join(other)}, as the stage has; start the cluster's workers with "
            "the same packages: those of requirements.lock"
        )
    part = slice(task.start, task.stop)
    write(folder, part, _opened(task.workers, task.fill)(part))


def _versions() -> dict[str, str]:
    """The versions, in this process, of what values and bytes depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in VERSIONED}}


@lru_cache(maxsize=2)
def _opened(workers: Workers, fill: str) -> Make:
    """What makes shards in this process; files may change between one fill and the next."""
    module, _, name = workers.opener.partition(":")
    return getattr(import_module(module), name)(*workers.arguments)


def _begin(
    folder: Path,
    arrays: dict[str, tuple[tuple[int, ...], str]],
    count: int,
    attributes: dict[str, Any],
    shard: int,
    uncompressed: tuple[str, ...],
) -> None:
    """Makes the empty group, if it is not there."""
    path = folder / "group.zarr"
    try:
        group = open_group(path, *arrays)
        begun = all(array(group, name).shape == (count, *arrays[name][0]) for name in arrays)
    except Exception:  # not there, or as damaged as can be
        begun = False
    if not begun:
        remove(folder / "done")
        with written(path) as partial:
            group = create_group(partial, attributes)
            for name, (shape, dtype) in arrays.items():
                compressed = name not in uncompressed
                create_array(group, name, (count, *shape), dtype, shard, compressed)
    (folder / "done").mkdir(exist_ok=True)


def _make_here(folder: Path, parts: list[slice], make: Make, tell: Callable[[slice], None]) -> None:
    """Makes shards one after the other; each is written while the next is made."""
    with ThreadPoolExecutor(1) as writer:
        writing: tuple[slice, Future[None]] | None = None
        for part in parts:
            try:
                values = make(part)
            except Exception as error:
                error.add_note(f"while rows {part.start} to {part.stop - 1} were made")
                raise
            if writing:
                writing[1].result()
                tell(writing[0])
            writing = part, writer.submit(write, folder, part, values)
            del values  # the writer lets go of it as soon as it is written
        if writing:
            writing[1].result()
            tell(writing[0])
