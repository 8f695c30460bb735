"""Training from coarse to fine: the global network, then each enhancer, first alone, then jointly.

Photographs and their layouts in, a trained `model` out, one level at a time; what a level starts
from is the level below, `grown`. Source: pix2pixHD, section 3.2 and appendix A; its released code.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.methods.pix2pixhd.objective import Batch, Maps, losses
from exemplar.methods.pix2pixhd.photographs import Photographs, draw
from exemplar.methods.pix2pixhd.schedule import LevelSettings, lengths
from exemplar.training.checkpoint import TrainingState
from exemplar.training.steps import Pace, run_steps


def train_level(
    model: Pix2pixHD,
    photographs: Photographs,
    settings: LevelSettings,
    folder: Path,
    name: str,
    backbone: Maps | None = None,
    observe: Callable[[int], None] | None = None,
) -> list[dict[str, float]]:
    """Trains a model's level in place, going on from a checkpoint if the folder has one.

    Images are halved once for each enhancer that is still to come.

    Args:
        model: on its device; left in evaluation mode.
        photographs: at full resolution.
        settings: of this level.
        folder: where checkpoints are kept, for this level alone.
        name: for the lines of progress on standard error.
        backbone: for the perceptual loss, on the model's device.
        observe: called before each checkpoint with the steps done, to write pictures.

    Returns:
        Losses, a row for each checkpoint: `step`, `generator`, `matching`, `perceptual` and
        `discriminators`.

    Raises:
        TrainingError: a loss or a weight is NaN or infinite, or the discriminators have collapsed.
        CheckpointError: the folder has a checkpoint of another training.
        ValueError: there is nothing to train.
    """
    torch.set_num_threads(settings.threads)
    model.to(memory_format=torch.channels_last)  # on a CPU with bfloat16 a tenth to a fifth faster
    device = next(model.parameters()).device
    plan = lengths(settings, len(photographs.images))
    makers = [p for part in (model.generator, model.encoder) if part for p in part.parameters()]
    optimizers = {
        "synthesis": torch.optim.Adam(makers, settings.rate, betas=(0.5, 0.999)),
        "discriminators": torch.optim.Adam(
            model.discriminators.parameters(), settings.rate, betas=(0.5, 0.999)
        ),
    }
    config = {"level": model.level, "network": model.settings.model_dump(), "plan": vars(plan)}
    # A training that stopped because of a collapse goes on when this is turned off.
    by = settings.model_dump(exclude={"collapse"})
    config |= {"classes": list(model.classes), "settings": by}
    state = TrainingState({"model": model}, optimizers, config=config)
    reduction = 2 ** (model.settings.generator.enhancers - model.level)
    if settings.compile:
        for part in (model.generator, model.discriminators, model.encoder):
            if part is not None:
                part.compile()

    def step(number: int) -> dict[str, Tensor]:
        for optimizer in optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = settings.rate * plan.factor(number)
        freeze_coarser(model, number < plan.frozen)
        batch = draw(photographs, number, settings, reduction)
        batch = Batch(*(values.to(device) for values in batch))
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
            found = losses(model, batch, settings.objective, backbone)
        descend(optimizers["synthesis"], found.synthesis)
        descend(optimizers["discriminators"], found.discriminators)
        return found._asdict()

    model.train()
    floors = {"discriminators": settings.collapse}
    pace = Pace(plan.plateau + plan.decay, settings.batch, settings.checkpoint_every, floors)
    run_steps(name, folder, state, step, pace, observe)
    freeze_coarser(model, False)
    model.eval()
    return state.history


def freeze_coarser(model: Pix2pixHD, frozen: bool) -> None:
    """Lets all of the generator but its finest enhancer learn, or not; the encoder always does."""
    if not model.level:
        return
    model.generator.requires_grad_(not frozen)
    model.generator.enhancers[-1].requires_grad_(True)


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step down."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
