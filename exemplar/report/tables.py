"""The rows that the evaluation wrote, gathered and made readable.

`evaluate` leaves one table for each domain and condition; this joins them into
`reports/tables/pixelnn.csv`, which the page and the terminal print beside the published numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from exemplar.metrics import selection
from exemplar.metrics.selection import HIGHER_IS_BETTER
from exemplar.store.files import written

METRICS = tuple(name for name in selection.METRICS if name != "correspondence")
COLUMNS = (
    "domain", "condition", "method", "selection", *METRICS, "images", "candidates", "judge",
    "correspondence",
)  # fmt: skip
DECIMALS = {"ap": 2, "correspondence": 3, "images": 0, "candidates": 0}
HEADINGS = {
    "mean": "Mean", "median": "Median", "rmse": "RMSE", "within_11_25": "11.25°",
    "within_22_5": "22.5°", "within_30": "30°", "ap": "AP",
}  # fmt: skip
METHODS = {
    "regressor": "Regressor alone",
    "global": "Global",
    "pixelnn": "PixelNN",
    "pix2pix": "Pix-to-Pix",
    "chance": "Chance",
}
SELECTIONS = {
    "single": "its one image",
    "rand-1": "one at random",
    "expected": "any pixel at random",
    "oracle": "oracle",
    "oracle per metric": "oracle per metric",
    "oracle one candidate": "oracle, one candidate",
}
# Selections that see no truth compare with each other; each oracle only with its own kind.
_BLIND = {"single": "blind", "rand-1": "blind"}


Row = dict[str, Any]


class TableError(ValueError):
    """The evaluation has not run, or left a table of another form."""


def read_table(folder: Path | str, domain: str, condition: str) -> pd.DataFrame:
    """Reads what `evaluate` wrote for one domain and condition, its digits untouched.

    Args:
        folder: the evaluation's folder, which has `table.csv`.
        domain: a domain's name.
        condition: a condition's name.

    Returns:
        The columns of `COLUMNS`, as text; empty where the table has no value.

    Raises:
        TableError: the file is missing, has other columns, or describes something else.
    """
    path = evaluated(folder, "table.csv")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if "correspondence" not in table:
        table["correspondence"] = ""
    missing, unknown = set(COLUMNS) - set(table), set(table) - set(COLUMNS)
    if missing or unknown:
        raise TableError(
            f"{path}: expected the columns {', '.join(COLUMNS)}; "
            f"missing: {sorted(missing) or 'none'}, unknown: {sorted(unknown) or 'none'}"
        )
    found = set(zip(table["domain"], table["condition"], strict=True))
    if found != {(domain, condition)}:
        raise TableError(
            f"{path}: expected rows of {domain}, {condition}, got {sorted(found) or 'none'}"
        )
    return table.loc[:, list(COLUMNS)]


def evaluated(folder: Path | str, file: str) -> Path:
    """A file that `evaluate` wrote.

    Raises:
        TableError: it is missing.
    """
    path = Path(folder) / file
    if not path.is_file():
        raise TableError(
            f"{path}: no such file; the stage evaluate@{path.parent.name} has not run: "
            "`exemplar reproduce`"
        )
    return path


def join_tables(tables: Sequence[pd.DataFrame], path: Path | str) -> None:
    """Writes tables from `read_table`, one under the other, as CSV."""
    joined = pd.concat(tables, ignore_index=True)
    with written(path) as partial:
        joined.to_csv(partial, index=False, lineterminator="\n")


def records(table: pd.DataFrame) -> list[Row]:
    """A table's rows as dictionaries, to be asked with `number` and `text`."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def grouped(rows: Sequence[Row], *columns: str) -> dict[tuple[str, ...], list[Row]]:
    """Rows with equal text in some columns, groups and rows in their first order."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(text(row, name) for name in columns), []).append(row)
    return groups


def number(row: Row, column: str) -> float:
    """A row's number, whether it was read as text or not; NaN where there is none."""
    value = row.get(column)
    return math.nan if value is None or value == "" else float(value)


def text(row: Row, column: str) -> str:
    """A row's text as it was written, empty where there is none."""
    value = row.get(column)
    return "" if value is None or value != value else str(value)


def shown(column: str, value: float) -> str:
    """A number as the paper prints it: one decimal, two for AP, none for counts, a dash for NaN."""
    return "–" if math.isnan(value) else f"{value:.{DECIMALS.get(column, 1)}f}"


def leading(rows: Sequence[Row], column: str) -> list[bool]:
    """Which rows lead among those they compare with.

    Rows compare if domain, condition and kind of selection agree; what sees no truth (`single`,
    `rand-1`) is one kind, each oracle another. A row with nothing to compare with does not lead.

    Args:
        rows: from `records`.
        column: one of the metrics, or `correspondence`.

    Returns:
        One for each row; ties, as printed, all lead.
    """
    values = [round(number(row, column), DECIMALS.get(column, 1)) for row in rows]
    rivals: dict[tuple[str, ...], list[float]] = {}
    keys = []
    for row, value in zip(rows, values, strict=True):
        kind = text(row, "selection")
        keys.append((text(row, "domain"), text(row, "condition"), _BLIND.get(kind, kind)))
        if not math.isnan(value):
            rivals.setdefault(keys[-1], []).append(value)
    best = max if column in HIGHER_IS_BETTER else min
    return [
        not math.isnan(value) and len(rivals[key]) > 1 and value == best(rivals[key])
        for key, value in zip(keys, values, strict=True)
    ]
