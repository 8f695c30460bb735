"""Compiled loops over rows, shared out among threads."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

SMALL = 2048
"""Pixels below which threads cost more than they save."""


def over_rows(work: Callable[..., None], height: int, width: int, *arguments: object) -> None:
    """Runs `work(first, last, *arguments)` for blocks of rows, on as many threads as torch uses.

    Args:
        work: lets go of the interpreter, and writes nothing that another block reads.
        height: rows.
        width: pixels of a row.
        arguments: handed on.
    """
    threads = torch.get_num_threads()
    if threads == 1 or height * width < SMALL:
        work(0, height, *arguments)
        return
    blocks = min(height, 4 * threads)
    edges = [height * block // blocks for block in range(blocks + 1)]
    with ThreadPoolExecutor(threads) as pool:
        jobs = [
            pool.submit(work, first, last, *arguments) for first, last in itertools.pairwise(edges)
        ]
        for job in jobs:
            job.result()
