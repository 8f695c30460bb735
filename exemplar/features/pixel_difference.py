"""Pixel difference convolutions as ordinary ones.

They weigh differences of pixels instead of pixels. Being linear, each equals an ordinary
convolution, which PiDiNet's weights become when loaded. Source: Su et al., "Pixel Difference
Networks for Efficient Edge Detection", 2021, section 3.1.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

Kind = Literal["cv", "cd", "ad", "rd"]

# The eight neighbours of a 3×3 kernel's centre, clockwise from the upper left.
_RING = (0, 1, 2, 5, 8, 7, 6, 3)


def difference_kernel(weight: Tensor, kind: Kind) -> Tensor:
    """An ordinary kernel that does what a pixel difference convolution does.

    Args:
        weight: (O, I, 3, 3), the learned weights, one for each difference.
        kind: `cv` weighs pixels themselves; `cd` each pixel minus the central one; `ad` each of
            the eight neighbours minus the next one clockwise; `rd` each pixel of the ring at
            distance two minus the one at distance one in the same direction, the weights of its
            eight directions being the last eight of nine, in reading order.

    Returns:
        (O, I, 3, 3), or (O, I, 5, 5) for `rd`.
    """
    if kind == "cv":
        return weight
    if kind == "rd":
        kernel = weight.new_zeros(*weight.shape[:2], 5, 5)
        around = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
        for index, (dy, dx) in enumerate(around, start=1):
            value = weight[:, :, index // 3, index % 3]
            kernel[:, :, 2 + 2 * dy, 2 + 2 * dx] += value
            kernel[:, :, 2 + dy, 2 + dx] -= value
        return kernel
    flat = weight.flatten(2)
    kernel = flat.clone()
    if kind == "cd":
        kernel[:, :, 4] -= flat.sum(2)
    else:
        before = _RING[-1:] + _RING[:-1]
        kernel[:, :, 4] = 0
        for here, previous in zip(_RING, before, strict=True):
            kernel[:, :, here] -= flat[:, :, previous]
    return kernel.view_as(weight)
