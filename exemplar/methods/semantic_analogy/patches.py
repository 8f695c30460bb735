"""A layout composed of patches of the source, coarse to fine, without any training.

At every level each patch of the estimate, with the labels that are wanted there, takes the nearest
patch of the source with its labels; the copies of overlapping patches are averaged to the next
estimate. So every pixel has a source. Distances are divided by how near a source's patch is to
anything in the target, so that patches that nothing resembles are used, too. Source: Granot et al.,
"Drop the GAN: In Defense of Patches Nearest Neighbors as Single Image Generative Models", 2022,
sections 3 and 4, which has no labels; these guide as in Hertzmann et al., "Image Analogies", 2001.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from exemplar.matching import field as fields
from exemplar.matching.voting import vote
from exemplar.methods.semantic_analogy.patch_search import (
    Described,
    Places,
    describe,
    search_field,
    search_whole,
    within_class,
)
from exemplar.methods.semantic_analogy.settings import PatchesSettings
from exemplar.methods.semantic_analogy.source import Layout, Source

FEWEST_ROUNDS = 2
"""At fine levels, where little changes and most of the time goes."""

Size = tuple[int, int]


class _Maps(NamedTuple):
    """An image and its labels at some level.

    Attributes:
        image: (H, W, 3) float32 in [0, 1]; of the target the estimate, or zeros.
        shares: (H, W, C) float32, of each class in each pixel.
    """

    image: Tensor
    shares: Tensor

    @property
    def size(self) -> Size:
        """Rows and columns."""
        return self.shares.shape[0], self.shares.shape[1]


def compose(
    source: Source,
    target: NDArray[np.uint8],
    settings: PatchesSettings,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> Layout:
    """Brings a source into a target's layout.

    Args:
        source: the image and its labels.
        target: (H', W') u8, places in the source's classes, of any size.
        settings: patches, weights, rounds.
        seed: of the random search at fine levels; equal seeds give equal layouts.
        device: where to work.

    Returns:
        The image (H', W', 3) and the place in the source that each of its pixels matches.

    Raises:
        ValueError: the target has classes that the source lacks.
    """
    lacking = np.setdiff1d(target, source.labels)
    if lacking.size:
        raise ValueError(
            f"the target has classes {lacking.tolist()} that the source lacks, which has "
            f"{np.unique(source.labels).tolist()}; give these pixels one of its classes"
        )
    image = torch.from_numpy(source.image.astype(np.float32)).to(device) / 255
    places = _matched(image, source, target, settings, seed)
    colours = vote(image, *places, settings.votes)
    composed = (colours.clamp(0, 1) * 255).round().to(torch.uint8)
    return Layout(composed.cpu().numpy(), torch.stack(places, dim=-1).cpu().numpy(), settings.votes)


def _matched(
    image: Tensor,
    source: Source,
    target: NDArray[np.uint8],
    settings: PatchesSettings,
    seed: int,
) -> Places:
    """The row and column of the source (H', W') int32 that each pixel of the target matches."""
    count, device = len(source.classes), image.device
    full, keys_full = _size(target), _size(source.labels)
    scales = level_scales(max(*full, *keys_full), settings)
    found: Places | None = None
    size = keys_size = (0, 0)
    for level, scale in enumerate(scales):
        before, size = size, _scaled(full, scale)
        keys_before, keys_size = keys_size, _scaled(keys_full, scale)
        keys = _Maps(_resized(image, keys_size), _shares(source.labels, count, keys_size, device))
        shares = _shares(target, count, size, device)
        if found is None:
            found = _by_labels_alone(keys, shares, settings)
        else:
            found = _enlarged(found, size, keys_size, before, keys_before)
            found = within_class(found, shares.argmax(-1), keys.shares.argmax(-1))
        rounds = max(FEWEST_ROUNDS, settings.rounds - level)
        found = _settled(keys, shares, found, rounds, settings, seed * 64 + level)
    assert found is not None
    if (size, keys_size) != (full, keys_full):
        found = _enlarged(found, full, keys_full, size, keys_size)
    return found


def level_scales(side: int, settings: PatchesSettings) -> list[float]:
    """The sizes at which a layout is worked on, as shares of its own, coarse to fine.

    Args:
        side: the longest side of source and target, in pixels.
        settings: the coarsest side, the ratio of levels, and the largest side worked on.
    """
    scales = [min(1.0, settings.working_side / side)]
    while scales[-1] * side / settings.ratio >= settings.coarsest:
        scales.append(scales[-1] / settings.ratio)
    return scales[::-1]


def _by_labels_alone(keys: _Maps, shares: Tensor, settings: PatchesSettings) -> Places:
    """The first field: where labels around are alike, and places, as nothing else is known."""
    blank = torch.zeros_like(keys.image), shares.new_zeros((*shares.shape[:2], 3))
    known = _described(_Maps(blank[0], keys.shares), None, settings)
    query = _described(_Maps(blank[1], shares), known, settings)
    return search_whole(query, known, settings.alpha)


def _settled(
    keys: _Maps,
    shares: Tensor,
    found: Places,
    rounds: int,
    settings: PatchesSettings,
    seed: int,
) -> Places:
    """A level's rounds: patches are matched, and their copies averaged to the next estimate."""
    known = _described(keys, None, settings)
    whole = max(*keys.size, *shares.shape[:2]) <= settings.whole_side
    for turn in range(rounds):
        estimate = vote(keys.image, *found, settings.patch // 2)
        query = _described(_Maps(estimate, shares), known, settings)
        if whole:
            found = search_whole(query, known, settings.alpha)
        else:
            found = search_field(query, known, found, seed * 64 + turn)
    return found


def _described(maps: _Maps, like: Described | None, settings: PatchesSettings) -> Described:
    """Patches of colours and labels, and their places; the target's as the source's are described.

    Places hold what an edit does not touch where it was, where many patches would do.
    """
    stacked = torch.cat([maps.image, settings.guidance * maps.shares], dim=-1)
    classes = maps.shares.argmax(-1)
    found = describe(stacked, classes, settings.patch, settings.dimensions, like=like)
    return found.beside(settings.place * _own_places(found.size, stacked.device))


def _shares(labels: NDArray[np.uint8], count: int, size: Size, device: torch.device) -> Tensor:
    """(h, w, C) float32, the share of each class in the pixels of a smaller size."""
    whole = torch.from_numpy(labels.astype(np.uint8)).to(device)
    # Class by class: all classes of a large image at its own size would not fit into memory.
    planes = [_resized((whole == which).float()[..., None], size) for which in range(count)]
    return torch.cat(planes, dim=-1)


def _size(labels: NDArray[np.uint8]) -> Size:
    return labels.shape[0], labels.shape[1]


def _resized(values: Tensor, size: Size) -> Tensor:
    """(H, W, C) to another, smaller size: means over areas."""
    if values.shape[:2] == size:
        return values
    planes = functional.interpolate(values.permute(2, 0, 1)[None], size=size, mode="area")
    return planes[0].permute(1, 2, 0).contiguous()


def _scaled(size: Size, scale: float) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _enlarged(
    found: Places, size: Size, keys_size: Size, before: Size, keys_before: Size
) -> Places:
    scale = size[0] / before[0], size[1] / before[1]
    keys_scale = keys_size[0] / keys_before[0], keys_size[1] / keys_before[1]
    return fields.enlarged(*found, size, keys_size, scale, keys_scale)


def _own_places(size: Size, device: torch.device) -> Tensor:
    """(H, W, 2), each pixel's row and column as shares of the image's sides."""
    y, x = ((torch.arange(length, device=device) + 0.5) / length for length in size)
    return torch.stack(torch.meshgrid(y, x, indexing="ij"), dim=-1)
