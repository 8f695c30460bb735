"""One coordinator at a time, and nothing in the way after one was killed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvc.repo import Repo, lock_repo
from filelock import FileLock, Timeout

from exemplar.store.files import written


class BusyError(RuntimeError):
    """Another coordinator is at work in this repository."""


@contextmanager
def only_coordinator(repo: Repo) -> Iterator[None]:
    """Holds the repository for one coordinator while the block runs.

    The lock is the operating system's, so a killed coordinator leaves none behind. What it may
    leave is in DVC's `rwlock` file: its claims, or half a file. Both are removed.

    Raises:
        BusyError: another coordinator holds it.
    """
    folder = Path(str(repo.tmp_dir))
    holder = folder / "reproduce.json"
    lock = FileLock(folder / "reproduce.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(
            f"another `exemplar reproduce` is at work in {repo.root_dir}"
            f"{_describe(holder)}; wait until it ends, or stop it"
        ) from None
    try:
        with lock_repo(repo):
            _drop_claims(folder / "rwlock", _read(holder))
        with written(holder) as partial:
            partial.write_text(json.dumps({"pid": os.getpid(), "cmd": " ".join(sys.argv)}))
        yield
        holder.unlink(missing_ok=True)
    finally:
        lock.release()


def _drop_claims(rwlock: Path, stale: Any) -> None:
    """Removes a dead coordinator's claims, which DVC itself only does while its id is unused."""
    if not rwlock.exists():
        return
    claims = _read(rwlock)
    if not isinstance(claims, dict):
        rwlock.unlink()  # cut short while it was written; DVC would refuse it for ever
        return
    write = {path: info for path, info in claims.get("write", {}).items() if info != stale}
    read = {
        path: left
        for path, infos in claims.get("read", {}).items()
        if (left := [info for info in infos if info != stale])
    }
    with written(rwlock) as partial:
        partial.write_text(json.dumps({"write": write, "read": read}))


def _describe(holder: Path) -> str:
    info = _read(holder)
    return f" (process {info['pid']}: {info['cmd']})" if isinstance(info, dict) else ""


def _read(path: Path) -> Any:
    """A JSON file's value; None if it is missing or cut short."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
