"""Exemplars of any sizes, described once per level for all pictures that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from exemplar.patches import descriptions as patches
from exemplar.patches.exemplars import Exemplar, check, class_count, value_range
from exemplar.patches.levels import (
    Guides,
    Size,
    classes_of,
    fitted,
    level_scales,
    reduced,
    resized,
    scaled,
    shares_of,
)
from exemplar.patches.settings import PatchSettings

GUIDES_SIDE = 256
"""Pixels of the longer side beyond which guides are not described, but enlarged."""
FINE_SIDE = 160
"""Beyond, patches are compared in half as many directions, and guides described at half the side:
there matches only settle, and most of the time goes."""
CELLS = 3
"""A side of the grid of cells in which a patch's guides are compared."""


class Space(NamedTuple):
    """What descriptions at a level are made with.

    Attributes:
        colours: directions of colours.
        guides: directions of guides; none if there are none.
        scale: of whole numbers.
        weights: (C + G,), of classes' shares and guides' values.
    """

    colours: patches.Directions
    guides: patches.Directions | None
    scale: patches.Scale
    weights: Tensor


class Level(NamedTuple):
    """All exemplars at one size; their pixels follow one another, row by row.

    Attributes:
        sizes: (E, 3) int64: where an exemplar's pixels begin, its rows and columns.
        pixels: (N, 3) u8.
        keys: (N, D) int16, descriptions.
        classes: (N,) int16.
        space: what they were described with.
    """

    sizes: Tensor
    pixels: Tensor
    keys: Tensor
    classes: Tensor
    space: Space


