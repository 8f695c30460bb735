"""Batches drawn ahead: while a step computes, a thread draws what the next steps will see.

Between a method's data and its steps. A batch depends on its step's number alone (`images`), so it
does not matter when, or in which thread, it is drawn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

import torch
from torch import Tensor

Batch = TypeVar("Batch")

DEPTH = 2
"""Batches that wait to be used."""


class Ahead(Generic[Batch]):
    """Gives a step's batch, and begins those of the steps that follow; closed by `with`.

    Args:
        draw: a batch, by its step's number; must draw from no generator that others use.
        steps: how many there are in all.

    Attributes:
        waited: seconds that steps have waited for their batches.
    """

    def __init__(self, draw: Callable[[int], Batch], steps: int) -> None:
        self.draw, self.steps = draw, steps
        self.waited = 0.0
        self._pool = ThreadPoolExecutor(1, "batches")
        self._drawn: dict[int, Future[Batch]] = {}

    def __call__(self, step: int) -> Batch:
        """The batch of a step, whatever steps were asked for before.

        Raises:
            Exception: whatever drawing it raised.
        """
        for number in list(self._drawn):
            if not step <= number <= step + DEPTH:
                self._drawn.pop(number).cancel()
        for number in range(step, min(step + 1 + DEPTH, max(self.steps, step + 1))):
            if number not in self._drawn:
                self._drawn[number] = self._pool.submit(self.draw, number)
        start = time.perf_counter()
        batch = self._drawn.pop(step).result()
        self.waited += time.perf_counter() - start
        return batch

    def __enter__(self) -> Ahead[Batch]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def ready(values: Tensor, device: torch.device | str) -> Tensor:
    """Values as a device takes them fastest: a GPU copies by itself from memory that stays put."""
    return values.pin_memory() if torch.device(device).type == "cuda" else values
