"""Diversity: how different the candidates of one input look from each other.

Stands beside the scores of a table; takes rows of `features.perceptual`, of `plain`, or any other
features of which the Euclidean distance means something. A table names them beside the number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist, squareform

PLAIN = "pixels, grey levels"
"""What the features of `plain` are called in a table."""


def mean_pairwise(features: ArrayLike) -> float:
    """The mean Euclidean distance over all pairs of different candidates.

    Args:
        features: (C, P), one row a candidate.

    Returns:
        At least 0, in the features' unit; NaN of fewer than two candidates.

    Raises:
        ValueError: the features have another shape, or are not finite.

    Source: the mean pairwise LPIPS of BicycleGAN (Zhu et al., 2017, section 4), on other features.

    >>> mean_pairwise([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])
    3.3333333333333335
    """
    distances = pdist(_checked(features))
    return float(distances.mean()) if len(distances) else float("nan")


def farthest_first(features: ArrayLike) -> list[int]:
    """All candidates in such an order that the first of them differ as much as possible.

    The two that are farthest apart come first, then always the one that is farthest from all
    before it; of equally far ones the first.

    Args:
        features: (C, P), one row a candidate.

    Returns:
        0 to C - 1, each once.

    Raises:
        ValueError: the features have another shape, or are not finite.

    Source: the greedy choice of farthest points (Gonzalez, 1985).

    >>> farthest_first([[1.0], [9.0], [0.0], [8.0], [5.0]])
    [1, 2, 4, 0, 3]
    """
    values = _checked(features)
    if len(values) < 2:
        return list(range(len(values)))
    apart = squareform(pdist(values))
    order = [int(place) for place in np.unravel_index(apart.argmax(), apart.shape)]
    nearest = apart[order].min(0)
    while len(order) < len(values):
        nearest[order] = -1  # equal candidates are at 0 and come last
        order.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, apart[order[-1]])
    return order


def plain(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Features that need no network: the pixels themselves.

    Args:
        images: (C, H, W, 3) u8.

    Returns:
        (C, P) float32; the distance of two images is the root mean square of their difference over
        pixels and colours, in grey levels.

    Raises:
        ValueError: the images have another type or shape.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(f"images: expected (C, H, W, 3) uint8, got {images.shape} {images.dtype}")
    flat = images.reshape(len(images), -1)
    return flat.astype(np.float32) / np.float32(np.sqrt(flat.shape[1]))


def perceptual_name(network: str, layers: Sequence[str]) -> str:
    """What perceptual features are called in a table, by their network and its layers."""
    return f"{network} cells of {'+'.join(layers)}"


def _checked(features: ArrayLike) -> NDArray[np.float64]:
    """The features (C, P), or what is wrong with them."""
    values = np.asarray(features, np.float64)
    if values.ndim != 2:
        raise ValueError(f"features: expected (C, P), got {values.shape}")
    if not np.isfinite(values).all():
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1)).tolist()
        raise ValueError(f"features: expected finite values, candidates {bad} have others")
    return values
