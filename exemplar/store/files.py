"""Whole files or none: everything is written under a temporary name and renamed."""

from __future__ import annotations

import ast
import errno
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any
from uuid import uuid4

from exemplar.store.partials import beside, is_folder, own, remove, sweep

BARE = [1]
"""To be raised with every change of `_bare`: hashes are noted for later processes."""


class DiskError(OSError):
    """A file is not there or cannot be written; the text names it and says what to do."""


@contextmanager
def written(path: Path | str) -> Iterator[Path]:
    """Gives a temporary path beside `path`, which becomes `path` if the block ends well.

    Args:
        path: a file or folder; what was there before is replaced.

    Yields:
        A path in the same folder that does not exist yet; write a file or a folder there. What
        processes that were killed left in the folder is removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    partial = own(path)
    remove(partial)
    try:
        yield partial
        replace(partial, path)
    finally:
        remove(partial)


@contextmanager
def trial(folder: Path) -> Iterator[Path]:
    """Gives an empty folder within a folder that is there, and removes it when the block ends."""
    sweep(folder)
    path = own(folder / "trial")
    remove(path)
    path.mkdir()
    try:
        yield path
    finally:
        remove(path)


def replace(source: Path, target: Path) -> None:
    """Moves a finished file or folder to its final name, in place of what was there.

    On another file system it is copied beside the target first, so that there as well it is whole
    or absent. A link is replaced, never what it leads to.
    """
    try:
        _rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy = beside(target, "copy")
        remove(copy)
        try:
            if source.is_dir():
                shutil.copytree(source, copy, symlinks=True)
            else:
                shutil.copy2(source, copy)
            _rename(copy, target)
        except OSError as failed:
            # That of a folder is a list of all its files.
            why = failed.args[0][0][-1] if isinstance(failed, shutil.Error) else failed
            raise DiskError(
                f"{target}: cannot be moved here from {source} ({why}); it is kept there: see to "
                "the disk and run again"
            ) from failed
        finally:
            remove(copy)
        remove(source)


def _rename(source: Path, target: Path) -> None:
    """Renames; what was there before stays until the new one has its name."""
    former = beside(target, "former")
    if not is_folder(target) and not (_there(target) and is_folder(source)):
        source.replace(target)
        remove(former)  # of one that was killed between its two steps
        return
    remove(former)
    try:
        target.rename(former)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # Where folders are laid over others, those below cannot be renamed.
        remove(target)
    try:
        source.replace(target)
    except OSError:
        if _there(former):
            former.rename(target)
        raise
    remove(former)


def make_way(path: Path) -> None:
    """Makes the folder of a path, and sees that files can be made in it, before long work.

    Args:
        path: a file or folder that is to be written.

    Raises:
        DiskError: they cannot; the message names the folder and what to do.
    """
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DiskError(
            f"{folder}: expected a folder for {path.name} that can be written to, but it cannot "
            f"({error.strerror}); free it, mount it for writing, or correct the link"
        ) from error


def _there(path: Path) -> bool:
    """Whether there is something of this name, perhaps a link that leads nowhere."""
    return path.is_symlink() or path.exists()


def put(
    target: Path, root: Path, fill: Callable[[Path], object], scratch: Path | None = None
) -> None:
    """Puts a file in its place, whole or not at all, instead of what was there.

    For those who may come late: a worker that was given up never makes the root anew, which may
    have been finished and moved meanwhile, and never takes away what another has written.

    Args:
        target: the file.
        root: a folder above it that must be there; what is between the two is made.
        fill: writes the file at a path that does not exist yet.
        scratch: a folder on the same file system for what is unfinished; by default the target's.
    """
    for folder in reversed(target.relative_to(root).parents[:-1]):
        (root / folder).mkdir(exist_ok=True)
    partial = (scratch or target.parent) / f".{uuid4().hex}.partial"
    try:
        fill(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def content_hash(*parts: Path | str | bytes | dict[str, Any] | list[Any]) -> str:
    """A hash of files (by content), folders (by names and contents), and plain values.

    Args:
        parts: paths are read; everything else counts as a value and must be JSON or bytes.

    Returns:
        32 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, Path):
            if not part.exists():
                raise DiskError(
                    f"{part}: no such file; the stage that makes it has not run: "
                    "`exemplar reproduce`"
                )
            paths = sorted(p for p in part.rglob("*") if p.is_file()) if part.is_dir() else [part]
            for path in paths:
                digest.update(f"{path.relative_to(part)}\0{path.stat().st_size}\0".encode())
                with path.open("rb") as file:
                    while block := file.read(1 << 20):
                        digest.update(block)
        else:
            value = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True).encode()
            digest.update(f"{len(value)}\0".encode() + value)
    return digest.hexdigest()


