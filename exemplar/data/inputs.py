"""What a domain is made of before any pixel is read: photographs, boxes, and what fell out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from exemplar.store.items import comparable

Box = tuple[float, float, float, float]  # xmin, ymin, xmax, ymax in pixels of the upright image


class DomainError(ValueError):
    """A domain as a whole cannot be prepared."""


class BadPhoto(ValueError):
    """One photograph, or one box in it, cannot be used; the text says why."""


@dataclass(frozen=True)
class Photo:
    """One input: an image file, or one box in it."""

    source: str  # path below the domain's root, with forward slashes
    box: Box | None = None
    category: str = ""
    split: str = ""  # given by the layout; empty: by the settings
    stated: tuple[int, int] | None = None  # width and height according to the annotation
    name: str = ""  # what its id is made of; empty: its path
    labels: str = ""  # the file of its label map, as a path below the root
    instances: str = ""  # the same of its instance map
    masked: bool = False  # its label map is one of black and white, as all of the domain are


@dataclass(frozen=True)
class Rejection:
    """One input that will not be an image of the domain."""

    source: str
    reason: str
    bad: bool = True  # counts towards the limit; not so what was left out by choice


@dataclass(frozen=True)
class Picture:
    """What a photograph becomes."""

    arrays: dict[str, np.ndarray]  # `image` (size, size, 3) u8, and a given condition
    width: int  # of the region it was made from, in pixels of the file
    height: int
    counts: tuple[int, ...] = ()  # of given labels: pixels of each class, at the end of none
    notes: tuple[str, ...] = ()  # what a user should know of it, in sentences
    box: Box = (0.0, 0.0, 0.0, 0.0)  # of the upright image; where it is larger, the rest is white
    way: str = "colour"  # how the classes of given labels were told
    palette: tuple[tuple[int, int], ...] = ()  # numbers of given labels and their colours
    given: str = ""  # sha256 of the files of given labels and instances


@dataclass(frozen=True)
class Stack:
    """Images of one size that came in one file.

    Attributes:
        name: what their ids begin with.
        split: train or test; empty: divided by the settings.
        source: the file, as a path below the root.
        images: (N, H, W) or (N, H, W, 3) u8.
        labels: (N,) u8, if there are any.
        first: the number of the first among the images of this name.
    """

    name: str
    split: str
    source: str
    images: np.ndarray
    labels: np.ndarray | None = None
    first: int = 0


@dataclass
class Listing:
    """All inputs of a domain, in a fixed order."""

    photos: list[Photo] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)

    def reject(self, source: str, reason: str, bad: bool = True) -> None:
        """Notes an input that falls out."""
        self.rejections.append(Rejection(source, reason, bad))


def printable(name: str) -> str:
    """A name that any file can hold: bytes that are not UTF-8 are spelt out."""
    return name.encode("utf-8", "backslashreplace").decode()


def need_root(root: Path, expected: str, how: str, *parts: str) -> Path:
    """The first of some folders below a root that exists.

    Args:
        root: the domain's root.
        expected: what should lie there, for the message.
        how: how to get it, for the message.
        parts: folders below `root` to try, in order.

    Raises:
        DomainError: none of them is a folder.
    """
    try:
        for part in parts:
            if (root / part).is_dir():
                return root / part
        state = "it has none of these" if root.is_dir() else "it is a file, not a folder"
        if not root.exists():
            state = "it is a link to what is not there" if root.is_symlink() else "it is not there"
    except OSError as error:
        state = f"it cannot be read: {error.strerror}"
    raise DomainError(
        f"{root}: expected {expected} (in {', '.join(parts)}), but {state}. {how}, "
        "or set another root in params.yaml"
    )


def told(root: Path, problems: list[str], how: str) -> str:
    """One message of all that is wrong below a root, and of what to do."""
    few = "this is wrong" if len(problems) == 1 else f"{len(problems)} things are wrong"
    return "\n".join([f"{root}: {few}:", *(f"  {problem}" for problem in problems), how])


def unique_ids(photos: Iterable[Photo], below: str = "") -> list[str]:
    """A name for each photograph: its path without the suffix, slashes turned into dashes.

    Names are in the Unicode form in which they are compared. A name that comes again (two boxes of
    one image, `a.jpg` beside `a.png`) gets a number.

    Args:
        photos: in the order of the domain.
        below: a folder that all share, left out.
    """
    seen: set[str] = set()
    ids = []
    for photo in photos:
        stem = photo.name or Path(photo.source).with_suffix("").as_posix()
        base = comparable(stem.removeprefix(f"{below}/").replace("/", "-"))
        name, number = base, 1
        while name in seen:
            number += 1
            name = f"{base}-{number}"
        seen.add(name)
        ids.append(name)
    return ids
