"""Whether results can be written where they are wanted: looked at before any work.

What is in the way, what would be lost, what the file system does not take: all is told together.
"""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from exemplar.data.problems import Problems
from exemplar.store.files import trial
from exemplar.store.partials import LONGEST_NAME
from flows.delivery import settle_all
from flows.records import Place, foreign, listed, recorded, there


def check_places(
    out: Path,
    places: Sequence[Place],
    inputs: Iterable[Path],
    problems: Problems,
) -> None:
    """Notes whatever is in the way of results, or would be lost by them.

    Ends what an earlier run began to put in place.

    Args:
        out: the folder that `--out` names.
        places: in it or below.
        inputs: files and folders that the results are to be made from.
        problems: gets a line for each input that would be replaced, file of others that would be,
            folder that is a file or cannot be written to, and name that is too long or that the
            file system does not tell from another.
    """
    if long := _too_long(out.parts):
        problems.append(f"--out: a name of more than {LONGEST_NAME} bytes, {long}; name another")
        return
    if (wrong := _no_folder(out)) is not None:
        problems.append(f"--out {out}: expected a folder, but {wrong} is none; name another")
        return
    known = len(problems)
    given = list(inputs)
    kept = _identities(given)
    folders = [path for path in given if _identity(path) and path.is_dir()]
    for place in places:
        if _fits(place, problems):
            settle_all([place], problems)
            _check_inputs(place, kept, folders, problems)
    if len(problems) == known:
        _try_out(out, places, problems)


def check_room(out: Path, room: int, problems: Problems) -> None:
    """Notes that results will not fit.

    Args:
        out: the folder that `--out` names; need not exist.
        room: bytes that they will take, about.
        problems: gets a line.
    """
    nearest = _nearest(out)
    free = shutil.disk_usage(nearest).free
    if free < room:
        problems.append(
            f"--out {out}: results will take about {room / 1e6:,.0f} MB, but {nearest} has room "
            f"for {free / 1e6:,.0f} MB; make room, or choose another --out"
        )


def name_of(path: Path, problems: Problems) -> str | None:
    """What results of a file are called: as the file without its suffix.

    Args:
        path: an input.
        problems: gets a line if that would be the name of no file, or of a hidden one.

    Returns:
        The name, none if it cannot be used.
    """
    if not path.stem or path.stem.startswith("."):
        problems.append(
            f"{path}: its results would be called {path.stem!r}, which is no name or a hidden one; "
            "rename it"
        )
        return None
    return path.stem


def _too_long(parts: Iterable[str]) -> str | None:
    """The first name that is longer than file systems take, to be shown."""
    long = (part for part in sorted(parts) if len(os.fsencode(part)) > LONGEST_NAME)
    return next(map(repr, long), None)


def _no_folder(folder: Path) -> Path | None:
    """What is in the way of a folder: the first of it and those above that is there and none."""
    for path in (folder, *folder.parents):
        if there(path):
            return None if path.is_dir() else path
    return None


def _fits(place: Place, problems: Problems) -> bool:
    """Whether all folders can be there; notes why not."""
    # Longer names cannot even be looked for.
    parts = {part for name in place.names for part in PurePosixPath(name).parts}
    if long := _too_long(parts | {place.folder.name, place.partial.name}):
        problems.append(
            f"{place.folder.parent}: a name of more than {LONGEST_NAME} bytes, {long}, would be "
            "needed; name the pair in a table, or the input, shorter"
        )
        return False
    parents = {(place.folder / name).parent for name in (*place.names, *place.patterns)}
    wrong = {path for path in map(_no_folder, parents | {place.folder}) if path is not None}
    for path in sorted(wrong):
        problems.append(f"{path}: expected a folder, got another file; choose another --out")
    return not wrong


def _identities(paths: Iterable[Path]) -> dict[tuple[int, int], Path]:
    """Files as the disk knows them, however they are spelt: links, and what they lead to."""
    known = {}
    for path in paths:
        for follow in (True, False):
            if identity := _identity(path, follow):
                known[identity] = path
    return known


