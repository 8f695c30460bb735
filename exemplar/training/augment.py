"""Variation of training batches: geometry for images and their maps together, then photometry.

All functions draw from the generator they are given and work on (B, C, H, W) tensors.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional


def similarity(
    count: int, generator: Generator, zoom: tuple[float, float], degrees: float, flip: bool
) -> Tensor:
    """Random similarity transforms: flip, rotation, zoom, and a shift that stays in the image.

    Args:
        count: B.
        generator: the source of randomness.
        zoom: the range of magnification; 1 is the whole image.
        degrees: the largest rotation to either side.
        flip: whether half of the images are mirrored.

    Returns:
        (B, 2, 3), for `torch.nn.functional.affine_grid`: output to input coordinates.
    """
    u = torch.rand(count, 5, generator=generator)
    scale = torch.exp(math.log(zoom[0]) + u[:, 0] * math.log(zoom[1] / zoom[0]))
    angle = (2 * u[:, 1] - 1) * math.radians(degrees)
    mirror = torch.where(u[:, 2] < 0.5, -1.0, 1.0) if flip else torch.ones(count)
    room = (1 - 1 / scale).clamp(min=0)
    shift = (2 * u[:, 3:] - 1) * room[:, None]
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    rows = [torch.stack([cos * mirror, -sin], 1), torch.stack([sin * mirror, cos], 1)]
    return torch.cat([torch.stack(rows, 1), shift[..., None]], 2)


def warp(maps: Tensor, transform: Tensor, mode: str = "bilinear") -> Tensor:
    """Images or maps under transforms, reflected at the border.

    Args:
        maps: (B, C, H, W) float.
        transform: (B, 2, 3).
        mode: bilinear, or nearest for labels.

    Returns:
        (B, C, H, W).
    """
    grid = functional.affine_grid(transform, list(maps.shape), align_corners=False)
    return functional.grid_sample(
        maps, grid, mode=mode, padding_mode="reflection", align_corners=False
    )


def mirrored(transform: Tensor) -> Tensor:
    """Which transforms (B, 2, 3) mirror, (B,) bool."""
    return torch.linalg.det(transform[:, :, :2]) < 0


def turn_normals(normals: Tensor, transform: Tensor) -> Tensor:
    """Rotates and mirrors the vectors of normal maps as `warp` did their places.

    Args:
        normals: (B, 3, H, W), x right, y up, z towards the viewer.
        transform: (B, 2, 3), as given to `warp`.

    Returns:
        (B, 3, H, W), unit length.
    """
    linear = torch.linalg.inv(transform[:, :, :2])  # input to output places, y down
    linear = linear / linear.det().abs().sqrt()[:, None, None]
    up = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])  # the same map with y up
    xy = torch.einsum("bij,bjhw->bihw", linear * up, normals[:, :2])
    return functional.normalize(torch.cat([xy, normals[:, 2:]], 1), dim=1)


def photometry(images: Tensor, generator: Generator, strength: float = 1.0) -> Tensor:
    """Colours mixed, gain, gamma, greyness, blur and noise, so that a network sees shape.

    Args:
        images: (B, 3, H, W) in [0, 1].
        generator: the source of randomness.
        strength: 0 leaves images as they are.

    Returns:
        (B, 3, H, W) in [0, 1].
    """
    count = len(images)

    def uniform(low: float, high: float) -> Tensor:
        values = torch.rand(count, generator=generator) * (high - low) + low
        return (values * strength)[:, None, None, None]

    mixing = torch.eye(3) + strength * 0.25 * torch.randn(count, 3, 3, generator=generator)
    mixing = mixing / mixing.sum(2, keepdim=True).clamp(min=0.3)
    x = torch.einsum("bij,bjhw->bihw", mixing, images)
    grey = x.mean(1, keepdim=True)
    x = torch.lerp(x, grey.expand_as(x), uniform(0, 1) ** 2)
    # Low contrast and blur are what regressed images look like.
    x = torch.lerp(x, x.mean((1, 2, 3), keepdim=True), uniform(0, 0.6))
    blurred = blur(x, 1.0 + 1.5 * float(torch.rand((), generator=generator)))
    soft = torch.rand(count, generator=generator)[:, None, None, None]
    x = torch.lerp(x, blurred, strength * (soft - 0.4).clamp(min=0) / 0.6)
    x = x * (1 + uniform(-0.3, 0.3)) + uniform(-0.15, 0.15)
    x = x.clamp(1e-4, 1) ** torch.exp(uniform(-0.5, 0.5))
    noise = torch.randn(x.shape, generator=generator) * uniform(0, 0.05)
    return (x + noise).clamp(0, 1)


def blur(images: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (B, C, H, W), reflected at the border."""
    radius = max(1, math.ceil(3 * sigma))
    x = torch.arange(-radius, radius + 1, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (x / sigma) ** 2)
    kernel = kernel / kernel.sum()
    channels = images.shape[1]
    padded = functional.pad(images, [radius] * 4, mode="reflect")
    rows = functional.conv2d(
        padded, kernel.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), groups=channels
    )
    return functional.conv2d(
        rows, kernel.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), groups=channels
    )
