"""What is known of one image told of the other: labels and points, carried along a field.

A field says for each pixel of one image where it is found in another. What it carries comes from
there: labels of A reach B′ by the backward field, as A's colours reach B; a point of A is where the
forward field says. Neighbours' matches, moved along, vote, as they do for colours.
Source: Liao et al., 2017, sections 4.5 and 5 (transfer of keypoints).
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

VOTES = 2
"""Pixels to each side whose matches vote: patches of 5×5, as for colours."""


def carried_labels(
    labels: NDArray[np.int64], field: NDArray[np.int32], votes: int = VOTES
) -> NDArray[np.int64]:
    """The labels of one image for the pixels of the other.

    Args:
        labels: (H', W'), any whole numbers; of the image that the field leads to.
        field: (H, W, 2) rows and columns in `labels`.
        votes: v; the label that most of (2v + 1)² matches propose is taken, of equals that of the
            pixel's own match, or else the first in reading order.

    Returns:
        (H, W), no label that `labels` does not have.

    Raises:
        ValueError: the field leads out of the labels.
    """
    _check(field, labels.shape, "labels")
    out = np.empty(field.shape[:2], np.int64)
    _elect(np.ascontiguousarray(labels, np.int64), np.ascontiguousarray(field), votes, out)
    return out


def carried_points(
    points: NDArray[np.float64],
    field: NDArray[np.int32],
    size: tuple[int, int],
    votes: int = VOTES,
) -> NDArray[np.float64]:
    """Where points of one image are in the other.

    Args:
        points: (K, 2) rows and columns, within the field; whole numbers are pixels' centres.
        field: (H, W, 2), of the image that has the points.
        size: (H', W') of the other.
        votes: v; each of (2v + 1)² matches around says where the point would be, and the median of
            rows and of columns is taken.

    Returns:
        (K, 2) rows and columns in the other image.

    Raises:
        ValueError: a point lies outside the field, or the field leads out of the other image.
    """
    _check(field, size, "the other image")
    points = np.asarray(points, np.float64).reshape(-1, 2)
    height, width = field.shape[:2]
    nearest = np.rint(points).astype(np.int64)
    if ((nearest < 0) | (nearest >= (height, width))).any():
        raise ValueError(f"expected points within {width}×{height} pixels, got {points.tolist()}")
    found = np.empty_like(points)
    for place, (point, (y, x)) in enumerate(zip(points, nearest, strict=True)):
        rows = np.arange(max(0, y - votes), min(height, y + votes + 1))
        columns = np.arange(max(0, x - votes), min(width, x + votes + 1))
        own = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
        proposed = field[own[:, 0], own[:, 1]] + (point - own)
        found[place] = np.median(proposed, axis=0)
    return np.clip(found, 0, np.asarray(size) - 1)


def _check(field: NDArray[np.int32], size: tuple[int, ...], what: str) -> None:
    """Whether a field leads to places that there are."""
    if field.ndim != 3 or field.shape[2] != 2:
        raise ValueError(f"expected a field (H, W, 2), got {field.shape}")
    if (field < 0).any() or (field >= np.asarray(size[:2])).any():
        low, high = field.min((0, 1)).tolist(), field.max((0, 1)).tolist()
        raise ValueError(
            f"the field leads to rows {low[0]} to {high[0]} and columns {low[1]} to {high[1]}, but "
            f"{what} has {size[1]}×{size[0]} pixels; it belongs to another image"
        )


@numba.njit(nogil=True, cache=True)
def _elect(labels, field, votes, out):
    rows, columns = labels.shape
    height, width = out.shape
    proposed = np.empty((2 * votes + 1) ** 2, np.int64)
    for y in range(height):
        for x in range(width):
            count = 0
            for other in range(max(0, y - votes), min(height, y + votes + 1)):
                for beside in range(max(0, x - votes), min(width, x + votes + 1)):
                    row = field[other, beside, 0] + y - other
                    column = field[other, beside, 1] + x - beside
                    if 0 <= row < rows and 0 <= column < columns:
                        proposed[count] = labels[row, column]
                        count += 1
            # The pixel's own match goes first, so it wins among equals.
            best = labels[field[y, x, 0], field[y, x, 1]]
            most = 0
            for one in range(count):
                most += proposed[one] == best
            for one in range(count):
                agreed = 0
                for another in range(count):
                    agreed += proposed[another] == proposed[one]
                if agreed > most:
                    best, most = proposed[one], agreed
            out[y, x] = best