class Library:
    """Exemplars and their descriptions, which are kept.

    Args:
        exemplars: at least one; all have labels or none, and values of equally many channels.
        side: the longest side in pixels of the pictures to be made.
        settings: patches and levels.
        label_weights: (C,) how much the share of each class counts; 1 by default.
        device: where to search.

    Attributes:
        scales: of the levels, coarse to fine.
    """

    def __init__(
        self,
        exemplars: Sequence[Exemplar],
        side: int,
        settings: PatchSettings,
        label_weights: Sequence[float] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        check(exemplars, label_weights)
        self.exemplars, self.side, self.settings = tuple(exemplars), side, settings
        self.device = torch.device(device)
        self._images = [exemplar.used(side) for exemplar in exemplars]
        longest = max(side, *(max(image.shape[:2]) for image in self._images))
        self.scales = level_scales(longest, settings)
        if label_weights is None:
            label_weights = [1.0] * class_count(exemplars)
        self.label_weights = torch.tensor(label_weights, dtype=torch.float32)
        self._range = value_range(exemplars)
        self._planes: dict[int, Tensor] = {}
        self._levels: dict[int, Level] = {}

    def planes(self, guides: Guides, size: Size) -> Tensor:
        """(C + G, h, w) float32, shares of classes and values within the exemplars' range."""
        size = fitted(size, GUIDES_SIDE)
        parts = [torch.zeros(0, *size)]
        if guides.labels is not None:
            parts.append(shares_of(guides.labels, len(self.label_weights), size))
        if guides.values is not None:
            values = torch.from_numpy(np.clip(guides.values, *self._range).astype(np.float32))
            parts.append(resized(values.permute(2, 0, 1), size))
        return torch.cat(parts)

    def level(self, number: int) -> Level:
        """The exemplars at a level, 0 the coarsest; described when first asked for."""
        if number not in self._levels:
            self._levels[number] = self._described(number)
        return self._levels[number]

    def _kept_planes(self, place: int) -> Tensor:
        guides = self.exemplars[place].guides
        if id(guides) not in self._planes:
            height, width = self._images[place].shape[:2]
            self._planes[id(guides)] = self.planes(guides, (height, width))
        return self._planes[id(guides)]

    def _described(self, number: int) -> Level:
        sizes = [scaled(image.shape[:2], self.scales[number]) for image in self._images]
        images = [reduced(image, size) for image, size in zip(self._images, sizes, strict=True)]
        weights = self._weights(number)
        cells: dict[tuple[int, Size], Cells] = {}
        for place, (exemplar, size) in enumerate(zip(self.exemplars, sizes, strict=True)):
            if (id(exemplar.guides), size) not in cells:
                planes = self._kept_planes(place)
                made = guide_cells(planes, size, weights, self.settings.patch)
                cells[id(exemplar.guides), size] = made
        space = self._space(images, list(cells.values()), weights)
        starts = np.cumsum([0, *(height * width for height, width in sizes)])
        keys = torch.zeros(int(starts[-1]), space.scale.length, dtype=torch.int16)
        classes = np.zeros(int(starts[-1]), np.int16)
        done: dict[tuple[int, Size], Tensor] = {}
        for place, (exemplar, size) in enumerate(zip(self.exemplars, sizes, strict=True)):
            here = slice(int(starts[place]), int(starts[place + 1]))
            rows, key = keys[here].view(*size, -1), (id(exemplar.guides), size)
            put_colours(rows, images[place], space)
            if key in done:
                # The same photograph in other colours.
                first = len(space.colours.mean)
                rows[..., first:] = done[key][..., first:]
            else:
                put_guides(rows, cells[key], space, self.settings.place)
                done[key] = rows
            if (labels := exemplar.guides.labels) is not None:
                shares = self._kept_planes(place)[: len(self.label_weights)]
                classes[here] = classes_of(labels, shares, size).ravel()
        table = [(int(start), *size) for start, size in zip(starts, sizes, strict=False)]
        pixels = torch.from_numpy(np.concatenate([image.reshape(-1, 3) for image in images]))
        return Level(
            torch.tensor(table).to(self.device),
            pixels.to(self.device),
            keys.to(self.device),
            torch.from_numpy(classes).to(self.device),
            space,
        )

    def _weights(self, number: int) -> Tensor:
        """(C + G,), of guides at a level."""
        values = self.exemplars[0].guides.values
        ones = torch.ones(0 if values is None else values.shape[2])
        weight = self.settings.guidance_at(number, len(self.scales))
        return weight * torch.cat([self.label_weights, ones])

    def _space(self, images: list[NDArray[np.uint8]], cells: list[Cells], weights: Tensor) -> Space:
        settings = self.settings
        fine = max(max(image.shape[:2]) for image in images) > FINE_SIDE
        dimensions = settings.dimensions // 2 if fine else settings.dimensions
        found = patches.directions([_colours(image) for image in images], settings.patch, 1,
                                   dimensions)  # fmt: skip
        guides, numbers = None, len(found.mean) + 2
        if len(weights) and float(weights.max()) > 0:
            apart = cells[0].apart
            kept = max(1, dimensions - 2)
            guides = patches.directions([each.planes for each in cells], CELLS, apart, kept)
            numbers += len(guides.mean)
        labels, values = weights.split(
            [len(self.label_weights), len(weights) - len(self.label_weights)]
        )
        # Colours in [0, 1]; two classes' shares; values within their range; two places.
        bound = 3 + 2 * float(labels.square().max()) if len(labels) else 3
        bound += float((values * torch.from_numpy(self._range[1] - self._range[0])).square().sum())
        return Space(
            found, guides, patches.scale_of(bound + 2 * settings.place**2, numbers), weights
        )


class Cells(NamedTuple):
    """The planes whose grids of `CELLS` × `CELLS` pixels are a patch's guides.

    Attributes:
        planes: (C, h, w) float32, weighted.
        apart: pixels from one cell to the next.
    """

    planes: Tensor
    apart: int


def guide_cells(planes: Tensor, size: Size, weights: Tensor, patch: int) -> Cells:
    """The guides of an image at a level, or at half its size where it is fine.

    Args:
        planes: (C, h, w), unweighted.
        size: of the level.
        weights: (C,).
        patch: its side at the level.
    """
    side = max(size) if max(size) <= FINE_SIDE else -(-max(size) // 2)
    there = fitted(size, min(side, GUIDES_SIDE))
    found = resized(planes, there) * weights[:, None, None]
    apart = max(1, round((patch // 2) * max(there) / max(size)))
    if apart > 1 and len(found):
        padded = functional.pad(found[None], [1] * 4, mode="replicate")
        found = functional.avg_pool2d(padded, 3, stride=1)[0]
    return Cells(found, apart)


def put_colours(rows: Tensor, image: NDArray[np.uint8], space: Space) -> None:
    """Writes an image's colours (H, W, 3) to the beginning of its rows (H, W, D)."""
    found = patches.described(_colours(image), space.colours)
    rows[..., : found.shape[-1]] = patches.rounded(found, space.scale)


def put_guides(rows: Tensor, cells: Cells, space: Space, place: float) -> None:
    """Writes guides and places to the rest of an image's rows (H, W, D)."""
    size, first = (rows.shape[0], rows.shape[1]), len(space.colours.mean)
    rows[..., first : first + 2] = patches.rounded(patches.places(size, place), space.scale)
    if space.guides is None:
        return
    found = patches.described(cells.planes, space.guides)
    if found.shape[:2] != size:
        found = resized(found.permute(2, 0, 1), size).permute(1, 2, 0)
    rows[..., first + 2 : first + 2 + found.shape[-1]] = patches.rounded(found, space.scale)


def _colours(image: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1) / 255
