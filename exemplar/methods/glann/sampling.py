"""Sampling: noise, its codes, and what training images the images of it are near to.

Between trained networks and whoever wants their images: `sampled` for the stores of a domain, the
command line for a user.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from exemplar.features.backbone import BackboneSettings, EstimatorTrunkSettings
from exemplar.methods.glann.inversion import InversionSettings
from exemplar.methods.glann.looks import Look, Shown, joined, nearest_looks
from exemplar.methods.glann.model import BATCH, Sampler, noise_generator
from exemplar.methods.glann.provenance import Neighbours, nearest_codes
from exemplar.methods.glann.training_images import TrainingImages
from exemplar.settings import Settings


class SamplesSettings(Settings):
    """The section `glann_samples` of `params.yaml`."""

    count: int = Field(default=10_000, ge=1)
    """Samples of each method; as many as published."""
    neighbours: int = Field(default=5, ge=1)
    """Nearest training images of each sample that are kept."""
    perceptual: BackboneSettings | None = EstimatorTrunkSettings()
    """The network by which images are compared by their looks; null compares pixels."""
    references: int = Field(default=1000, ge=1)
    """Training images, and held-out ones, whose own nearest are sought for comparison, at most."""
    interpolations: int = Field(default=8, ge=1)
    """Ways from one sample to another."""
    steps: int = Field(default=9, ge=2)
    """Images of a way."""
    reconstructions: int = Field(default=16, ge=1)
    """Training images that are made of their codes."""
    inversions: int = Field(default=8, ge=1)
    """Held-out images for which noise is sought."""
    inversion: InversionSettings = InversionSettings()
    device: str = "cpu"
    threads: int = Field(default=1, ge=1)
    """Part of the settings because sums depend on it in the last bits."""
    seed: int = Field(default=0, ge=0)
    """Of the noise; each training seed has other noise."""


class Compared(NamedTuple):
    """Images whose nearest training images are wanted.

    Attributes:
        images: n of them.
        codes: (n, d) f32, if they have any.
        own: (n,) their rows, if they are training images themselves, which do not count.
    """

    images: Shown
    codes: np.ndarray | None = None
    own: np.ndarray | None = None


class Nearness(NamedTuple):
    """Nearest training images in both spaces.

    Attributes:
        latent: by codes; none of images without.
        perceptual: by looks.
    """

    latent: Neighbours | None
    perceptual: Neighbours


def draw(sampler: Sampler, count: int, seed: int) -> Tensor:
    """Noise (count, e); the first vectors do not depend on how many are asked for."""
    # torch fills random tensors sixteen values at a time, but for the last few.
    rounded = -(-count // 16) * 16
    return sampler.draw(rounded, noise_generator(seed))[:count]


def codes_of(sampler: Sampler, noise: Tensor) -> Tensor:
    """The codes (n, d) of noise (n, e), on the CPU, without gradients."""
    with torch.inference_mode():
        return torch.cat([sampler.codes(part).cpu() for part in noise.split(BATCH)])


def near_training(
    compared: Sequence[Compared],
    training: TrainingImages,
    look: Look,
    count: int,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Nearness]:
    """The nearest training images of several sets of images, which share the way past them.

    Args:
        compared: the sets; empty ones are allowed.
        training: the training images.
        look: what is compared perceptually.
        count: K; less where there are not so many training images.
        tell: is told how many training images have been seen.

    Returns:
        For each set, rows of the domain's table of images, and distances.
    """
    own = [
        np.full(each.images.count, -1) if each.own is None else each.own for each in compared
    ]  # fmt: skip
    # As many of every image, also of those that do not count among their own.
    count = min(count, len(training.rows) - any(each.own is not None for each in compared))
    images = joined([each.images for each in compared])
    found = nearest_looks(
        look, images, training.shown, training.rows, count, np.concatenate(own), tell
    )
    result, start = [], 0
    for each, rows in zip(compared, own, strict=True):
        latent = None
        if each.codes is not None:
            latent = nearest_codes(each.codes, training.codes, training.rows, count, rows)
        part = slice(start, start + each.images.count)
        result.append(Nearness(latent, Neighbours(*(values[part] for values in found))))
        start = part.stop
    return result
