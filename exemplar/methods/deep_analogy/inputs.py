"""Files of users as arrays: images, and labels and points of them.

First step of the way. Every reader notes what is wrong and goes on, so that all problems of all
files are told together, before anything is matched.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exemplar.data.inputs import BadPhoto
from exemplar.data.pixels import decode, numbers

SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2",
    ".avif",
)  # fmt: skip
NARROW = 32
"""Times that an image's longer side may be its shorter: beyond, matching has nothing to go by."""
LARGEST = 65535
"""Of labels, as they are written as 16-bit PNG."""

Problems = list[str]


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


@dataclass(frozen=True)
class Points:
    """Points of an image.

    Attributes:
        names: of each.
        places: (K, 2) float64 rows and columns; whole numbers are pixels' centres.
    """

    names: tuple[str, ...]
    places: NDArray[np.float64]


def read_picture(path: Path, problems: Problems) -> Picture | None:
    """Reads an image of any kind: grey, 16 bits, with alpha (over white), turned by EXIF.

    Args:
        path: a file.
        problems: gets a line if it cannot be used.

    Returns:
        The image, none if it cannot be used.
    """
    data = _bytes(path, problems, "an image")
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


def read_labels(path: Path, size: tuple[int, int], problems: Problems) -> NDArray[np.int64] | None:
    """Reads a map of whole numbers for an image.

    Args:
        path: a grey or palette image.
        size: (H, W) of the image that it labels.
        problems: gets a line if it cannot be used.

    Returns:
        (H, W), from 0 to `LARGEST`; none if it cannot be used.
    """
    data = _bytes(path, problems, "a label map")
    if data is None:
        return None
    try:
        labels = numbers(data)
    except BadPhoto as error:
        problems.append(f"{path}: {error}")
        return None
    if labels.shape != size:
        problems.append(
            f"{path}: expected {size[1]}×{size[0]} pixels as its image, got "
            f"{labels.shape[1]}×{labels.shape[0]}; give the label map of A"
        )
        return None
    if labels.min() < 0 or labels.max() > LARGEST:
        problems.append(
            f"{path}: expected labels from 0 to {LARGEST}, got {labels.min()} to {labels.max()}; "
            "number them anew"
        )
        return None
    return labels


def read_points(path: Path, size: tuple[int, int], problems: Problems) -> Points | None:
    """Reads points of an image.

    Args:
        path: a CSV file with columns `x` and `y` in pixels and perhaps `name`; pixel (0, 0) is the
            top left one, and whole numbers are pixels' centres.
        size: (H, W) of the image.
        problems: gets a line for all that is wrong with the file.

    Returns:
        The points, none if they cannot be used.
    """
    known = len(problems)
    table = read_table(path, ("x", "y"), ("name",), problems)
    if table is None:
        return None
    columns = [pd.to_numeric(table[name], errors="coerce") for name in ("y", "x")]
    places = np.stack([np.asarray(column, np.float64) for column in columns], axis=1)
    with np.errstate(invalid="ignore"):
        inside = ((np.rint(places) >= 0) & (np.rint(places) < size)).all(1)
    if not inside.all():
        wrong = ", ".join(str(table.index[row]) for row in np.flatnonzero(~inside))
        problems.append(
            f"{path}: expected numbers with x from 0 to {size[1] - 1} and y from 0 to "
            f"{size[0] - 1}, the pixels of A; mend line {wrong}"
        )
    if len(problems) > known:
        return None
    names = table["name"] if "name" in table else pd.Series(range(1, len(table) + 1)).astype(str)
    return Points(tuple(names), places)


def read_table(
    path: Path, needed: tuple[str, ...], optional: tuple[str, ...], problems: Problems
) -> pd.DataFrame | None:
    """Reads a CSV file with a line of column names, cells as text.

    Args:
        path: the file.
        needed: columns that must be there.
        optional: columns that may.
        problems: gets a line if it cannot be used, and one for rows of another length.

    Returns:
        The rows that are as long as the first, at least one, by the lines on which they end; none
        if the file cannot be used.
    """
    rows = _rows(path, problems)
    if rows is None:
        return None
    _, names = rows.pop(0)
    missing = [name for name in needed if name not in names]
    unknown = [name for name in names if name not in needed + optional]
    twice = sorted({name for name in names if names.count(name) > 1})
    if missing or unknown or twice or not rows:
        wrong = [f"no column {', '.join(missing)}"] * bool(missing)
        wrong += [f"unknown columns {', '.join(unknown)}"] * bool(unknown)
        wrong += [f"more than one column {', '.join(twice)}"] * bool(twice)
        wrong += ["no row"] * (not rows)
        problems.append(
            f"{path}: {'; '.join(wrong)}; expected the columns {', '.join(needed)} and perhaps "
            f"{', '.join(optional)}, and a row for each"
        )
        return None
    other = [f"{line} ({len(cells)})" for line, cells in rows if len(cells) != len(names)]
    if other:
        problems.append(
            f"{path}: expected {len(names)} cells in every row, as many as columns; mend line "
            f"{', '.join(other)}"
        )
    fitting = {line: cells for line, cells in rows if len(cells) == len(names)}
    if not fitting:
        return None
    return pd.DataFrame.from_dict(fitting, orient="index", columns=pd.Index(names), dtype=str)


def _rows(path: Path, problems: Problems) -> list[tuple[int, list[str]]] | None:
    """The cells of a CSV file's rows by their lines, without empty lines; the first one's too."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, skipinitialspace=True, strict=True)
            rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except FileNotFoundError:
        problems.append(f"{path}: no such file")
        return None
    except (ValueError, OSError, csv.Error) as error:  # text that is not UTF-8 is a ValueError
        problems.append(f"{path}: not a readable CSV file ({error})")
        return None
    rows = [(line, cells) for line, cells in rows if cells not in ([], [""])]
    if not rows:
        problems.append(f"{path}: not a readable CSV file (it is empty)")
        return None
    return rows


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


def _bytes(path: Path, problems: Problems, what: str) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        problems.append(f"{path}: no such file")
    except IsADirectoryError:
        problems.append(f"{path}: expected {what}, got a folder")
    except OSError as error:
        problems.append(f"{path}: cannot be read: {error.strerror}")
    return None
