"""`whole` beside `coherent` at the size of pictures: what differs, and by more than noise.

Takes what `evaluate` wrote of both at one size; the page and the terminal print it.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from math import isnan

import pandas as pd

from exemplar.metrics.detail_columns import DRAWN, PAIR, TOP
from exemplar.metrics.independence import verdict
from exemplar.report.scores import Cell
from exemplar.report.tables import (
    DECIMALS,
    HEADINGS,
    HIGHER,
    SELECTIONS,
    Row,
    grouped,
    number,
    records,
    shown,
    text,
)

NAME = "detail"
"""Of the table, `reports/tables/detail.csv`."""
NAMES = {"mean": "Mean angle of normals, degrees", "ap": "Average precision of edges"}
WIDTH = 100

Ends = tuple[Cell, Cell] | None
"""Of an interval of 95 % over test images, low first; None where there is none."""


@dataclass(frozen=True)
class Line:
    """One metric of one selection.

    Attributes:
        metric: in words.
        better: whether higher or lower is better, as an arrow.
        selection: which candidates, in words.
        images: how many test images.
        values: of each method of `PAIR`, with its interval.
        difference: whole − coherent, with its sign.
        interval: its ends.
        favour: the method that it speaks for if it excludes zero; else empty.
    """

    metric: str
    better: str
    selection: str
    images: str
    values: list[tuple[Cell, Ends]]
    difference: Cell
    interval: Ends
    favour: str


@dataclass(frozen=True)
class Block:
    """The lines of one domain and condition, at a side of so many pixels, and who judged them."""

    domain: str
    condition: str
    side: str
    lines: list[Line]
    judges: list[str]


def blocks(table: pd.DataFrame) -> list[Block]:
    """The rows of `reports/tables/detail.csv`, by domain and condition.

    Args:
        table: the joined tables (`tables.read_detail`), as text or read with numbers.
    """
    found = []
    for (domain, condition), rows in grouped(records(table), "domain", "condition").items():
        side = f"{number(rows[0], 'side'):.0f}"
        found.append(Block(domain, condition, side, [_line(row) for row in rows], _judges(rows)))
    return found


def as_text(table: pd.DataFrame) -> str:
    """Prints the table.

    Args:
        table: as in `reports/tables/detail.csv`.

    Returns:
        Lines of text, at most 100 characters wide where the names allow.
    """
    lines = []
    for one in blocks(table):
        lines += [f"{one.condition} → image, {one.domain}, at {one.side} pixels", "─" * WIDTH]
        for metric in dict.fromkeys(line.metric for line in one.lines):
            mine = [line for line in one.lines if line.metric == metric]
            lines.append(f"   {metric} {mine[0].better}")
            for line in mine:
                values = "".join(
                    f"{cell.text:>9} {_between(ends):<17}" for cell, ends in line.values
                )
                star = f" * {line.favour}" if line.favour else ""
                told = f"{line.difference.text:>8} {_between(line.interval)}{star}"
                lines.append(f"     {line.selection}, {line.images} images")
                lines.append(f"       {values}{told}".rstrip())
        for judge in one.judges:
            lines += textwrap.wrap(judge, WIDTH, initial_indent="  ", subsequent_indent="    ")
        lines.append("")
    lines += ["In a line: coherent, enlarged; whole, reduced; whole − coherent; each with its 95 %"]
    lines += ["interval over test images. ↓: lower is better, ↑: higher is better."]
    return "\n".join(lines) + "\n"


def _line(row: Row) -> Line:
    metric, drawn = text(row, "metric"), f"{number(row, 'candidates'):.0f}"
    selection = text(row, "selection")
    named = {TOP: SELECTIONS[TOP], DRAWN: f"{drawn} drawn, their mean"}
    return Line(
        metric=NAMES.get(metric, HEADINGS.get(metric, metric)),
        better="↑" if metric in HIGHER else "↓",
        selection=named.get(selection, selection),
        images=shown("images", number(row, "images")),
        values=[
            (_cell(row, one, metric), _ends(row, f"{one}_low", f"{one}_high", metric))
            for one in PAIR
        ],
        difference=_cell(row, "difference", metric, signed=True),
        interval=_ends(row, "low", "high", metric, signed=True),
        favour=_favour(row),
    )


def _favour(row: Row) -> str:
    low, high = number(row, "low"), number(row, "high")
    if isnan(low) or isnan(high) or low <= 0 <= high:
        return ""
    return PAIR[int((low > 0) == (text(row, "metric") in HIGHER))]


def _ends(row: Row, low: str, high: str, metric: str, signed: bool = False) -> Ends:
    if isnan(number(row, low)) or isnan(number(row, high)):
        return None
    return _cell(row, low, metric, signed), _cell(row, high, metric, signed)


def _cell(row: Row, column: str, metric: str, signed: bool = False) -> Cell:
    """A value with the metric's decimals; a difference with its sign and at most one more."""
    value = number(row, column)
    decimals = DECIMALS.get(metric, 1)
    told = f"{value:+.{min(decimals + 1, 4)}f}" if signed else f"{value:.{decimals}f}"
    return Cell(text(row, column), told.replace("-", "−"))


def _between(ends: Ends) -> str:
    return f"({ends[0].text} to {ends[1].text})" if ends else ""


def _judges(rows: list[Row]) -> list[str]:
    """Who judged what, and whether that network is independent, where that is known."""
    found: dict[str, None] = {}
    for (judge, shares), mine in grouped(rows, "judge", "judge_shares").items():
        metrics = dict.fromkeys(HEADINGS.get(text(row, "metric"), "") for row in mine)
        said = f"; {verdict(shares)}" if shares else ""
        found[f"{', '.join(metrics)}: {judge}{said}."] = None
    return list(found)
