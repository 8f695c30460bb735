"""The scores as the page shows them: rows in blocks, each under the network that judged it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan

import pandas as pd

from exemplar.report.published import published_table
from exemplar.report.tables import (
    BEYOND,
    HEADINGS,
    HIGHER,
    METHODS,
    METRICS,
    SELECTIONS,
    Row,
    grouped,
    independence,
    leading,
    measured_on,
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
class Heading:
    """A column's name, which direction is better, and what its numbers were measured by."""

    name: str
    arrow: str
    by: str

    @property
    def pieces(self) -> list[str]:
        """What they were measured by, cut where a line may break."""
        return re.split(r"(?<=[@#+ ])", f"({self.by})") if self.by else []


@dataclass(frozen=True)
class Block:
    """Rows of one domain and judge: a title, the columns, and for each row its names and cells.

    `note` says whether the judge is independent of what it judges, where that is known.
    """

    title: str
    judge: str
    ours: bool
    headings: list[Heading]
    rows: list[tuple[str, str, list[Cell]]]
    note: str = ""


@dataclass(frozen=True)
class Bar:
    """A number of a method (`kind` in the stores), and its length by the longest."""

    kind: str
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
        Blocks with the columns of the paper's table, without rows that have no score in any of
        them, such as the chance level. Under every heading stands the judge.
    """
    paper = published_table("pixelnn")
    theirs = [] if paper is None else records(paper)
    found = []
    for rows, ours in ((records(table), True), (theirs, False)):
        for domain, judge, group, leads in _groups(rows, condition, METRICS, "judge"):
            headings = [_heading(m, f"judge: {judge}") for m in METRICS]
            title = f"{domain}, {_images(group)} test images" if ours else f"published, {domain}"
            lines = _lines(group, METRICS, leads if ours else {})
            note = independence(group[0])
            found.append(Block(title, judge, ours, headings, lines, note and f"Judge {note}."))
    return found


def beyond(table: pd.DataFrame, condition: str) -> list[Block]:
    """Our rows of a condition in what the paper's table has not: seams, diversity, and so on.

    Args:
        table: the joined evaluation, as text.
        condition: the condition.

    Returns:
        A block for each domain and judge that has such scores, with its columns of `BEYOND`;
        under the headings of distances between features stands which they are.
    """
    found = []
    for domain, _, group, leads in _groups(records(table), condition, BEYOND, "judge"):
        columns = [c for c in BEYOND if any(not isnan(number(row, c)) for row in group)]
        by = {distance: f"features: {named}" for distance, named in measured_on(group).items()}
        by["seam"] = "no network judges"
        headings = [_heading(c, by.get(c, "")) for c in columns]
        title = f"{domain}, {_images(group)} test images"
        found.append(Block(title, "", True, headings, _lines(group, columns, leads)))
    return found


def _groups(
    rows: list[Row], condition: str, columns: Sequence[str], by: str
) -> Iterator[tuple[str, str, list[Row], dict[str, list[bool]]]]:
    """Domain, value of `by`, rows with a score in any column, and which lead in each column."""
    rows = [row for row in rows if text(row, "condition") == condition]
    rows = [row for row in rows if any(not isnan(number(row, c)) for c in columns)]
    for (domain, value), group in grouped(rows, "domain", by).items():
        yield domain, value, group, {c: leading(group, c) for c in columns}


def _lines(
    rows: list[Row], columns: Sequence[str], leads: dict[str, list[bool]]
) -> list[tuple[str, str, list[Cell]]]:
    """Each row's names and cells; none leads in a column that `leads` does not have."""
    return [
        (*names(row), [cell(row, c, c in leads and leads[c][place]) for c in columns])
        for place, row in enumerate(rows)
    ]


def _heading(column: str, by: str) -> Heading:
    """A column's heading."""
    return Heading(HEADINGS[column], "↑" if column in HIGHER else "↓", by)


def _images(rows: list[Row]) -> str:
    """How many images rows were measured on, in words."""
    return " or ".join(sorted({shown("images", number(row, "images")) for row in rows}))


def correspondence(table: pd.DataFrame) -> list[tuple[str, str, list[Bar], str]]:
    """The correspondence errors, where surface truth exists.

    Args:
        table: the joined evaluation, as text.

    Returns:
        For each domain and condition: both names, the bars, and a sentence computed from them.
    """
    rows = [row for row in records(table) if not isnan(number(row, "correspondence"))]
    return [
        (domain, condition, bars(group, "correspondence"), _ratios(group))
        for (domain, condition), group in grouped(rows, "domain", "condition").items()
    ]


def bars(rows: list[Row], column: str) -> list[Bar]:
    """Rows that have a number in a column as bars, by the longest of them."""
    values = [number(row, column) for row in rows]
    longest = max(values) or 1.0
    leads = leading(rows, column)
    return [
        Bar(text(row, "method"), *names(row), cell(row, column, lead), value / longest)
        for row, value, lead in zip(rows, values, leads, strict=True)
    ]


def names(row: Row) -> tuple[str, str]:
    """A row's method and selection in words."""
    method, selection = text(row, "method"), text(row, "selection")
    candidates = shown("candidates", number(row, "candidates"))
    named = METHODS.get(method, method).format(candidates=candidates)
    return named, SELECTIONS.get(selection, selection)


def cell(row: Row, column: str, leads: bool) -> Cell:
    """One number of a row."""
    return Cell(text(row, column), shown(column, number(row, column)), leads)


def _ratios(rows: list[Row]) -> str:
    """How our errors relate to chance and to Global's, drawing candidates at random."""
    blind = {
        text(row, "method"): number(row, "correspondence")
        for row in rows
        if text(row, "selection") in ("rand-1", "single") or text(row, "method") == "chance"
    }
    told = []
    for method in ("whole", "coherent", "pixelnn"):
        parts = [
            f"{blind[method] / blind[other]:.2f} times {name}"
            for other, name in (("chance", "chance"), ("global", "Global’s"))
            if method in blind and blind.get(other)
        ]
        if parts:
            told.append(f"{METHODS[method]}’s error is {' and '.join(parts)}")
    return f"One candidate at random: {'; '.join(told)}." if told else ""
