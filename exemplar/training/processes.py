"""Training on several devices: a process for each, with the same weights in all of them.

Each process sees its part of every batch; after the backward pass all get the mean of their
gradients, so they take the step that one process would take with the whole batch. Lightning Fabric
starts the processes and connects them; it is imported only where there are several.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from exemplar.training.checkpoint import CheckpointError
from exemplar.training.loop import TrainingError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

TOGETHER = 1 << 23
"""Numbers of gradients that are sent at a time: few messages, 32 MB of buffers."""

SAME_FOR_ALL = (TrainingError, CheckpointError)
"""Errors that every process comes to by itself, so that none waits for another."""


@dataclass(frozen=True)
class Processes:
    """All processes of a training, as one of them sees them.

    Attributes:
        rank: this one's number, from 0; the first writes files.
        count: how many there are.
        fabric: connects them; None where there is one.
    """

    rank: int = 0
    count: int = 1
    fabric: Fabric | None = None

    def part(self, rows: np.ndarray) -> np.ndarray:
        """This process's part of a batch; where their count does not divide it, not all as long."""
        return np.array_split(rows, self.count)[self.rank]

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Gives all processes the mean of their gradients."""
        if self.fabric is None:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        for some in _together(gradients):
            flat = torch.cat([gradient.reshape(-1) for gradient in some])
            mean = self.fabric.all_reduce(flat, reduce_op="mean")
            assert isinstance(mean, Tensor)
            parts = mean.split([gradient.numel() for gradient in some])
            for gradient, part in zip(some, parts, strict=True):
                gradient.copy_(part.view(gradient.shape))

    def means(self, values: dict[str, float]) -> dict[str, float]:
        """The processes' means of numbers, the same in all of them."""
        if self.fabric is None:
            return values
        numbers = torch.tensor(list(values.values()), device=self.fabric.device)
        mean = self.fabric.all_reduce(numbers, reduce_op="mean")
        assert isinstance(mean, Tensor)
        return dict(zip(values, mean.tolist(), strict=True))

    def meet(self) -> None:
        """Waits until all have come here."""
        if self.fabric is not None:
            self.fabric.barrier()


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
        TrainingError: what the processes came to; or the package is missing, or there are not so
            many devices.
        CheckpointError: the same.
    """
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.plugins.environments.lightning import LightningEnvironment
    except ImportError as error:
        raise TrainingError(
            f"devices: {count} needs the package lightning-fabric ({error}); install it, or set "
            "devices: 1"
        ) from error
    kind = torch.device(device).type
    if kind == "cuda" and torch.cuda.device_count() < count:
        raise TrainingError(
            f"devices: expected at most {torch.cuda.device_count()}, the GPUs of this machine, "
            f"got {count}"
        )
    # Not as arguments of `launch`, which looks for networks in them and fails at what is frozen.
    task = partial(_one_of_them, work, count, torch.get_rng_state(), given)
    with _meeting_place():
        fabric = Fabric(
            accelerator=kind, devices=count, strategy="ddp_spawn", plugins=[LightningEnvironment()]
        )
        error = fabric.launch(task)
    if isinstance(error, Exception):
        raise error


@contextmanager
def _meeting_place() -> Iterator[None]:
    """Where processes that are started in this block find each other.

    Their store stands before they do, at a port that the system gives: one that was only looked
    for might be another program's before the first of them takes it. They are told as torchrun
    tells those that it starts.
    """
    from torch.distributed import TCPStore  # pyright: ignore[reportPrivateImportUsage]

    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    told = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
    }
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _one_of_them(
    work: Callable[..., object],
    count: int,
    random_state: Tensor,
    given: tuple[Any, ...],
    fabric: Fabric,
) -> Exception | None:
    """A process's whole life; gives the error that it ended with."""
    torch.set_rng_state(random_state)
    processes = Processes(fabric.global_rank, count, fabric)
    try:
        work(processes, fabric.device, *given)
    except SAME_FOR_ALL as error:
        return error
    return None


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
