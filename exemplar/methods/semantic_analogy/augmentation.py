"""Variation of the one image there is, and of its labels with it: more and more, as training goes.

Between the source and `training`. A draw is a grid of places to read from, so that an image and its
labels cannot come apart. Source: Li et al., "Semantic Image Analogy with a Conditional Single-Image
GAN", 2020, sections 3.2.1 and 4.1; its released code bends images as well.
"""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn import functional

from exemplar.settings import Settings


class AugmentationSettings(Settings):
    """How far images are varied once randomness is at its full strength."""

    flip: float = Field(default=0.5, ge=0, le=1)
    """The share of mirrored images."""
    enlarge: float = Field(default=0.2, ge=0)
    """Magnifications go up to 1 + this, cropped at random."""
    reduce: float = Field(default=0.0, ge=0)
    """And down to 1 / (1 + this), mirrored at the border."""
    degrees: float = Field(default=10.0, ge=0)
    """The largest rotation to either side."""
    bend: float = Field(default=0.0, ge=0)
    """Standard deviation of the bending's points, as a share of the image's side."""
    points: int = Field(default=3, ge=2)
    """A side, of the grid that bends the image."""
    bent: float = Field(default=0.5, ge=0, le=1)
    """The share of bent images."""
    pasted: float = Field(default=0.0, ge=0, le=1)
    """The share of images into which regions of another varied image are pasted: layouts that no
    variation of the whole has. Ours."""
    edited: float = Field(default=0.5, ge=0, le=1)
    """The share of those whose remainder is the source as it is, as where labels are edited."""
    ramp: float = Field(default=1.0, ge=0, le=1)
    """The share of the training in which randomness rises linearly to its full strength."""


def strength_at(iteration: int, iterations: int, ramp: float) -> float:
    """How strong randomness is, from 0 to 1, at an iteration of so many."""
    return min(1.0, iteration / (ramp * iterations)) if ramp else 1.0


def draw(
    size: tuple[int, int], settings: AugmentationSettings, strength: float, generator: Generator
) -> Tensor:
    """Where a varied image is read from.

    Args:
        size: height and width.
        settings: the full strength.
        strength: of randomness, from 0 to 1.
        generator: the source of randomness, on the CPU.

    Returns:
        (1, H, W, 2) float32, x and y from -1 to 1 for `torch.nn.functional.grid_sample`; at
        strength 0 the image itself.
    """
    mirrored, zoom, angle, x, y, bent = torch.rand(6, generator=generator).tolist()
    moves = torch.randn(settings.points**2, 2, generator=generator)
    low = -math.log1p(strength * settings.reduce)
    high = math.log1p(strength * settings.enlarge)
    scale = math.exp(-(low + zoom * (high - low)))
    turn = math.radians(strength * settings.degrees) * (2 * angle - 1)
    height, width = size
    grid = functional.affine_grid(torch.eye(2, 3)[None], [1, 1, height, width], align_corners=False)
    if settings.bend and bent < settings.bent:
        # A side is 2 long here.
        grid = bend(grid, moves * (2 * settings.bend * strength), settings.points)
    # In pixels, so that a rotation of an oblong image is one.
    side = torch.tensor([float(width), float(height)])
    turned = torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    grid = scale * ((grid * side) @ turned.T) / side
    room = max(0.0, 1 - scale)
    grid = grid + room * (2 * torch.tensor([x, y]) - 1)
    if mirrored < strength * settings.flip:
        grid = grid * torch.tensor([-1.0, 1.0])
    return grid


