"""A label map edited: a region or a class moved, resized, removed or made another class.

Targets that need no paint program, as in Figures 9 to 11 of the paper. What a region leaves free
gets the class that is nearest around it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, label

Labels = NDArray[np.uint8]
Region = NDArray[np.bool_]

CORNERS = np.ones((3, 3), bool)  # pixels that touch at a corner are connected


def numbered_regions(labels: Labels, place: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The connected regions of a class.

    Args:
        labels: (H, W) u8.
        place: the class.

    Returns:
        (H, W) the number of each pixel's region, from 1, the largest; 0 where another class is.
        And the pixels of each region, the largest first; none if no pixel is of the class.
    """
    parts, count = label(labels == place, structure=CORNERS)  # pyright: ignore[reportGeneralTypeIssues]
    parts = np.asarray(parts, np.int32)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-sizes, kind="stable")
    numbers = np.zeros(count + 1, np.int32)
    numbers[1 + order] = np.arange(1, count + 1)
    return numbers[parts], sizes[order]


def removed(labels: Labels, region: Region, place: int | None = None) -> Labels:
    """A label map without a region.

    Args:
        labels: (H, W) u8.
        region: (H, W), the pixels to be removed.
        place: the class that they get; none: each that of the nearest pixel beyond the region
            whose class is none of the region's (or of any, if there is no other).

    Returns:
        (H, W) u8.

    Raises:
        ValueError: the region is empty, or is all there is and nothing is said of what it becomes.
    """
    _require(labels, region)
    made = labels.copy()
    if place is not None:
        made[region] = place
        return made
    around = ~region & ~np.isin(labels, labels[region])
    if not around.any():
        around = ~region
    if not around.any():
        raise ValueError("the region is the whole map, so nothing is around it to fill it with")
    return filled(labels, region, around)


def filled(labels: Labels, holes: Region, known: Region) -> Labels:
    """A label map whose holes have the class of the nearest pixel that is known.

    Args:
        labels: (H, W) u8.
        holes: (H, W), the pixels that get another class.
        known: (H, W), those whose class counts; at least one.

    Returns:
        (H, W) u8.
    """
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    y, x = np.asarray(nearest)
    made = labels.copy()
    made[holes] = labels[y, x][holes]
    return made


def moved(labels: Labels, region: Region, by: tuple[int, int]) -> Labels:
    """A label map with a region in another place.

    Args:
        labels: (H, W) u8.
        region: (H, W), the pixels to be moved; they may have several classes.
        by: rows downwards and columns to the right; what leaves the map is cut off.

    Returns:
        (H, W) u8; what becomes free is filled as by `removed`.

    Raises:
        ValueError: the region is empty, all there is, or leaves the map.
    """
    _require(labels, region)
    if by == (0, 0):
        return labels.copy()
    return _placed(labels, region, 1.0, by)


def resized(labels: Labels, region: Region, factor: float) -> Labels:
    """A label map with a region larger or smaller, about the middle of its bounds.

    Args:
        labels: (H, W) u8.
        region: (H, W), the pixels to be resized; they may have several classes.
        factor: above 1 enlarges; what leaves the map is cut off.

    Returns:
        (H, W) u8; what becomes free is filled as by `removed`.

    Raises:
        ValueError: the region is empty or all there is, or nothing is left of it.
    """
    if not factor > 0 or not np.isfinite(factor):
        raise ValueError(f"expected a factor above 0, got {factor}")
    _require(labels, region)
    if factor == 1:
        return labels.copy()
    return _placed(labels, region, factor, (0, 0))


def _placed(labels: Labels, region: Region, factor: float, by: tuple[int, int]) -> Labels:
    """A map whose region is scaled about its middle, and moved."""
    made = removed(labels, region)
    height, width = labels.shape
    rows, columns = (np.flatnonzero(region.any(axis)) for axis in (1, 0))
    # Each pixel looks up the place that it comes from, so that enlarged regions have no holes.
    from_rows = _origins(height, (rows[0] + rows[-1]) / 2, factor, by[0])
    from_columns = _origins(width, (columns[0] + columns[-1]) / 2, factor, by[1])
    inside = _within(from_rows, height)[:, None] & _within(from_columns, width)
    y = np.clip(from_rows, 0, height - 1)[:, None]
    x = np.clip(from_columns, 0, width - 1)
    here = inside & region[y, x]
    if not here.any():
        raise ValueError("nothing of the region is left within the map")
    made[here] = labels[y, x][here]
    return made


def _origins(side: int, middle: float, factor: float, by: int) -> NDArray[np.int64]:
    """The row or column that each one comes from."""
    return np.rint((np.arange(side) - by - middle) / factor + middle).astype(np.int64)


def _within(places: NDArray[np.int64], side: int) -> Region:
    return (places >= 0) & (places < side)


def _require(labels: Labels, region: Region) -> None:
    """Sees that there is a region, of the map's size."""
    if region.shape != labels.shape or region.dtype != bool:
        raise ValueError(
            f"expected a region of booleans {labels.shape} as its map, got {region.dtype} "
            f"{region.shape}"
        )
    if not region.any():
        raise ValueError("the region has no pixel")
