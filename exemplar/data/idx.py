"""Kind `idx`: MNIST, Fashion-MNIST, and other sets in files of that format.

An idx file is a header of big-endian numbers (two zero bytes, the code of a type, how many
dimensions, each dimension's length) and then the values. Sources: LeCun et al., Gradient-Based
Learning Applied to Document Recognition, Proc. IEEE 1998; Xiao et al., Fashion-MNIST, 2017.
"""

from __future__ import annotations

import gzip
import lzma
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from exemplar.data.download import fetch
from exemplar.data.image_set_settings import IdxSettings
from exemplar.data.inputs import BadPhoto, DomainError, Stack, need_root, told

FILES = {"train": "train", "test": "t10k"}
LAYOUTS = (".", "raw", "MNIST/raw", "FashionMNIST/raw")
DOWNLOADS = {"mnist": "MNIST/raw", "fashion": "FashionMNIST/raw"}
"""Where a known set lies, and no other, below a root that data sets share."""
OPENERS = {"": open, ".gz": gzip.open, ".xz": lzma.open}
BYTES = 8  # the code of unsigned bytes, of which images and labels are
BLOCK = 1 << 22
MAX_VALUES = 1 << 32  # of one file


class Opened(Protocol):
    """A file that is unpacked while it is read."""

    def read1(self, size: int = ..., /) -> bytes:
        """Up to so many bytes; none at the end."""
        ...


def stacks(settings: IdxSettings) -> list[Stack]:
    """The training and the test images.

    Raises:
        DomainError: files are missing, damaged, or do not belong together; all problems of all
            files together.
    """
    folder = settings.root / _layout(settings)
    present = [any(_find(folder, f"{name}-images", 3)) for name in FILES.values()]
    if settings.download and not all(present):
        fetch(f"{settings.classes}", settings.root)
        folder = settings.root / _layout(settings)
    how = "Copy or link the set there"
    if isinstance(settings.classes, str):
        how += ", or set download: true"
    need_root(settings.root, "idx files", how, ".")
    problems: list[str] = []
    found = [_stack(settings, folder, split, problems) for split in FILES]
    made = [stack for stack in found if stack is not None]
    if len(made) == len(FILES):
        sides = [stack.images.shape[1:] for stack in made]
        if sides[0] != sides[1]:
            problems.append(
                "{} has images of {}×{} and {} of {}×{}; expected one size".format(
                    made[0].source, *sides[0], made[1].source, *sides[1]
                )
            )
    missing = [name for name in FILES.values() if not any(_find(folder, f"{name}-labels", 1))]
    if len(missing) == 1:
        where = _below(settings.root, folder / f"{missing[0]}-labels-idx1-ubyte")
        problems.append(f"{where}: no such file; give both labels or neither")
    if not made:
        problems += _others(settings)
    if problems:
        raise DomainError(
            told(settings.root, problems, f"{how}, or set another root in params.yaml")
        )
    return made


def names(settings: IdxSettings) -> tuple[str, ...]:
    """The name of each label: its number, where the settings give none."""
    return settings.names() or tuple(map(str, range(256)))


def _layout(settings: IdxSettings) -> str:
    """The one folder, below the root, from which all of a set's files are taken.

    Files of several sets have the same names. A known set is taken from the folder with the most
    files that is no other set's download; of folders with as many, from its own download.

    Raises:
        DomainError: there are several, and nothing says which set is meant.
    """
    own = DOWNLOADS.get(f"{settings.classes}")
    held = {name: _held(settings.root, name) for name in LAYOUTS}
    held = {name: count for name, count in held.items() if count and not _foreign(settings, name)}
    if own is None and len(held) > 1:
        raise DomainError(
            f"{settings.root}: expected the files of one set, but there are some in "
            f"{', '.join(held)}. Set root to the folder that is meant, or classes to one of "
            f"{', '.join(DOWNLOADS)}, in params.yaml"
        )
    return max(held, key=lambda name: (held[name], name == own), default=".")


def _held(root: Path, layout: str) -> int:
    """How many of a set's four files a folder has."""
    kinds = (("images", 3), ("labels", 1))
    stems = [(f"{name}-{kind}", d) for name in FILES.values() for kind, d in kinds]
    return sum(any(_find(root / layout, stem, dimensions)) for stem, dimensions in stems)


def _foreign(settings: IdxSettings, layout: str) -> bool:
    """Whether a folder is the download of another set than the known one that is wanted."""
    own = DOWNLOADS.get(f"{settings.classes}")
    return own is not None and layout in DOWNLOADS.values() and layout != own


