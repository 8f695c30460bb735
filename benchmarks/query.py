"""One query of a library: how long, and in how much memory. Part of other benchmarks."""

from __future__ import annotations

import re
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from benchmarks.library import CONDITION, DOMAIN, library
from benchmarks.record import Figure, cost
from exemplar.matching.engine import MatchingSettings
from exemplar.methods.pixelnn.library import Library, open_library
from exemplar.methods.pixelnn.synthesis import CandidatesSettings, synthesise
from exemplar.store.arrays import read_rows

QUERIES = 9
SETTINGS = {
    "published": CandidatesSettings(),
    "coherent": CandidatesSettings(
        composition="seamless",
        likeness=2,
        matching=MatchingSettings(search="coarse_to_fine", support=5),
    ),
}


def growth(many: int, few: int) -> Figure:
    """All 72 candidates of an input from a large library against a small one.

    Opening the library, which a process does once, is not part of it.
    """
    with ExitStack() as stack:
        opened = {}
        for count in (few, many):
            folder = stack.enter_context(library(count))
            opened[count] = open_library(DOMAIN, CONDITION), folder
        rng = np.random.default_rng(0)
        times: dict[int, list[float]] = {few: [], many: []}
        for turn in range(QUERIES + 1):
            for count in (few, many):
                start = time.perf_counter()
                query(opened[count][0], int(rng.integers(1, count)))
                if turn:
                    times[count].append(time.perf_counter() - start)
    value, reference = statistics.median(times[many]), statistics.median(times[few])
    return cost(f"query_{many // 1000}k_vs_{few // 1000}k", value,
                f"the same with {few:,} exemplars; median of {QUERIES}", reference)  # fmt: skip


def query(opened: Library, row: int, kind: str = "published") -> None:
    """All candidates of an image of the library, by the named `SETTINGS`."""
    regressed, descriptor, scene = (
        read_rows(source, [row])[0]
        for source in (opened.regressed, opened.descriptor, opened.scene)
    )
    synthesise(opened, regressed, descriptor, scene, SETTINGS[kind])


def memory(count: int, side: int, limit: float, kind: str = "published") -> Figure:
    """The peak memory of a process that opens a library and makes one query, in MB."""
    with library(count, side), ProcessPoolExecutor(1, get_context("spawn")) as process:
        before, after = process.submit(peaks, torch.get_num_threads(), kind).result()
    reference = (
        f"the process before it, packages loaded; {count:,} exemplars, limit {limit:,.0f} MB"
    )
    return cost(f"memory_{side}_{kind}", after, reference, before, "MB")


def peaks(threads: int, kind: str) -> tuple[float, float]:
    """The most memory this process had before and after a query, in MB."""
    torch.set_num_threads(threads)
    before = peak()
    query(open_library(DOMAIN, CONDITION), 7, kind)
    return before, peak()


def peak() -> float:
    """The most memory this process ever had, in MB."""
    # Not getrusage's: that one begins with what the parent had.
    (line,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(line) / 1024
