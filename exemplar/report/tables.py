"""The rows that the evaluation wrote, gathered and made readable.

`evaluate` leaves three tables for each domain and condition; this joins them into
`reports/tables/pixelnn.csv`, which the page and the terminal print beside the published numbers,
`reports/tables/coherent.csv`, the coherent composition against the published one, and
`reports/tables/detail.csv`, whole pictures against coherent ones at their own size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from exemplar.metrics.detail_columns import COLUMNS as DETAIL
from exemplar.metrics.independence import verdict
from exemplar.metrics.normals import NormalStatistics
from exemplar.metrics.sampled_columns import COLUMNS as SAMPLED
from exemplar.metrics.sampled_columns import FD, FEATURES, HIGH, KID, LOW
from exemplar.metrics.selection import HIGHER_IS_BETTER
from exemplar.store.files import written

# Of the paper's Table 1, judged by a network; then what we measure beyond it.
METRICS = (*NormalStatistics._fields, "ap")
BEYOND = ("seam", "diversity", "fid", "f8", "f1_8", FD, KID, LOW, HIGH, "rank_correlation")
COLUMNS = (
    "domain", "condition", "method", "selection", *METRICS, "images", "candidates", "judge",
    "judge_shares", "correspondence", "seam", "diversity", "diversity_features", "fid", "f8",
    "f1_8", "fid_features", "rank_correlation", *SAMPLED,
)  # fmt: skip
# Distances mean nothing without the features that they are measured on: the column that names them.
DISTANCES = {
    "diversity": "diversity_features", "fid": "fid_features", FD: FEATURES, KID: FEATURES,
}  # fmt: skip
# So do precision and recall of what lies how close to what, and an interval's ends.
MEASURED = DISTANCES | {
    "f8": "fid_features", "f1_8": "fid_features", LOW: FEATURES, HIGH: FEATURES,
}  # fmt: skip
COMPARISON = (
    "domain", "condition", "metric", "published", "coherent", "difference", "low", "high", "images",
    "judge",
)  # fmt: skip
HIGHER = HIGHER_IS_BETTER | {"diversity", "f8", "f1_8", "rank_correlation"}
DECIMALS = {
    "ap": 2, "correspondence": 3, "images": 0, "candidates": 0, "seam": 2, "diversity": 3,
    "fid": 3, "f8": 3, "f1_8": 3, "rank_correlation": 2, FD: 3, KID: 4, LOW: 4, HIGH: 4,
}  # fmt: skip
# Never without what it was measured on: the judge, or the features of `MEASURED`.
HEADINGS = {
    "mean": "Mean", "median": "Median", "rmse": "RMSE", "within_11_25": "11.25°",
    "within_22_5": "22.5°", "within_30": "30°", "ap": "AP", "correspondence": "Corr.",
    "seam": "Seam energy", "diversity": "Diversity", "fid": "FID", "f8": "F8", "f1_8": "F1/8",
    "rank_correlation": "Rank corr.", FD: "FD", KID: "KID", LOW: "KID ≥", HIGH: "KID ≤",
}  # fmt: skip
# `global` draws on the exemplars that lead PixelNN's candidates, as often as they do.
METHODS = {
    "regressor": "Regressor alone",
    "pix2pix": "Pix-to-Pix",
    "global": "Global",
    "global_nearest": "Global, {candidates} nearest",
    "pixelnn": "PixelNN",
    "coherent": "PixelNN (coherent)",
    "whole": "PixelNN (whole)",
    "chance": "Chance",
}
SELECTIONS = {
    "single": "its one image",
    "rand-1": "one at random",
    "top-1": "best-ranked (top-1)",
    "random few": "random few",
    "distinct few": "distinct few",
    "expected": "any pixel at random",
    "oracle": "oracle",
    "oracle per metric": "oracle per metric",
    "oracle one candidate": "oracle, one candidate",
}
# Selections that see no truth compare with each other; each oracle only with its own kind.
_BLIND = ("single", "rand-1", "top-1", "random few", "distinct few")
# Diversity within a few compares with that of as many; their counts are not the schedule's.
FEW = ("random few", "distinct few")
FEW_IMAGES = (
    "FIDs of fewer than 2,048 images, photographs or those judged, are noisy and too large; "
    "they compare only within one table."
)
"""Stands under every table with a FID and no warnings of its own."""
# A copy of one whole exemplar has no seam, so that it cannot lead by having none.
_UNSEAMED = ("global", "global_nearest")


Row = dict[str, Any]


class TableError(ValueError):
    """The evaluation has not run, or left a table of another form."""


def read_table(folder: Path | str, domain: str, condition: str) -> pd.DataFrame:
    """Reads the scores that `evaluate` wrote for one domain and condition, its digits untouched.

    Args:
        folder: the evaluation's folder, which has `table.csv`.
        domain: a domain's name.
        condition: a condition's name.

    Returns:
        The columns of `COLUMNS`, as text; empty where the table has no value.

    Raises:
        TableError: the file is missing, has other columns, describes something else, or has a
            distance on features without their name.
    """
    table = _read(folder, "table.csv", COLUMNS, domain, condition)
    for distance, column in MEASURED.items():
        if any(text(row, distance) and not text(row, column) for row in records(table)):
            raise TableError(
                f"{Path(folder) / 'table.csv'}: expected the name of its features in `{column}` "
                f"beside every `{distance}`, some have none; `exemplar reproduce evaluate --force` "
                "writes both"
            )
    return table


def read_comparison(folder: Path | str, domain: str, condition: str) -> pd.DataFrame:
    """Reads coherent against published for one domain and condition, its digits untouched.

    Args:
        folder: the evaluation's folder, which has `comparison.csv`.
        domain: a domain's name.
        condition: a condition's name.

    Returns:
        The columns of `COMPARISON`, as text; empty where the table has no value.

    Raises:
        TableError: the file is missing, has other columns, or describes something else.
    """
    return _read(folder, "comparison.csv", COMPARISON, domain, condition)


def read_detail(folder: Path | str, domain: str, condition: str) -> pd.DataFrame:
    """Reads whole against coherent pictures for one domain and condition, its digits untouched.

    Arguments and errors are as for `read_comparison`, the columns `metrics.detail_columns`; without
    rows if `evaluate.detail` is null.
    """
    return _read(folder, "detail.csv", DETAIL, domain, condition, empty=True)


def _read(
    folder: Path | str,
    file: str,
    columns: Sequence[str],
    domain: str,
    condition: str,
    empty: bool = False,
) -> pd.DataFrame:
    """A table of exactly these columns, in this order, of one domain and condition."""
    path = evaluated(folder, file)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing, unknown = set(columns) - set(table), set(table) - set(columns)
    if missing or unknown:
        raise TableError(
            f"{path}: expected the columns {', '.join(columns)}; "
            f"missing: {sorted(missing) or 'none'}, unknown: {sorted(unknown) or 'none'}; "
            "`exemplar reproduce` writes it anew"
        )
    found = set(zip(table["domain"], table["condition"], strict=True))
    if found != {(domain, condition)} and not (empty and not found):
        raise TableError(
            f"{path}: expected rows of {domain}, {condition}, got {sorted(found) or 'none'}"
        )
    return table.loc[:, list(columns)]


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
    """Writes tables of equal columns, one under the other, as CSV."""
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


def measured_on(rows: Sequence[Row]) -> dict[str, str]:
    """The features of those `MEASURED` that some row has, by score; different ones joined."""
    named = {
        score: sorted({text(row, column) for row in rows if text(row, score)} - {""})
        for score, column in MEASURED.items()
    }
    return {score: ", ".join(names) for score, names in named.items() if names}


def reservations(rows: Sequence[Row]) -> list[str]:
    """What is to be said under a table of these rows: `FEW_IMAGES`, if there is a FID."""
    return [FEW_IMAGES] if any(not math.isnan(number(row, "fid")) for row in rows) else []


def independence(row: Row) -> str:
    """Whether a row's judge is independent of what it judged, in words; empty if not known."""
    shares = text(row, "judge_shares")
    return verdict(shares) if shares else ""


