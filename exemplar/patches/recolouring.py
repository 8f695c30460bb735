"""One look: a follower's colours brought to a leader's, part by part.

Before `library`: several exemplars of one picture would meet in patches of different coats and
skins. Each part's mean and deviation of colour are moved as in Reinhard et al., "Color Transfer
between Images", 2001; parts are classes, or clusters of descriptors. What results is an affine map
of colours on a coarse grid, small enough to be stored with the sources.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from sklearn.cluster import KMeans

from exemplar.patches.levels import Size, fitted, shares_of

GRID = 128
"""Pixels of the longer side of memberships and of the maps made with them."""
BLUR = 2.0
"""Standard deviation in pixels of the grid by which classes are blurred."""
CLUSTERS = 10
SOFTNESS = 0.5
"""Of memberships in clusters, as a share of the mean squared distance to the nearest centre."""
TRUST = 0.002
"""Share of the leader's pixels at which a part's map counts half, beside no change."""
LABEL_GAINS, CLUSTER_GAINS = (0.7, 1.4), (0.6, 1.6)
FEWEST = 40
"""Pixels of the grid; smaller classes of either are left as they are."""

Memberships = tuple[NDArray[np.floating], NDArray[np.floating]]
"""(h, w, K) of the leader and (h', w', K) of the follower: how much a pixel is of each part,
adding up to one."""


class ColourMap(NamedTuple):
    """An affine map of colours that changes from place to place.

    Attributes:
        gain: (h, w, 3) float32 of half precision, enlarged bilinearly to the image.
        shift: (h, w, 3) likewise, in steps of 255, added after.
    """

    gain: NDArray[np.float32]
    shift: NDArray[np.float32]


def recolour(
    leader: NDArray[np.uint8],
    follower: NDArray[np.uint8],
    memberships: Memberships,
    gains: tuple[float, float] = CLUSTER_GAINS,
    fewest: float = 0,
) -> ColourMap:
    """The map that gives a follower a leader's colours.

    Args:
        leader: (H, W, 3) u8, as it is used.
        follower: (H', W', 3) u8, as it is used: mirrored if it will be.
        memberships: of both in the same parts.
        gains: the least and the largest ratio of deviations.
        fewest: pixels of a part in either below which it is left as it is.

    Returns:
        The map, on the grid of the follower's memberships.
    """
    ours, theirs = (np.asarray(part, np.float64) for part in memberships)
    pixels, mean, deviation = _statistics(leader, ours)
    count, own_mean, own_deviation = _statistics(follower, theirs)
    gain = np.clip(deviation / np.maximum(own_deviation, 1e-3), *gains)
    shift = mean - gain * own_mean
    trust = pixels / (pixels + TRUST * ours[..., 0].size)
    trust = np.where(np.minimum(pixels, count) < max(fewest, 1e-6), 0, trust)[:, None]
    gain, shift = 1 + trust * (gain - 1), trust * shift
    total = np.maximum(theirs.sum(-1, keepdims=True), 1e-9)
    return ColourMap(stored((theirs @ gain) / total), stored((theirs @ shift) / total))


def stored(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Values as they are after being stored in half precision, so that nothing is lost by it."""
    return values.astype(np.float16).astype(np.float32)


def _statistics(
    image: NDArray[np.uint8], parts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Pixels (K,), mean and deviation (K, 3) of each part's colours."""
    size = parts.shape[1], parts.shape[0]
    colours = np.array(Image.fromarray(image).resize(size, Image.Resampling.BOX), np.float64)
    flat, weight = colours.reshape(-1, 3), parts.reshape(-1, parts.shape[-1])
    pixels = weight.sum(0)
    share = weight / np.maximum(pixels, 1e-9)
    mean = share.T @ flat
    variance = share.T @ flat**2 - mean**2
    return pixels, mean, np.sqrt(np.maximum(variance, 0))


def label_memberships(
    labels: NDArray[np.uint8], count: int, size: Size | None = None
) -> NDArray[np.float32]:
    """Classes as parts, with soft borders.

    Args:
        labels: (H, W) u8.
        count: K.
        size: of the grid; by default of `GRID` pixels at the longer side, or the labels' own if
            that is less.

    Returns:
        (h, w, K).
    """
    size = size or fitted((labels.shape[0], labels.shape[1]), GRID)
    shares = shares_of(labels, count, size).numpy()
    present = shares.any(axis=(1, 2))
    soft = np.zeros_like(shares)
    soft[present] = ndimage.gaussian_filter(shares[present], (0, BLUR, BLUR), mode="nearest")
    return soft.transpose(1, 2, 0)


def clustered_memberships(
    leader: NDArray[np.floating], follower: NDArray[np.floating], seed: int = 0
) -> Memberships:
    """Clusters of descriptors of both as parts; a pixel is the more of one the nearer its centre.

    Args:
        leader: (h, w, D), leading directions of descriptors.
        follower: (h', w', D).
        seed: of k-means.
    """
    flat = [np.asarray(part, np.float64).reshape(-1, part.shape[-1]) for part in (leader, follower)]
    points = np.concatenate(flat)
    clusters = min(CLUSTERS, len(np.unique(points, axis=0)))
    centres = KMeans(clusters, n_init="auto", random_state=seed).fit(points).cluster_centers_
    squares = [
        ((part**2).sum(1)[:, None] - 2 * part @ centres.T + (centres**2).sum(1)).clip(0)
        for part in flat
    ]
    width = SOFTNESS * np.concatenate(squares).min(1).mean() + 1e-12
    made = []
    for square, part in zip(squares, (leader, follower), strict=True):
        weight = np.exp(-(square - square.min(1, keepdims=True)) / width)
        weight /= weight.sum(1, keepdims=True)
        made.append(weight.reshape(*part.shape[:2], clusters))
    return made[0], made[1]


def recoloured(image: NDArray[np.uint8], colours: ColourMap) -> NDArray[np.uint8]:
    """A photograph (H, W, 3) u8 with its colours mapped; always the same bytes."""
    out = np.empty_like(image)
    _apply(np.ascontiguousarray(image), colours.gain, colours.shift, out)
    return out


@numba.njit(nogil=True, cache=True)
def _between(length: int, cells: int, at: int) -> tuple[int, int, float]:
    """The two cells around a pixel's centre, and how far it is towards the second."""
    there = min(max((at + 0.5) * cells / length - 0.5, 0.0), cells - 1.0)
    first = min(int(there), max(cells - 2, 0))
    return first, min(first + 1, cells - 1), there - first


@numba.njit(nogil=True, cache=True)
def _apply(image, gain, shift, out):
    height, width, _ = image.shape
    rows, columns, _ = gain.shape
    for y in range(height):
        top, bottom, down = _between(height, rows, y)
        for x in range(width):
            left, right, along = _between(width, columns, x)
            for c in range(3):
                upper = gain[top, left, c] * (1 - along) + gain[top, right, c] * along
                lower = gain[bottom, left, c] * (1 - along) + gain[bottom, right, c] * along
                times = upper * (1 - down) + lower * down
                upper = shift[top, left, c] * (1 - along) + shift[top, right, c] * along
                lower = shift[bottom, left, c] * (1 - along) + shift[bottom, right, c] * along
                value = times * image[y, x, c] + (upper * (1 - down) + lower * down)
                out[y, x, c] = np.uint8(min(max(np.floor(value + 0.5), 0.0), 255.0))
