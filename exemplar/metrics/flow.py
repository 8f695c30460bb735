"""How well a dense correspondence rebuilds an image, and how far it lies from the true motion.

Stands at the end of Deep Image Analogy's evaluation, where the true flow may be known. Source: Liao
et al., Visual Attribute Transfer through Deep Image Analogy, 2017, section 5 and Table 1; Baker et
al., A Database and Evaluation Methodology for Optical Flow, 2011, section 4.1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from skimage.metrics import peak_signal_noise_ratio


def endpoint_error(found: ArrayLike, truth: ArrayLike) -> float:
    """The mean distance between the ends of the found and of the true displacements.

    Args:
        found: (H, W, 2), x and y in pixels, for every pixel.
        truth: (H, W, 2), NaN where it is unknown.

    Returns:
        Pixels, the mean over those whose truth is known.

    Raises:
        ValueError: the shapes differ, nothing is known, or nothing was found where it is.

    >>> endpoint_error([[[3.0, 4.0], [9.0, 9.0]]], [[[0.0, 0.0], [np.nan, np.nan]]])
    5.0
    """
    found, truth = np.asarray(found, np.float64), np.asarray(truth, np.float64)
    if found.shape != truth.shape or truth.ndim != 3 or truth.shape[2] != 2:
        raise ValueError(
            f"expected two flows of one shape (H, W, 2), got {found.shape} and {truth.shape}"
        )
    known = ~np.isnan(truth).any(-1)
    if not known.any():
        raise ValueError("truth: expected a flow that is known somewhere, got NaN everywhere")
    apart = found[known] - truth[known]
    if np.isnan(apart).any():
        raise ValueError("found: expected a displacement wherever the truth is known, got NaN")
    return float(np.hypot(apart[:, 0], apart[:, 1]).mean())


def psnr(rebuilt: ArrayLike, image: ArrayLike) -> float:
    """How like an image its reconstruction from another image's pixels is.

    For Deep Image Analogy it is A′, made of pixels of B′, that is compared with A.

    Args:
        rebuilt: (H, W, 3) u8.
        image: (H, W, 3) u8.

    Returns:
        Decibels: 10 · log₁₀(255² / the mean squared difference over pixels and channels); infinite
        for equal images.

    Raises:
        ValueError: they are no u8 images of one shape.

    >>> a = np.zeros((2, 2, 3), np.uint8)
    >>> round(psnr(a + 255, a), 6)
    0.0
    """
    rebuilt, image = np.asarray(rebuilt), np.asarray(image)
    for one in (rebuilt, image):
        if one.shape != image.shape or one.dtype != np.uint8 or one.ndim != 3:
            raise ValueError(
                "expected two u8 images (H, W, 3) of one shape, got "
                f"{rebuilt.dtype} {rebuilt.shape} and {image.dtype} {image.shape}"
            )
    if np.array_equal(rebuilt, image):
        return float("inf")
    return float(peak_signal_noise_ratio(image, rebuilt, data_range=255))
