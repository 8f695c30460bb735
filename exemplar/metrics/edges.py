"""Edge detection scores: one-to-one matching of pixels at 99 thresholds, and average precision.

Stands at the end of the way of the data: a network's edges of a synthesised image are compared
with the binary edges of the real one. Counts are of whole numbers and add up over images; the
average precision of a data set is that of the sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

THRESHOLDS = (np.arange(1, 100) / 100).astype(np.float32)
"""An edge of at least this strength counts as predicted."""

RADIUS = 0.0075
"""How far, in diagonals of the image, an edge may lie from the true one."""

_RECALLS = np.arange(101) / 100
_DEAD = np.iinfo(np.int32).max


class EdgeCounts(NamedTuple):
    """Pixels at each threshold; matching is one to one, so `matched` serves both ratios.

    `matched` and `predicted` are int64 (..., 99); `truth` is int64 (...), the true edge pixels.
    """

    matched: NDArray[np.int64]
    predicted: NDArray[np.int64]
    truth: NDArray[np.int64]


def edge_counts(predicted: ArrayLike, truth: ArrayLike, radius: float | None = None) -> EdgeCounts:
    """Counts predicted, true and matched edge pixels at the thresholds 0.01, 0.02, ..., 0.99.

    At each threshold the predicted pixels are those at least as strong. Predicted and true pixels
    no further apart than `radius` may be matched, each at most once, and as many as can be.
    Predictions are not thinned. The predicted sets are nested, so one matching grows from the
    strongest pixel to the weakest and has the largest possible size at every threshold.

    Args:
        predicted: (H, W) or (B, H, W), edge strength in [0, 1], compared in single precision.
        truth: (H, W) bool, the true edges, shared by all B maps.
        radius: in pixels; None for 0.0075 of the diagonal, 1.02 pixels at 96 x 96.

    Returns:
        Counts with leading shape () or (B,).

    Raises:
        ValueError: the shapes do not fit, `truth` is not bool, or a strength is outside [0, 1].

    Source: the BSDS 500 boundary benchmark (Arbelaez et al. 2011), without its thinning.

    >>> truth = np.eye(3, dtype=bool)
    >>> counts = edge_counts(truth * 0.5, truth)
    >>> int(counts.matched[49]), int(counts.matched[50]), int(counts.truth)
    (3, 0, 3)
    """
    strength, edges = _checked(predicted, truth)
    if radius is None:
        radius = RADIUS * float(np.hypot(*edges.shape))
    if not 0 <= radius < np.inf:
        raise ValueError(f"radius: expected a distance in pixels, 0 or more, got {radius}")

    # A border of non-edges lets offsets run over the image's sides without a test.
    reach = int(radius)
    border = ((0, 0), (reach, reach), (reach, reach))
    maps = np.pad(strength.reshape(-1, *edges.shape), border)
    padded = np.pad(edges, reach)
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    near = dy**2 + dx**2 <= radius**2
    offsets = (dy * padded.shape[1] + dx)[near]
    # Nearest first: most pixels then find a free partner at once, at their own place.
    offsets = offsets[np.argsort((dy**2 + dx**2)[near], kind="stable")]
    matched, found = _nested_matching(
        maps.reshape(len(maps), padded.size), padded.ravel(), offsets, THRESHOLDS
    )
    lead = strength.shape[:-2]
    return EdgeCounts(
        matched.reshape(*lead, 99),
        found.reshape(*lead, 99),
        np.full(lead, edges.sum(), np.int64),
    )


def _checked(
    predicted: ArrayLike, truth: ArrayLike
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The two maps as arrays, or what is wrong with them."""
    strength, edges = np.asarray(predicted, np.float32), np.asarray(truth)
    if edges.ndim != 2 or edges.dtype != bool:
        raise ValueError(f"truth: expected bool of shape (H, W), got {edges.dtype} {edges.shape}")
    if strength.ndim not in (2, 3) or strength.shape[-2:] != edges.shape:
        height, width = edges.shape
        raise ValueError(
            f"predicted: expected ({height}, {width}) or (B, {height}, {width}) as the truth, "
            f"got {strength.shape}"
        )
    if strength.size and not (strength.min() >= 0 and strength.max() <= 1):
        raise ValueError(
            f"predicted: expected strengths in [0, 1], got {strength.min()} to {strength.max()}"
        )
    return strength, edges


def pooled(counts: EdgeCounts) -> EdgeCounts:
    """The sum of counts over all their leading axes, as for one large image."""
    return EdgeCounts(
        counts.matched.reshape(-1, 99).sum(0),
        counts.predicted.reshape(-1, 99).sum(0),
        np.asarray(counts.truth.sum(), np.int64),
    )


