"""Records of results among users' own files: which files a command wrote, and what they held.

What a record does not list, or was changed since it was written, belongs to the user.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from exemplar.store.files import content_hash, written


class Place(NamedTuple):
    """Where results are to be written.

    Attributes:
        folder: need not exist.
        record: the name of its record, JSON with `made_by`, `made_from`, `files` and `hash`.
        names: of all files that may be written; may have folders before them.
        command: that writes them.
        patterns: of the names that are known only once they are made.
    """

    folder: Path
    record: str
    names: frozenset[str]
    command: str
    patterns: tuple[str, ...] = ()

    @property
    def partial(self) -> Path:
        """The folder in which results wait until they are whole."""
        return self.folder / f".{self.record}.partial"

    def found(self) -> set[str]:
        """Names of what is there already and may be replaced by results."""
        names = {name for name in {*self.names, self.record} if there(self.folder / name)}
        for pattern in self.patterns:
            for path in self.folder.glob(pattern):
                names.add(path.relative_to(self.folder).as_posix())
        return names


class Record(NamedTuple):
    """What a command wrote to a folder.

    Attributes:
        made_from: a hash of what results depend on; None if they are not whole.
        files: the hash of each by its name.
    """

    made_from: str | None
    files: dict[str, str]


NOTHING = Record(None, {})


def read_record(path: Path, command: str) -> Record | None:
    """A record as the command wrote it; none if it is another's, or was changed since."""
    try:
        facts = json.loads(path.read_text("utf-8", "surrogateescape"))
    except (OSError, ValueError):
        return None
    if not isinstance(facts, dict) or facts.get("made_by") != command:
        return None
    if facts.pop("hash", None) != content_hash(facts):
        return None
    files = facts.get("files")
    if not isinstance(files, dict) or not all(map(_below, files)):
        return None
    return Record(facts.get("made_from"), files)


def write_record(path: Path, command: str, record: Record, facts: dict[str, Any]) -> None:
    """Writes a record with whatever else the file is to say."""
    facts = {**facts, "made_by": command, **record._asdict()}
    with written(path) as partial:
        whole = {**facts, "hash": content_hash(facts)}
        text = json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
        partial.write_text(text, "utf-8", "surrogateescape")  # names may be any bytes


def recorded(place: Place) -> Record:
    """What the place's own command wrote there."""
    return read_record(place.folder / place.record, place.command) or NOTHING


def own(place: Place, name: str, *records: Record) -> bool:
    """Whether a file is as one of some records says, so that it may be replaced or removed."""
    path = place.folder / name
    if name == place.record:
        return read_record(path, place.command) is not None
    known = {record.files[name] for record in records if name in record.files}
    return bool(known) and path.is_file() and not path.is_symlink() and content_hash(path) in known


def foreign(place: Place, *records: Record) -> list[str]:
    """Names of results under which something is that the records do not know."""
    return sorted(name for name in place.found() if not own(place, name, *records))


def there(path: Path) -> bool:
    """Whether there is something of this name, perhaps a link that leads nowhere."""
    return path.is_symlink() or path.exists()


def listed(names: list[str], shown: int = 8) -> str:
    """Some names in a sentence."""
    more = [f"and {len(names) - shown} more"] if len(names) > shown else []
    return ", ".join([*names[:shown], *more])


def _below(name: Any) -> bool:
    """Whether this is the name of a file in a folder, or below it."""
    if not isinstance(name, str) or not name:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
