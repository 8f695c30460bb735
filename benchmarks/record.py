"""Figures of a benchmark: timed side by side, printed as a table, written as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from exemplar.store.files import written


@dataclass(frozen=True)
class Figure:
    """One measurement beside its reference.

    Attributes:
        name: what was measured.
        value: in `unit`.
        unit: of both values.
        reference: what it is compared with, measured in the same run.
        reference_value: in `unit`.
        ratio: a speed-up where more is better, a cost where less is.
    """

    name: str
    value: float
    unit: str
    reference: str
    reference_value: float
    ratio: float


def speed_up(name: str, seconds: float, reference: str, reference_seconds: float) -> Figure:
    """A figure whose ratio says how many times faster than the reference."""
    return Figure(name, seconds, "s", reference, reference_seconds, reference_seconds / seconds)


def cost(
    name: str, value: float, reference: str, reference_value: float, unit: str = "s"
) -> Figure:
    """A figure whose ratio says how many times the reference it takes."""
    return Figure(name, value, unit, reference, reference_value, value / reference_value)


def best_times(rounds: int = 3, **work: Callable[[], Any]) -> dict[str, float]:
    """The shortest time of each piece of work, in seconds.

    The pieces take turns, so that what else the machine does falls on all of them; the shortest
    of several is the least disturbed.

    Args:
        rounds: how often each is done; where it is more than once, after once to warm up.
        work: what to time, by name.
    """
    times = {name: float("inf") for name in work}
    for turn in range(rounds + 1 if rounds > 1 else 1):
        for name, call in work.items():
            start = time.perf_counter()
            call()
            if turn or rounds == 1:
                times[name] = min(times[name], time.perf_counter() - start)
    return times


def report(benchmark: str, figures: list[Figure]) -> None:
    """Prints a table and writes `reports/benchmarks/<benchmark>.json`."""
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        print(
            f"{figure.name:<{width}}  {figure.value:>9.3f} {figure.unit:<9} "
            f"ratio {figure.ratio:6.2f}  to {figure.reference_value:.3f}: {figure.reference}"
        )
    with written(Path("reports/benchmarks") / f"{benchmark}.json") as partial:
        partial.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")
