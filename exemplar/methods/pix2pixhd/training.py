"""Training from coarse to fine: the global network, then each enhancer, first alone, then jointly.

Photographs and their layouts in, a trained `model` out, one level at a time; what a level starts
from is the level below, `grown`. Source: pix2pixHD, section 3.2 and appendix A; its released code.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from exemplar.labels.sides import Pairs, exchanged
from exemplar.methods.pix2pixhd.generators import Generator
from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.methods.pix2pixhd.objective import Batch, Losses, Maps, losses
from exemplar.methods.pix2pixhd.photographs import Photographs, draw
from exemplar.methods.pix2pixhd.schedule import Lengths, LevelSettings, lengths
from exemplar.training.ahead import Ahead, ready
from exemplar.training.checkpoint import TrainingState
from exemplar.training.compiled import as_written, compile_all
from exemplar.training.precision import MixedPrecision
from exemplar.training.processes import ALONE, Processes, launch
from exemplar.training.steps import Pace, run_steps

Loader = Callable[[torch.device], Maps | None]
"""Loads a backbone on a device."""

Observer = Callable[[Pix2pixHD, int], None]
"""Looks at a model, in evaluation mode, after so many steps."""


def train_level(
    model: Pix2pixHD,
    photographs: Photographs,
    settings: LevelSettings,
    folder: Path,
    name: str,
    backbone: Loader | None = None,
    observe: Observer | None = None,
    mirrored: Pairs | None = None,
) -> list[dict[str, float]]:
    """Trains a model's level in place, going on from a checkpoint if the folder has one.

    Images are halved once for each enhancer that is still to come. With several devices, all but
    the settings and the paths goes to other processes; memory maps are opened there.

    Args:
        model: on its device, or with several devices on the CPU; left in evaluation mode.
        photographs: at full resolution.
        settings: of this level.
        folder: where checkpoints are kept, for this level alone.
        name: for the lines of progress on standard error.
        backbone: loads the one of the perceptual loss on a device.
        observe: called before each checkpoint with the model and the steps done, to write pictures.
        mirrored: pairs of classes that a mirror exchanges; none: those that names say.

    Returns:
        Losses, a row for each checkpoint: `step`, `generator`, `matching`, `perceptual` and
        `discriminators`; in float16 also `scale`, by which they were multiplied.

    Raises:
        TrainingError: a loss or a weight is NaN or infinite, the discriminators have collapsed, or
            there are not so many devices.
        CheckpointError: the folder has a checkpoint of another training.
        ValueError: there is nothing to train.
    """
    lengths(settings, len(photographs.images))
    given = (model, photographs, settings, folder, name, backbone, observe, mirrored)
    device = next(model.parameters()).device
    if settings.devices > 1:
        model.cpu()
        launch(_train_copy, settings.device, settings.devices, *given)
    # What other processes have done, nothing is left of but to read the last checkpoint.
    history = _train(ALONE, device, *given)
    model.to(device).eval()
    return history


def _train_copy(
    processes: Processes, device: torch.device, model: Pix2pixHD, *given: Any
) -> list[dict[str, float]]:
    """Trains in a process of its own; the model that came from another is its memory too."""
    return _train(processes, device, copy.deepcopy(model), *given)


def _train(
    processes: Processes,
    device: torch.device,
    model: Pix2pixHD,
    photographs: Photographs,
    settings: LevelSettings,
    folder: Path,
    name: str,
    backbone: Loader | None,
    observe: Observer | None,
    mirrored: Pairs | None,
) -> list[dict[str, float]]:
    """What one process does; see `train_level`."""
    torch.set_num_threads(settings.threads)
    model.precision = settings.precision
    model.to(device).to(memory_format=torch.channels_last).train()
    plan = lengths(settings, len(photographs.images))
    contest = Contest(model, settings, plan, processes, backbone(device) if backbone else None)
    config = {"level": model.level, "network": model.settings.model_dump(), "plan": vars(plan)}
    config |= {"classes": list(model.classes), "settings": settings.identity()}
    scaling = {"precision": contest.mixed}
    state = TrainingState({"model": model}, contest.optimizers, config, scaling)
    reduction = 2 ** (model.settings.generator.enhancers - model.level)
    pace = Pace(
        plan.plateau + plan.decay,
        settings.batch,
        settings.checkpoint_every,
        {"discriminators": settings.collapse},
    )

    sides = exchanged(model.classes, mirrored)

    def drawn(number: int) -> Batch:
        batch = draw(photographs, number, settings, reduction, processes.part, sides)
        return Batch(*(ready(values, device) for values in batch))

    def observed(done: int) -> None:
        if observe:
            with as_written(settings.compile):
                observe(model.eval(), done)
            model.train()

    with Ahead(drawn, pace.steps) as batches:
        run_steps(name, folder, state, lambda n: contest(n, batches(n)), pace, observed, processes)
    freeze_coarser(model, False)
    return state.history


class Contest:
    """The networks, how they learn, and with whom; called with a step and its batch, it does it.

    Args:
        model: on its device, in training mode.
        settings: of the level.
        plan: its lengths.
        processes: that train together.
        backbone: of the perceptual loss.

    Attributes:
        optimizers: of `synthesis` and `discriminators`.
        mixed: the precision.
    """

    def __init__(
        self,
        model: Pix2pixHD,
        settings: LevelSettings,
        plan: Lengths,
        processes: Processes = ALONE,
        backbone: Maps | None = None,
    ) -> None:
        self.model, self.settings, self.plan = model, settings, plan
        self.processes, self.backbone = processes, backbone
        makers = [p for part in (model.generator, model.encoder) if part for p in part.parameters()]
        judges = model.discriminators.parameters()
        self.optimizers = {
            # Unfused, they would take a tenth of a step.
            name: torch.optim.Adam(weights, settings.rate, betas=(0.5, 0.999), fused=True)
            for name, weights in (("synthesis", makers), ("discriminators", judges))
        }
        self.device = next(model.parameters()).device
        self.mixed = MixedPrecision(settings.precision, self.device)
        if settings.compile:
            # What the encoder does with objects depends on how many there are.
            seeing = [model.encoder.maps, model.encoder.features] if model.encoder else []
            compile_all([model.generator, model.discriminators, *seeing])

    def __call__(self, number: int, batch: Batch) -> dict[str, Tensor]:
        """One step of all networks; gives its losses."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = self.settings.rate * self.plan.factor(number)
        freeze_coarser(self.model, number < self.plan.frozen)
        batch = Batch(*(values.to(self.device, non_blocking=True) for values in batch))
        with self.mixed.forward():
            found = losses(self.model, batch, self.settings.objective, self.backbone)
        descend(self, found)
        return found._asdict() | self.mixed.measured()


def descend(contest: Contest, found: Losses) -> None:
    """One step down by both sides, with the mean of all processes' gradients."""
    for optimizer in contest.optimizers.values():
        optimizer.zero_grad(set_to_none=True)
    contest.mixed.backward(found.synthesis)
    contest.mixed.backward(found.discriminators)
    contest.processes.average(contest.model.parameters())
    contest.mixed.descend(list(contest.optimizers.values()))


def freeze_coarser(model: Pix2pixHD, frozen: bool) -> None:
    """Lets all of the generator but its finest enhancer learn, or not; the encoder always does."""
    if not model.level or not isinstance(model.generator, Generator):
        return
    model.generator.requires_grad_(not frozen)
    model.generator.enhancers[-1].requires_grad_(True)
