"""Patches described by whole numbers: colours and guides in a few directions each, and places.

After `levels`, before every search. The directions are principal ones of the exemplars' patches, of
colours pixel by pixel and of guides in nine cells; rounded to whole numbers, squared distances of
16-bit rows are exact on every device and for any number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

SAMPLE = 4096
"""Patches, evenly spread over all exemplars, that the directions are learned from."""
BLOCK = 16
"""Numbers of a row that are compared at a time: rows are filled up to a multiple."""
FARTHEST = 2**24
"""No squared distance is larger: up to here float32 has every whole number."""
MOST = 2**28
"""No cost that is added to a squared distance is larger."""


class Directions(NamedTuple):
    """Directions in which patches of some planes are described.

    Attributes:
        basis: (D, C, K, K) float32; with it the squared distance of two descriptions is the mean
            squared difference of their patches, summed over planes, as far as it shows in them.
        mean: (D,), what is taken off.
        apart: pixels from one of the K rows and columns to the next.
    """

    basis: Tensor
    mean: Tensor
    apart: int


class Scale(NamedTuple):
    """How descriptions become whole numbers.

    Attributes:
        factor: a whole number for each unit.
        length: of a row, a multiple of `BLOCK`.
    """

    factor: float
    length: int

    def cost(self, distance: float) -> int:
        """A squared distance in the units of rows, held below what 32 bits take."""
        return round(min(distance * self.factor**2, MOST))


def directions(planes: Sequence[Tensor], side: int, apart: int, dimensions: int) -> Directions:
    """The leading directions of patches of some images' planes.

    Args:
        planes: each (C, H, W) float32.
        side: K, of patches, odd.
        apart: pixels from one row or column of a patch to the next.
        dimensions: D at most.
    """
    patches = [_sampled(image, side, apart, SAMPLE // len(planes)) for image in planes]
    sample = torch.cat(patches)
    # In float64: directions must not depend on how sums are divided among threads.
    sample = sample.double()
    mean = sample.mean(0)
    centred = sample - mean
    _, found = torch.linalg.eigh(centred.T @ centred)
    kept = found.flip(1)[:, :dimensions].float()
    basis = kept.T.reshape(-1, planes[0].shape[0], side, side) / side
    return Directions(basis.contiguous(), (mean.float() @ kept) / side, apart)


def _sampled(planes: Tensor, side: int, apart: int, count: int) -> Tensor:
    """(N, C · K · K), patches evenly spread."""
    reach = side // 2 * apart
    step = max(1, math.isqrt(planes.shape[1] * planes.shape[2] // max(1, count)))
    padded = functional.pad(planes[None], [reach] * 4, mode="replicate")
    return functional.unfold(padded, side, dilation=apart, stride=step)[0].T


def described(planes: Tensor, known: Directions) -> Tensor:
    """The patches around all pixels; beyond the border planes go on as at it.

    Args:
        planes: (C, H, W) float32.
        known: directions of such planes.

    Returns:
        (H, W, D) float32.
    """
    reach = known.basis.shape[-1] // 2 * known.apart
    padded = functional.pad(planes[None], [reach] * 4, mode="replicate")
    padded = padded.contiguous(memory_format=torch.channels_last)
    basis = known.basis.contiguous(memory_format=torch.channels_last)
    found = functional.conv2d(padded, basis, bias=-known.mean, dilation=known.apart)
    return found[0].permute(1, 2, 0)


def places(size: tuple[int, int], weight: float) -> Tensor:
    """(H, W, 2), each pixel's row and column as weighted shares of the image's sides, about 0."""
    y, x = ((torch.arange(length) + 0.5) / length - 0.5 for length in size)
    return weight * torch.stack(torch.meshgrid(y, x, indexing="ij"), dim=-1)


def scale_of(bound: float, numbers: int) -> Scale:
    """The scale in which rows become whole numbers.

    Args:
        bound: no squared distance of two rows is larger.
        numbers: of a row.
    """
    # Rounding moves each number by at most a half, a squared distance by less than this room.
    room = math.sqrt(FARTHEST) - math.sqrt(numbers)
    return Scale(room / math.sqrt(bound), -(-numbers // BLOCK) * BLOCK)


def rounded(values: Tensor, scale: Scale) -> Tensor:
    """Descriptions (…, D) in whole numbers, int16."""
    return (values * scale.factor).round_().short()
