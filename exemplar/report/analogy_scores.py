"""Deep Image Analogy's scores: the tables that the evaluation writes, brought together by set.

`analogy_flow` writes a row for each pair and method, `analogy_keypoints` for each category and
method. Here they become blocks, ours and the published ones; the page and the terminal show the
same. Published numbers are typed in from the paper's Tables 1 and 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan, nan
from pathlib import Path
from typing import Any

import pandas as pd

FLOW = Path("reports/tables/analogy_flow.csv")
FLOW_COLUMNS = (
    "pair", "method", "psnr", "endpoint_error", "seconds", "correspondence_error", "cycle_error",
)  # fmt: skip
"""A pair is `set/pair`; empty is what cannot be known of it."""

KEYPOINTS = Path("reports/tables/analogy_keypoints.csv")
KEYPOINT_COLUMNS = ("category", "method", "pck_0_1", "pck_0_05", "pairs")
"""A category is `set/category`; PCK is in percent."""

PAPER = (
    "Visual Attribute Transfer through Deep Image Analogy (Liao, Yao, Yuan, Hua, Kang), Tables 1 "
    "and 2"
)
TRUTH = "truth"
"""In the place of a method: what the true field reaches."""
METHODS = {
    "deep_analogy": "Deep Image Analogy",
    "deep_analogy_single": "· one direction (Eq. 3)",
    "deep_analogy_independent": "· finest level alone",
    "deep_analogy_energy": "· published energy (Eq. 2)",
    "deep_analogy_published": "· Algorithm 1, as published",
    "offset_votes": "votes of offsets",
    "patchmatch": "PatchMatch on colours",
    "optical_flow": "TV-L1 flow",
    "identity": "same place",
    TRUTH: "the truth",
    "sift_flow": "SIFT Flow",
    "deepflow2": "DeepFlow2",
    "cycle": "Cycle consistency",
}
SHORT = {
    "deep_analogy": "DIA",
    "deep_analogy_single": "one way",
    "deep_analogy_independent": "one level",
    "deep_analogy_energy": "Eq. 2",
    "deep_analogy_published": "as publ.",
    "offset_votes": "votes",
    "patchmatch": "PatchMatch",
    "optical_flow": "TV-L1",
    "identity": "same place",
    "sift_flow": "SIFT Flow",
    "cycle": "Cycle cons.",
}
"""Above a column."""

_MEASURES = {
    "psnr": ("PSNR ↑", 2),
    "endpoint_error": ("Endpoint ↓", 2),
    "correspondence_error": ("Corr. ↓", 3),
    "cycle_error": ("Cycle ↓", 2),
    "seconds": ("Seconds", 1),
}
_PCK = {"pck_0_1": "PCK, α = 0.1", "pck_0_05": "PCK, α = 0.05"}

# Table 1, on 23 pairs of Middlebury: PSNR and endpoint error.
_TABLE_1 = {
    "sift_flow": (27.97, 0.91), "deepflow2": (30.04, 0.34), "patchmatch": (35.18, 22.40),
    "deep_analogy": (34.16, 3.21),
}  # fmt: skip
# Table 2, on 20 pairs of each category of PASCAL 3D+: PCK in percent.
CATEGORIES = (
    "aeroplane", "bicycle", "boat", "bottle", "bus", "car", "chair", "diningtable", "motorbike",
    "sofa", "train", "tvmonitor",
)  # fmt: skip
_TABLE_2 = {
    "patchmatch": (6.5, 6.3, 2.6, 2.9, 2.3, 4.7, 3.3, 12.5, 2.0, 0.0, 4.2, 2.6),
    "sift_flow": (8.1, 14.3, 5.1, 26.1, 25.0, 20.9, 13.3, 6.3, 14.3, 15.4, 4.2, 44.7),
    "cycle": (12.9, 6.3, 10.3, 39.1, 27.3, 23.3, 13.3, 12.5, 6.1, 19.2, 12.5, 36.8),
    "deep_analogy": (19.4, 7.9, 15.4, 27.5, 47.7, 11.6, 20.0, 6.3, 18.4, 15.4, 12.5, 50.0),
}
# PF-WILLOW, all 900 ordered pairs: PCK in percent at α = 0.05 and 0.1. Sources: Hyperpixel Flow
# (Min, Lee, Ponce, Cho, 2019); Semantic Correspondence as an Optimal Transport Problem (Liu, Zhu,
# Yamada, Yang, 2020).
_WILLOW = {
    "Hyperpixel Flow, ResNet-101": (nan, 74.4),
    "SCOT, ResNet-101": (48.0, 76.2),
    "SCOT, FCN-101": (50.6, 78.1),
}
_MEANS_2 = {"patchmatch": 4.2, "sift_flow": 16.5, "cycle": 18.3, "deep_analogy": 21.0}


class ScoresError(ValueError):
    """A table has not been made, or has another form."""


@dataclass(frozen=True)
class Block:
    """Numbers under headings.

    Attributes:
        title: of what, over how many pairs.
        corner: what its rows are.
        headings: of the columns, with an arrow that points to the better.
        rows: a name, and a cell for each column, a dash where there is no number.
        ours: whether it was measured here.
    """

    title: str
    corner: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    ours: bool = True


def read_scores(path: Path) -> pd.DataFrame:
    """Reads one of the two tables.

    Args:
        path: `FLOW` or `KEYPOINTS`.

    Raises:
        ScoresError: it is missing, or has other columns.
    """
    expected = KEYPOINT_COLUMNS if path.name == KEYPOINTS.name else FLOW_COLUMNS
    if not path.is_file():
        raise ScoresError(f"{path}: no such table; `exemplar reproduce {path.stem}` makes it")
    table = pd.read_csv(path)
    if tuple(table.columns) != expected:
        raise ScoresError(
            f"{path}: expected the columns {', '.join(expected)}, got {', '.join(table.columns)}; "
            f"`exemplar reproduce {path.stem} --force` makes it again"
        )
    return table


def flow_blocks(table: pd.DataFrame) -> list[Block]:
    """Means over the pairs of each set by method, then the published ones.

    All means of a block are over the same pairs. Where only some pairs of a set have a known flow,
    these have a block of their own, and only there are endpoint errors and the truth.

    Args:
        table: as in `FLOW`.

    Returns:
        One or two blocks for each set, without measures that none of its pairs has, and one for
        Table 1.
    """
    found = []
    for name, rows in _by(_records(table, "pair"), "set").items():
        pairs = _by(rows, "part")
        known = {row["part"] for row in rows if not isnan(row["endpoint_error"])}
        if known and len(known) < len(pairs):
            methods = [row for row in rows if row["method"] != TRUTH]
            aside = [measure for measure in _MEASURES if measure != "endpoint_error"]
            found.append(_means(f"{name}, {_count(len(pairs), 'pair')}", methods, aside))
            rows = [row for row in rows if row["part"] in known]
            of = f"{_count(len(known), 'pair')} with known flow"
        else:
            of = _count(len(pairs), "pair")
        found.append(_means(f"{name}, {of}", rows, list(_MEASURES)))
    rows = tuple(
        (METHODS[method], (_shown(psnr, 2), _shown(error, 2)))
        for method, (psnr, error) in _TABLE_1.items()
    )
    headings = (_MEASURES["psnr"][0], _MEASURES["endpoint_error"][0])
    return [*found, Block("published, Middlebury, 23 pairs", "", headings, rows, ours=False)]


def keypoint_blocks(table: pd.DataFrame) -> list[Block]:
    """Categories over methods, with the categories' mean, then the published ones.

    Args:
        table: as in `KEYPOINTS`.

    Returns:
        For each set a block for each α, one of what is published on PF-WILLOW, and one for
        Table 2.
    """
    found = []
    for name, rows in _by(_records(table, "category"), "set").items():
        categories, methods = _by(rows, "part"), list(_by(rows, "method"))
        pairs = sum(int(of[0]["pairs"]) for of in categories.values())
        headings = tuple(SHORT.get(method, method) for method in methods)
        for column, heading in _PCK.items():
            values = [
                [_mean([row[column] for row in of if row["method"] == m]) for m in methods]
                for of in categories.values()
            ]
            cells = _over_categories(list(categories), values)
            title = f"{name}, {heading}, {_count(pairs, 'pair')}"
            found.append(Block(title, "category", headings, cells))
    cells = tuple((name, tuple(_shown(v, 1) for v in row)) for name, row in _WILLOW.items())
    headings = ("α = 0.05", "α = 0.1")
    found.append(Block("published, PF-WILLOW, PCK, 900 pairs", "", headings, cells, ours=False))
    methods = list(_TABLE_2)
    values = [list(row) for row in zip(*_TABLE_2.values(), strict=True)]
    rows = _over_categories(list(CATEGORIES), values, [_MEANS_2[method] for method in methods])
    headings = tuple(SHORT[method] for method in methods)
    title = "published, PASCAL 3D+, PCK, 20 pairs a category"
    return [*found, Block(title, "category", headings, rows, ours=False)]


def _means(title: str, rows: list[dict[str, Any]], measures: list[str]) -> Block:
    """Means by method of those measures that some row has."""
    measures = [m for m in measures if any(not isnan(row[m]) for row in rows)]
    cells = {
        METHODS.get(method, method): tuple(
            _shown(_mean([row[m] for row in of]), _MEASURES[m][1]) for m in measures
        )
        for method, of in _by(rows, "method").items()
    }
    headings = tuple(_MEASURES[m][0] for m in measures)
    return Block(title, "", headings, tuple(cells.items()))


def _records(table: pd.DataFrame, column: str) -> list[dict[str, Any]]:
    """Rows, the set and the part of it apart that a column names together."""
    rows: list[dict[str, Any]] = [
        {str(key): value for key, value in row.items()} for row in table.to_dict("records")
    ]
    for row in rows:
        row["set"], _, row["part"] = str(row[column]).partition("/")
    return rows


def _by(rows: list[dict[str, Any]], key: str) -> dict[str, list[dict[str, Any]]]:
    """Rows by a value, in the order in which values come."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(str(row[key]), []).append(row)
    return found


def _mean(values: Sequence[float]) -> float:
    """Of those that are known."""
    known = [float(value) for value in values if not isnan(value)]
    return sum(known) / len(known) if known else nan


def _over_categories(
    names: Sequence[str], values: list[list[float]], means: list[float] | None = None
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Rows of categories, and their mean, every category counting the same."""
    rows = [
        (name, tuple(_shown(v, 1) for v in row)) for name, row in zip(names, values, strict=True)
    ]
    if len(rows) > 1:
        columns = zip(*values, strict=True)
        of_all = means or [_mean(column) for column in columns]
        rows.append(("mean", tuple(_shown(v, 1) for v in of_all)))
    return tuple(rows)


def _count(count: int, of: str) -> str:
    return f"{count:,} {of}{'' if count == 1 else 's'}"


def _shown(value: float, decimals: int) -> str:
    """A number; a dash where there is none."""
    if isnan(value):
        return "–"
    return "∞" if value == inf else f"{value:.{decimals}f}"
