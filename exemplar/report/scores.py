"""The scores as the page shows them: rows in blocks, each under the network that judged it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isnan

import pandas as pd

from exemplar.report.published import published_table
from exemplar.report.tables import (
    METHODS,
    METRICS,
    SELECTIONS,
    Row,
    grouped,
    leading,
    number,
    records,
    shown,
    text,
)


@dataclass(frozen=True)
class Cell:
    """A number: as stored, as shown, and whether it leads among those it compares with."""

    value: str
    text: str
    leads: bool = False


@dataclass(frozen=True)
class Block:
    """Rows of one domain and judge: a title, and for each row its names and cells."""

    title: str
    judge: str
    ours: bool
    rows: list[tuple[str, str, list[Cell]]]

    @property
    def pieces(self) -> list[str]:
        """The judge's name, cut where a line may break."""
        return re.split(r"(?<=[@ ])", self.judge)


@dataclass(frozen=True)
class Bar:
    """A correspondence error, and its length relative to the longest."""

    method: str
    selection: str
    cell: Cell
    length: float


def blocks(table: pd.DataFrame, condition: str) -> list[Block]:
    """Our rows of a condition, then the published ones, grouped by domain and judge.

    Args:
        table: the joined evaluation, as text.
        condition: the condition.

    Returns:
        Blocks, without rows that have no score in any metric, such as the chance level.
    """
    paper = published_table("pixelnn")
    theirs = [] if paper is None else records(paper)
    return _blocks(records(table), condition, ours=True) + _blocks(theirs, condition, ours=False)


def _blocks(rows: list[Row], condition: str, ours: bool) -> list[Block]:
    """The blocks of our own or of the published rows; only our own are compared."""
    rows = [row for row in rows if text(row, "condition") == condition]
    rows = [row for row in rows if any(not isnan(number(row, m)) for m in METRICS)]
    leads = {m: leading(rows, m) if ours else [False] * len(rows) for m in METRICS}
    place = {id(row): index for index, row in enumerate(rows)}
    found = []
    for (domain, judge), group in grouped(rows, "domain", "judge").items():
        lines = [
            (*names(row), [cell(row, m, leads[m][place[id(row)]]) for m in METRICS])
            for row in group
        ]
        images = sorted({shown("images", number(row, "images")) for row in group})
        title = f"{domain}, {' or '.join(images)} test images" if ours else f"published, {domain}"
        found.append(Block(title, judge, ours, lines))
    return found


def correspondence(table: pd.DataFrame) -> list[tuple[str, str, list[Bar], str]]:
    """The correspondence errors, where surface truth exists.

    Args:
        table: the joined evaluation, as text.

    Returns:
        For each domain and condition: both names, the bars, and a sentence computed from them.
    """
    rows = [row for row in records(table) if not isnan(number(row, "correspondence"))]
    found = []
    for (domain, condition), group in grouped(rows, "domain", "condition").items():
        values = [number(row, "correspondence") for row in group]
        longest = max(values) or 1.0
        leads = leading(group, "correspondence")
        bars = [
            Bar(*names(row), cell(row, "correspondence", lead), value / longest)
            for row, value, lead in zip(group, values, leads, strict=True)
        ]
        found.append((domain, condition, bars, _ratios(group)))
    return found


def names(row: Row) -> tuple[str, str]:
    """A row's method and selection in words."""
    method, selection = text(row, "method"), text(row, "selection")
    return METHODS.get(method, method), SELECTIONS.get(selection, selection)


def cell(row: Row, column: str, leads: bool) -> Cell:
    """One number of a row."""
    return Cell(text(row, column), shown(column, number(row, column)), leads)


def _ratios(rows: list[Row]) -> str:
    """How PixelNN's error relates to chance and to Global's, drawing candidates at random."""
    blind = {
        text(row, "method"): number(row, "correspondence")
        for row in rows
        if text(row, "selection") in ("rand-1", "single") or text(row, "method") == "chance"
    }
    parts = [
        f"{blind['pixelnn'] / blind[other]:.2f} times {name}"
        for other, name in (("chance", "chance"), ("global", "Global’s"))
        if "pixelnn" in blind and blind.get(other)
    ]
    return f"One candidate at random: PixelNN’s error is {' and '.join(parts)}." if parts else ""
