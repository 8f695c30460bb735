"""Labels and points of users' images, as arrays.

First step of the way, beside `data.pictures`. Every reader notes what is wrong and goes on, so that
all problems of all files are told together, before anything is matched.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exemplar.data.problems import Problems
from exemplar.data.text_tables import read_table
from exemplar.labels.drawn import read_map

LARGEST = 65535
"""Of labels, as they are written as 16-bit PNG."""


@dataclass(frozen=True)
class Points:
    """Points of an image.

    Attributes:
        names: of each.
        places: (K, 2) float64 rows and columns; whole numbers are pixels' centres.
    """

    names: tuple[str, ...]
    places: NDArray[np.float64]


def read_labels(path: Path, size: tuple[int, int], problems: Problems) -> NDArray[np.int64] | None:
    """Reads a map of whole numbers for an image.

    Args:
        path: a grey or palette image, or one of three equal channels.
        size: (H, W) of the image that it labels.
        problems: gets a line if it cannot be used.

    Returns:
        (H, W), from 0 to `LARGEST`; none if it cannot be used.
    """
    found = read_map(path, problems)
    if found is None:
        return None
    labels = found.ids
    if labels is None:
        problems.append(
            f"{path}: expected one number a pixel (a grey or palette image of 8, 16 or 32 bits), "
            "got colours; save numbers of classes, or a palette"
        )
        return None
    if found.inexact and len(np.unique(labels)) > 1:
        problems.append(
            f"{path}: is saved in a format such as JPEG, which changes numbers, so that pixels at "
            "edges would be of classes that nobody drew; save the original map as PNG"
        )
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
