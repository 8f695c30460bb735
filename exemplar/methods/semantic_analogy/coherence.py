"""Patch coherence: how far the patches of an image are from the source's, class by class.

A loss of the generator. Patches are those of a backbone's features; whatever their place in the
source, the nearest of the same class counts, and pulls the image towards it. Source: Li et al.,
"Semantic Image Analogy with a Conditional Single-Image GAN", 2020, section 3.4.1, Eq. 7.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from pydantic import Field, model_validator
from torch import Generator, Tensor

from exemplar.settings import Settings, SettingsError

Maps = Callable[[Tensor], list[Tensor]]
"""A `Backbone`: (B, 3, H, W) in [0, 1] to maps, fine to coarse."""

CHUNK = 1 << 25
"""Differences computed at a time."""


class CoherenceSettings(Settings):
    """Which patches are compared; as in the paper by default."""

    counts: tuple[int, ...] = (10, 5)
    """Patches of an image drawn at random from each of the first layers: N_target is their sum."""
    sides: tuple[int, ...] = (1, 1)
    """Their sides, in cells of each layer; odd."""
    nearest: int = Field(default=1, ge=1)
    """The distance is the mean to so many of the nearest patches."""
    same_class: bool = True
    """Only patches of the same class count, as published; not as released."""
    every: int = Field(default=1, ge=1)
    """Generator steps from one evaluation to the next."""

    @model_validator(mode="after")
    def _sound(self) -> CoherenceSettings:
        if len(self.counts) != len(self.sides) or not self.counts:
            raise ValueError("counts and sides: expected one of each for every layer, and a layer")
        if min(self.counts) < 1 or any(side < 1 or side % 2 == 0 for side in self.sides):
            raise ValueError("expected counts of at least 1 and odd sides")
        return self


class Patches(NamedTuple):
    """The patches of one layer.

    Attributes:
        values: (P, side² C) float32.
        classes: (P,) i64, of the cells in their middle.
    """

    values: Tensor
    classes: Tensor


class Coherence:
    """L_patch of one source; what is known of the source is computed once.

    Args:
        backbone: with gradients to its images.
        image: (1, 3, H, W) I_source in [-1, 1].
        labels: (1, H, W) i64 P_source.
        settings: which patches.

    Raises:
        SettingsError: the backbone has fewer layers than there are counts.
    """

    def __init__(
        self, backbone: Maps, image: Tensor, labels: Tensor, settings: CoherenceSettings
    ) -> None:
        self.backbone, self.settings = backbone, settings
        with torch.no_grad():
            maps = self._maps(image)
        if len(maps) < len(settings.counts):
            raise SettingsError(
                f"the patch loss reads {len(settings.counts)} layers, but the backbone has "
                f"{len(maps)}; name more layers, or fewer counts and sides"
            )
        self.source = [
            all_patches(level, labels, side)
            for level, side in zip(maps, settings.sides, strict=True)
        ]

    def __call__(self, image: Tensor, labels: Tensor, generator: Generator) -> Tensor:
        """The mean distance of some of an image's patches (Eq. 7).

        Args:
            image: (1, 3, H, W) in [-1, 1], with gradients.
            labels: (1, H, W) i64, the layout it should have.
            generator: draws the patches, on the CPU.

        Returns:
            A scalar float32.
        """
        settings, found = self.settings, []
        layers = zip(self._maps(image), self.source, settings.counts, settings.sides, strict=True)
        for level, source, count, side in layers:
            height, width = level.shape[-2] - side + 1, level.shape[-1] - side + 1
            drawn = torch.randint(height * width, (count,), generator=generator).to(level.device)
            rows, columns = drawn // width, drawn % width
            values = patches_at(level, rows, columns, side)
            classes = classes_at(labels, level, rows + side // 2, columns + side // 2)
            limits = classes if settings.same_class else None
            found.append(distances(values, limits, source, settings.nearest))
        return torch.cat(found).mean()

    def _maps(self, image: Tensor) -> list[Tensor]:
        # In full precision: to the nearest of thousands, small differences matter.
        with torch.autocast(image.device.type, enabled=False):
            return self.backbone((image.float() + 1) / 2)[: len(self.settings.counts)]


def distances(values: Tensor, classes: Tensor | None, source: Patches, nearest: int = 1) -> Tensor:
    """How far patches are from the nearest of the source: mean absolute differences.

    Args:
        values: (N, D), with gradients, which do not flow into the choice.
        classes: (N,) i64; those of a class that the source has nowhere are compared with all. None
            compares all with all.
        source: P patches.
        nearest: the mean to so many is taken; fewer where a class has fewer.

    Returns:
        (N,) float32.
    """
    with torch.no_grad():
        part = max(1, CHUNK // max(1, source.values.numel()))
        gaps = torch.cat([torch.cdist(some, source.values, p=1) for some in values.split(part)])
        if classes is not None:
            same = classes[:, None] == source.classes
            gaps = gaps.masked_fill(~same & same.any(1, keepdim=True), torch.inf)
        least, places = gaps.topk(min(nearest, len(source.values)), largest=False)
        counted = least.isfinite()
    gap = (values[:, None] - source.values[places]).abs().mean(2)
    return (gap * counted).sum(1) / counted.sum(1)


def all_patches(level: Tensor, labels: Tensor, side: int) -> Patches:
    """Every patch of a layer that lies within it.

    Args:
        level: (1, C, h, w).
        labels: (1, H, W) i64, of the image.
        side: odd, at most h and w.
    """
    height, width = level.shape[-2] - side + 1, level.shape[-1] - side + 1
    places = torch.arange(height * width, device=level.device)
    rows, columns = places // width, places % width
    classes = classes_at(labels, level, rows + side // 2, columns + side // 2)
    return Patches(patches_at(level, rows, columns, side), classes)


def patches_at(level: Tensor, rows: Tensor, columns: Tensor, side: int) -> Tensor:
    """Patches (N, side² C) of a layer (1, C, h, w) by the cells (N,) at their upper left."""
    flat = level[0].permute(1, 2, 0)
    offsets = [(dy, dx) for dy in range(side) for dx in range(side)]
    return torch.cat([flat[rows + dy, columns + dx] for dy, dx in offsets], 1)


def classes_at(labels: Tensor, level: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The classes (N,) i64 in the middle of a layer's cells, of labels (1, H, W)."""
    height, width = labels.shape[-2:]
    y = (2 * rows + 1) * height // (2 * level.shape[-2])
    x = (2 * columns + 1) * width // (2 * level.shape[-1])
    return labels[0, y, x]
