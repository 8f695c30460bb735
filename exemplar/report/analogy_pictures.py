"""Fields between two images made visible: places as colours, displacements, lines between points.

Takes what Deep Image Analogy found and returns u8 (H, W, 3) pictures, which the command line and
the page write as PNG.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import hsv_to_rgb
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from exemplar.report.palettes import EXEMPLARS
from exemplar.report.pictures import contact_sheet, identity_source, position_picture, tinted
from exemplar.report.tiles import smaller

Picture = NDArray[np.uint8]
Field = NDArray[np.int32]

SIDE = 448
"""Pixels of an image's longer side on a sheet, at most; at least about half, by enlarging."""
CELLS = 4  # each way, in which a point is sought for a line
STEADY = 0.05  # of A's diagonal: how far there and back may lead astray at a line's end
WHITE = 255


def placed_picture(image: Picture, field: Field, size: tuple[int, int]) -> Picture:
    """An image, each pixel in the colour of its place in another; equal colours correspond.

    Args:
        image: u8 (H, W, 3).
        field: (H, W, 2) rows and columns in the other image.
        size: (H', W') of the other.

    Returns:
        u8 (H, W, 3); squares of an eighth of the other image alternate in lightness.
    """
    source = np.concatenate([np.zeros_like(field[..., :1]), field], axis=-1)
    return tinted(image, position_picture(source, *size))


def flow_picture(field: Field, size: tuple[int, int]) -> Picture:
    """How far, and which way, each pixel's match lies from its own place.

    Places are shares of each image's sides, so that images of different sizes compare: what is in
    the same place in both is white.

    Args:
        field: (H, W, 2) rows and columns in the other image.
        size: (H', W') of the other.

    Returns:
        u8 (H, W, 3): the hue says the direction (red to the right, then anticlockwise yellow up,
        cyan to the left, violet down), the strength of the colour the distance; a tenth of the
        diagonal or more is full colour.
    """
    own = (np.moveaxis(np.indices(field.shape[:2]), 0, -1) + 0.5) / field.shape[:2]
    down, right = np.moveaxis((field + 0.5) / size - own, -1, 0)
    hue = np.arctan2(-down, right) / (2 * np.pi) % 1
    strength = np.clip(np.hypot(down, right) / (0.1 * np.sqrt(2)), 0, 1)
    colours = hsv_to_rgb(np.stack([hue, strength, 1 - 0.15 * strength], axis=-1))
    return np.rint(255 * colours).astype(np.uint8)


def steady_points(forward: Field, backward: Field, cells: int = CELLS) -> NDArray[np.int64]:
    """Points of A, spread over it, from which the way there and back leads home.

    Args:
        forward: (H, W, 2) rows and columns in B′.
        backward: (H', W', 2) those in A.
        cells: A is divided into so many each way, and has a point in each at most.

    Returns:
        (K, 2) rows and columns, in reading order of the cells; in each the pixel that comes
        nearest to itself, of equals one that is level with few others, unless it strays far.
    """
    height, width = forward.shape[:2]
    own = np.moveaxis(np.indices((height, width)), 0, -1)
    home = backward[forward[..., 0], forward[..., 1]]
    astray = np.hypot(*np.moveaxis(home - own, -1, 0))
    found = []
    edges = [np.linspace(0, side, min(cells, side) + 1).astype(int) for side in (height, width)]
    for top, bottom in zip(edges[0], edges[0][1:], strict=False):
        for left, right in zip(edges[1], edges[1][1:], strict=False):
            part = own[top:bottom, left:right].reshape(-1, 2)
            # At another height in each cell, so that lines do not lie on each other.
            level = (len(found) * (5**0.5 - 1) / 2 + 0.5) % 1
            wanted = (top + level * (bottom - top - 1), (left + right - 1) / 2)
            off = np.hypot(*(part - wanted).T)
            strayed = astray[top:bottom, left:right].ravel()
            best = np.lexsort((off, strayed))[0]
            if strayed[best] <= STEADY * np.hypot(height, width):
                found.append(part[best])
    return np.array(found, np.int64).reshape(-1, 2)


