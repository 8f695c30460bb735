"""A's own detail under A′'s colours: what photo to photo adds after the transfer.

Of the transfer only what is smooth between A's edges is kept, so that eyes and noses stay A's.
Source: Liao et al., 2017, section 6.4, Eq. 7; the smoothing is weighted least squares, Farbman et
al., "Edge-Preserving Decompositions for Multi-Scale Tone and Detail Manipulation", 2008, section
3, with the guide that the authors of the former released: grey levels, not their logarithms.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

GREY = (0.299, 0.587, 0.114)
SMOOTHNESS = 0.8
"""λ: how much a step between neighbours costs."""
SENSITIVITY = 1.0
"""α: how much more freely values may step where the guide does."""
FLAT = 1e-4
"""ε: the step of the guide, in [0, 1], that is no edge at all."""
TOLERANCE = 1e-3
"""What is left of the residual; values are then right to about 1e-4, an eighth bit is 4e-3."""
MEMORY = 75
"""Bytes that refining takes for each pixel."""
MOST = 2000  # steps, far more than any image has taken

Values = NDArray[np.float64]


def refined(
    image: NDArray[np.uint8], transferred: NDArray[np.uint8], smoothness: float = SMOOTHNESS
) -> NDArray[np.uint8]:
    """The colours of one image with the detail of another (Eq. 7).

    WLS(A′, A) + A − WLS(A, A). Smoothing is linear, so this is A + WLS(A′ − A, A), one solution
    for each channel in place of two.

    Args:
        image: A, u8 (H, W, 3), which also guides the smoothing.
        transferred: A′, u8 (H, W, 3).
        smoothness: λ, positive; the larger, the less of A′'s own detail is kept.

    Returns:
        Ã′, u8 (H, W, 3).

    Raises:
        ValueError: the images differ in size.
    """
    if image.shape != transferred.shape or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            f"expected two images (H, W, 3) of one size, got {image.shape} and {transferred.shape}"
        )
    matrix = _matrix(image @ np.asarray(GREY, np.float64) / 255, smoothness)
    out = np.empty_like(image)
    for c in range(3):
        own = image[..., c] / 255
        own += _solved(matrix, transferred[..., c] / 255 - own, TOLERANCE)
        out[..., c] = np.rint(255 * np.clip(own, 0, 1))
    return out


def smoothed(
    values: Values, guide: Values, smoothness: float = SMOOTHNESS, tolerance: float = TOLERANCE
) -> Values:
    """Weighted least squares: near the values, and smooth but for the guide's edges.

    The minimum u of Σ (u − values)² + λ Σ (u_p − u_q)² / (|guide_p − guide_q|^α + ε) over all
    pixels and all pairs of neighbours.

    Args:
        values: (H, W, C).
        guide: (H, W) in [0, 1].
        smoothness: λ.
        tolerance: the length of the residual, as a share of the values', at which to stop.

    Returns:
        (H, W, C).

    Raises:
        ValueError: the shapes do not fit.

    >>> np.round(smoothed(np.array([[[0.0], [1.0]]]), np.zeros((1, 2)), 1e-4, 1e-9)[..., 0], 3)
    array([[0.333, 0.667]])
    """
    if values.ndim != 3 or values.shape[:2] != guide.shape:
        raise ValueError(
            f"expected values (H, W, C) and a guide (H, W), got {values.shape} and {guide.shape}"
        )
    matrix = _matrix(guide, smoothness)
    planes = np.moveaxis(values, -1, 0)
    return np.stack([_solved(matrix, plane, tolerance) for plane in planes], axis=-1)


class _Matrix(NamedTuple):
    """1 + Laplacian, and the inverse pivots of its incomplete factor; each (H, W)."""

    right: Values
    down: Values
    pivots: Values


def _matrix(guide: Values, smoothness: float) -> _Matrix:
    right, down = _weights(guide, smoothness)
    return _Matrix(right, down, _pivots(right, down))


def _solved(matrix: _Matrix, values: Values, tolerance: float) -> Values:
    """The solution (H, W) for one channel, by conjugate gradients.

    A large photograph's planes fill memory, so there is one channel at a time, and four planes
    beside the matrix.
    """
    residual = np.array(values, np.float64, order="C")
    enough = tolerance**2 * _inner(residual, residual)
    solution, scratch = np.zeros_like(residual), np.empty_like(residual)
    _precondition(*matrix, residual, scratch)
    direction = scratch.copy()
    product = _inner(residual, scratch)
    for _ in range(MOST):
        if _inner(residual, residual) <= enough:
            break
        _apply(matrix.right, matrix.down, direction, scratch)
        step = product / _inner(direction, scratch)
        scratch *= step
        residual -= scratch
        np.multiply(direction, step, out=scratch)
        solution += scratch
        _precondition(*matrix, residual, scratch)
        former, product = product, _inner(residual, scratch)
        direction *= product / former
        direction += scratch
    return solution


def _weights(guide: Values, smoothness: float) -> tuple[Values, Values]:
    """What a step to the right, and one down, costs; 0 where there is no neighbour."""
    right, down = np.zeros(guide.shape), np.zeros(guide.shape)
    right[:, :-1] = smoothness / (np.abs(np.diff(guide, axis=1)) ** SENSITIVITY + FLAT)
    down[:-1] = smoothness / (np.abs(np.diff(guide, axis=0)) ** SENSITIVITY + FLAT)
    return right, down


def _inner(one: Values, other: Values) -> float:
    return float(np.dot(one.ravel(), other.ravel()))


@numba.njit(nogil=True, cache=True)
def _apply(right, down, values, out):
    """The matrix of the least squares, 1 + Laplacian, times (H, W)."""
    height, width = values.shape
    for y in range(height):
        for x in range(width):
            own = values[y, x]
            total = own
            if x > 0:
                total += right[y, x - 1] * (own - values[y, x - 1])
            if x < width - 1:
                total += right[y, x] * (own - values[y, x + 1])
            if y > 0:
                total += down[y - 1, x] * (own - values[y - 1, x])
            if y < height - 1:
                total += down[y, x] * (own - values[y + 1, x])
            out[y, x] = total


@numba.njit(nogil=True, cache=True)
def _pivots(right, down):
    """Inverse pivots of the modified incomplete Cholesky factor: what it drops, it adds to them.

    Source: Gustafsson, "A class of first order factorization methods", 1978.
    """
    height, width = right.shape
    inverse = np.empty((height, width))
    for y in range(height):
        for x in range(width):
            pivot = 1 + right[y, x] + down[y, x]
            if x > 0:
                weight = right[y, x - 1]
                pivot += weight - weight * (weight + down[y, x - 1]) * inverse[y, x - 1]
            if y > 0:
                weight = down[y - 1, x]
                pivot += weight - weight * (weight + right[y - 1, x]) * inverse[y - 1, x]
            inverse[y, x] = 1 / pivot
    return inverse


@numba.njit(nogil=True, cache=True)
def _precondition(right, down, inverse, values, out):
    """The incomplete factor's solution for (H, W): forwards, then backwards."""
    height, width = values.shape
    for y in range(height):
        for x in range(width):
            total = values[y, x]
            if x > 0:
                total += right[y, x - 1] * out[y, x - 1]
            if y > 0:
                total += down[y - 1, x] * out[y - 1, x]
            out[y, x] = total * inverse[y, x]
    for y in range(height - 1, -1, -1):
        for x in range(width - 1, -1, -1):
            total = 0.0
            if x < width - 1:
                total += right[y, x] * out[y, x + 1]
            if y < height - 1:
                total += down[y, x] * out[y + 1, x]
            out[y, x] += total * inverse[y, x]