@cache
def sources_hash(*places: str) -> str:
    """A hash of the project's Python sources as Python sees them: comments do not count.

    Work that was done by other code is told apart by it. A process keeps its first answer, as it
    keeps the code it has imported.

    Args:
        places: files and folders of sources relative to the folder that holds the package, such
            as `exemplar/features`.

    Returns:
        32 hexadecimal digits.
    """
    root = Path(__file__).resolve().parents[2]
    texts = []
    for place in places:
        path = root / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            texts.append([file.relative_to(root).as_posix(), _hash_of_bare(file)])
    return content_hash(texts)


def _hash_of_bare(file: Path) -> str:
    """A hash of a bare source, noted beside what Python itself notes: all of them take seconds."""
    text, note = file.read_bytes(), Path(cache_from_source(str(file))).with_suffix(".bare")
    whole = content_hash(text, BARE)
    with suppress(OSError, ValueError):
        of, found = note.read_text(encoding="utf-8").split()
        if of == whole:
            return found
    found = content_hash(_bare(text, file).encode())
    if not sys.dont_write_bytecode:
        with suppress(OSError), written(note) as partial:
            partial.write_text(f"{whole} {found}\n", encoding="utf-8")
    return found


def _bare(text: bytes, file: Path) -> str:
    """A source without comments, layout and docstrings."""
    tree = ast.parse(text, str(file))
    for node in ast.walk(tree):
        match node:
            case (
                ast.Module(body=[ast.Expr(ast.Constant(str())), *rest])
                | ast.ClassDef(body=[ast.Expr(ast.Constant(str())), *rest])
                | ast.FunctionDef(body=[ast.Expr(ast.Constant(str())), *rest])
            ):
                node.body = rest or [ast.Pass()]
    return ast.unparse(tree)


@contextmanager
def workplace(
    name: str, *inputs: Path | str | bytes | dict[str, Any] | list[Any]
) -> Iterator[Path]:
    """A folder for unfinished work that a later run with the same inputs finds again.

    Work interrupted with the block open is kept, so the next run goes on from it; when the block
    ends well the folder is removed. Other inputs get another folder, so nothing stale is used.

    Args:
        name: what is being made, such as `regressor/rendered-edges`.
        inputs: everything the work depends on, as for `content_hash`.

    Yields:
        The folder; it exists.
    """
    parent = Path(".work") / name.lstrip("/")
    folder = parent / content_hash(*inputs)
    if parent.is_dir():
        for stale in parent.iterdir():
            if stale != folder:
                _retire(stale)
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    _retire(folder)


def _retire(folder: Path) -> None:
    """Removes a workplace that late workers may still write to: under its name they find none."""
    gone = folder.with_name(f".{uuid4().hex}.partial")
    folder.rename(gone)
    remove(gone)


def full_disk(error: OSError, path: Path) -> str | None:
    """What to say of an error that means that a file found no room; None of any other.

    Args:
        error: what writing raised.
        path: what was to be written.
    """
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return None
    place = next(above for above in path.absolute().parents if above.is_dir())
    free = shutil.disk_usage(place).free
    return (
        f"no room to write ({error.strerror}, {free / 1e6:,.1f} MB are free); make room on the "
        "disk or raise its limit and run again"
    )
