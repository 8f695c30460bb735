"""What DVC's cache gives back is what was put there.

DVC believes an object of its cache that is read-only, as all are, and hashes no file that it has
restored. Here objects are read before a stage's outputs are restored from them, and what they
hold is looked at: a damaged object, or a store that was recorded with a part missing, would come
back for ever.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from dvc.stage import Stage
from dvc.stage.cache import _can_hash, _get_stage_hash
from dvc_data.hashfile.db import HashFileDB
from dvc_data.hashfile.hash import hash_file
from dvc_data.hashfile.meta import Meta
from dvc_objects.errors import ObjectFormatError

from exemplar.store.arrays import StoreError
from exemplar.store.placing import check_group


@contextmanager
def distrusted(repo: Repo) -> Iterator[list[str]]:
    """Has every object of the cache read when DVC asks for it in the block.

    One that does not have the hash it is named for is removed; for DVC it is not there.

    Yields:
        The removed objects' files, as they are found.
    """
    removed: list[str] = []
    read: dict[str, tuple[int, ...]] = {}
    with ExitStack() as stack:
        for odb in {id(odb): odb for odb in (repo.cache.repo, repo.cache.legacy)}.values():
            check = partial(_check, odb, read, removed)
            vars(odb)["check"] = check
            stack.callback(vars(odb).pop, "check")
        yield removed


def _check(
    odb: HashFileDB,
    read: dict[str, tuple[int, ...]],
    removed: list[str],
    oid: str,
    check_hash: bool = True,
    _info: dict[str, Any] | None = None,
) -> Meta:
    """In place of the method of that name; raises if there is no such object or no whole one."""
    path = odb.oid_to_path(oid)
    seen = Path(path).stat()
    form = (seen.st_ino, seen.st_size, seen.st_mtime_ns)
    if read.get(path) != form:
        _, found = hash_file(path, odb.fs, odb.hash_name)
        if found.value != oid.partition(".")[0]:
            Path(path).unlink(missing_ok=True)
            removed.append(path)
            raise ObjectFormatError(f"{path} is damaged")
        read[path] = form
    return Meta.from_info(odb.fs.info(path))


def unreadable(stage: Stage) -> str | None:
    """What is wrong with a stage's stores as they lie there; None if all can be read."""
    for out in stage.outs:
        if (Path(out.fs_path) / "zarr.json").is_file():
            try:
                check_group(out.fs_path)
            except StoreError as error:
                return str(error).partition("; remove")[0]
    return None


def has_run(stage: Stage) -> bool:
    """Whether the run cache has a run of a stage with the dependencies it has now."""
    return _can_hash(stage) and stage.repo.stage_cache._load(stage) is not None


def forget_runs(stage: Stage) -> None:
    """Removes what the run cache has of a stage with the dependencies it has now."""
    if _can_hash(stage):
        cache = stage.repo.stage_cache
        shutil.rmtree(cache._get_cache_dir(_get_stage_hash(stage)), ignore_errors=True)
