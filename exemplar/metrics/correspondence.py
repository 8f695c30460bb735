"""Correspondence errors: does each pixel come from the same place on the exemplar's head?

Stands at the end of the way of the data, where surface coordinates are known (the rendered
domain). They are positions in an object's own frame, in which a head has a radius of about 1, so
the tip of one nose is near the tip of any other, whatever the poses.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

FARTHEST = 1.0
"""Distances are clipped here; a source that is no surface at all counts as this far."""

Surfaces = NDArray | Callable[[NDArray[np.int64]], NDArray]
"""Surface coordinates (N, H, W, 3) by row, or a function from K sorted rows to (K, H, W, 3)."""


def correspondence_error(
    truth_surface: ArrayLike, exemplar_surfaces: Surfaces, source: ArrayLike
) -> NDArray[np.float64]:
    """The mean distance between the surface points of the query's pixels and of their sources.

    Args:
        truth_surface: (H, W, 3), the query's surface coordinates, NaN on the background.
        exemplar_surfaces: those of the exemplars, NaN on the background: an array by row, or a
            function that is given the distinct rows, in order, and returns theirs.
        source: (C, H, W, 3) integers: each pixel's exemplar row, y, x; row -1 where it has none.

    Returns:
        (C,) in [0, 1], the mean over the query's foreground pixels. A source that is none, or on
        the background, counts as 1, as do distances greater than 1.

    Raises:
        ValueError: the shapes do not fit, the query has no foreground, or a source lies outside
            the exemplars.

    >>> surface = np.zeros((1, 2, 3)); surface[0, 1] = 0.3, 0.4, 0.0
    >>> swapped = [[[[0, 0, 1], [0, 0, 0]]]]
    >>> correspondence_error(surface, surface[None], swapped)
    array([0.5])
    """
    points, sources = _foreground(truth_surface, source)
    return _distance(points, exemplar_surfaces, sources)


def chance_error(
    truth_surface: ArrayLike,
    exemplar_surfaces: Surfaces,
    source: ArrayLike,
    generator: np.random.Generator,
) -> NDArray[np.float64]:
    """The correspondence error if each pixel came from anywhere in the same exemplar.

    Exemplars and query are of one size here.

    Args:
        truth_surface: as for `correspondence_error`.
        exemplar_surfaces: as for `correspondence_error`.
        source: (C, H, W, 3); only the rows are used, the positions are drawn uniformly.
        generator: draws the positions; one draw for each pixel and candidate.

    Returns:
        (C,) in [0, 1], an unbiased estimate for each candidate.

    Raises:
        ValueError: as `correspondence_error`.
    """
    points, sources = _foreground(truth_surface, source)
    height, width = np.shape(truth_surface)[:2]
    drawn = generator.integers((height, width), size=(*sources.shape[:-1], 2), dtype=np.int32)
    return _distance(points, exemplar_surfaces, np.concatenate((sources[..., :1], drawn), axis=-1))


def _foreground(
    truth_surface: ArrayLike, source: ArrayLike
) -> tuple[NDArray[np.float32], NDArray[np.integer]]:
    """The query's points (P, 3) and their sources (C, P, 3)."""
    truth, sources = np.asarray(truth_surface, np.float32), np.asarray(source)
    if truth.ndim != 3 or truth.shape[2] != 3:
        raise ValueError(f"truth_surface: expected (H, W, 3), got {truth.shape}")
    if sources.shape[1:] != truth.shape or not np.issubdtype(sources.dtype, np.integer):
        raise ValueError(
            f"source: expected integers of shape (C, {', '.join(map(str, truth.shape))}), "
            f"got {sources.dtype} {sources.shape}"
        )
    foreground = ~np.isnan(truth).any(-1)
    if not foreground.any():
        raise ValueError("truth_surface: expected some foreground, got NaN everywhere")
    return truth[foreground], sources[:, foreground]


def _distance(
    points: NDArray[np.float32], exemplar_surfaces: Surfaces, sources: NDArray[np.integer]
) -> NDArray[np.float64]:
    """The mean clipped distance for each candidate: (P, 3), sources (C, P, 3) -> (C,)."""
    rows = sources[..., 0]
    has = rows >= 0
    distances = np.full(rows.shape, FARTHEST, np.float32)
    if has.any():
        used = np.bincount(rows[has]) > 0
        surfaces = _surfaces(exemplar_surfaces, np.flatnonzero(used))
        place = np.cumsum(used) - 1
        y, x = sources[..., 1][has], sources[..., 2][has]
        height, width = surfaces.shape[1:3]
        if not ((y >= 0) & (y < height) & (x >= 0) & (x < width)).all():
            raise ValueError(
                f"source: expected positions within the exemplars' {height} x {width} pixels, "
                f"got y from {y.min()} to {y.max()}, x from {x.min()} to {x.max()}"
            )
        there = surfaces[place[rows[has]], y, x].astype(np.float32)
        there -= np.broadcast_to(points, sources.shape)[has]
        length = np.sqrt(np.einsum("ik,ik->i", there, there))
        # The background is NaN: no surface point, so as far as can be.
        distances[has] = np.minimum(np.nan_to_num(length, nan=FARTHEST), FARTHEST)
    return distances.mean(1, dtype=np.float64)


def _surfaces(exemplar_surfaces: Surfaces, rows: NDArray[np.int64]) -> NDArray:
    """The surface coordinates of some rows, (K, H, W, 3)."""
    if callable(exemplar_surfaces):
        found = np.asarray(exemplar_surfaces(rows))
    else:
        if rows[-1] >= len(exemplar_surfaces):
            raise ValueError(
                f"source: expected rows below {len(exemplar_surfaces)}, the number of exemplars, "
                f"got {rows[-1]}"
            )
        found = exemplar_surfaces[rows]
    if found.ndim != 4 or found.shape[0] != len(rows) or found.shape[3] != 3:
        raise ValueError(
            f"exemplar_surfaces: expected ({len(rows)}, H, W, 3) for {len(rows)} rows, "
            f"got {found.shape}"
        )
    return found
