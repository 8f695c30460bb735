"""The one training loop: devices, precision, checkpoints, resume, progress.

A batch is a function of the step's own random generator, never of what came before, so a training
that was killed and resumed gives the very weights of one that ran through.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import torch
from pydantic import Field
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from exemplar.settings import Settings
from exemplar.store.files import written

CHECKPOINT = "checkpoint.safetensors"

Batch = TypeVar("Batch")


class TrainingSettings(Settings):
    """How long and how fast to train."""

    steps: int = Field(default=1000, ge=1)
    batch: int = Field(default=16, ge=1)
    """Images a step."""
    pixels: int = Field(default=1024, ge=1)
    """Pixels sampled from each image (PixelNet: 2000)."""
    rate: float = Field(default=2e-3, gt=0)
    """The highest learning rate; it rises over the first 5 % and falls to 0 as a cosine."""
    decay: float = Field(default=1e-4, ge=0)
    """Weight decay."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of activations; weights and losses stay in float32. bfloat16 is faster on processors that
    compute in it (AMX, AVX-512 BF16), and several times slower on others."""
    threads: int = Field(default=1, ge=1)
    """CPU threads; part of the settings because sums depend on it in the last bits."""
    checkpoint_every: int = Field(default=100, ge=1)
    """Steps between checkpoints."""
    seed: int = 0


class TrainingError(RuntimeError):
    """A training cannot go on."""


def train(
    network: nn.Module,
    batch: Callable[[torch.Generator], Batch],
    loss: Callable[[Batch], Tensor],
    settings: TrainingSettings,
    folder: Path,
    name: str,
) -> None:
    """Trains a network in place, going on from a checkpoint if the folder has one.

    Args:
        network: on its device; left in evaluation mode.
        batch: draws a batch with the generator it is given, in full precision.
        loss: of a batch, a scalar; run in the precision of the settings.
        settings: steps, rates, precision.
        folder: where checkpoints are kept.
        name: for the lines of progress on standard error.

    Raises:
        TrainingError: the loss became NaN or infinite.
    """
    torch.set_num_threads(settings.threads)
    device = next(network.parameters()).device
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.rate, weight_decay=settings.decay, betas=(0.9, 0.99)
    )
    first = _restore(network, optimizer, folder)
    network.train()
    started, running = time.monotonic(), 0.0
    for step in range(first, settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.rate * schedule(step, settings.steps)
        drawn = batch(torch.Generator().manual_seed(settings.seed * 1_000_003 + step))
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
            value = loss(drawn)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        running += value.item()
        done = step + 1
        if done % settings.checkpoint_every == 0 or done == settings.steps:
            if not math.isfinite(running):
                raise TrainingError(
                    f"{name}: the loss is {running} near step {done}; lower the learning rate "
                    f"(now {settings.rate}) or use precision: float32"
                )
            count = (done - 1) % settings.checkpoint_every + 1
            rate = (done - first) * settings.batch / (time.monotonic() - started)
            print(
                f"{name}: step {done}/{settings.steps}, loss {running / count:.4f}, "
                f"{rate:.0f} images/s",
                file=sys.stderr,
                flush=True,
            )
            running = 0.0
            _save(network, optimizer, done, folder)
    network.eval()


def schedule(step: int, steps: int) -> float:
    """The learning rate's factor: a linear rise over 5 % of the steps, then a cosine to 0."""
    rise = max(1, steps // 20)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def _save(network: nn.Module, optimizer: torch.optim.Optimizer, step: int, folder: Path) -> None:
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    for index, values in optimizer.state_dict()["state"].items():
        state |= {f"optimizer.{index}.{name}": value for name, value in values.items()}
    state["step"] = torch.tensor(step)
    with written(folder / CHECKPOINT) as partial:
        save_file({name: value.cpu().contiguous() for name, value in state.items()}, partial)


def _restore(network: nn.Module, optimizer: torch.optim.Optimizer, folder: Path) -> int:
    """Puts a checkpoint's state back and returns the step to go on from."""
    path = folder / CHECKPOINT
    if not path.is_file():
        return 0
    saved = load_file(path)
    own = {name.removeprefix("network."): v for name, v in saved.items() if name[:8] == "network."}
    network.load_state_dict(own)
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in saved.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            moments.setdefault(int(index), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
    return int(saved["step"])
