"""What each process does in tests of several: they import this alone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from exemplar.training.checkpoint import TrainingState
from exemplar.training.loop import TrainingError
from exemplar.training.processes import Processes
from exemplar.training.steps import Pace, run_steps

ROWS = np.arange(8)


def state():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2), nn.Linear(2, 1))
    network[3].requires_grad_(False)  # has no gradients to be averaged
    weights = [p for p in network.parameters() if p.requires_grad]
    return TrainingState({"n": network}, {"n": torch.optim.SGD(weights, 0.1, momentum=0.9)})


def learn(processes: Processes, device, folder: Path, spoil: int | None = None) -> None:
    """What each process does; writes down the weights that it holds at the end."""
    begun = state()
    network, optimizer = begun.modules["n"], begun.optimizers["n"]

    def step(number):
        generator = torch.Generator().manual_seed(number)
        x, y = torch.randn(8, 3, generator=generator), torch.randn(8, 1, generator=generator)
        rows = processes.part(ROWS)
        loss = (network(x[rows]) - y[rows]).square().mean()
        if number == spoil and processes.rank == 1:
            loss = loss * torch.nan
        optimizer.zero_grad()
        loss.backward()
        processes.average(network.parameters())
        optimizer.step()
        return {"loss": loss}

    run_steps("toy", folder / "work", begun, step, Pace(7, 8, 3), None, processes)
    torch.save(network.state_dict(), folder / f"weights-{processes.rank}.pt")


def learn_and_diverge(processes: Processes, device, folder: Path) -> None:
    """Both in one pair of processes, as it takes long to start them."""
    learn(processes, device, folder)
    (folder / "diverged").mkdir(exist_ok=True)
    try:
        learn(processes, device, folder / "diverged", spoil=4)
    except TrainingError as error:
        (folder / "diverged" / f"error-{processes.rank}.txt").write_text(str(error))
        raise


def fails_alone(processes: Processes, device, folder: Path) -> None:
    """One process fails by itself, while the other waits for it."""
    if processes.rank == 1:
        raise OSError("the disk of rank 1 is gone")
    processes.meet()


def waits(processes: Processes, device, folder: Path) -> None:
    """The first works for ever, and the others wait for it."""
    path = folder / f"part-{processes.rank}"
    path.write_text(str(os.getpid()))
    path.rename(folder / f"at-work-{processes.rank}")
    while processes.rank == 0:
        time.sleep(1)
    processes.meet()
