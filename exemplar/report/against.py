"""Coherent against published: what differs by more than noise, and in whose favour.

Takes the comparison that `evaluate` wrote, one candidate expected at random for each image and both
compositions; the page and the terminal print it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Literal

import pandas as pd

from exemplar.report.scores import Cell
from exemplar.report.tables import (
    DECIMALS,
    DISTANCES,
    FEW_IMAGES,
    HEADINGS,
    HIGHER,
    Row,
    grouped,
    number,
    records,
    shown,
    text,
)

Favour = Literal["coherent", "published", ""]
Place = tuple[str, ...]
"""Domain, condition, judge and metric."""
UNITS = {
    "mean": "°", "median": "°", "rmse": "°", "within_11_25": "%", "within_22_5": "%",
    "within_30": "%", "seam": "grey levels",
}  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """One metric of both compositions.

    Attributes:
        metric: its heading, as in the table of scores.
        by: the unit of its numbers, or the features that they were measured on; may be empty.
        better: whether higher or lower is better, as an arrow.
        published: the published composition's value.
        coherent: the coherent one's.
        difference: coherent − published, with its sign.
        interval: its ends, 95 % over images, low first; None where there is none.
        favour: whose favour the interval speaks in if it excludes zero.
    """

    metric: str
    by: str
    better: str
    published: Cell
    coherent: Cell
    difference: Cell
    interval: tuple[Cell, Cell] | None
    favour: Favour


@dataclass(frozen=True)
class Comparison:
    """The differences of one domain and condition by one judge, of so many test images."""

    domain: str
    condition: str
    judge: str
    images: str
    differences: list[Difference]

    @property
    def summary(self) -> str:
        """In words, which metrics differ by more than noise."""
        parts = []
        for favour in ("coherent", "published"):
            named = [d.metric for d in self.differences if d.favour == favour]
            if named:
                parts.append(f"in favour of {favour}: {', '.join(named)}")
        if unsure := [d.metric for d in self.differences if d.interval and not d.favour]:
            parts.append(f"within noise: {', '.join(unsure)}")
        joined = "; ".join(parts)
        return joined[:1].upper() + joined[1:] + "." if joined else ""

    @property
    def notes(self) -> list[str]:
        """What else is to be said beneath: of a FID, that it is of few images."""
        return [FEW_IMAGES] if any(d.metric == HEADINGS["fid"] for d in self.differences) else []


def comparisons(table: pd.DataFrame, features: dict[Place, str]) -> list[Comparison]:
    """The rows of `reports/tables/coherent.csv`, by domain, condition and judge.

    Args:
        table: the joined comparison (`tables.read_comparison`), as text or read with numbers.
        features: what a distance is measured on, by domain, condition, judge and metric
            (`features_of`).

    Returns:
        In the table's order, without metrics that neither composition has.
    """
    found = []
    named = grouped(records(table), "domain", "condition", "judge")
    for (domain, condition, judge), rows in named.items():
        rows = [row for row in rows if not isnan(number(row, "difference"))]
        images = sorted({shown("images", number(row, "images")) for row in rows})
        known = {
            metric: features.get((domain, condition, judge, metric), "") for metric in DISTANCES
        }
        lines = [_difference(row, known) for row in rows]
        found.append(Comparison(domain, condition, judge, " or ".join(images), lines))
    return found


def features_of(table: pd.DataFrame) -> dict[Place, str]:
    """What `DISTANCES` are measured on, by domain, condition, judge and metric, from the scores."""
    return {
        (*(text(row, name) for name in ("domain", "condition", "judge")), metric): text(row, column)
        for row in records(table)
        for metric, column in DISTANCES.items()
        if text(row, column)
    }


def favour(row: Row) -> Favour:
    """Whom a row's interval favours; none if it has no interval or that holds zero."""
    low, high = number(row, "low"), number(row, "high")
    if isnan(low) or isnan(high) or low <= 0 <= high:
        return ""
    return "coherent" if (low > 0) == (text(row, "metric") in HIGHER) else "published"


def _difference(row: Row, features: dict[str, str]) -> Difference:
    """One row in words."""
    metric = text(row, "metric")
    by = UNITS.get(metric, "")
    if metric in DISTANCES:
        by = f"(features: {features[metric] or 'not named'})"
    known = not isnan(number(row, "low")) and not isnan(number(row, "high"))
    return Difference(
        metric=HEADINGS.get(metric, metric),
        by=by,
        better="↑" if metric in HIGHER else "↓",
        published=_cell(row, "published", metric),
        coherent=_cell(row, "coherent", metric),
        difference=_signed(row, "difference", metric),
        interval=(_signed(row, "low", metric), _signed(row, "high", metric)) if known else None,
        favour=favour(row),
    )


def _cell(row: Row, column: str, metric: str) -> Cell:
    """A value, with the metric's decimals."""
    return Cell(text(row, column), shown(metric, number(row, column)))


def _signed(row: Row, column: str, metric: str) -> Cell:
    """A difference with its sign, one decimal finer than the values, but at most three."""
    decimals = min(DECIMALS.get(metric, 1) + 1, 3)
    shown = f"{number(row, column):+.{decimals}f}".replace("-", "−")
    return Cell(text(row, column), shown)
