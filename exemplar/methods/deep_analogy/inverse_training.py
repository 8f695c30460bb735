"""Learning to invert a backbone's blocks, on crops of a domain's images.

Stage `analogy_inverse` runs it; `inverse` has the networks.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn import functional

from exemplar.features.pyramid import Pyramid
from exemplar.methods.deep_analogy.inverse import Inverse, InverseNetworkSettings
from exemplar.settings import Settings, SettingsError
from exemplar.store.arrays import StoreError
from exemplar.training.augment import photometry
from exemplar.training.checkpoint import TrainingState
from exemplar.training.images import generator_at, rows_at
from exemplar.training.loop import schedule
from exemplar.training.steps import Pace, run_steps

_MEASURED = 16
"""Crops from which the sizes of activations are measured before training."""


class InverseTraining(Settings):
    """How long and how fast to train."""

    steps: Annotated[int, Field(ge=1)] = 300
    batch: Annotated[int, Field(ge=1)] = 8
    """Crops a step."""
    rate: Annotated[float, Field(gt=0)] = 2e-3
    """The highest learning rate; it rises over the first 5 % and falls to 0 as a cosine."""
    consistency: Annotated[float, Field(ge=0)] = 1.0
    """Weight of Eq. 5's loss, of the level a result leads to, beside that of the result itself."""
    checkpoint_every: Annotated[int, Field(ge=1)] = 50
    """Steps between checkpoints."""
    threads: Annotated[int, Field(ge=1)] = 1
    """CPU threads; part of the settings because sums depend on it in the last bits."""
    seed: Annotated[int, Field(ge=0)] = 0


class InverseSettings(Settings):
    """The section `analogy_inverse` of `params.yaml`; the backbone is that of `analogy`."""

    domain: str = "rendered"
    """Whose training images are learned from."""
    network: InverseNetworkSettings = InverseNetworkSettings()
    training: InverseTraining = InverseTraining()
    side: Annotated[int, Field(ge=1)] = 96
    """Of the crops, in pixels."""
    zoom: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (0.7, 2.0)
    """Magnifications of the images that crops are taken from."""
    degrees: Annotated[float, Field(ge=0)] = 15.0
    """Rotations to either side."""
    colours: Annotated[float, Field(ge=0, le=1)] = 0.5
    """How much colours, contrast, sharpness and noise are varied; 0: not at all."""


def train_inverse(
    inverse: Inverse,
    pyramid: Pyramid,
    images: np.ndarray,
    settings: InverseSettings,
    folder: Path,
    name: str,
) -> list[dict[str, float]]:
    """Trains an inverse in place, going on from a checkpoint if the folder has one.

    Args:
        inverse: of the pyramid, on its device; left frozen, in evaluation mode.
        pyramid: the network to invert.
        images: (N, H, W, 3) u8, in memory or mapped.
        settings: of the section `analogy_inverse`.
        folder: where checkpoints are kept, for this training alone.
        name: for the lines of progress on standard error.

    Returns:
        Losses, a row an interval: `step`, and for each layer the squared error of its
        reconstruction as a share of its energy; and, as `<layer>→<layer>`, that of the coarser
        layer it leads to (Eq. 5).

    Raises:
        TrainingError: a loss or a weight is NaN or infinite.
        CheckpointError: the folder has a checkpoint of another training.
        StoreError: there is no image.
        SettingsError: crops are too small for the pyramid.
    """
    if not len(images):
        raise StoreError("expected at least one image to learn from, got none")
    if settings.side < pyramid.smallest_side:
        raise SettingsError(
            f"analogy_inverse.side: expected at least {pyramid.smallest_side} pixels for "
            f"{pyramid.name}, got {settings.side}"
        )
    training = settings.training
    torch.set_num_threads(training.threads)
    inverse.train().requires_grad_(True)
    measure(inverse, pyramid, images, settings)
    optimizer = torch.optim.Adam(inverse.parameters(), training.rate, betas=(0.9, 0.99))
    config = {"inverse": inverse.config, "settings": settings.model_dump(mode="json")}
    state = TrainingState({"inverse": inverse}, {"adam": optimizer}, config)

    def step(number: int) -> dict[str, Tensor]:
        for group in optimizer.param_groups:
            group["lr"] = training.rate * schedule(number, training.steps)
        x = batch_at(number, images, settings).to(pyramid.device)
        found = losses(inverse, pyramid, x)
        total = torch.stack(
            [training.consistency * v if "→" in key else v for key, v in found.items()]
        ).sum()
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        optimizer.step()
        return found

    pace = Pace(training.steps, training.batch, training.checkpoint_every)
    run_steps(name, folder, state, step, pace)
    inverse.eval().requires_grad_(False)
    return state.history


