"""Patch coherence: how far the patches of an image lie from those of the image it was made from.

Stands at the end of Semantic Image Analogy's evaluation: an image that is made of a source alone
has no patch that the source has not. Source: Li et al., "Semantic Image Analogy with a Conditional
Single-Image GAN", 2020, Eq. 7; Simakov et al., "Summarizing visual data using bidirectional
similarity", 2008, Eq. 1, whose two terms are coherence and completeness.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

PATCH = 7
"""The side of patches of colours, in pixels."""


def nearest_distances(
    values: NDArray[np.floating] | NDArray[np.uint8],
    source: NDArray[np.floating] | NDArray[np.uint8],
    patch: int = PATCH,
    classes: tuple[NDArray[np.integer], NDArray[np.integer]] | None = None,
) -> NDArray[np.float32]:
    """How far each patch of an image is from the nearest patch of a source, by an exact search.

    Every pixel is the middle of a patch: beyond the border the outermost values are repeated.

    Args:
        values: (H, W, C), colours or features.
        source: (H', W', C), the same of the source.
        patch: the odd side of patches.
        classes: labels (H, W) and (H', W'); patches are compared if their middles are of one
            class, as Eq. 7 has it. All are if none are given.

    Returns:
        (H, W): the least mean absolute difference, over the patch's pixels and channels, in the
        units of the values; infinite where the source has no patch of the class.

    Raises:
        ValueError: the shapes do not fit, or the side is even.

    >>> source = np.array([[[0.0], [10.0]]])
    >>> nearest_distances(np.array([[[1.0], [9.0], [4.0]]]), source, patch=1).tolist()
    [[1.0, 1.0, 4.0]]
    """
    arrays = [np.asarray(values), np.asarray(source)]
    formed = all(each.ndim == 3 and each.size for each in arrays)
    if not formed or arrays[0].shape[2] != arrays[1].shape[2]:
        shapes = " and ".join(str(each.shape) for each in arrays)
        raise ValueError(f"expected values (H, W, C) of as many channels, got {shapes}")
    if patch < 1 or patch % 2 == 0:
        raise ValueError(f"patch: expected an odd side, got {patch}")
    given = classes or tuple(np.zeros(each.shape[:2], np.int64) for each in arrays)
    for name, labels, each in zip(("first", "second"), given, arrays, strict=True):
        if labels.shape != each.shape[:2]:
            raise ValueError(
                f"classes: expected the {name} to be {each.shape[:2]}, got {labels.shape}"
            )
    around = patch // 2
    margin = ((around, around), (around, around), (0, 0))
    here, there = (np.pad(each.astype(np.float32), margin, "edge") for each in arrays)
    # Channel by channel, so that rows lie together in memory.
    here, there = (np.ascontiguousarray(each.transpose(2, 0, 1)) for each in (here, there))
    mine, theirs = (np.ascontiguousarray(each, np.int32) for each in given)
    summed = _nearest(here, there, mine, theirs, patch)
    return summed / np.float32(patch * patch * len(here))


def patch_distance(
    image: NDArray[np.uint8],
    source: NDArray[np.uint8],
    classes: tuple[NDArray[np.integer], NDArray[np.integer]] | None = None,
    patch: int = PATCH,
) -> float:
    """The mean over an image's patches of the distance to the nearest patch of its source.

    Args:
        image: (H, W, 3) u8.
        source: (H', W', 3) u8.
        classes: the labels of both, for the search within a class of Eq. 7. With the two images
            exchanged, and no classes, the result is the completeness: what of the source is
            missing in the image.
        patch: the odd side of patches.

    Returns:
        In levels of 255, over patches whose class the source has; NaN if there are none.
    """
    found = nearest_distances(image, source, patch, classes)
    known = np.isfinite(found)
    return float(found[known].mean(dtype=np.float64)) if known.any() else float("nan")


@numba.njit(cache=True, nogil=True)
def _nearest(
    here: NDArray[np.float32],
    there: NDArray[np.float32],
    class_here: NDArray[np.int32],
    class_there: NDArray[np.int32],
    patch: int,
) -> NDArray[np.float32]:
    """The least sum of absolute differences of every patch.

    All pairs of patches that lie equally far from each other share their pixels' differences: for
    each of these displacements differences are made once and added over rows and columns.
    """
    channels, height, width = here.shape
    tall, wide = class_there.shape
    rows, columns = class_here.shape
    best = np.full((rows, columns), np.inf, np.float32)
    apart = np.empty(width, np.float32)
    along = np.empty((height, width), np.float32)
    for down in range(1 - rows, tall):
        top, bottom = max(0, -down), min(rows, tall - down)
        for right in range(1 - columns, wide):
            left, end = max(0, -right), min(columns, wide - right)
            count = end - left
            wider = count + patch - 1
            for y in range(top, bottom + patch - 1):
                a, s = apart[:wider], along[y, :count]
                a[:] = 0
                for c in range(channels):
                    one = here[c, y, left : left + wider]
                    other = there[c, y + down, left + right : left + right + wider]
                    for x in range(wider):
                        a[x] += abs(one[x] - other[x])
                _add_neighbours(a, s, patch)
            for y in range(top, bottom):
                total = apart[:count]
                total[:] = along[y, :count]
                for k in range(1, patch):
                    row = along[y + k, :count]
                    for x in range(count):
                        total[x] += row[x]
                least = best[y, left:end]
                kind = class_here[y, left:end]
                other_kind = class_there[y + down, left + right : end + right]
                for x in range(count):
                    nearer = total[x] < least[x] and kind[x] == other_kind[x]
                    least[x] = total[x] if nearer else least[x]
    return best


@numba.njit(cache=True, nogil=True)
def _add_neighbours(values: NDArray[np.float32], sums: NDArray[np.float32], patch: int) -> None:
    """Each sum is that of a value and of those that follow it."""
    count = len(sums)
    sums[:] = values[:count]
    for k in range(1, patch):
        shifted = values[k : k + count]
        for x in range(count):
            sums[x] += shifted[x]