def bend(grid: Tensor, moves: Tensor, points: int) -> Tensor:
    """A grid of places moved by a thin-plate spline: smoothly, and at some points exactly so far.

    Args:
        grid: (1, H, W, 2) places from -1 to 1.
        moves: (points², 2), of a grid of points over the image, row by row.
        points: a side.

    Returns:
        (1, H, W, 2).

    Source: Bookstein, "Principal warps: thin-plate splines and the decomposition of deformations",
    1989.
    """
    line = torch.linspace(-1, 1, points)
    rows, columns = torch.meshgrid(line, line, indexing="ij")
    fixed = torch.stack([columns.flatten(), rows.flatten()], 1)
    count = len(fixed)
    affine = torch.cat([torch.ones(count, 1), fixed], 1)
    system = torch.zeros(count + 3, count + 3)
    system[:count, :count] = _bending(fixed, fixed)
    system[:count, count:], system[count:, :count] = affine, affine.T
    weights = torch.linalg.solve(system, torch.cat([moves, torch.zeros(3, 2)]))
    flat = grid.reshape(-1, 2)
    terms = torch.cat([_bending(flat, fixed), torch.ones(len(flat), 1), flat], 1)
    return grid + (terms @ weights).reshape(grid.shape)


def _bending(places: Tensor, fixed: Tensor) -> Tensor:
    """r² log r² of every place (N, 2) and every point (P, 2), 0 where they meet."""
    squared = (places[:, None] - fixed[None]).square().sum(2)
    return torch.special.xlogy(squared, squared)


def varied(
    image: Tensor,
    labels: Tensor,
    settings: AugmentationSettings,
    strength: float,
    generator: Generator,
    sides: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """An image and its labels, varied together.

    Args:
        image: (1, C, H, W) float32.
        labels: (1, H, W) i64.
        settings: the full strength.
        strength: as for `draw`.
        generator: as for `draw`.
        sides: as for `vary`.

    Returns:
        I_aug and P_aug, of the same shapes and types.
    """
    pasting, editing = torch.rand(2, generator=generator).tolist()
    chosen = torch.rand(int(labels.max()) + 1, generator=generator).to(labels.device) < 0.5

    def another() -> tuple[Tensor, Tensor]:
        size = (image.shape[-2], image.shape[-1])
        grid = draw(size, settings, strength, generator).to(image.device)
        return vary(image, labels, grid, sides)

    if pasting >= strength * settings.pasted:
        return another()
    below = (image, labels) if editing < settings.edited else another()
    return paste(below, another(), chosen)


def paste(
    below: tuple[Tensor, Tensor], above: tuple[Tensor, Tensor], chosen: Tensor
) -> tuple[Tensor, Tensor]:
    """The regions of some classes of one labelled image, laid over another.

    Args:
        below: (1, C, H, W) and (1, H, W) i64.
        above: the same shapes.
        chosen: (K,) bool, the classes that are taken from `above`.

    Returns:
        The same shapes; every pixel has come with its label.
    """
    mask = chosen[above[1]]
    image = torch.where(mask[:, None], above[0], below[0])
    return image, torch.where(mask, above[1], below[1])


def vary(
    image: Tensor, labels: Tensor, grid: Tensor, sides: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """An image and its labels, read from the same places.

    Args:
        image: (1, C, H, W) float32.
        labels: (1, H, W) i64.
        grid: (1, H, W, 2), of `draw`.
        sides: (256,) what each label is in a mirror; none: the same.

    Returns:
        The same shapes and types; labels are never mixed. Beyond the border both are mirrored.
    """
    how = {"padding_mode": "reflection", "align_corners": False}
    seen = functional.grid_sample(image, grid, mode="bilinear", **how)
    found = functional.grid_sample(labels[:, None].float(), grid, mode="nearest", **how)
    made = found[:, 0].long()
    return seen, made if sides is None or not _mirrors(grid) else sides.to(made.device)[made]


def _mirrors(grid: Tensor) -> bool:
    """Whether places (1, H, W, 2) of an image are those of its mirror image, turned or not."""
    right, down = grid[0, 0, -1] - grid[0, 0, 0], grid[0, -1, 0] - grid[0, 0, 0]
    return bool(right[0] * down[1] < right[1] * down[0])
