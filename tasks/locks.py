"""One coordinator at a time, and nothing in the way after one was killed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvc.repo import Repo, lock_repo
from filelock import FileLock, Timeout

from exemplar.store.files import written


class BusyError(RuntimeError):
    """Another coordinator is at work in this repository."""


@contextmanager
def only_coordinator(
    repo: Repo, wait: float = 0.0, tell: Callable[[str], None] = lambda words: None
) -> Iterator[None]:
    """Holds the repository for one coordinator while the block runs.

    The lock is the operating system's, so a killed coordinator leaves none behind. What it may
    leave is in DVC's `rwlock` file: its claims, or half a file. Both are removed.

    Args:
        repo: the repository.
        wait: seconds for which another coordinator may go on holding it.
        tell: is called once, if there is another to wait for, with who it is.

    Raises:
        BusyError: another coordinator holds it, and still did after the wait.
    """
    folder = Path(str(repo.tmp_dir))
    holder = folder / "reproduce.json"
    lock = FileLock(folder / "reproduce.lock", timeout=0)
    patience = f"{wait / 60:.3g} minutes"

    def busy() -> None:
        tell(f"{_other(repo, holder)}; waiting until it ends, for {patience} at most")

    try:
        _acquire(lock, wait, busy)
    except Timeout:
        waited = f"it did not end within {patience}; " if wait else ""
        raise BusyError(f"{_other(repo, holder)}; {waited}wait until it ends, or stop it") from None
    try:
        with lock_repo(repo):
            _drop_claims(folder / "rwlock", _read(holder))
        with written(holder) as partial:
            partial.write_text(json.dumps({"pid": os.getpid(), "cmd": " ".join(sys.argv)}))
        yield
        holder.unlink(missing_ok=True)
    finally:
        lock.release()


def _acquire(lock: FileLock, wait: float, tell: Callable[[], None]) -> None:
    """Takes a lock at once, or tells that it cannot be had and takes it as soon as it can."""
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise
        tell()
        lock.acquire(timeout=wait, poll_interval=min(1.0, wait / 10))


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


def _other(repo: Repo, holder: Path) -> str:
    info = _read(holder)
    who = f" (process {info['pid']}: {info['cmd']})" if isinstance(info, dict) else ""
    return f"another `exemplar reproduce` is at work in {repo.root_dir}{who}"


def _read(path: Path) -> Any:
    """A JSON file's value; None if it is missing or cut short."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
