"""Cycle consistency: does the way there and back again end where it began?

The bidirectional constraint of Deep Image Analogy is that it should: Φ_b→a(Φ_a→b(p)) = p. Source:
Liao et al., Visual Attribute Transfer through Deep Image Analogy, 2017, section 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def cycle_error(forward: ArrayLike, backward: ArrayLike) -> float:
    """The mean distance between each pixel of both images and where its cycle ends.

    Args:
        forward: (H, W, 2) rows and columns in the other image, (H', W'); they may lie between
            pixels, and beyond the border, where the nearest pixel answers.
        backward: (H', W', 2) rows and columns in the first image.

    Returns:
        Pixels: the mean, over the two images, of the mean over their pixels.

    Raises:
        ValueError: a field has another shape, or is NaN somewhere.

    >>> there = np.zeros((1, 2, 2)); there[0, :, 1] = 1, 1
    >>> cycle_error(there, there)
    0.5
    """
    forward, backward = _checked(forward, "forward"), _checked(backward, "backward")
    return (_one_way(forward, backward) + _one_way(backward, forward)) / 2


def _one_way(there: NDArray[np.float64], back: NDArray[np.float64]) -> float:
    """The mean over the pixels of one image."""
    limit = np.array(back.shape[:2]) - 1
    nearest = np.rint(there).astype(np.int64).clip(0, limit)
    # What the place lies off its nearest pixel is carried back with it.
    off = there - nearest
    end = back[nearest[..., 0], nearest[..., 1]] + off
    own = np.moveaxis(np.indices(there.shape[:2]), 0, -1)
    return float(np.hypot(*np.moveaxis(end - own, -1, 0)).mean())


def _checked(field: ArrayLike, name: str) -> NDArray[np.float64]:
    field = np.asarray(field, np.float64)
    if field.ndim != 3 or field.shape[2] != 2 or not field.size:
        raise ValueError(f"{name}: expected a field of places (H, W, 2), got {field.shape}")
    if np.isnan(field).any():
        raise ValueError(f"{name}: expected a place for every pixel, got NaN")
    return field
