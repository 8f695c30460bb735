"""Hypercolumns: a pixel's activations in every layer, read by bilinear interpolation.

A backbone's maps come in, fine to coarse; one tall vector per pixel goes out, to be projected to
fewer dimensions. Source: PixelNN, section 3.2; Hariharan et al., Hypercolumns, 2015.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def hypercolumn(maps: list[Tensor], size: tuple[int, int], scales: Tensor | None = None) -> Tensor:
    """All layers at every pixel of an image, concatenated.

    Args:
        maps: L maps (B, C_l, H_l, W_l).
        size: (H, W) of the image.
        scales: (L,), a factor for each layer; none leaves the layers as they are.

    Returns:
        (B, C, H, W), C the sum of the C_l, layers in the order given.

    Example:
        >>> fine, coarse = torch.ones(1, 2, 4, 4), torch.ones(1, 3, 2, 2)
        >>> hypercolumn([fine, coarse], (4, 4), torch.tensor([1.0, 0.5])).shape
        torch.Size([1, 5, 4, 4])
    """
    _check(maps, scales)
    return torch.cat([resized(x, size) for x in _scaled(maps, scales)], dim=1)


def hypercolumn_at(
    maps: list[Tensor], size: tuple[int, int], points: Tensor, scales: Tensor | None = None
) -> Tensor:
    """All layers at some pixels, without computing the others.

    Args:
        maps: L maps (B, C_l, H_l, W_l).
        size: (H, W) of the image.
        points: (B, P) int64, y · W + x.
        scales: as for `hypercolumn`.

    Returns:
        (B, C, P), the values `hypercolumn` has there.
    """
    _check(maps, scales)
    grid = pixel_grid(points, size).to(maps[0].dtype)
    read = [
        functional.grid_sample(level, grid, padding_mode="border", align_corners=False)[:, :, 0]
        for level in _scaled(maps, scales)
    ]
    return torch.cat(read, dim=1)


def pixel_grid(points: Tensor, size: tuple[int, int]) -> Tensor:
    """The centres of pixels in the coordinates of `grid_sample`, where an image spans −1 … 1.

    Args:
        points: (B, P) int64, y · W + x.
        size: (H, W) of the image.

    Returns:
        (B, 1, P, 2) float32, x and y.
    """
    height, width = size
    x = (2 * (points % width) + 1).float() / width - 1
    y = (2 * torch.div(points, width, rounding_mode="floor") + 1).float() / height - 1
    return torch.stack([x, y], dim=-1)[:, None]


def layer_energy(maps: list[Tensor]) -> Tensor:
    """The mean squared length of each layer's activations.

    Args:
        maps: L maps (B, C_l, H_l, W_l).

    Returns:
        (L,) float64.
    """
    _check(maps)
    return torch.stack([x.double().square().sum(1).mean() for x in maps])


def layer_scales(maps: list[Tensor]) -> Tensor:
    """Factors that give every layer the same share of the hypercolumn.

    Without them a layer counts by its number of channels and the size of its activations.

    Args:
        maps: L maps (B, C_l, H_l, W_l).

    Returns:
        (L,) float32; the mean squared length of all layers together becomes 1.
    """
    return scales_from_energy(layer_energy(maps))


def scales_from_energy(energy: Tensor) -> Tensor:
    """The factors of `layer_scales` from mean squared lengths (L,); a layer of zeros gets 0."""
    scales = (energy * len(energy)).rsqrt()
    return torch.where(energy > 0, scales, torch.zeros_like(scales)).float()


def resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    """A map (B, C, h, w) at another size, bilinear, cells aligned by their areas."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return functional.interpolate(x, size, mode="bilinear", align_corners=False)


def _scaled(maps: list[Tensor], scales: Tensor | None) -> list[Tensor]:
    if scales is None:
        return maps
    return [x * scale for x, scale in zip(maps, scales.to(maps[0]), strict=True)]


def _check(maps: list[Tensor], scales: Tensor | None = None) -> None:
    shapes = [tuple(x.shape) for x in maps]
    if not maps or any(len(shape) != 4 for shape in shapes) or len({s[0] for s in shapes}) > 1:
        raise ValueError(f"expected maps (B, C, H, W) of one batch, got shapes {shapes}")
    if scales is not None and scales.shape != (len(maps),):
        raise ValueError(
            f"expected a scale for each of {len(maps)} layers, got shape {tuple(scales.shape)}"
        )