def average_precision(counts: EdgeCounts) -> NDArray[np.float64]:
    """The area under the curve of precision over recall.

    Precision is interpolated linearly at the recalls 0, 0.01, ..., 1 and integrated by trapezoids.
    Thresholds at which nothing is predicted have no precision and are left out; of several with
    one recall the most precise counts; below the least recall its precision is held; beyond the
    greatest it is 0. If nothing is predicted at all the area is 0; without true edges it is NaN.

    Args:
        counts: of one image, of many, or pooled.

    Returns:
        float64 in [0, 1] of shape (...), one area for each of the leading axes.

    Source: the BSDS 500 benchmark's area. There, precision below the least recall is 0 and the
    ordinates are summed, which gives a faultless binary prediction 0 and a curve of ones 1.01.

    >>> truth = np.eye(3, dtype=bool)
    >>> float(average_precision(edge_counts(truth * 0.5, truth)))
    1.0
    """
    matched, predicted = counts.matched.reshape(-1, 99), counts.predicted.reshape(-1, 99)
    truth = counts.truth.reshape(-1)
    areas = [_area(m, p, t) for m, p, t in zip(matched, predicted, truth, strict=True)]
    return np.array(areas, np.float64).reshape(counts.truth.shape)


def _area(matched: NDArray[np.int64], predicted: NDArray[np.int64], truth: np.int64) -> float:
    """The area under one curve."""
    if truth == 0:
        return float("nan")
    some = predicted > 0
    if not some.any():
        return 0.0
    # Recall falls with the threshold: reversed, it rises, and of equal recalls the first is the
    # strictest threshold and so the most precise.
    recall, first = np.unique(matched[some][::-1] / truth, return_index=True)
    precision = (matched[some] / predicted[some])[::-1][first]
    # A recall of 29/100 must not fail to reach 0.29 for the last bit of a quotient.
    ordinates = np.interp(_RECALLS - 1e-9, recall, precision, right=0.0)
    return float(np.trapezoid(ordinates, _RECALLS))


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles at the first call, and keeps the result beside this file where that can be written.

    An installation that nobody may write to would otherwise fail at import.
    """
    try:
        return njit(cache=True)(function)
    except RuntimeError:
        return njit(function)


@_compiled
def _nested_matching(maps, truth, offsets, thresholds):  # pragma: no cover - compiled
    """Sizes of the largest matchings and of the predicted sets, for every map and threshold."""
    count, pixels = maps.shape
    levels = len(thresholds)
    sizes = np.zeros((count, levels), np.int64)
    totals = np.zeros((count, levels), np.int64)
    level = np.empty(pixels, np.int64)
    order = np.empty(pixels, np.int64)
    queue = np.empty(pixels + 1, np.int64)
    came = np.empty(pixels, np.int64)
    for b in range(count):
        # Sort the pixels by how many thresholds they pass, strongest first, in row order.
        start = np.zeros(levels + 2, np.int64)
        for i in range(pixels):
            k = min(int(maps[b, i] * (levels + 1)), levels)
            while k < levels and maps[b, i] >= thresholds[k]:
                k += 1
            while k > 0 and maps[b, i] < thresholds[k - 1]:
                k -= 1
            level[i] = k
            start[levels - k + 1] += 1
        start = np.cumsum(start)
        for i in range(pixels):
            place = levels - level[i]
            order[start[place]] = i
            start[place] += 1
        # Grow the matching by one pixel at a time.
        partner = np.full(pixels, -1)
        mate = np.full(pixels, -1)
        seen = np.zeros(pixels, np.int32)
        size = 0
        for rank in range(pixels):
            i = order[rank]
            if level[i] == 0:
                break
            if _augment(i, rank + 1, truth, offsets, partner, mate, seen, came, queue):
                size += 1
            sizes[b, level[i] - 1] = size
            totals[b, level[i] - 1] = rank + 1
        # A level that no pixel has is as the one above it.
        for k in range(levels - 2, -1, -1):
            sizes[b, k] = max(sizes[b, k], sizes[b, k + 1])
            totals[b, k] = max(totals[b, k], totals[b, k + 1])
    return sizes, totals


@_compiled
def _augment(
    pixel, stamp, truth, offsets, partner, mate, seen, came, queue
):  # pragma: no cover - compiled
    """Matches one more predicted pixel, if the others can be rearranged to make room for it.

    Breadth first along alternating paths. Where the search fails, the true pixels it met are all
    taken by predicted pixels that reach no others, now and later: no search need see them again.
    """
    queue[0] = pixel
    head, tail = 0, 1
    while head < tail:
        i = queue[head]
        head += 1
        for offset in offsets:
            t = i + offset
            # Only pixels strong enough to be inside the border are ever queued.
            if not truth[t] or seen[t] >= stamp:
                continue
            seen[t] = stamp
            came[t] = i
            if mate[t] >= 0:
                queue[tail] = mate[t]
                tail += 1
                continue
            while t >= 0:
                i = came[t]
                mate[t] = i
                partner[i], t = t, partner[i]
            return True
    for k in range(1, tail):
        seen[partner[queue[k]]] = _DEAD
    return False
