"""Angular errors between normal maps, and the six statistics over them.

Stands at the end of the way of the data: a network's normals of a synthesised image are compared
with the same network's normals of the real image, or with the truth where it is known.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

WITHIN = (11.25, 22.5, 30.0)
"""The angles, in degrees, below which an error counts as good."""


class NormalStatistics(NamedTuple):
    """Six statistics of angular errors: three in degrees, three in percent of the pixels.

    Each is a float, or an array where the statistics were taken along one axis.
    """

    mean: NDArray[np.float64] | float
    median: NDArray[np.float64] | float
    rmse: NDArray[np.float64] | float
    within_11_25: NDArray[np.float64] | float
    within_22_5: NDArray[np.float64] | float
    within_30: NDArray[np.float64] | float


def angular_error(
    predicted: ArrayLike, truth: ArrayLike, valid: ArrayLike | None = None
) -> NDArray[np.float32]:
    """The angle between predicted and true normals, in degrees.

    Both are scaled to unit length and the cosine is clipped to [-1, 1] before its arc cosine. In
    single precision equal normals can come out up to 0.03 degrees apart. A vector of length zero
    has no direction and counts as 90 degrees from everything.

    Args:
        predicted: (..., H, W, 3), any floating type, one or many maps, of any length.
        truth: (..., H, W, 3), broadcast against `predicted`: (H, W, 3) for many candidates.
        valid: (H, W) bool, the pixels to compare, shared by all maps; None for all of them.

    Returns:
        float32 in [0, 180]: (..., H, W), or (..., P) with the P valid pixels in row order.

    Raises:
        ValueError: the shapes do not fit, or there are values that are not finite.

    Source: the evaluation of MarrRevisited (Bansal et al. 2016), used by PixelNN, Table 1.

    >>> up, viewer = [[[0.0, 1.0, 0.0]]], [[[0.0, 0.0, 2.0]]]
    >>> angular_error(up, viewer)
    array([[90.]], dtype=float32)
    """
    p, t = np.asarray(predicted, np.float32), np.asarray(truth, np.float32)
    for name, normals in (("predicted", p), ("truth", t)):
        if normals.ndim < 3 or normals.shape[-1] != 3:
            raise ValueError(
                f"{name}: expected normals of shape (..., H, W, 3), got {normals.shape}"
            )
    if p.shape[-3:] != t.shape[-3:]:
        raise ValueError(
            f"predicted and truth must be of one size, got {p.shape[-3:-1]} and {t.shape[-3:-1]}"
        )
    if valid is not None:
        mask = np.asarray(valid)
        if mask.dtype != bool or mask.shape != t.shape[-3:-1]:
            raise ValueError(
                f"valid: expected bool of shape {t.shape[-3:-1]}, got {mask.dtype} {mask.shape}"
            )
        p, t = p[..., mask, :], t[..., mask, :]
    # Written out by component: three long products are much faster than a sum over an axis of 3.
    length = np.sqrt(_dot(p, p)) * np.sqrt(_dot(t, t))
    cosine = _dot(p, t)
    cosine /= np.maximum(length, np.finfo(np.float32).tiny)
    error = np.degrees(np.arccos(np.clip(cosine, -1, 1, out=cosine)))
    if not np.isfinite(error).all():
        raise ValueError(
            f"expected finite normals, got {int((~np.isfinite(error)).sum())} pixels that are not; "
            "mask them with `valid`, or look at the network that predicted them"
        )
    return np.asarray(error, np.float32)


def _dot(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inner product over the last axis, of length 3."""
    inner = a[..., 0] * b[..., 0]
    inner += a[..., 1] * b[..., 1]
    inner += a[..., 2] * b[..., 2]
    return inner


def statistics(errors: ArrayLike, axis: int | None = None) -> NormalStatistics:
    """Mean, median, root mean square, and the percentages within 11.25, 22.5 and 30 degrees.

    Args:
        errors: angular errors in degrees; of any shape, pooled, if `axis` is None.
        axis: the axis to take the statistics along; the others stay.

    Returns:
        Floats if `axis` is None, else float64 arrays without that axis. An error equal to the
        limit is not within it.

    Raises:
        ValueError: there are no errors to take statistics of, or some are NaN.

    Source: PixelNN, Section 4.1 and Table 1.

    >>> statistics([0.0, 11.25, 20.0, 80.0]).within_11_25
    25.0
    """
    values = np.asarray(errors)
    if values.size == 0:
        raise ValueError(f"expected at least one angular error, got an array {values.shape}")
    if np.isnan(values).any():
        raise ValueError(f"expected angular errors without NaN, got {np.isnan(values).sum()} NaN")
    found = (
        values.mean(axis, dtype=np.float64),
        np.median(values, axis).astype(np.float64),
        np.sqrt(np.mean(np.square(values, dtype=np.float64), axis)),
        *(100 * np.mean(values < limit, axis, dtype=np.float64) for limit in WITHIN),
    )
    return NormalStatistics(*(map(float, found) if axis is None else found))
