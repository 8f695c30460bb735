"""Semantic Image Analogy's table in the terminal: ours, the published one, and what differs.

`exemplar tables semantic_analogy` prints it; the page shows the same blocks and differences.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import pandas as pd

from exemplar.report.layout_scores import MEANINGS, PAPER, TABLE, Block, blocks, differences
from exemplar.report.tables import records

NAME = TABLE.stem
WIDTH = 100
NAMES = 26  # characters of a row's name
COLUMN = 12  # characters of a number
INDENT = "  "


def as_text(table: pd.DataFrame) -> str:
    """Prints our table, source by source, and the published one under it.

    Args:
        table: ours, as in `reports/tables/semantic_analogy.csv`.

    Returns:
        Lines of text, at most 100 characters wide where the names allow.
    """
    lines = ["image + labels → the same in another layout", "─" * WIDTH]
    for block in blocks(table):
        lines += ["", *_hanging(block.title), *_lines(block)]
    lines += [""]
    for heading, meaning in MEANINGS.items():
        lines += _hanging(f"{heading}: {meaning}.")
    lines += [*textwrap.wrap(f"Published: {PAPER}.", WIDTH), "What differs:"]
    for aspect, there, here in differences(records(table)):
        lines += _hanging(f"{aspect}: the paper, {there}; here, {here}.")
    return "\n".join(lines) + "\n"


def _lines(block: Block) -> Iterator[str]:
    """Headings and rows, in as many parts as a block's columns need."""
    most = (WIDTH - NAMES - len(INDENT)) // COLUMN
    for start in range(0, len(block.headings), most):
        part = slice(start, start + most)
        if start:
            yield ""
        yield INDENT + " " * NAMES + "".join(f"{each:>{COLUMN}}" for each in block.headings[part])
        for name, cells in block.rows:
            yield INDENT + f"{name:<{NAMES}}" + "".join(f"{each:>{COLUMN}}" for each in cells[part])


def _hanging(said: str) -> list[str]:
    return textwrap.wrap(
        said,
        WIDTH,
        initial_indent=INDENT,
        subsequent_indent=2 * INDENT,
        break_on_hyphens=False,
    )
