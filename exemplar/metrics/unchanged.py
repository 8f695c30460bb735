"""What an edit leaves as it was, and how well a method kept it there.

Stands at the end of Semantic Image Analogy's evaluation: where an edited layout is the source's
own, so should be the image.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter

MARGIN = 3
"""Pixels around a change that may change with it, such as a shadow or an outline."""


def unchanged_region(
    labels: NDArray[np.integer], source: NDArray[np.integer], margin: int = MARGIN
) -> NDArray[np.bool_]:
    """The pixels whose surroundings have the same labels in both layouts.

    Args:
        labels: (H, W) of the target.
        source: (H, W) of the source.
        margin: how many pixels to each side must be the same.

    Returns:
        (H, W).

    >>> unchanged_region(np.array([[0, 0, 0, 1]]), np.array([[0, 0, 0, 0]]), margin=1)
    array([[ True,  True, False, False]])
    """
    if labels.shape != source.shape:
        raise ValueError(f"expected labels of one shape, got {labels.shape} and {source.shape}")
    same = minimum_filter(labels == source, 2 * margin + 1, mode="nearest")
    return np.asarray(same, bool)


def region_psnr(
    image: NDArray[np.uint8], reference: NDArray[np.uint8], region: NDArray[np.bool_]
) -> float:
    """PSNR over some pixels.

    Args:
        image: (H, W, 3) u8.
        reference: (H, W, 3) u8.
        region: (H, W), which count.

    Returns:
        Decibels: 10 · log₁₀(255² / the mean squared difference over the region's pixels and
        channels); infinite if they are equal, NaN if there is no pixel.

    >>> image = np.zeros((1, 2, 3), np.uint8)
    >>> round(region_psnr(image + 255, image, np.array([[True, False]])), 6)
    0.0
    """
    if image.shape != reference.shape or region.shape != image.shape[:2]:
        raise ValueError(
            f"expected images of one shape and their region, got {image.shape}, "
            f"{reference.shape} and {region.shape}"
        )
    if not region.any():
        return float("nan")
    apart = image[region].astype(np.float64) - reference[region]
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(255**2 / np.mean(apart**2)))
