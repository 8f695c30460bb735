"""A table in the terminal: our rows, the published ones, and what differs between them."""

from __future__ import annotations

import textwrap
from math import isnan

import pandas as pd

from exemplar.report.published import PAPERS, differences, published_table
from exemplar.report.scores import names
from exemplar.report.tables import HEADINGS, METRICS, Row, grouped, number, records, shown, text

WIDTH = 100


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
        lines += [f"Published: {PAPERS[name]}.", "What differs:"]
    for sentence in sentences:
        lines += textwrap.wrap(sentence, WIDTH, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(lines).rstrip() + "\n"


def _blocks(rows: list[Row], origin: str) -> list[str]:
    """One block of rows for each domain and judge, under a line that names both."""
    columns = [*METRICS, "correspondence"]
    columns = [c for c in columns if any(not isnan(number(row, c)) for row in rows)]
    lines = []
    for (domain, judge), block in grouped(_judged(rows), "domain", "judge").items():
        images = shown("images", number(block[0], "images"))
        count = "" if images == "–" else f", {images} images"
        lines += ["", f"  {origin}{domain} (judge: {judge or 'none'}{count})"]
        lines.append(" " * 44 + "".join(f"{HEADINGS.get(c, 'Corr.'):>7}" for c in columns))
        for row in block:
            method, selection = names(row)
            values = "".join(f"{shown(c, number(row, c)):>7}" for c in columns)
            lines.append(f"   {method:<16} {selection:<24}{values}")
    return lines


def _judged(rows: list[Row]) -> list[Row]:
    """The rows, those that no network judged put among the others of their domain."""
    judges = {text(row, "domain"): text(row, "judge") for row in reversed(rows) if row["judge"]}
    return [
        {**row, "judge": text(row, "judge") or judges.get(text(row, "domain"), "")} for row in rows
    ]
