"""Tables in the terminal: our rows, the published ones, and what differs between them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from math import isnan

import pandas as pd

from exemplar.metrics.sampled_columns import FD, HIGH, KID, LOW
from exemplar.report.against import Place, comparisons
from exemplar.report.published import PAPERS, differences, published_table
from exemplar.report.scores import names
from exemplar.report.tables import (
    BEYOND,
    HEADINGS,
    METRICS,
    Row,
    grouped,
    independence,
    measured_on,
    number,
    records,
    reservations,
    shown,
    text,
)

WIDTH = 100
# What the paper's table has not stands in further blocks, for a line holds no more: what single
# images have, and what all of them together have.
TOGETHER = ("fid", "f8", "f1_8", FD, KID, LOW, HIGH)
OURS = ("correspondence", *(name for name in BEYOND if name not in TOGETHER))


def as_text(name: str, table: pd.DataFrame) -> str:
    """Prints our table beside the published one.

    Args:
        name: the table's name, such as `pixelnn`.
        table: ours, as in `reports/tables/<name>.csv`.

    Returns:
        Lines of text, at most 100 characters wide where the names allow. Above each block of
        scores stands the network that judged them.
    """
    paper = published_table(name)
    theirs = {} if paper is None else grouped(records(paper), "condition")
    lines = []
    for (condition,), rows in grouped(records(table), "condition").items():
        lines += [f"{condition} → image", "─" * WIDTH, *_blocks(rows, "")]
        if (condition,) in theirs:
            lines += _blocks(theirs[condition,], "published, ")
        else:
            lines += ["", "  no numbers are published for this condition"]
        lines.append("")
    sentences = differences(name, table)
    if sentences:
        lines += ["Mean, median, RMSE: degrees, lower is better. Angles: % of pixels within."]
        lines += ["Corr.: correspondence error on the surface, lower is better; no network judges."]
        lines += ["Seam energy: grey levels, lower is better. Diversity: distance on features."]
        lines += ["FID: distance to photographs, lower is better. F8: recall of them, F1/8:"]
        lines += ["precision; 1 is best. FD, KID: distances of some candidates to photographs on a"]
        lines += ["larger network’s features, lower is better; KID has no bias and may be below 0."]
        lines += ["Global: with the exemplars that lead PixelNN’s"]
        lines += ["candidates, each as often; “nearest”: with as many different ones, by rank."]
        lines += [f"Published: {PAPERS[name]}.", "What differs:"]
    for sentence in sentences:
        lines += _hanging(sentence, "  ")
    return "\n".join(lines).rstrip() + "\n"


def against_as_text(table: pd.DataFrame, features: dict[Place, str]) -> str:
    """Prints the coherent composition against the published one.

    Args:
        table: as in `reports/tables/coherent.csv`.
        features: what distances are measured on (`against.features_of`).

    Returns:
        Lines of text, at most 100 characters wide where the names allow. A star marks whom an
        interval favours that excludes zero.
    """
    lines = []
    for one in comparisons(table, features):
        lines += [f"{one.condition} → image, {one.domain}, {one.images} images", "─" * WIDTH]
        lines += _hanging(f"judge: {one.judge}", "   ") if one.judge else []
        lines.append(
            f"   {'':<26}{'published':>10}{'coherent':>10}{'difference':>12}"
            f"{'95 % interval':>22}   in favour of"
        )
        for d in one.differences:
            interval = " to ".join(end.text for end in d.interval) if d.interval else "none"
            whom = f"* {d.favour}" if d.favour else ""
            name = f"{d.metric} {d.by}".strip()
            if len(name) > 24:  # features: lines of their own above the numbers
                lines += _hanging(name, "   ")
                name = ""
            lines.append(
                f"   {f'{name} {d.better}':<26}{d.published.text:>10}{d.coherent.text:>10}"
                f"{d.difference.text:>12}{interval:>22}   {whom}".rstrip()
            )
        for said in (one.summary, *one.notes):
            lines += textwrap.wrap(said, WIDTH, initial_indent="  ", subsequent_indent="  ")
        lines.append("")
    lines += ["One candidate expected at random for each image. Difference: coherent − published;"]
    lines += ["its interval over images, by bootstrap. ↓: lower is better, ↑: higher is better."]
    return "\n".join(lines).rstrip() + "\n"


def _hanging(said: str, indent: str) -> list[str]:
    """Text in lines, those after the first set further in."""
    return textwrap.wrap(said, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")


def _blocks(rows: list[Row], origin: str) -> list[str]:
    """Blocks of rows for each domain and judge, under a line that names both."""
    lines = []
    for (domain, judge), block in grouped(_judged(rows), "domain", "judge").items():
        images = shown("images", number(block[0], "images"))
        count = "" if images == "–" else f", {images} images"
        lines += ["", f"  {origin}{domain} (judge: {judge or 'none'}{count})"]
        if note := next(filter(None, map(independence, block)), ""):
            lines += _hanging(f"judge {note}", "  ")
        lines += _lines(block, METRICS)
        for columns, of in ((OURS, ""), (TOGETHER, ", all images together")):
            if further := _lines(block, columns):
                lines += ["", f"  {origin}{domain}, beyond the paper’s table{of}"]
                lines += _measured_on(block, columns)
                lines += further
                if "fid" in columns:
                    lines += [each for said in reservations(block) for each in _hanging(said, "  ")]
    return lines


def _measured_on(rows: list[Row], columns: Sequence[str]) -> list[str]:
    """Lines that name the features of some columns, those alike together."""
    alike: dict[str, list[str]] = {}
    for column, named in measured_on(rows).items():
        if column in columns:
            alike.setdefault(named, []).append(HEADINGS[column])
    return [
        line
        for named, headings in alike.items()
        for line in _hanging(f"{', '.join(headings)}: on features {named}", "  ")
    ]


def _lines(rows: list[Row], columns: Sequence[str]) -> list[str]:
    """Headings and rows of the columns that some row has; rows without any are left out."""
    columns = [c for c in columns if any(not isnan(number(row, c)) for row in rows)]
    rows = [row for row in rows if any(not isnan(number(row, c)) for c in columns)]
    if not rows:
        return []
    widths = [max(8, len(HEADINGS[c]) + 2) for c in columns]
    lines = [
        " " * 44 + "".join(f"{HEADINGS[c]:>{w}}" for c, w in zip(columns, widths, strict=True))
    ]
    for row in rows:
        method, selection = names(row)
        values = [f"{shown(c, number(row, c)):>{w}}" for c, w in zip(columns, widths, strict=True)]
        lines.append(f"   {method:<18} {selection:<22}{''.join(values)}")
    return lines


def _judged(rows: list[Row]) -> list[Row]:
    """The rows, those that no network judged put among the others of their domain."""
    judges = {text(row, "domain"): text(row, "judge") for row in reversed(rows) if row["judge"]}
    return [
        {**row, "judge": text(row, "judge") or judges.get(text(row, "domain"), "")} for row in rows
    ]
