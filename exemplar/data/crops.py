"""Which square of a photograph is used, and how it is brought to size.

Squares lie wholly inside the photograph, so that every pixel of a domain was photographed: none is
invented by mirroring or repeating borders. Resizing is Lanczos with the filter widened when
shrinking (antialiased), on sRGB values as stored; at the border of a square the filter sees the
photograph beyond it.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from exemplar.data.inputs import BadPhoto, Box

Region = tuple[int, int, int, int]  # left, top, right, bottom


def clipped(box: Box, width: int, height: int) -> Box:
    """The part of a box inside its image.

    Args:
        box: in pixels.
        width: of the image.
        height: of the image.

    Raises:
        BadPhoto: less than half of the box's area is inside.
    """
    x0, y0, x1, y1 = box
    inside = (max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height)))
    area = max(inside[2] - inside[0], 0.0) * max(inside[3] - inside[1], 0.0)
    if area <= 0:
        raise BadPhoto(f"{named(box)} lies outside the image of {width}×{height}")
    if area < (x1 - x0) * (y1 - y0) / 2:
        raise BadPhoto(f"{named(box)} lies mostly outside the image of {width}×{height}")
    return inside


def named(box: Box) -> str:
    """A box as messages show it."""
    return "box " + ",".join(f"{value:g}" for value in box)


def square_around(box: Box, width: int, height: int, margin: float) -> Region:
    """A square around a box: its longer side and a margin, moved inside the image.

    Where the image is too small for it, the square is as large as the image allows; a box longer
    than the image's shorter side then loses its ends.

    Args:
        box: inside the image.
        width: of the image.
        height: of the image.
        margin: added on each side, as a share of the box's longer side.
    """
    x0, y0, x1, y1 = box
    longer = max(x1 - x0, y1 - y0)
    side = min(max(1, round(longer * (1 + 2 * margin))), width, height)
    left = min(max(round((x0 + x1 - side) / 2), 0), width - side)
    top = min(max(round((y0 + y1 - side) / 2), 0), height - side)
    return left, top, left + side, top + side


def central_square(width: int, height: int, share: float = 1.0) -> Region:
    """The central square, its side a share of the shorter side."""
    side = max(1, round(min(width, height) * share))
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def large_enough(width: int, height: int, min_side: int) -> None:
    """Checks the shorter side.

    Raises:
        BadPhoto: it is below the minimum.
    """
    if min(width, height) < min_side:
        raise BadPhoto(f"too small: {width}×{height}, the shorter side below {min_side}")


def resized(image: Image.Image, region: Region, size: int) -> np.ndarray:
    """A square of an image at another size.

    Returns:
        (size, size, 3) u8 for RGB.
    """
    return np.asarray(image.resize((size, size), Image.Resampling.LANCZOS, box=region))


def padded_square(image: Image.Image) -> Image.Image:
    """The whole image in the middle of a white square."""
    side = max(image.size)
    square = Image.new("RGB", (side, side), "white")
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square
