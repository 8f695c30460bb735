from __future__ import annotations

import pandas as pd

from exemplar.metrics.detail_columns import COLUMNS
from exemplar.report.detail import as_text, blocks

ROWS = [
    ("a", "edges", "mean", "top-1", 12.34, 11, 13.5, 10.2, 9, 11.25, -2.14, -3.5, -0.75, 8, 1, 256,
     "judge#12", "nothing"),
    ("a", "edges", "ap", "top-1", 0.5, 0.4, 0.6, 0.62, 0.5, 0.7, 0.12, 0.05, 0.2, 8, 1, 256,
     "judge#12", "nothing"),
    ("a", "edges", "ap", "rand-1", 0.5, 0.4, 0.6, 0.4, 0.3, 0.5, -0.1, -0.2, -0.05, 8, 3, 256,
     "judge#12", "nothing"),
    ("a", "edges", "kid_efficientnet_lite2", "rand-1", 0.25, 0.2, 0.3, 0.24, 0.1, 0.4, -0.01, -0.1,
     0.1, 20, 3, 256, "a net, of 9 photographs", ""),
    ("b", "edges", "fd_efficientnet_lite2", "rand-1", 9, "", "", 8, "", "", -1, "", "", 20, 3, 128,
     "a net", ""),
]  # fmt: skip


def table() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=list(COLUMNS))


def test_an_interval_without_zero_is_in_favour_of_the_better_one() -> None:
    first, second = blocks(table())
    assert [line.favour for line in first.lines] == ["whole", "whole", "coherent", ""]
    assert [line.better for line in first.lines] == ["↓", "↑", "↑", "↓"]
    assert [line.selection for line in first.lines] == [
        "best-ranked (top-1)", "best-ranked (top-1)", "3 drawn, their mean", "3 drawn, their mean",
    ]  # fmt: skip
    assert (first.side, second.side) == ("256", "128")
    [line] = second.lines
    assert line.interval is None and line.favour == "" and line.values[0][1] is None


def test_numbers_are_rounded_and_differences_have_signs() -> None:
    mean, _, _, kid = blocks(table())[0].lines
    assert [cell.text for cell, _ in mean.values] == ["12.3", "10.2"]
    assert mean.difference.text == "−2.14" and mean.difference.value == "-2.14"
    assert mean.interval and [end.text for end in mean.interval] == ["−3.50", "−0.75"]
    assert kid.interval and [end.text for end in kid.interval] == ["−0.1000", "+0.1000"]


def test_the_terminal_names_judges_and_whom_they_favour() -> None:
    text = as_text(table())
    assert "edges → image, a, at 256 pixels" in text
    assert "−2.14 (−3.50 to −0.75) * whole" in text
    assert "-0.10 (" not in text and "* coherent" in text
    assert "Mean, AP: judge#12; independent: it had no part in making what it judges" in text
    assert "KID: a net, of 9 photographs." in text
    assert max(map(len, text.splitlines())) <= 100


def test_an_empty_table_is_no_block() -> None:
    assert blocks(table()[:0]) == []
    assert "at" not in as_text(table()[:0]).split("In a line")[0]
