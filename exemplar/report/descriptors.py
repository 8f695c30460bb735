"""The table of descriptor lengths: what each keeps and finds of the full hypercolumn."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from exemplar.report.tables import TableError

COLUMNS = ["dimensions", "window", "agreement", "similarity", "variance_kept"]


class Descriptors(NamedTuple):
    """One table.

    Attributes:
        chosen: the number of dimensions in use.
        windows: the windows that were searched, in words.
        rows: dimensions, share of variance kept, and for each window the share of pixels matched
            as by the full hypercolumn and the matches' similarity as a share of the best.
    """

    chosen: int
    windows: list[str]
    rows: list[tuple[int, float, list[tuple[float, float]]]]


def read_descriptors(path: Path | str, chosen: int) -> Descriptors:
    """Reads what stage `projection` measured.

    Args:
        path: a CSV file.
        chosen: the number of dimensions in use.

    Raises:
        TableError: the file is missing, or lacks columns; the message says which.
    """
    path = Path(path)
    if not path.is_file():
        raise TableError(f"{path}: no such table; `exemplar reproduce projection` makes it")
    table = pd.read_csv(path)
    if missing := [name for name in COLUMNS if name not in table]:
        raise TableError(
            f"{path}: expected columns {', '.join(COLUMNS)}, {', '.join(missing)} missing; "
            "remove it and run `exemplar reproduce projection`"
        )
    windows = list(dict.fromkeys(table["window"].astype(int)))
    rows = []
    for dimensions, part in table.groupby("dimensions", sort=True):
        by_window = part.set_index("window")
        cells = [
            (float(by_window.at[w, "agreement"]), float(by_window.at[w, "similarity"]))
            for w in windows
        ]
        rows.append((int(str(dimensions)), float(part["variance_kept"].iloc[0]), cells))
    return Descriptors(chosen, [f"{w} × {w}" if w else "whole image" for w in windows], rows)
