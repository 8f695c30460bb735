"""Worker processes whose results come back in order."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import process
from typing import Any

OrderedMap = Callable[[Callable, list], Iterable[Any]]


@contextmanager
def ordered_map(workers: int) -> Iterator[OrderedMap]:
    """Gives a `map` over processes.

    Args:
        workers: how many; with one, the work is done in this process.

    Yields:
        A function of a module-level function and a list of picklable tasks, which gives the
        results in the order of the tasks.
    """
    if workers == 1:
        yield lambda function, tasks: map(function, tasks)
        return
    # Spawned, not forked: the parent may hold threads and locks of numerical libraries.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_end_with_parent) as pool:
        yield lambda function, tasks: pool.map(function, tasks)


def _end_with_parent() -> None:
    """A worker whose parent is killed would otherwise wait for tasks for ever."""
    parent = process.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