def _identity(path: Path, follow: bool = False) -> tuple[int, int] | None:
    try:
        found = path.stat(follow_symlinks=follow)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _check_inputs(
    place: Place,
    kept: dict[tuple[int, int], Path],
    folders: Sequence[Path],
    problems: Problems,
) -> None:
    """Notes inputs and files of others that would be replaced or removed."""
    folder, former = place.folder, recorded(place)
    threatened = set()
    for name in sorted(place.found().union(former.files)):
        identity = _identity(folder / name)
        if identity is not None and identity in kept:
            threatened.add(name)
            problems.append(
                f"{kept[identity]}: would be replaced or removed as a result of this name; choose "
                "another --out"
            )
    others = [name for name in foreign(place, former) if name not in threatened]
    changed = [name for name in others if name in former.files]
    if unknown := [name for name in others if name not in former.files]:
        problems.append(
            f"{folder}: has {listed(unknown)}, which this command would replace but did not "
            "write; choose another --out"
        )
    if changed:
        problems.append(
            f"{folder}: has {listed(changed)}, changed since this command wrote it, which would be "
            "replaced; move it away, or choose another --out"
        )
    for path in folders:
        if _identity(path, follow=True) == _identity(folder, follow=True):
            problems.append(
                f"--out {folder}: is the folder of the inputs, where results would be taken for "
                "more of them; name another"
            )


def _try_out(out: Path, places: Sequence[Place], problems: Problems) -> None:
    """Notes folders that cannot be written to, and names that their file systems do not take."""
    wanted: dict[Path, set[str]] = defaultdict(set)
    for place in places:
        for name in place.names | {place.record}:
            path = place.folder / name
            wanted[path.parent].add(path.name)
        wanted[place.folder.parent].add(place.folder.name or ".")
    trials: dict[Path, list[set[str]]] = defaultdict(list)
    for folder, names in wanted.items():
        if folder.is_relative_to(out):
            trials[_nearest(folder)].append(_doubtful(names))
    trials.setdefault(_nearest(out), [])
    for folder, groups in sorted(trials.items()):
        if not os.access(folder, os.W_OK | os.X_OK):
            problems.append(f"{folder}: this folder cannot be written to; choose another --out")
            continue
        try:  # rights alone do not say it: of a disk for reading, or a folder of the system's
            with trial(folder) as place:
                for number, names in enumerate(groups):
                    _try_names(place / str(number), folder, sorted(names), problems)
        except OSError as error:
            problems.append(
                f"{folder}: this folder cannot be written to ({error.strerror}); choose another "
                "--out"
            )


def _try_names(place: Path, folder: Path, names: Sequence[str], problems: Problems) -> None:
    """Notes names of one folder that its file system refuses, or takes for each other."""
    place.mkdir()
    for name in names:
        try:
            (place / name).mkdir()
        except FileExistsError:
            problems.append(
                f"{folder}: {name!r} and another result differ in case or accents only, which is "
                "one name on this disk; rename one of the inputs"
            )
        except OSError as error:
            problems.append(
                f"{folder}: the name {name!r}, which would be needed, cannot be had on this disk "
                f"({error.strerror}); rename the input"
            )


def _doubtful(names: set[str]) -> set[str]:
    """Names that a file system might not take: the longest, odd ones, and those that are alike."""
    alike: dict[str, set[str]] = defaultdict(set)
    for name in names - {"."}:
        alike[unicodedata.normalize("NFKC", name).casefold()].add(name)
    groups = [group for group in alike.values() if len(group) > 1]
    odd = {name for name in names - {"."} if not name.isascii() or name[-1] in ". "}
    odd |= {name for name in names if set(name) & set('<>:"|?*\\')}
    longest = max(names, key=lambda name: len(os.fsencode(name)), default=".")
    return odd.union({longest} - {"."}, *groups)


def _nearest(folder: Path) -> Path:
    """The first of a folder and those above it that is there."""
    return next((path for path in (folder, *folder.parents) if _identity(path, True)), Path())
