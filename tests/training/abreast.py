"""Two processes of a training as two threads: one runs until it must wait for the other.

So each is as far ahead of the other as it can ever be, or as a test says, and each run is the same
as the last. What they are given is pickled, as it is for processes.
"""

from __future__ import annotations

import itertools
import pickle
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from exemplar.training.processes import Processes

COUNT = 2
NEVER = -1


class EndedError(Exception):
    """A process was killed, or waits for one that was."""


class Abreast:
    """In place of `processes.launch`, when it is called as that.

    Args:
        order: who runs first each time both have met; from the beginning again at its end.
        ends: for each process, the moment at which it is killed. It has two of them at each
            meeting: before the other knows that it is there, and before it goes on.
    """

    def __init__(self, order: Iterable[int], ends: tuple[int, int] = (NEVER, NEVER)) -> None:
        self.order, self.ends = itertools.cycle(order), ends
        self.turn = next(self.order)
        self.moments, self.rounds = [0] * COUNT, 0
        self.brought: dict[int, Tensor] = {}
        self.found = torch.empty(0)
        self.gone: set[int] = set()
        self.change = threading.Condition()

    def __call__(self, work: Callable[..., object], device: str, count: int, *given: Any) -> None:
        assert count == COUNT
        with ThreadPoolExecutor(COUNT) as pool:
            sent = pickle.dumps((work, given))
            lives = [pool.submit(self._live, rank, sent, device) for rank in range(COUNT)]
        errors = [life.exception() for life in lives]
        for error in sorted(filter(None, errors), key=lambda error: isinstance(error, EndedError)):
            raise error

    def _live(self, rank: int, sent: bytes, device: str) -> None:
        try:
            work, given = pickle.loads(sent)
            with self.change:
                self.change.wait_for(lambda: self.turn == rank)
            tied = Tied(self, rank, torch.device(device))
            work(Processes(rank, COUNT, tied), tied.device, *given)
        finally:
            with self.change:
                self.gone.add(rank)
                self.turn = 1 - rank
                self.change.notify_all()

    def meet(self, rank: int, value: Tensor) -> Tensor:
        """Waits for the other; the mean of what both have brought."""
        self._moment(rank)
        with self.change:
            self.brought[rank], round_ = value.clone(), self.rounds
            self.turn = rank if self.gone else 1 - rank
            if len(self.brought) == COUNT:
                self.found = torch.stack([self.brought[each] for each in range(COUNT)]).mean(0)
                self.brought, self.rounds, self.turn = {}, round_ + 1, next(self.order)
            self.change.notify_all()
            self.change.wait_for(lambda: self.turn == rank)
            if self.rounds == round_:
                raise EndedError(f"{rank} waits for one that is gone")
            found = self.found
        self._moment(rank)
        return found

    def _moment(self, rank: int) -> None:
        self.moments[rank] += 1
        if self.moments[rank] - 1 == self.ends[rank]:
            raise EndedError(f"{rank} is killed")


@dataclass(frozen=True)
class Tied:
    """What connects one of the processes with the other."""

    both: Abreast
    rank: int
    device: torch.device

    def mean(self, tensor: Tensor) -> Tensor:
        """The mean of both."""
        return self.both.meet(self.rank, tensor)

    def meet(self) -> None:
        """Waits for the other."""
        self.both.meet(self.rank, torch.empty(0))
