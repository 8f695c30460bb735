"""Images between images: noise on the way from one sample to another.

Beside `sampling`, as Figures 4 and 5 of the paper show it; the paper does not say how it goes from
one noise to the other.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from exemplar.methods.glann.model import BATCH, Sampler

KIND = "spherical"
"""What the way is called in stores."""

FLAT = 1e-4
"""Sine of the angle below which two directions are taken for the same, or for opposite."""


def between(first: Tensor, last: Tensor, steps: int) -> Tensor:
    """Noise on the way from one to another.

    Directions turn at an even speed along the great circle, and lengths change evenly. The straight
    line would leave where noise lies: the length of e values from N(0, I) is close to √e, but
    half-way between two such vectors, which are nearly at right angles, it is √(e/2).

    Args:
        first: (..., e).
        last: (..., e).
        steps: how many, both ends among them; at least 2.

    Returns:
        (..., steps, e); the first and the last are those given. Where directions are equal or
        opposite, or there is none, there is no one circle, and the way is straight.

    Source: for directions, Shoemake, "Animating rotation with quaternion curves", 1985.

    >>> between(torch.tensor([2.0, 0.0]), torch.tensor([0.0, 4.0]), 3)[1]
    tensor([2.1213, 2.1213])
    """
    if steps < 2:
        raise ValueError(f"steps: expected at least 2, both ends, got {steps}")
    share = torch.linspace(0, 1, steps, dtype=torch.float64)[:, None]
    ends = torch.stack([first, last], -2).double()[..., None, :]  # (..., 2, 1, e)
    lengths = ends.norm(dim=-1, keepdim=True)
    a, b = (ends / lengths.clamp(min=1e-12)).unbind(-3)
    # Of unit vectors, by half the angle: exact where the cosine is not.
    angle = 2 * torch.atan2((a - b).norm(dim=-1), (a + b).norm(dim=-1))[..., None]
    sine = angle.sin()
    turned = (((1 - share) * angle).sin() * a + (share * angle).sin() * b) / sine.clamp(min=FLAT)
    length = (1 - share) * lengths[..., 0, :, :] + share * lengths[..., 1, :, :]
    straight = (1 - share) * ends[..., 0, :, :] + share * ends[..., 1, :, :]
    round_about = (sine > FLAT) & (lengths > 0).all(-3)
    way = torch.where(round_about, length * turned, straight).to(first.dtype)
    way[..., 0, :], way[..., -1, :] = first, last
    return way


def interpolated(sampler: Sampler, first: Tensor, last: Tensor, steps: int) -> np.ndarray:
    """Images on the way from each noise to another.

    Args:
        sampler: makes them.
        first: (R, e), where each way begins.
        last: (R, e), where it ends.
        steps: images of a way, both ends among them.

    Returns:
        (R, steps, H, W, 3) u8; the first and the last of each are the samples of the noise given.
    """
    noise = between(first, last, steps)
    with torch.inference_mode():
        codes = torch.cat([sampler.codes(part) for part in noise.flatten(0, 1).split(BATCH)])
    images = sampler.images(codes)
    return images.reshape(len(first), steps, *images.shape[1:])