def number(row: Row, column: str) -> float:
    """A row's number, whether it was read as text or not; NaN where there is none."""
    value = row.get(column)
    return math.nan if value is None or value == "" else float(value)


def text(row: Row, column: str) -> str:
    """A row's text as it was written, empty where there is none."""
    value = row.get(column)
    return "" if value is None or value != value else str(value)


def shown(column: str, value: float) -> str:
    """A number with its column's `DECIMALS`, one by default; a dash for NaN."""
    return "–" if math.isnan(value) else f"{value:.{DECIMALS.get(column, 1)}f}"


def leading(rows: Sequence[Row], column: str) -> list[bool]:
    """Which rows lead among those they compare with.

    Rows compare if domain, condition, judge and kind of selection agree; what sees no truth
    (`single`, `rand-1`, `top-1` and the few) is one kind, each oracle another. In diversity the few
    compare among themselves, and in seam energy whole copies, which have no seams, with nothing. A
    row with nothing to compare with does not lead.

    Args:
        rows: from `records`.
        column: one of the metrics, of `BEYOND`, or `correspondence`.

    Returns:
        One for each row; ties, as printed, all lead.
    """
    values = [round(number(row, column), DECIMALS.get(column, 1)) for row in rows]
    rivals: dict[tuple[str, ...], list[float]] = {}
    keys = []
    for row, value in zip(rows, values, strict=True):
        named = (text(row, name) for name in ("domain", "condition", "judge"))
        keys.append((*named, _kind(row, column)))
        if not math.isnan(value):
            rivals.setdefault(keys[-1], []).append(value)
    if column in (LOW, HIGH):  # ends of an interval
        return [False] * len(rows)
    best = max if column in HIGHER else min
    return [
        not math.isnan(value) and len(rivals[key]) > 1 and value == best(rivals[key])
        for key, value in zip(keys, values, strict=True)
    ]


def _kind(row: Row, column: str) -> str:
    """The name of the rows that one compares with, in a column."""
    selection, method = text(row, "selection"), text(row, "method")
    if column == "seam" and method in _UNSEAMED:
        return f"{method} {selection}"
    if column == "diversity" and selection in FEW:
        return "few"
    return "blind" if selection in _BLIND else selection
