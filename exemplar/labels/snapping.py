"""Label maps whose colours are not exact: smoothed at their edges, or compressed.

A stated fallback, only used where it is asked for: every pixel takes a class that is near in colour
and, if there is one, near in place, so that the blend of two classes along their edge does not
become a third.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_opening, maximum_filter, minimum_filter, uniform_filter

MOST = 64
"""Classes that are sensible in one image."""
FEW = 8
"""Classes of which any may be small."""
RARE = 0.001
"""Share of the pixels below which a class is small."""
FREQUENT = 0.004
"""Share of the pixels from which a colour stands for a class, where none are named."""
NEAR = 60.0
"""Distance in RGB within which a colour is a slip of another: what compression does."""
AROUND = 7
"""Pixels a side of the square in which a class must be present."""
PRESENT = 0.24
"""Its share of that square: more than a line one pixel wide has, which edges' blends are."""
MOST_PLACES = 256
BEYOND = 1000
"""More than every distance in RGB."""
SOLID = 0.25
"""Share of a class's pixels within whole 3×3 squares of it, which blends along edges lack."""
SLIP = 40.0
"""Distance in RGB within which an area's colour is a slip of another; less than that of details."""
FLAT = 16
"""Range of a channel below which a 3×3 square is of one colour, but for what compression does."""


def smoothed(counts: NDArray[np.int64]) -> bool:
    """Whether a map of so many pixels of each colour is none of classes, drawn with hard edges.

    Args:
        counts: (N,) pixels of each colour.

    Returns:
        Whether there are more than `MOST`, or more than `FEW` of which most are rare.
    """
    rare = (counts < RARE * counts.sum()).sum()
    return len(counts) > MOST or (len(counts) > FEW and 2 * rare > len(counts))


def apart(colours: NDArray[np.uint8]) -> bool:
    """Whether all colours (N, 3) are so unlike each other that none is a slip of another."""
    wide = colours.astype(np.float64)
    return all(
        (np.linalg.norm(wide[place + 1 :] - wide[place], axis=1) >= NEAR).all()
        for place in range(len(wide))
    )


def frequent(
    colours: NDArray[np.uint8], counts: NDArray[np.int64], count: int | None = None
) -> NDArray[np.intp]:
    """The colours that stand for classes: frequent, and unlike each other.

    Args:
        colours: (N, 3) of a map.
        counts: (N,) pixels of each.
        count: how many to take; none: all that have, with the colours near to them that they
            stand for, a share of `FREQUENT`.

    Returns:
        Places in `colours`, the most frequent first; fewer than `count` if there are no more that
        are unlike each other.
    """
    left = counts.astype(np.float64)
    wide = colours.astype(np.float64)
    found: list[int] = []
    while left.max(initial=0) > 0 and len(found) < (count or MOST):
        best = int(left.argmax())
        near = np.linalg.norm(wide - wide[best], axis=1) < NEAR
        if count is None and left[near].sum() < FREQUENT * counts.sum():
            break
        found.append(best)
        left[near] = 0
    return np.array(found, np.intp)


def snapped(pixels: NDArray[np.uint8], colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The class of every pixel of a map whose colours are not exact.

    Args:
        pixels: (H, W, 3) u8.
        colours: (C, 3) u8 of the classes, at most 256.

    Returns:
        (H, W) u8 places in `colours`: of a pixel that has a class's very colour, that class;
        otherwise of the classes present around it the nearest in colour, or of all, if none is
        present.
    """
    return snapped_near(pixels, colours)[0]


def snapped_near(
    pixels: NDArray[np.uint8], colours: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """As `snapped`, and where that is but a guess.

    Returns:
        (H, W) u8 places in `colours`; and (H, W), where no class is nearer than `NEAR` to a pixel's
        colour, and classes are not present around it, not even together.
    """
    height, width = pixels.shape[:2]
    best = np.full((height, width), np.inf, np.float32)
    labels = np.zeros((height, width), np.uint8)
    wide, present = pixels.astype(np.float32), np.zeros((height, width), np.float32)
    for place, colour in enumerate(colours.astype(np.float32)):
        distance = np.sqrt(((wide - colour) ** 2).sum(-1))
        share = uniform_filter((distance < NEAR).astype(np.float32), AROUND, mode="nearest")
        present += share
        # Those present go first.
        distance += np.where((share >= PRESENT) | (distance == 0), 0, BEYOND)
        closer = distance < best
        best[closer], labels[closer] = distance[closer], place
    return labels, (best >= BEYOND + NEAR) & (present < PRESENT)


def solid(labels: NDArray[np.uint8], count: int) -> NDArray[np.bool_]:
    """Which classes of a snapped map have areas, and are no mere blends along edges of others.

    Args:
        labels: (H, W) u8.
        count: C, of classes.

    Returns:
        (C,) bool; a class of lines thinner than three pixels is not solid either.
    """
    made = np.zeros(count, bool)
    for place in range(count):
        here = labels == place
        if here.mean() >= RARE:
            made[place] = binary_opening(here, np.ones((3, 3))).sum() >= SOLID * here.sum()
    return made


def foreign(
    pixels: NDArray[np.uint8], known: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Colours that cover areas of a map and are near to none that is known.

    Only pixels of flat squares are looked at: what compression makes of fine detail is as far from
    the colours of classes, but no two pixels of it are alike.

    Args:
        pixels: (H, W, 3) u8.
        known: (K, 3) u8.

    Returns:
        (N, 3) u8, each with at least a share of `FREQUENT`, and the shares (N,), of all pixels
        whose colours are near to it and to no known one.
    """
    far = np.ones(pixels.shape[:2], bool)
    for colour in known:
        far &= _distance(pixels, colour) >= SLIP
    spread = maximum_filter(pixels, (3, 3, 1)) - minimum_filter(pixels, (3, 3, 1))
    away, flat = pixels[far], pixels[far & (spread.max(-1) < FLAT)]
    colours, counts = np.unique(flat, axis=0, return_counts=True)
    found, shares = [], []
    for place in frequent(colours, counts):
        wide = colours[place].astype(np.float64)
        if (_distance(flat, wide) < NEAR).sum() >= FREQUENT * pixels[..., 0].size:
            found.append(colours[place])
            shares.append((_distance(away, wide) < NEAR).sum() / pixels[..., 0].size)
    return np.array(found, np.uint8).reshape(-1, 3), np.array(shares)


def _distance(pixels: NDArray[np.uint8], colour: NDArray) -> NDArray[np.float32]:
    return np.linalg.norm(pixels.astype(np.float32) - colour.astype(np.float32), axis=-1)


def cleaned(
    pixels: NDArray[np.uint8], known: NDArray[np.uint8], named: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """A map whose colours are not exact, in exact ones.

    Args:
        pixels: (H, W, 3) u8.
        known: (K, 3) u8, colours of the source's classes.
        named: (N, 3) u8, colours of all classes there are; none: any may be.

    Returns:
        (H, W, 3) u8, of known colours, and of others that have areas, for classes that the source
        lacks must not be taken for its own: those named; or if none are, those that are frequent
        in this map and unlike the known ones.
    """
    if named is None:
        own, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
        away = own[:, None].astype(np.float64) - known[None].astype(np.float64)
        apart = np.linalg.norm(away, axis=-1).min(1) >= NEAR
        named = own[apart][frequent(own[apart], counts[apart])]
    colours = np.concatenate([known, named])[:MOST_PLACES]
    kept = solid(snapped(pixels, colours), len(colours))
    kept[: len(known)] = True
    colours = colours[kept]
    return colours[snapped(pixels, colours)]
