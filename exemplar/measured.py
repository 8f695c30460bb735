"""What work costs: work done in a process of its own, so that its memory is its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from exemplar.data.workers import ordered_map

Result = TypeVar("Result")


class Measured(NamedTuple, Generic[Result]):
    """What came of some work, and what it took.

    Attributes:
        result: of the work.
        peak_mb: the most memory that its process had beyond the program itself with its libraries,
            in MB; NaN where the system does not tell.
    """

    result: Result
    peak_mb: float


def peak_memory() -> float:
    """The most memory that this process ever had, in MB; NaN where the system does not tell."""
    status = Path("/proc/self/status")
    # Not getrusage's: that one begins with what the parent had.
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.is_file() else None
    return int(found[1]) / 1024 if found else float("nan")


def in_own_process(work: Callable[..., Result], *given: object) -> Measured[Result]:
    """Does work in a process that does nothing else.

    Args:
        work: a module's function.
        given: its arguments; they and the result are carried between processes.

    Returns:
        The result, and the memory that it took.
    """
    with ordered_map(2) as each:  # one worker would be this process
        (found,) = each(_done, [(work, given)])
    return found


def _done(task: tuple[Callable[..., Result], tuple[object, ...]]) -> Measured[Result]:
    work, given = task
    before = peak_memory()
    result = work(*given)
    return Measured(result, peak_memory() - before)
