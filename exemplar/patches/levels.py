"""The sizes at which a picture is worked on, and photographs and guides brought to them."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from exemplar.patches.settings import PatchSettings

Size = tuple[int, int]
"""Rows and columns."""


class Guides(NamedTuple):
    """What guides matches: classes, whose shares count and which matches do not leave, or values.

    Attributes:
        labels: (H, W) u8, classes, of any size.
        values: (H', W', G) float, of any size; a difference of 1 counts as much as one from black
            to full red.
    """

    labels: NDArray[np.uint8] | None = None
    values: NDArray[np.floating] | None = None


def level_scales(side: int, settings: PatchSettings) -> list[float]:
    """The sizes at which a picture is worked on, as shares of its own, coarse to fine.

    Args:
        side: the longest side of the picture and of the exemplars as they are used, in pixels.
        settings: the coarsest side, the ratio of levels, and the largest side worked on.
    """
    scales = [min(1.0, settings.working_side / side)]
    while scales[-1] * side / settings.ratio >= settings.coarsest:
        scales.append(scales[-1] / settings.ratio)
    return scales[::-1]


def scaled(size: Size, scale: float) -> Size:
    """A size times a scale, at least one pixel."""
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def fitted(size: Size, side: int) -> Size:
    """The size at which a photograph is used: with a longest side of `side`, never enlarged."""
    return scaled(size, min(1.0, side / max(size)))


def reduced(image: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """A photograph (H, W, 3) at another size, to the byte on any number of threads."""
    if image.shape[:2] == size:
        return np.ascontiguousarray(image)
    picture = Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BOX)
    return np.array(picture)


def resized(planes: Tensor, size: Size) -> Tensor:
    """Planes (C, H, W) at another size: means over areas, or between pixels where it is larger."""
    if planes.shape[1:] == size:
        return planes
    if planes.shape[1] >= size[0] and planes.shape[2] >= size[1]:
        return functional.interpolate(planes[None], size=size, mode="area")[0]
    return functional.interpolate(planes[None], size=size, mode="bilinear")[0]


def shares_of(labels: NDArray[np.uint8], count: int, size: Size) -> Tensor:
    """The share of each class in each pixel.

    Args:
        labels: (H, W) u8, of any size.
        count: C; classes beyond have no plane.
        size: of the planes.

    Returns:
        (C, h, w) float32.
    """
    shares = np.zeros((count, *size), np.float32)
    _shares(np.ascontiguousarray(labels), shares)
    return torch.from_numpy(shares)


def classes_of(labels: NDArray[np.uint8], shares: Tensor, size: Size) -> NDArray[np.int16]:
    """The class of each pixel: the most of it in a pixel that is larger, else the nearest.

    Args:
        labels: (H, W) u8, of any size.
        shares: (C, h, w), as `shares_of`, of any size.
        size: wanted.

    Returns:
        (H', W') int16.
    """
    smaller = size[0] < labels.shape[0] or size[1] < labels.shape[1]
    if smaller and size[0] <= shares.shape[1] and size[1] <= shares.shape[2]:
        return resized(shares, size).argmax(0).numpy().astype(np.int16)
    rows, columns = (
        (2 * np.arange(length) + 1) * own // (2 * length)
        for length, own in zip(size, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)].astype(np.int16)


@numba.njit(nogil=True, cache=True)
def _shares(labels, shares):
    """The area of each class in each pixel; where these are smaller than labels', the nearest."""
    count, rows, columns = shares.shape
    height, width = labels.shape
    for row in range(rows):
        top, bottom = row * height / rows, (row + 1) * height / rows
        for column in range(columns):
            left, right = column * width / columns, (column + 1) * width / columns
            area = (bottom - top) * (right - left)
            for y in range(int(top), min(int(np.ceil(bottom)), height)):
                tall = min(bottom, y + 1) - max(top, y)
                for x in range(int(left), min(int(np.ceil(right)), width)):
                    which = labels[y, x]
                    if which < count:
                        part = tall * (min(right, x + 1) - max(left, x)) / area
                        shares[which, row, column] += np.float32(part)
