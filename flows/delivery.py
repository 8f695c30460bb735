"""Folders of results among users' own files: what may be written, what is there, what replaces it.

A record in each folder lists the files that were written with it, so that those, and no others, are
replaced or removed later.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from exemplar.store.files import remove, replace, written

PARTIAL = ".exemplar.partial"
LONGEST = 255  # bytes of a name that file systems take


class Place(NamedTuple):
    """Where results are to be written.

    Attributes:
        folder: need not exist.
        record: the name of its record: JSON with `made_from` and `files`.
        names: of all files to be written, the record among them; may have folders before them.
    """

    folder: Path
    record: str
    names: frozenset[str]


def check_places(
    out: Path, places: Sequence[Place], inputs: Iterable[Path], problems: list[str]
) -> None:
    """Notes whatever is in the way of results, or would be lost by them.

    Args:
        out: the folder that `--out` names.
        places: in it or below.
        inputs: what the results are to be made from.
        problems: gets a line for each input that would be replaced, file of others that would be,
            folder that is a file or cannot be written to, and name that is too long.
    """
    if (wrong := _no_folder(out)) is not None:
        problems.append(f"--out {out}: expected a folder, but {wrong} is none; name another")
        return
    kept = {}
    for path in inputs:
        # Both a link and what it leads to must stay.
        kept |= {path.parent.resolve() / path.name: path, path.resolve(): path}
    for place in places:
        _check_place(place, kept, problems)


def finished(folder: Path, record: str) -> str | None:
    """What the results in a folder were made from, if all of them are there."""
    facts = _facts(folder / record)
    if facts is None or not all((folder / name).is_file() for name in facts["files"]):
        return None
    return facts["made_from"]


@contextmanager
def delivered(folder: Path, record: str) -> Iterator[Path]:
    """Gives an empty folder, whose files are moved to `folder` if the block ends well.

    Those of an earlier run are replaced or removed. Before, the record is made one that lists the
    files of both runs and was made from nothing; so whatever happens, the files are known to be
    results, and count as whole only once they are.

    Args:
        folder: checked by `check_places`.
        record: to be written by the block, with `made_from`; gets `files` here.

    Yields:
        The empty folder.
    """
    partial = folder / PARTIAL
    remove(partial)
    partial.mkdir(parents=True)
    try:
        yield partial
        facts = json.loads((partial / record).read_text())
        (partial / record).unlink()
        files = (path for path in partial.rglob("*") if path.is_file())
        names = sorted(path.relative_to(partial).as_posix() for path in files)
        former = _listed(folder, record) - {record}
        _write(folder / record, {"made_from": None, "files": sorted(former.union(names))})
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            replace(partial / name, folder / name)
        for name in former.difference(names):
            (folder / name).unlink(missing_ok=True)
        _write(folder / record, {**facts, "files": names})
    finally:
        remove(partial)


@contextmanager
def grown(folder: Path, record: str, made_from: str, name: str) -> Iterator[Path]:
    """Gives a temporary path for one more file of results that grow, such as previews.

    Files of an earlier run that was made from something else are removed first.

    Args:
        folder: checked by `check_places`.
        record: the name of its record, which is written here.
        made_from: what all files of the folder are made from.
        name: of the file.

    Yields:
        A path to write to, which becomes the file if the block ends well.
    """
    facts = _facts(folder / record) or {"made_from": None, "files": []}
    if facts["made_from"] == made_from:
        files = {*facts["files"], name}
    else:
        files = {name}
        for former in facts["files"]:
            (folder / former).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    # Listed before it is there: whatever happens, it is known to be a result.
    _write(folder / record, {"made_from": made_from, "files": sorted(files)})
    with written(folder / name) as partial:
        yield partial


def _check_place(place: Place, kept: dict[Path, Path], problems: list[str]) -> None:
    folder = place.folder
    # Longer ones cannot even be looked for.
    parts = {part for name in place.names for part in PurePosixPath(name).parts} | {folder.name}
    for part in sorted(part for part in parts if len(os.fsencode(part)) > LONGEST):
        problems.append(
            f"{folder.parent}: a name of more than {LONGEST} bytes, {part!r}, would be needed; "
            "name the pair in a table, or its images, shorter"
        )
        return
    parents = {(folder / name).parent for name in place.names}
    wrong = {path for path in map(_no_folder, parents) if path is not None}
    for path in sorted(wrong):
        problems.append(f"{path}: expected a folder, got another file; choose another --out")
    if wrong:
        return
    if not os.access(there := _nearest(folder), os.W_OK | os.X_OK):
        problems.append(f"{there}: this folder cannot be written to; choose another --out")
        return
    own = _listed(folder, place.record)
    full = {parent: parent.resolve() for parent in parents}
    foreign = []
    for name in sorted(place.names | own):
        path = folder / name
        absolute = full.get(path.parent, path.parent.resolve()) / path.name
        if absolute in kept:
            problems.append(
                f"{kept[absolute]}: would be replaced or removed as a result of this name; choose "
                "another --out"
            )
        elif name not in own and (path.is_symlink() or path.exists()):
            foreign.append(name)
    if foreign:
        problems.append(
            f"{folder}: has {', '.join(foreign)}, which this command would replace but did not "
            "write; choose another --out"
        )


def _no_folder(folder: Path) -> Path | None:
    """What is in the way of a folder: the first of it and those above that is there and none."""
    for path in (folder, *folder.parents):
        if path.is_symlink() or path.exists():
            return None if path.is_dir() else path
    return None


def _nearest(folder: Path) -> Path:
    """The first of a folder and those above it that is there."""
    return next((path for path in (folder, *folder.parents) if path.exists()), Path())


def _listed(folder: Path, record: str) -> set[str]:
    """Files that were written to a folder by earlier runs, their record among them."""
    facts = _facts(folder / record)
    return set() if facts is None else {record, *facts["files"]}


def _facts(path: Path) -> dict[str, Any] | None:
    """A record; none if this file is no such thing."""
    try:
        facts = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(facts, dict) or "made_from" not in facts:
        return None
    files = facts.get("files")
    return facts if isinstance(files, list) and all(map(_below, files)) else None


def _below(name: Any) -> bool:
    """Whether this is the name of a file in a folder, or below it."""
    if not isinstance(name, str) or not name:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _write(path: Path, facts: dict[str, Any]) -> None:
    with written(path) as partial:
        partial.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
