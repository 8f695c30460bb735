"""GLO: every training image gets a code, and a generator learns to make it of that.

The first stage of GLANN: images in, a generator and codes on the unit sphere out, both optimised
together by Adam. Source: paper, Eq. 3 and section 4.1.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from exemplar.methods.glann.codes import Codes, Start
from exemplar.methods.glann.generator import Generator
from exemplar.methods.glann.losses import Reconstruction
from exemplar.methods.glann.settings import GloSettings
from exemplar.store.arrays import StoreError
from exemplar.training.checkpoint import CheckpointError, TrainingState, load_checkpoint
from exemplar.training.images import rows_within_epochs, steps_an_epoch
from exemplar.training.precision import autocast
from exemplar.training.processes import ALONE, Processes, launch
from exemplar.training.steps import Pace, run_steps

Loader = Callable[[torch.device], Reconstruction]
"""Makes the loss on a device."""

Observer = Callable[[Generator, np.ndarray, int], None]
"""Looks at a generator, in evaluation mode, and the codes (N, d) after so many steps."""


@dataclass(frozen=True)
class Embedded:
    """The images that are embedded.

    Attributes:
        ids: of the images; a column of a table takes least memory.
        images: (N, H, W, 1 or 3) u8, in memory or mapped into it.
        seed: of codes and of the order of images.
        start: makes other codes to begin with; by default the seed and an image's id decide.
    """

    ids: Sequence[str]
    images: np.ndarray
    seed: int
    start: Start | None = None


def train_glo(
    generator: Generator,
    embedded: Embedded,
    settings: GloSettings,
    folder: Path,
    name: str,
    loss: Loader,
    observe: Observer | None = None,
) -> tuple[np.ndarray, list[dict[str, float]]]:
    """Learns a generator, in place, and the codes; goes on where the folder's training stopped.

    Args:
        generator: on its device, or with several devices on the CPU; left in evaluation mode.
        embedded: what is learned.
        settings: of the section `glo`.
        folder: where checkpoints and codes are kept, for this training alone.
        name: for the lines of progress on standard error.
        loss: makes the reconstruction loss on a device.
        observe: called before each checkpoint, to write pictures.

    Returns:
        The codes (N, d) f32, of unit length; and losses, a row for each checkpoint: `step` and
        `reconstruction`.

    Raises:
        TrainingError: the loss or a weight is NaN or infinite, or there are not so many devices.
        CheckpointError: the folder has a checkpoint of another training.
        StoreError: there are fewer than two images for each device.
    """
    least, devices = 2 * settings.training.devices, settings.training.devices
    if len(embedded.ids) < least:
        of = f" for each of {devices} devices, {least} in all" if devices > 1 else ""
        raise StoreError(f"expected at least two training images{of}, got {len(embedded.ids)}")
    device = next(generator.parameters()).device
    _restore_codes(generator, embedded, settings, folder)
    given = (generator, replace(embedded, start=None), settings, folder, name, loss, observe)
    if settings.training.devices > 1:
        generator.cpu()
        launch(_train_copy, settings.training.device, settings.training.devices, *given)
        _restore_codes(generator, embedded, settings, folder)
    # What other processes have done, nothing is left of but to read the last checkpoint.
    codes, history = _train(ALONE, device, *given)
    generator.eval()
    return codes, history


def _restore_codes(
    generator: Generator, embedded: Embedded, settings: GloSettings, folder: Path
) -> None:
    """Makes the codes, or puts them back to what they were at the last checkpoint.

    Raises:
        CheckpointError: there is a checkpoint, but of another training, or its codes are gone.
    """
    first = load_checkpoint(folder, _state(generator, embedded, settings)[0])
    if first and not (folder / "codes" / "images").is_file():
        raise CheckpointError(
            f"{folder}: there is a checkpoint, but its codes are gone; remove it to begin anew"
        )
    codes = Codes(folder / "codes", embedded.ids, generator.codes, embedded.seed, embedded.start)
    codes.roll_back(first)


def _state(
    generator: Generator, embedded: Embedded, settings: GloSettings
) -> tuple[TrainingState, torch.optim.Optimizer]:
    """What checkpoints hold, but for the codes."""
    optimizer = torch.optim.Adam(
        generator.parameters(), settings.training.generator_rate, betas=(0.5, 0.999), fused=True
    )
    config = {"settings": settings.identity(), "network": generator.config, "seed": embedded.seed}
    return TrainingState({"generator": generator}, {"generator": optimizer}, config), optimizer


def _train_copy(
    processes: Processes, device: torch.device, generator: Generator, *given: Any
) -> None:
    """Trains in a process of its own; the network that came from another is its memory too."""
    _train(processes, device, copy.deepcopy(generator), *given)


def _train(
    processes: Processes,
    device: torch.device,
    generator: Generator,
    embedded: Embedded,
    settings: GloSettings,
    folder: Path,
    name: str,
    loss: Loader,
    observe: Observer | None,
) -> tuple[np.ndarray, list[dict[str, float]]]:
    """What one process does; see `train_glo`."""
    training, count = settings.training, len(embedded.ids)
    torch.set_num_threads(training.threads)
    generator.to(device).to(memory_format=torch.channels_last).train()
    state, optimizer = _state(generator, embedded, settings)
    first = load_checkpoint(folder, state)
    codes = Codes(
        folder / "codes", embedded.ids, generator.codes, embedded.seed, rank=processes.rank
    )
    codes.begin(first)
    fit = Fit(generator, codes, embedded, settings, optimizer, loss(device), processes)
    pace = Pace(
        training.epochs * steps_an_epoch(training.batch, count),
        min(training.batch, count),
        training.checkpoint_every,
    )

    def step(number: int) -> dict[str, Tensor]:
        # After each checkpoint, in every process; before it, what it needs might be lost.
        if number != first and number % training.checkpoint_every == 0:
            codes.begin(number)
        return fit(number)

    def observed(done: int) -> None:
        if observe:
            observe(generator.eval(), codes.code, done)
            generator.train()

    run_steps(name, folder, state, step, pace, observed, processes)
    return np.array(codes.code), state.history


@dataclass(frozen=True)
class Fit:
    """Does a step of the training, given its number.

    Attributes:
        generator: on its device, in training mode.
        codes: of all images.
        embedded: the images.
        settings: of the training.
        optimizer: of the generator.
        loss: on the generator's device.
        processes: that train together.
    """

    generator: Generator
    codes: Codes
    embedded: Embedded
    settings: GloSettings
    optimizer: torch.optim.Optimizer
    loss: Reconstruction
    processes: Processes = ALONE

    def __call__(self, number: int) -> dict[str, Tensor]:
        """One step down by the generator and by the codes of a batch; gives the loss."""
        training, count = self.settings.training, len(self.embedded.ids)
        epoch = number // steps_an_epoch(training.batch, count)
        factor = 0.5 ** (epoch // training.halve_every)
        for group in self.optimizer.param_groups:
            group["lr"] = training.generator_rate * factor
        if number % steps_an_epoch(training.batch, count) == 0:
            # A code comes once an epoch; others may yet be writing those of the last one.
            self.processes.meet()
        rows = rows_within_epochs(number, training.batch, count, self.embedded.seed)
        part = self.processes.part(rows)
        device = next(self.generator.parameters()).device
        codes = self.codes.gather(part, device)
        wanted = to_tensor(self.embedded.images[part], device)
        with autocast(training.precision, device):
            value = self.loss(self.generator(codes), wanted)
        # The loss is a mean over a part: so weighed, the mean of processes is that of the batch.
        value = value * (len(part) * self.processes.count / len(rows))
        self.optimizer.zero_grad(set_to_none=True)
        value.backward()
        self.processes.average(self.generator.parameters())
        self.optimizer.step()
        assert codes.grad is not None
        self.codes.descend(part, codes.grad / self.processes.count, training.rate * factor)
        return {"reconstruction": value}


def to_tensor(images: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """(B, H, W, C) u8 → (B, C, H, W) float32 in [0, 1]."""
    x = torch.from_numpy(np.ascontiguousarray(images)).to(device)
    return x.permute(0, 3, 1, 2).float().div_(255)