def lines_picture(
    a: Picture,
    b_prime: Picture,
    here: NDArray,
    there: NDArray,
) -> Picture:
    """Two images side by side, and lines between points that correspond.

    Args:
        a: u8 (H, W, 3), on the left.
        b_prime: u8 (H', W', 3), on the right.
        here: (K, 2) rows and columns in the left one.
        there: (K, 2) those in the right one.

    Returns:
        u8 (h, w, 3), the images as large as on other sheets.
    """
    here, there = (_scaled(points, image) for points, image in ((here, a), (there, b_prime)))
    a, b_prime = fitted(a), fitted(b_prime)
    gap = max(4, a.shape[1] // 24)
    height = max(a.shape[0], b_prime.shape[0])
    sheet = Image.new("RGB", (a.shape[1] + gap + b_prime.shape[1], height), (WHITE,) * 3)
    sheet.paste(Image.fromarray(tinted_pale(a)), (0, 0))
    start = a.shape[1] + gap
    sheet.paste(Image.fromarray(tinted_pale(b_prime)), (start, 0))
    pen = ImageDraw.Draw(sheet)
    dot = max(2, height // 110)
    for number, (one, other) in enumerate(zip(here, there, strict=True)):
        colour = EXEMPLARS[number % len(EXEMPLARS)]
        ends = [(float(one[1]), float(one[0])), (start + float(other[1]), float(other[0]))]
        pen.line(ends, fill=colour, width=max(1, dot // 2))
        for x, y in ends:
            pen.ellipse((x - dot, y - dot, x + dot, y + dot), fill=colour, outline=(WHITE,) * 3)
    return np.asarray(sheet)


def tinted_pale(image: Picture) -> Picture:
    """An image made paler, so that lines stand out."""
    return np.rint(image * 0.75 + WHITE * 0.25).astype(np.uint8)


def correspondence_sheet(
    a: Picture,
    b_prime: Picture,
    forward: Field,
    backward: Field,
    points: Sequence[NDArray] | None = None,
) -> Picture:
    """Everything that can be seen of two fields, on one sheet.

    Args:
        a: u8 (H, W, 3).
        b_prime: u8 (H', W', 3).
        forward: (H, W, 2) rows and columns in B′ of A's pixels.
        backward: (H', W', 2) those in A of B′'s.
        points: (K, 2) of A, and (K, 2) where they are in B′, to be joined by lines; some are
            chosen if none are given.

    Returns:
        u8: A by its places in B′ beside B′ by its own, A by its own beside B′ by those in A, the
        displacements of both, and lines between points.
    """
    size_a, size_b = (a.shape[0], a.shape[1]), (b_prime.shape[0], b_prime.shape[1])
    thin_a, thin_b = _thinning(size_a), _thinning(size_b)
    tiles = {  # the font has no prime
        "A by place in B'": placed_picture(a[thin_a], forward[thin_a], size_b),
        "B' by place": placed_picture(b_prime[thin_b], identity_field(size_b)[thin_b], size_b),
        "A by place": placed_picture(a[thin_a], identity_field(size_a)[thin_a], size_a),
        "B' by place in A": placed_picture(b_prime[thin_b], backward[thin_b], size_a),
        "displacement of A": flow_picture(forward[thin_a], size_b),
        "displacement of B'": flow_picture(backward[thin_b], size_a),
    }
    shown = [fitted(tile) for tile in tiles.values()]
    sheet = contact_sheet(shown, list(tiles), 2)
    if points is None:
        here = steady_points(forward, backward)
        points = [here, forward[here[:, 0], here[:, 1]]]
    return stacked([sheet, lines_picture(a, b_prime, points[0], points[1])])


def fitted(image: Picture) -> Picture:
    """An image for a sheet: a large one made smaller, a small one enlarged in whole steps."""
    factor = max(1, SIDE // 2 // max(image.shape[:2]))
    return smaller(image.repeat(factor, 0).repeat(factor, 1), SIDE)


def stacked(pictures: Sequence[Picture]) -> Picture:
    """Pictures below each other on white, centred."""
    width = max(picture.shape[1] for picture in pictures)
    rows = []
    for picture in pictures:
        missing = width - picture.shape[1]
        sides = (missing // 2, missing - missing // 2)
        rows.append(np.pad(picture, ((0, 8), sides, (0, 0)), constant_values=WHITE))
    return np.concatenate(rows)


def identity_field(size: tuple[int, int]) -> Field:
    """The field (H, W, 2) that leaves every pixel in its place."""
    return identity_source(*size)[..., 1:]


def _thinning(size: tuple[int, int]) -> tuple[slice, slice]:
    """Those of a large image's pixels that are enough for a sheet."""
    step = max(1, max(size) // (2 * SIDE))
    return slice(None, None, step), slice(None, None, step)


def _scaled(points: NDArray, image: Picture) -> NDArray[np.float64]:
    """Rows and columns in an image, in that image fitted."""
    return (np.asarray(points) + 0.5) * fitted(image).shape[:2] / image.shape[:2] - 0.5
