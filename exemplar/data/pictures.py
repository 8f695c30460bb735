"""Images of users as arrays, of any kind of file.

Every reader notes what is wrong and goes on, so that all problems of all files are told together,
before anything is made.
"""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from exemplar.data.inputs import BadPhoto
from exemplar.data.pixels import decode, numbers, stored
from exemplar.data.problems import Problems

SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2",
    ".avif",
)  # fmt: skip
MAX_BYTES = 1 << 30
"""Of a file: more than the most pixels need, in any format."""
NARROW = 32
"""Times that an image's longer side may be its shorter: beyond, matching has nothing to go by."""


@dataclass(frozen=True)
class Picture:
    """An image, and what is known of where it came from.

    Attributes:
        source: its file, as it was named, or what else it is called.
        image: u8 (H, W, 3) RGB, upright.
        sha256: of the file, or of the pixels where there is none.
        licence: if it is known.
    """

    source: str
    image: NDArray[np.uint8]
    sha256: str
    licence: str = ""


def read_picture(path: Path, problems: Problems) -> Picture | None:
    """Reads an image of any kind: grey, 16 bits, with alpha (over white), turned by EXIF.

    Args:
        path: a file.
        problems: gets a line if it cannot be used.

    Returns:
        The image, none if it cannot be used.
    """
    data = file_bytes(path, problems, "an image")
    if data is None:
        return None
    try:
        image = np.array(decode(data))
    except BadPhoto as error:
        problems.append(f"{path}: {error}")
        return None
    height, width = image.shape[:2]
    if max(height, width) > NARROW * min(height, width):
        problems.append(
            f"{path}: {width}×{height} pixels are too narrow to be matched; crop it, so that one "
            f"side is at most {NARROW} times the other"
        )
        return None
    return Picture(str(path), image, hashlib.sha256(data).hexdigest())


def read_stored(path: Path, problems: Problems, what: str) -> Image.Image | None:
    """Reads an image whose values mean more than colours: none is changed, a palette stays.

    Args:
        path: a file.
        problems: gets a line if it cannot be used.
        what: was expected, for that line.

    Returns:
        An image of any mode, upright; none if it cannot be used.
    """
    data = file_bytes(path, problems, what)
    if data is None:
        return None
    try:
        return stored(data)
    except BadPhoto as error:
        problems.append(f"{path}: {error}")
        return None


def pictures_in(folder: Path, problems: Problems) -> list[Path]:
    """The image files of a folder, in the order of their names; hidden ones are none."""
    try:
        found = sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        )
    except OSError as error:
        problems.append(f"{folder}: the folder cannot be read: {error.strerror}")
        return []
    if not found:
        problems.append(f"{folder}: expected images ({', '.join(SUFFIXES)}), found none")
    return found


def doubts(name: str, picture: Picture) -> list[str]:
    """What makes an image hard to match, in sentences; it is matched all the same."""
    spread = int(np.ptp(picture.image.reshape(-1, 3), axis=0).max())
    if spread > 0:
        return []
    said = (
        f"{name} ({picture.source}) has one colour everywhere: nothing in it can be told apart, so "
        "its matches mean nothing"
    )
    return [said]


def file_bytes(path: Path, problems: Problems, what: str) -> bytes | None:
    """Reads a whole file; a pipe or a device, which may never end, is not opened.

    Args:
        path: a file.
        problems: gets a line if it cannot be read.
        what: was expected, for that line.
    """
    path = spelled(path)
    try:
        facts = path.stat()
        if (wrong := _no_file(facts.st_mode)) is not None:
            problems.append(f"{path}: expected {what}, got {wrong}")
        elif facts.st_size > MAX_BYTES:
            problems.append(
                f"{path}: expected {what} of at most {MAX_BYTES >> 20} MiB, got "
                f"{facts.st_size >> 20} MiB"
            )
        else:
            return path.read_bytes()
    except FileNotFoundError:
        leads = f": it is a link to {path.readlink()}" if path.is_symlink() else ""
        problems.append(f"{path}: no such file{leads}")
    except OSError as error:
        problems.append(f"{path}: cannot be read: {error.strerror}")
    return None


def spelled(path: Path) -> Path:
    """A path, or if it is not there, the one that is and differs in the form of its accents alone.

    An accent may be part of its letter or follow it (NFC, NFD): keyboards, tables, archives and
    file systems differ.

    Args:
        path: of a file or folder; those above it may be in another form too.

    Returns:
        A path that is there, or the given one if there is none.
    """
    if os.path.lexists(path):
        return path
    found = Path(path.anchor)
    for part in path.parts[len(found.parts) :]:
        name = part if os.path.lexists(found / part) else _alike(found, part)
        if name is None:
            return path
        found /= name
    return found


def _alike(folder: Path, name: str) -> str | None:
    """The first name in a folder that differs from one in its form alone."""
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:  # no folder, or none that may be read: told where the file is opened
        return None
    wanted = unicodedata.normalize("NFC", name)
    return next((each for each in names if unicodedata.normalize("NFC", each) == wanted), None)


def _no_file(mode: int) -> str | None:
    """What something is that is no file, by its mode."""
    if stat.S_ISREG(mode):
        return None
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe, socket or device; save it to a file"


def read_numbers(path: Path, problems: Problems) -> NDArray[np.int64] | None:
    """Reads a map of whole numbers, such as labels.

    Args:
        path: a grey or palette image.
        problems: gets a line if it cannot be used.

    Returns:
        (H, W), none if it cannot be used.
    """
    data = file_bytes(path, problems, "a label map")
    if data is None:
        return None
    try:
        return numbers(data)
    except BadPhoto as error:
        problems.append(f"{path}: {error}")
        return None
