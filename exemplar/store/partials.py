"""Names of what is not finished yet, and the removal of what processes that were killed left of it.

`files` writes under these names and renames.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path

LONGEST_NAME = 255
"""Bytes of a file's name that file systems take."""


def beside(path: Path, ending: str) -> Path:
    """A temporary name in the same folder, no longer than file systems take."""
    name = f".{path.name}.{ending}.partial"
    if len(os.fsencode(name)) > LONGEST_NAME:
        digest = hashlib.blake2b(os.fsencode(path.name), digest_size=16).hexdigest()
        name = f".{digest}.{ending}.partial"
    return path.with_name(name)


def own(path: Path) -> Path:
    """The temporary name that this process alone uses for a path."""
    return beside(path, f"{_here()}.{os.getpid()}")


def sweep(folder: Path) -> None:
    """Removes what processes of this machine that are no more left under names of their own.

    Other machines may write to the same folder, and containers count their processes apart: what
    is theirs stays, and so does what was left before this machine was started anew.

    Args:
        folder: looked through once by each process.
    """
    _sweep(folder.resolve(), os.getpid())


@cache
def _sweep(folder: Path, process: int) -> None:
    names = re.compile(rf"\..+\.{_here()}\.(\d+)\.partial", re.DOTALL)
    with suppress(OSError):  # it may be for writing only
        for path in list(folder.iterdir()):
            found = names.fullmatch(path.name)
            if found and int(found[1]) != process and not is_alive(int(found[1])):
                with suppress(OSError):  # another process may be at it, too
                    remove(path)


@cache
def _here() -> str:
    """Where a number of a process means one process: this system, until it is started anew."""
    parts = [socket.gethostname()]
    with suppress(OSError):  # Linux alone has these
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        parts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=6).hexdigest()


def is_alive(pid: int) -> bool:
    """Says whether a process has this number; with no right to signal it, it lives."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def remove(path: Path) -> None:
    """Removes a file or folder, if there is one."""
    if is_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def is_folder(path: Path) -> bool:
    """Whether this is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()
