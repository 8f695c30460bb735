"""Seam energy: how far an image assembled from copies departs from what its sources show.

Stands beside the scores of a table, and among the cues by which candidates are ranked: it needs
the sources, not the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Residuals = Callable[[NDArray[np.int64]], NDArray[np.int16]]
"""From E distinct exemplar rows, in order, to what regression lost of each, (E, h, w, 3)."""


def seam_energy(
    image: NDArray[np.uint8],
    source: NDArray[np.integer],
    regressed: NDArray[np.uint8],
    residual: Residuals,
) -> NDArray[np.float64]:
    """The mean deviation of the steps between neighbouring pixels from their sources' steps.

    A pixel p copied from place s of exemplar j is f(p) + r_j(s). Had its neighbour q come from
    the same copy, it would be f(q) + r_j(s + q - p), and the step from p to q would be the
    exemplar's own. The actual step is compared with that of p's source and with that of q's. A
    pair's deviation is the root mean square over R, G, B of the difference of steps, the mean of
    the two sources'; of one if the other's neighbour lies outside its exemplar; the pair does not
    count if both do. Pairs are neighbours in rows and in columns. The sources' steps are not
    clamped to the range of bytes, so light and dark that are cut off are charged, as is blending.

    For copies this is half the seam cost of graph-cut textures (with r in place of the image and
    the root mean square as its norm), and for one whole copy it is 0, up to clamping.

    Args:
        image: (C, H, W, 3), candidates for one input.
        source: (C, H, W, 3): each pixel's exemplar row, y, x; row -1 where it has none.
        regressed: f(x) of the input, (H, W, 3).
        residual: gives the exemplars' y - f(x); called once, with the rows that occur.

    Returns:
        (C,) grey levels (0 to 255), lower is more coherent. NaN for a candidate with a pixel that
        has no source, and for one of which no pair counts.

    Raises:
        ValueError: the shapes do not fit, or a source lies outside the exemplars.

    Source: Kwatra et al., "Graphcut textures", 2003, Eq. 1.

    >>> flat = np.zeros((1, 1, 2, 3), np.uint8)
    >>> source = np.zeros((1, 1, 2, 3), np.int32); source[0, 0, 1] = 1, 0, 1
    >>> flat[0, 0, 1] = 8  # an exemplar of zeros meets one of eights
    >>> seam_energy(flat, source, flat[0] * 0, lambda rows: 8 * rows[:, None, None, None]
    ...     * np.ones((1, 1, 2, 3), np.int16))
    array([8.])
    """
    _check(image, source, regressed)
    rows, place = np.unique(source[..., 0], return_inverse=True)
    place = place.reshape(source.shape[:-1]).astype(np.int32)
    energy = np.full(len(image), np.nan)
    known = np.flatnonzero((source[..., 0] >= 0).all(axis=(1, 2)))
    if len(known) == 0:
        return energy
    # Rows below 0 sort first: `place` counts them, the residuals do not.
    absent = int((rows < 0).sum())
    residuals = _residuals(residual, rows[absent:].astype(np.int64))
    height, width = residuals.shape[1:3]
    y, x = source[known, ..., 1], source[known, ..., 2]
    if not ((y >= 0) & (y < height) & (x >= 0) & (x < width)).all():
        raise ValueError(
            f"source: expected positions within the exemplars' {height} x {width} pixels, "
            f"got y from {y.min()} to {y.max()}, x from {x.min()} to {x.max()}"
        )
    from_place = np.stack([place[known] - absent, y, x], axis=-1).astype(np.int32)
    energy[known] = _energy(image[known], from_place, regressed.astype(np.int32), residuals)
    return energy


def _check(image: Any, source: Any, regressed: Any) -> None:
    """Refuses what does not fit."""
    if image.ndim != 4 or image.shape[3] != 3 or image.dtype != np.uint8:
        raise ValueError(f"image: expected (C, H, W, 3) uint8, got {image.shape} {image.dtype}")
    if source.shape != image.shape or not np.issubdtype(source.dtype, np.integer):
        raise ValueError(
            f"source: expected integers of shape {image.shape} as the image, got {source.dtype} "
            f"{source.shape}"
        )
    if regressed.shape != image.shape[1:] or regressed.dtype != np.uint8:
        raise ValueError(
            f"regressed: expected {image.shape[1:]} uint8, got {regressed.shape} {regressed.dtype}"
        )


def _residuals(residual: Residuals, rows: NDArray[np.int64]) -> NDArray[np.int32]:
    """The exemplars' residuals (E, h, w, 3)."""
    found = np.asarray(residual(rows))
    if found.ndim != 4 or len(found) != len(rows) or found.shape[3] != 3:
        raise ValueError(
            f"residual: expected ({len(rows)}, h, w, 3) for {len(rows)} rows, got {found.shape}"
        )
    if not np.issubdtype(found.dtype, np.integer):
        raise ValueError(f"residual: expected integers, grey levels, got {found.dtype}")
    return np.ascontiguousarray(found, np.int32)


@njit(cache=True, nogil=True)
def _energy(image, source, regressed, residual):  # pragma: no cover - compiled
    """Each candidate's mean over pairs; sources as places in `residual`."""
    count, height, width, _ = image.shape
    energy = np.empty(count, np.float64)
    for c in range(count):
        total, pairs = 0.0, 0
        for y in range(height):
            for x in range(width):
                for down in range(2):
                    below, right = y + down, x + 1 - down
                    if below == height or right == width:
                        continue
                    first = _deviation(image[c], source[c], regressed, residual, y, x, below, right)
                    other = _deviation(image[c], source[c], regressed, residual, below, right, y, x)
                    if first >= 0 and other >= 0:
                        total += (first + other) / 2
                        pairs += 1
                    elif first >= 0 or other >= 0:
                        total += max(first, other)
                        pairs += 1
        energy[c] = total / pairs if pairs else np.nan
    return energy


@njit(cache=True, nogil=True, inline="always")
def _deviation(image, source, regressed, residual, y, x, to_y, to_x):  # pragma: no cover - compiled
    """How far the step from a pixel to another is from its source's; -1 if that has no such step.

    Steps from q to p are those from p to q with the other sign, so one function serves both.
    """
    row, from_y, from_x = source[y, x, 0], source[y, x, 1], source[y, x, 2]
    next_y, next_x = from_y + to_y - y, from_x + to_x - x
    _, height, width, _ = residual.shape
    if next_y < 0 or next_y >= height or next_x < 0 or next_x >= width:
        return -1.0
    squares = 0
    for k in range(3):
        step = np.int64(image[to_y, to_x, k]) - np.int64(image[y, x, k])
        own = (regressed[to_y, to_x, k] - regressed[y, x, k]) + (
            residual[row, next_y, next_x, k] - residual[row, from_y, from_x, k]
        )
        squares += (step - own) ** 2
    return np.sqrt(squares / 3)
