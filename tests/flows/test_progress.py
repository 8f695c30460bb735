"""What a reproduction looks like on the terminal."""

from __future__ import annotations

import io
import re

from flows.progress import Terminal
from tasks.coordinator import News, Summary


def lines(*news: News) -> list[str]:
    stream = io.StringIO()
    terminal = Terminal(stream)
    for each in news:
        terminal.tell(each)
    return stream.getvalue().splitlines()


def test_a_line_for_what_happens_and_none_for_what_does_not():
    told = lines(
        News("unchanged", "prepare@rendered"),
        News("started", "estimators"),
        News("running", "estimators", 61.04, "step 120 of 700, loss 0.31"),
        News("finished", "estimators", 62.0),
        News("restored", "index@rendered-edges", 0.26),
        News("failed", "report", 1.0, "a long message"),
        News("skipped", "tables", detail="report"),
    )
    assert [line.split()[0] for line in told] == [
        "start", "running", "done", "cached", "FAILED", "skipped",
    ]  # fmt: skip
    assert re.search(r"running +estimators +61.0 s  step 120 of 700, loss 0.31$", told[1])
    assert told[3].endswith("0.3 s")
    assert "long message" not in told[4]
    assert told[5].endswith("report failed")


def test_what_is_made_again_for_it_was_damaged_is_told_in_full():
    detail = "DVC's cache had it damaged (" + "x" * 90 + ", which is removed)"
    first, second = lines(News("damaged", "index@rendered-edges", detail=detail))
    assert first.split()[:2] == ["DAMAGED", "index@rendered-edges"]
    assert second.strip() == f"{detail}; it runs again"


def test_a_long_line_is_cut():
    (line,) = lines(News("running", "s", 1.0, "x" * 300))
    assert len(line) == 100


def test_the_end_names_all_failures_and_counts():
    stream = io.StringIO()
    Terminal(stream).conclude(
        Summary(
            ran=["a", "b"],
            unchanged=["c"],
            failed={"d": "why d", "e": "why e"},
            skipped={"f": "d"},
        )
    )
    text = stream.getvalue()
    assert "d failed: why d" in text
    assert "e failed: why e" in text
    assert re.search(r"6 stages: 2 run, 1 unchanged, 2 failed, 1 not run, in 0\.\d s\n$", text)
