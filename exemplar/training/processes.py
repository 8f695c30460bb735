"""Training on several devices: a process for each, with the same weights in all of them.

Each process sees its part of every batch; after the backward pass all get the mean of their
gradients, so they take the step that one process would take with the whole batch. They are started
by torch.multiprocessing and connected by torch.distributed: over gloo, and GPUs over NCCL.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.distributed import TCPStore  # pyright: ignore[reportPrivateImportUsage]
from torch.multiprocessing.spawn import (
    ProcessExitedException,
    ProcessRaisedException,
    start_processes,
)

from exemplar.training.checkpoint import CheckpointError
from exemplar.training.loop import TrainingError

TOGETHER = 1 << 23
"""Numbers of gradients that are sent at a time: few messages, 32 MB of buffers."""

SAME_FOR_ALL = (TrainingError, CheckpointError)
"""Errors that every process comes to by itself, so that none waits for another."""


class Ties(Protocol):
    """What connects the processes of a training."""

    @property
    def device(self) -> torch.device:
        """Where what they send each other lies."""
        ...

    def mean(self, tensor: Tensor) -> Tensor:
        """The mean of what each brings, of one shape and type; what is given may be overwritten."""
        ...

    def meet(self) -> None:
        """Waits until all have come here."""
        ...


@dataclass(frozen=True)
class Processes:
    """All processes of a training, as one of them sees them.

    Attributes:
        rank: this one's number, from 0; the first writes files.
        count: how many there are.
        ties: connect them; None where there is one.
    """

    rank: int = 0
    count: int = 1
    ties: Ties | None = None

    def part(self, rows: np.ndarray) -> np.ndarray:
        """This process's part of a batch; where their count does not divide it, not all as long."""
        return np.array_split(rows, self.count)[self.rank]

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Gives all processes the mean of their gradients."""
        if self.ties is None:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        for some in _together(gradients):
            mean = self.ties.mean(torch.cat([gradient.reshape(-1) for gradient in some]))
            parts = mean.split([gradient.numel() for gradient in some])
            for gradient, part in zip(some, parts, strict=True):
                gradient.copy_(part.view(gradient.shape))

    def means(self, values: dict[str, float]) -> dict[str, float]:
        """The processes' means of numbers, the same in all of them."""
        if self.ties is None:
            return values
        mean = self.ties.mean(torch.tensor(list(values.values()), device=self.ties.device))
        return dict(zip(values, mean.tolist(), strict=True))

    def meet(self) -> None:
        """Waits until all have come here."""
        if self.ties is not None:
            self.ties.meet()


ALONE = Processes()


def launch(
    work: Callable[..., object], device: torch.device | str, count: int, *given: Any
) -> None:
    """Does work in several processes on this machine, one a device.

    Args:
        work: a function of a module; gets its `Processes`, its device, and what is given.
        device: `cuda`, for as many GPUs; or `cpu`.
        count: how many.
        given: what can be pickled; networks are on the CPU and are shared, so they are to be
            copied.

    Raises:
        TrainingError: what the processes came to; or there are not so many devices.
        CheckpointError: what they came to.
        RuntimeError: one failed alone; says where, and the others are ended.
        ProcessExitedException: one was killed, and the others are ended.
    """
    kind = torch.device(device).type
    if kind == "cuda" and torch.cuda.device_count() < count:
        raise TrainingError(
            f"devices: expected at most {torch.cuda.device_count()}, the GPUs of this machine, "
            f"got {count}"
        )
    # It stands before they do, at a port that the system gives: one that was only looked for might
    # be another program's before the first of them takes it.
    place = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    errors: SimpleQueue[Exception] = torch.multiprocessing.get_context("spawn").SimpleQueue()
    threads = max(1, torch.get_num_threads() // count)
    told = Start(kind, count, place.port, threads, torch.get_rng_state())
    # As daemons they end with this process even if it is interrupted while it starts them.
    all_of_them = start_processes(
        _one_of_them, (told, errors, work, given), count, join=False, daemon=True
    )
    assert all_of_them is not None
    failure = None
    try:
        while not all_of_them.join():
            pass
    except (ProcessRaisedException, ProcessExitedException) as error:
        failure = error
    finally:
        _end(all_of_them.processes)
    # The first is the cause: those that waited for the one that failed came to theirs later.
    if not errors.empty():
        raise errors.get()
    if failure is not None:
        raise failure


@dataclass(frozen=True)
class Start:
    """What a process is told: the kind of its device, how many there are, where they meet."""

    kind: str
    count: int
    port: int
    threads: int
    random_state: Tensor


def _one_of_them(
    rank: int,
    told: Start,
    errors: SimpleQueue[Exception],
    work: Callable[..., object],
    given: tuple[Any, ...],
) -> None:
    """A process's whole life."""
    torch.set_num_threads(told.threads)
    torch.set_rng_state(told.random_state)
    if told.kind == "cuda":
        device = torch.device("cuda", rank)
        torch.cuda.set_device(device)
    else:
        device = torch.device(told.kind)
    ties = Group(told.count, device)
    try:
        distributed.init_process_group(
            "nccl" if told.kind == "cuda" else "gloo",
            store=TCPStore("127.0.0.1", told.port),
            rank=rank,
            world_size=told.count,
        )
        work(Processes(rank, told.count, ties), device, *given)
    except SAME_FOR_ALL as error:
        errors.put(error)
    except Exception:
        errors.put(RuntimeError(f"process {rank} of {told.count}:\n{traceback.format_exc()}"))
        raise
    distributed.destroy_process_group()


@dataclass(frozen=True)
class Group:
    """The ties of a process group of torch.distributed."""

    count: int
    device: torch.device

    def mean(self, tensor: Tensor) -> Tensor:
        """In place."""
        distributed.all_reduce(tensor)  # sums: gloo has no mean
        return tensor.div_(self.count)

    def meet(self) -> None:
        """By a barrier."""
        distributed.barrier()


def _end(processes: Sequence[BaseProcess | None]) -> None:
    """Ends those that are still at work, as after Ctrl-C."""
    for process in processes:
        assert process is not None
        process.kill()
        process.join()


def _together(gradients: list[Tensor]) -> Iterator[list[Tensor]]:
    """Gradients in groups of one type, each as large as is sent at a time or a single one."""
    group: list[Tensor] = []
    for gradient in gradients:
        size = sum(each.numel() for each in group) + gradient.numel()
        if group and (size > TOGETHER or gradient.dtype != group[0].dtype):
            yield group
            group = []
        group.append(gradient)
    if group:
        yield group
