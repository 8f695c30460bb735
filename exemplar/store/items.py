"""`items.parquet`: row i describes image i of the domain's arrays; and images by their ids."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from fnmatch import translate
from pathlib import Path

import numpy as np
import pandas as pd
from pyarrow.parquet import read_schema

from exemplar.store.arrays import StoreError
from exemplar.store.files import written

COLUMNS = ("id", "split", "category", "source", "sha256", "licence", "width", "height")
BOX = ("left", "top", "right", "bottom")
"""Of the part of a file's upright image, in its pixels, that an image was made from."""
FILES = ("path", "labels", "masked", *BOX)
"""Columns of domains of photographs, by which files are read again at their own size.

`path` of the photograph and `labels` of a label map, below the domain's root, empty where there is
none; whether 0 and 255 are two classes of it; and the photograph's box.
"""
SPLITS = ("train", "val", "test")
NEEDED = {"train": 11, "val": 1, "test": 1}
"""The fewest images of each split that PixelNN runs with.

Candidates are composed of the nearest eleven training images, their ranking is learned on images of
val, and those of test are synthesised and scored.
"""


def write_items(path: Path | str, items: pd.DataFrame) -> None:
    """Writes the table of a domain's images.

    Args:
        path: a file ending in `.parquet`.
        items: the columns of `COLUMNS`, and all of `FILES` or none; ids unique, splits from
            `SPLITS`.

    Raises:
        ValueError: a column is missing, an id repeats, or a split is unknown.
    """
    needed = COLUMNS + (FILES if any(name in items for name in FILES) else ())
    missing = [name for name in needed if name not in items]
    if missing:
        raise ValueError(f"{path}: items need the columns {needed}, missing {missing}")
    repeated = items["id"][items["id"].duplicated()].tolist()
    if repeated:
        raise ValueError(f"{path}: ids must be unique, repeated: {repeated[:10]}")
    unknown = sorted(set(items["split"]) - set(SPLITS))
    if unknown:
        raise ValueError(f"{path}: splits must be {SPLITS}, got {unknown}")
    with written(path) as partial:
        items.loc[:, list(needed)].to_parquet(partial, index=False, compression="zstd")


def read_items(path: Path | str) -> pd.DataFrame:
    """Reads what `write_items` wrote.

    Raises:
        StoreError: the file is missing, damaged, or of something else.
    """
    if not Path(path).is_file():
        raise StoreError(
            f"{path}: no such table; the stage that makes it has not run: `exemplar reproduce`"
        )
    try:
        stored = read_schema(path).names
        files = [name for name in FILES if name in stored]
        return pd.read_parquet(path, columns=[*COLUMNS, *files])
    except (ValueError, OSError) as error:  # of what is damaged, either
        raise StoreError(
            f"{path}: cannot be read as a table of images ({error}); remove it and run "
            "`exemplar reproduce`"
        ) from error


def box_columns(boxes: Sequence[tuple[float, float, float, float]]) -> dict[str, np.ndarray]:
    """The columns `BOX` of boxes: left, top, right, bottom."""
    table = np.asarray(boxes, np.float64).reshape(-1, len(BOX))
    return dict(zip(BOX, table.T, strict=True))


def rows_of(items: pd.DataFrame, split: str) -> np.ndarray:
    """The rows (int64, ascending) of a split."""
    return np.flatnonzero((items["split"] == split).to_numpy())


def comparable(text: str) -> str:
    """A name in the form (NFC) in which names are compared.

    An accent may be part of its letter or follow it: file systems, archives and keyboards differ.

    >>> comparable("e\N{COMBINING ACUTE ACCENT}") == "é"
    True
    """
    return unicodedata.normalize("NFC", text)


def row_of_id(items: pd.DataFrame, identity: str) -> int | None:
    """The row of the image with an id; None if there is none."""
    ids = items["id"].astype(str).tolist()
    if identity in ids:
        return ids.index(identity)
    forms = [comparable(each) for each in ids]
    return forms.index(comparable(identity)) if comparable(identity) in forms else None


def matches(wanted: str, *columns: Iterable[str]) -> np.ndarray:
    """Which rows have a name that is wanted; case counts.

    A name that is there literally is meant so, whatever it holds; else the text is a glob, whose
    `*`, `?`, `[…]` and `[!…]` stand for parts of a name.

    Args:
        wanted: a name or a glob, which matches names as a whole.
        columns: names of the rows, as long as each other.

    Returns:
        (n,) bool: one of a row's names is wanted.

    >>> matches("cat*", ["cat", "dog", "caterpillar"]).tolist()
    [True, False, True]
    >>> matches("a[1]", ["a1", "a[1]"]).tolist()
    [False, True]
    """
    wanted = comparable(wanted)
    names = [[comparable(name) for name in column] for column in columns]
    literal = np.array([[name == wanted for name in column] for column in names], dtype=bool)
    if literal.any():
        return np.asarray(literal.any(axis=0))
    pattern = re.compile(translate(wanted))
    found = [[pattern.match(name) is not None for name in column] for column in names]
    return np.asarray(np.array(found, dtype=bool).any(axis=0))