def losses(inverse: Inverse, pyramid: Pyramid, images: Tensor) -> dict[str, Tensor]:
    """The errors of each block on images.

    Args:
        inverse: of the pyramid.
        pyramid: the network.
        images: (B, 3, H, W) in [0, 1].

    Returns:
        As `train_inverse` says, each a share of the energy there is: 0 is perfect, 1 no better
        than nothing.
    """
    with torch.no_grad():
        maps = pyramid(images)
    found = {}
    for level in range(2, len(maps) + 1):
        coarse, fine = maps[level - 1], maps[level - 2]
        made = inverse(coarse, level, (fine.shape[-2], fine.shape[-1]))
        here, above = pyramid.layers[level - 2], pyramid.layers[level - 1]
        found[here] = _share(made, fine)
        found[f"{here}→{above}"] = _share(pyramid.between(made, level - 1, level), coarse)
    return found


def measure(
    inverse: Inverse, pyramid: Pyramid, images: np.ndarray, settings: InverseSettings
) -> None:
    """Tells the blocks how large activations are, before they have seen any."""
    settings = settings.model_copy(
        update={"training": settings.training.model_copy(update={"batch": _MEASURED})}
    )
    with torch.no_grad():
        maps = pyramid(batch_at(0, images, settings).to(pyramid.device))
        sizes = [x.square().mean().sqrt().clamp_min(1e-6) for x in maps]
        for level in range(2, len(maps) + 1):
            block = inverse.block(level)
            block.coarse_size.copy_(sizes[level - 1])
            block.fine_size.copy_(sizes[level - 2])


def batch_at(number: int, images: np.ndarray, settings: InverseSettings) -> Tensor:
    """The crops (B, 3, side, side) of a step, in [0, 1]; they depend on its number alone."""
    training = settings.training
    rows = rows_at(number, training.batch, len(images), training.seed)
    draw = generator_at(number, training.seed)
    chosen = torch.from_numpy(images[np.sort(rows)]).permute(0, 3, 1, 2).float() / 255
    cut = crops(chosen, settings.side, settings.zoom, settings.degrees, draw)
    return photometry(cut, draw, settings.colours) if settings.colours else cut


def crops(
    images: Tensor, side: int, zoom: tuple[float, float], degrees: float, generator: Generator
) -> Tensor:
    """A random square of each image, turned and perhaps mirrored.

    Args:
        images: (B, 3, H, W).
        side: of the squares, in pixels; where an image is smaller, it goes on mirrored.
        zoom: the range of magnifications before a square is cut.
        degrees: the largest rotation to either side.
        generator: the source of randomness.

    Returns:
        (B, 3, side, side).
    """
    count, _, height, width = images.shape
    u = torch.rand(count, 5, generator=generator)
    scale = torch.exp(math.log(zoom[0]) + u[:, 0] * math.log(zoom[1] / zoom[0]))
    angle = (2 * u[:, 1] - 1) * math.radians(degrees)
    mirror = torch.where(u[:, 2] < 0.5, -1.0, 1.0)
    # Half the square's sides in the coordinates of `affine_grid`, where an image spans −1 … 1.
    across, down = side / width / scale, side / height / scale
    cos, sin = torch.cos(angle), torch.sin(angle)
    shift = (2 * u[:, 3:] - 1) * (1 - torch.stack([across, down], 1)).clamp_min(0)
    # Turned in pixels, then expressed as shares of the sides.
    rows = [
        torch.stack([cos * mirror * across, -sin * across], 1),
        torch.stack([sin * mirror * down, cos * down], 1),
    ]
    transform = torch.cat([torch.stack(rows, 1), shift[..., None]], 2)
    grid = functional.affine_grid(transform, [count, 3, side, side], align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _share(made: Tensor, truth: Tensor) -> Tensor:
    """The squared error as a share of the energy."""
    return (made - truth).square().mean() / truth.square().mean().clamp_min(1e-12)
