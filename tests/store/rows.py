"""Rows that any process can make: what the tests of shards fill groups with."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

COUNT, SHARD = 43, 4
ARRAYS = {"x": ((5, 3), "float16"), "y": ((2,), "int32")}
OPENER = "tests.store.rows:open_rows"


def values(part: slice) -> dict[str, np.ndarray]:
    """Row i is a function of i alone; some rows are zero."""
    rows = [np.random.default_rng(i).normal(size=(5, 3)) * (i % 8 > 3) for i in _of(part)]
    return {
        "x": np.stack(rows).astype(np.float16),
        "y": np.array([[i, -i * (i % 8 > 3)] for i in _of(part)], np.int32),
    }


def open_rows(log: str, fails_at: int, waits_at: int) -> Callable[[slice], dict[str, np.ndarray]]:
    """Makes rows, and says in a folder which process was asked for which.

    At one shard it fails; at another it waits to be killed, the first time.
    """
    with (Path(log) / "opened").open("a") as opened:
        opened.write(f"{os.getpid()}\n")

    def make(part: slice) -> dict[str, np.ndarray]:
        with (Path(log) / "asked").open("a") as asked:
            asked.write(f"{os.getpid()} {part.start}\n")
        if part.start == fails_at:
            raise ValueError("no such luck")
        if part.start == waits_at:
            waited = Path(log) / "waits"
            if not waited.exists():
                waited.write_text(str(os.getpid()))
                time.sleep(600)
        return values(part)

    return make


def asked(log: Path) -> list[tuple[int, int]]:
    """Which process was asked for the shard that starts where, in order."""
    lines = (log / "asked").read_text().splitlines() if (log / "asked").exists() else []
    return [(int(pid), int(start)) for pid, start in map(str.split, lines)]


def _of(part: slice) -> range:
    return range(part.start, part.stop)
