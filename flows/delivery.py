"""Delivery of results to folders among users' own files: whole or absent, and nothing else touched.

The one way in which commands write what users ask for. Results are made in a folder of their own
beside their place; once they are whole, a list of them is written, and they are put in place by it.
If that is cut short, the next run ends it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from exemplar.data.problems import Problems
from exemplar.store.files import content_hash, remove, replace
from flows.records import (
    NOTHING,
    Place,
    Record,
    foreign,
    listed,
    own,
    read_record,
    recorded,
    there,
    write_record,
)

FILES, LIST = "files", "list.json"
"""Within the folder in which results wait: they, and what is to be put in place."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


class DeliveryError(RuntimeError):
    """Results cannot be put in place; the text says where they are and what to do."""


def finished(place: Place) -> str | None:
    """What the results in a place were made from, if all of them are there."""
    record = recorded(place)
    if not all((place.folder / name).is_file() for name in record.files):
        return None
    return record.made_from


@contextmanager
def delivered(place: Place, made_from: str | None) -> Iterator[Path]:
    """Gives an empty folder, whose files are put in place if the block ends well.

    All files that an earlier run of the command put there are replaced or removed, except those
    that were changed since: these are the user's.

    Args:
        place: checked by `check_places`.
        made_from: a hash of what the results depend on; None if they are not whole.

    Yields:
        The empty folder. The block may write the record there, with what else it is to say.

    Raises:
        DeliveryError: there is no room, or something of the name of a result came there meanwhile.
    """
    with _made(place.folder), _alone(place.folder):
        _require_free(place, settle(place))
        made = place.partial / FILES
        try:
            made.mkdir(parents=True)
            yield made
            _list(place, made_from)
        except OSError as error:
            remove(place.partial)
            if error.errno in FULL:
                raise DeliveryError(
                    f"{place.folder}: cannot be written to ({error.strerror}); what was there is "
                    "as it was: make room, or choose another --out"
                ) from error
            raise
        except BaseException:
            remove(place.partial)
            raise
        try:
            _require_free(place, settle(place))
        except OSError as error:
            raise DeliveryError(
                f"{place.folder}: results cannot be put in place ({error.strerror or error}); they "
                f"are kept in {made}, and the same command puts them in place: see to the disk and "
                "run it again"
            ) from error


def settle(place: Place) -> list[str]:
    """Puts results in place that are whole; removes those that are not.

    It can be cut short anywhere and done again.

    Returns:
        What is in the way and not ours; then nothing was done.
    """
    new = read_record(place.partial / LIST, place.command)
    if new is None:
        remove(place.partial)
        return []
    former = recorded(place)
    if in_way := foreign(place._replace(names=frozenset(new.files), patterns=()), former, new):
        return in_way
    _remove(place, [name for name in former.files if name not in new.files], former)
    for name in new.files:
        if there(made := place.partial / FILES / name):
            (place.folder / name).parent.mkdir(parents=True, exist_ok=True)
            replace(made, place.folder / name)
    replace(place.partial / LIST, place.folder / place.record)
    remove(place.partial)
    return []


def settle_all(places: Sequence[Place], problems: Problems) -> None:
    """Ends what earlier runs began to put in place, where no other run is at it.

    Args:
        places: any.
        problems: gets a line for each in which something is in the way.
    """
    for place in places:
        if there(place.partial):
            with _alone(place.folder, wait=False) as alone:
                if alone and (in_way := settle(place)):
                    problems.append(
                        f"{place.folder}: results of an earlier run wait in {place.partial}, but "
                        f"{listed(in_way)} would be replaced by them; move either away"
                    )


@contextmanager
def grown(place: Place, made_from: str, name: str) -> Iterator[Path]:
    """Gives a temporary path for one more file of results that grow, such as previews.

    Files of an earlier run that was made from something else are removed first.

    Args:
        place: checked by `check_places`.
        made_from: what all files of the folder are made from.
        name: of the file.

    Yields:
        A path to write to, which becomes the file if the block ends well.
    """
    place.folder.mkdir(parents=True, exist_ok=True)
    with _alone(place.folder):
        former = recorded(place)
        kept = former if former.made_from == made_from else NOTHING
        _remove(place, [each for each in former.files if each not in kept.files], former)
        path = place.folder / name
        remove(place.partial)
        place.partial.mkdir()
        try:
            partial = place.partial / name
            yield partial
            _require_free(place, [name] if there(path) and not own(place, name, former) else [])
            path.unlink(missing_ok=True)
            # Listed before it is there: whatever happens, it is known to be a result.
            files = dict(sorted({**kept.files, name: content_hash(partial)}.items()))
            write_record(place.folder / place.record, place.command, Record(made_from, files), {})
            replace(partial, path)
        finally:
            remove(place.partial)


def tell_replaced(place: Place, made_from: str | None) -> None:
    """Says which results of another request will be replaced, and what of them will stay."""
    former = recorded(place)
    if not former.files or former.made_from == made_from:
        return
    said = f"{place.folder}: replaces {len(former.files)} results of an earlier `exemplar "
    said += f"{place.command}`"
    left = [name for name in former.files if there(place.folder / name)]
    if changed := [name for name in left if not own(place, name, former)]:
        said += f"; was changed since, and stays: {listed(changed)}"
    print(f"note: {said}", file=sys.stderr, flush=True)


def tell_others(out: Path, pattern: str, places: Sequence[Place]) -> None:
    """Says which results of other requests stay beside those that will be written.

    Args:
        out: the folder that `--out` names.
        pattern: of the records of the command.
        places: all that will be written.
    """
    mine = {place.folder / place.record for place in places}
    others = [
        path
        for path in sorted(out.glob(pattern))
        if path not in mine and read_record(path, places[0].command) is not None
    ]
    if others:
        names = [path.relative_to(out).as_posix() for path in others]
        said = f"{out}: also keeps the results of other requests, listed in {listed(names)}"
        print(f"note: {said}", file=sys.stderr, flush=True)


def _list(place: Place, made_from: str | None) -> None:
    """Writes what is to be put in place; from here on it will be."""
    made = place.partial / FILES
    facts = {}
    if (record := made / place.record).exists():
        facts = json.loads(record.read_text())
        record.unlink()
    names = (path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file())
    files = {name: content_hash(made / name) for name in sorted(names)}
    write_record(place.partial / LIST, place.command, Record(made_from, files), facts)


def _remove(place: Place, names: Sequence[str], former: Record) -> None:
    """Removes files that are still as they were written, and the folders that are left empty."""
    for name in names:
        if own(place, name, former):
            (place.folder / name).unlink()
        for above in list(PurePosixPath(name).parents)[:-1]:
            with suppress(OSError):  # it has something else in it
                (place.folder / above).rmdir()


def _require_free(place: Place, in_way: list[str]) -> None:
    if in_way:
        raise DeliveryError(
            f"{place.folder}: has {listed(in_way)}, which came there while results were made and "
            "would be replaced; move it away and run the same command again"
        )


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Makes a folder and those above it; if nothing came of it, they are not left behind."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for path in missing:
            with suppress(OSError):  # it has something in it
                path.rmdir()


@contextmanager
def _alone(folder: Path, wait: bool = True) -> Iterator[bool]:
    """Keeps other runs from a folder; says whether they are kept from it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        alone = True
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            alone = False
        except OSError:
            pass  # a file system that knows no locks
        yield alone
    finally:
        os.close(handle)