def _others(settings: IdxSettings) -> list[str]:
    """Which folders hold another set."""
    return [
        f"{name}: there are files, but of another set than classes: {settings.classes}"
        for name in LAYOUTS
        if _foreign(settings, name) and _held(settings.root, name)
    ]


def _stack(settings: IdxSettings, folder: Path, split: str, problems: list[str]) -> Stack | None:
    """One split's images and labels, as far as they are whole."""
    root, known = settings.root, len(names(settings))
    images, where = _read(root, folder / f"{FILES[split]}-images", 3, problems)
    labels, beside = _read(root, folder / f"{FILES[split]}-labels", 1, problems, needed=False)
    if images is not None and not (min(images.shape) > 0 and images.shape[1] == images.shape[2]):
        problems.append(f"{where}: expected square images, got dimensions {_named(images.shape)}")
        images = None
    if labels is not None and (labels >= known).any():
        wrong = np.unique(labels[labels >= known])[:10].tolist()
        problems.append(
            f"{beside}: expected labels 0 to {known - 1}, one for each name of classes, "
            f"but some are {', '.join(map(str, wrong))}"
        )
    if images is None:
        return None
    if labels is not None and len(labels) != len(images):
        problems.append(
            f"{beside}: expected {len(images)} labels, one for each image of {where}, "
            f"got {len(labels)}"
        )
    return Stack(split, split, where, images, labels)


def _read(
    root: Path, stem: Path, dimensions: int, problems: list[str], needed: bool = True
) -> tuple[np.ndarray | None, str]:
    """The values of one of a set's files and its path below the root; notes what is wrong."""
    path = next(_find(stem.parent, stem.name, dimensions), None)
    if path is None:
        if needed:
            where = f"{_below(root, stem)}-idx{dimensions}-ubyte"
            problems.append(f"{where}: no such file, nor one with .gz or .xz")
        return None, ""
    where = _below(root, path)
    try:
        return read_idx(path, dimensions), where
    except BadPhoto as error:
        problems.append(f"{where}: {error}")
        return None, where


def _find(folder: Path, stem: str, dimensions: int) -> Iterator[Path]:
    """The files of a folder that bear a name in one of its usual spellings."""
    for mark in "-.":
        for suffix in OPENERS:
            path = folder / f"{stem}{mark}idx{dimensions}-ubyte{suffix}"
            if path.is_file():
                yield path


def _below(root: Path, path: Path) -> str:
    """A path as it is told: below the root, with forward slashes."""
    return path.relative_to(root).as_posix()


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Reads an idx file of unsigned bytes.

    Args:
        path: plain, or ending in `.gz` or `.xz`.
        dimensions: how many its values have.

    Returns:
        The values, u8, in a shape of so many dimensions.

    Raises:
        BadPhoto: it is cut short or too long, does not begin as an idx file of bytes, has another
            number of dimensions, or cannot be unpacked.
    """
    try:
        with OPENERS[path.suffix if path.suffix in OPENERS else ""](path, "rb") as file:
            return _values(file, dimensions)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise BadPhoto(f"cannot be read: {error}") from error


def _values(file: Opened, dimensions: int) -> np.ndarray:
    """Reads an opened file."""
    length = 4 + 4 * dimensions
    header = _bytes(file, length, length)
    expected = bytes([0, 0, BYTES, dimensions])
    if header[:4] != expected:
        got = header[:4].hex(" ")
        if header[:3] == expected[:3]:
            raise BadPhoto(f"expected {dimensions} dimensions, got {header[3]} (it begins {got})")
        raise BadPhoto(f"not an idx file of bytes: expected {expected.hex(' ')} first, got {got}")
    shape = struct.unpack(f">{dimensions}I", header[4:])
    if math.prod(shape) > MAX_VALUES:
        raise BadPhoto(f"too large: its header says {_named(shape)} values")
    values = _bytes(file, math.prod(shape), length + math.prod(shape), length)
    if file.read1(1):
        raise BadPhoto(
            f"expected {length + math.prod(shape):,} bytes for {_named(shape)} values, got more"
        )
    return np.frombuffer(values, np.uint8).reshape(shape)


def _bytes(file: Opened, count: int, total: int, before: int = 0) -> bytearray:
    """Reads exactly so many bytes, in blocks: a header may promise more than there is.

    Raises:
        BadPhoto: there are fewer, or the packed data ends too early.
    """
    read = bytearray()
    while len(read) < count:
        try:
            block = file.read1(min(BLOCK, count - len(read)))  # gives what there is before a cut
        except EOFError:  # the packed file was cut
            block = b""
        if not block:
            found = before + len(read)
            raise BadPhoto(f"cut short: expected {total:,} bytes, found {found:,}")
        read += block
    return read


def _named(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
