"""Inversion: the noise of which a model makes an image most like a given one.

Beside `sampling`. Source: paper, section 3.4.3, Eq. 6.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from exemplar.methods.glann.losses import Reconstruction
from exemplar.methods.glann.model import BATCH, Sampler, noise_generator
from exemplar.settings import Settings

PIXELS = 1 << 18
"""Of the images that are optimised at a time."""

SIDE = 32
"""Pixels a side of images when they are compared with many."""


class InversionSettings(Settings):
    """How noise is found; the paper does not say how it descends, or from where."""

    steps: int = Field(default=300, ge=0)
    """Of Adam."""
    rate: float = Field(default=0.1, gt=0)
    """At first; it falls to 0 by half a cosine."""
    starts: int = Field(default=4, ge=1)
    """From how many places each image is sought; the best counts."""
    draws: int = Field(default=1024, ge=1)
    """Noise vectors among which places to start from are chosen."""


class Inverted(NamedTuple):
    """What was found for n images.

    Attributes:
        noise: (n, e) f32.
        images: (n, H, W, 3) u8, what the model makes of it.
        loss: (n,) f32, of Eq. 6.
        start: (n,) f32, the least loss among the starts, before any step.
    """

    noise: np.ndarray
    images: np.ndarray
    loss: np.ndarray
    start: np.ndarray


def invert(
    sampler: Sampler,
    wanted: np.ndarray,
    loss: Reconstruction,
    settings: InversionSettings,
    seed: int = 0,
    near: np.ndarray | None = None,
) -> Inverted:
    """Finds noise by descent from several starts, each image by itself: Eq. 6.

    Of the noise drawn, one start is that whose code is nearest to the code of a training image like
    the wanted one, if it is known (the match of Eq. 4); the others are those that give the images
    with the least difference of pixels.

    Args:
        sampler: the model; its networks stay as they are.
        wanted: (n, H, W, 3) u8, of the generator's size; for one of grey images, of three equal
            channels.
        loss: ℓ.
        settings: steps and starts.
        seed: of the draw.
        near: (n, d) f32, codes of training images that are like the wanted ones.

    Returns:
        The noise with the least loss of all starts, before and after descent.

    Raises:
        ValueError: the images have another size than the generator's.
    """
    side = sampler.generator.side
    if wanted.dtype != np.uint8 or wanted.shape[1:] != (side, side, 3):
        raise ValueError(
            f"expected images (n, {side}, {side}, 3) uint8, got {wanted.shape} {wanted.dtype}"
        )
    targets = _tensors(wanted, sampler)
    begin = _starts(sampler, targets, settings, seed, near)
    step = max(1, PIXELS // (settings.starts * side * side))
    parts = [slice(i, i + step) for i in range(0, len(wanted), step)]
    found = [_descended(sampler, targets[p], begin[p], loss, settings) for p in parts]
    noise, least, start = (torch.cat(values) for values in zip(*found, strict=True))
    with torch.inference_mode():
        images = sampler.images(sampler.codes(noise))
    return Inverted(noise.numpy(), images, least.numpy(), start.numpy())


def _tensors(images: np.ndarray, sampler: Sampler) -> Tensor:
    """(n, C, H, W) float32 in [0, 1], as the generator makes them, on its device."""
    x = torch.from_numpy(images).to(sampler.device).permute(0, 3, 1, 2)
    return x[:, : sampler.generator.channels].float() / 255


def _starts(
    sampler: Sampler,
    targets: Tensor,
    settings: InversionSettings,
    seed: int,
    near: np.ndarray | None,
) -> Tensor:
    """(n, starts, e)."""
    count = max(settings.draws, settings.starts)
    drawn = sampler.draw(count, noise_generator(seed))
    codes, small = [], []
    with torch.inference_mode():
        for part in drawn.split(BATCH):
            codes.append(sampler.codes(part))
            small.append(_small(sampler.generator(codes[-1])))
        apart = torch.cdist(_small(targets), torch.cat(small))
        order = apart.argsort(dim=1, stable=True)[:, : settings.starts].cpu()
        if near is not None:
            like = torch.from_numpy(near).to(sampler.device)
            order[:, -1] = torch.cdist(like, torch.cat(codes)).argmin(1).cpu()
    return drawn[order]


def _small(images: Tensor) -> Tensor:
    """Images (n, C, H, W) as vectors of no more than `SIDE`² pixels."""
    if images.shape[-1] > SIDE:
        images = functional.adaptive_avg_pool2d(images, SIDE)
    return images.flatten(1)


def _descended(
    sampler: Sampler,
    targets: Tensor,
    begin: Tensor,
    loss: Reconstruction,
    settings: InversionSettings,
) -> tuple[Tensor, Tensor, Tensor]:
    """Noise (n, e), its loss (n,) and the least loss of the starts (n,), all on the CPU."""
    count, starts, _ = begin.shape
    wanted = targets.repeat_interleave(starts, 0)
    noise = begin.flatten(0, 1).to(sampler.device).clone().requires_grad_()
    before = _losses(sampler, noise, wanted, loss)
    # Adam's steps do not depend on a loss's scale, but its least denominator does.
    optimiser = torch.optim.Adam([noise], lr=settings.rate)
    for step in range(settings.steps):
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * (1 + math.cos(math.pi * step / settings.steps)) / 2
        made = sampler.generator(sampler.codes(noise))
        # The loss is a mean over images: times their number, each has its own gradient.
        (gradient,) = torch.autograd.grad(loss(made, wanted) * len(wanted), noise)
        noise.grad = gradient
        optimiser.step()
    after = _losses(sampler, noise, wanted, loss)
    kept = torch.where((after <= before)[:, None], noise.detach(), begin.flatten(0, 1).to(noise))
    least, best = torch.minimum(before, after).view(count, starts).min(1)
    chosen = kept.view(count, starts, -1)[torch.arange(count), best]
    return chosen.cpu(), least.cpu(), before.view(count, starts).amin(1).cpu()


def _losses(sampler: Sampler, noise: Tensor, wanted: Tensor, loss: Reconstruction) -> Tensor:
    """The loss (n,) of every image by itself."""
    with torch.no_grad():
        made = sampler.generator(sampler.codes(noise))
        pairs = zip(made.split(1), wanted.split(1), strict=True)
        return torch.stack([loss(ours, theirs).float() for ours, theirs in pairs])
