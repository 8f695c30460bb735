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


def cut(
    image: Image.Image, box: tuple[float, float, float, float], size: tuple[int, int]
) -> np.ndarray:
    """A part of an image at another size, white where it reaches over the image.

    Args:
        image: RGB.
        box: left, top, right, bottom; in whole pixels where it reaches over the image.
        size: (h, w) of the result.

    Returns:
        (h, w, 3) u8.
    """
    left, top, right, bottom = box
    if left < 0 or top < 0 or right > image.width or bottom > image.height:
        canvas = Image.new("RGB", (round(right - left), round(bottom - top)), "white")
        canvas.paste(image, (-round(left), -round(top)))
        image, box = canvas, (0, 0, *canvas.size)
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.LANCZOS, box=box))


def nearest(
    values: np.ndarray,
    box: tuple[float, float, float, float],
    size: tuple[int, int],
    outside: int = 0,
) -> np.ndarray:
    """A part of a map of numbers at another size: of what each pixel covers, the one amid it.

    Args:
        values: (H, W) of any type.
        box: left, top, right, bottom; it may reach over the map.
        size: (h, w) of the result.
        outside: what is put where there is no map.

    Returns:
        (h, w) of the same type.
    """
    left, top, right, bottom = box
    y = _middles(top, bottom, size[0])
    x = _middles(left, right, size[1])
    height, width = values.shape
    taken = values[y.clip(0, height - 1)[:, None], x.clip(0, width - 1)[None]]
    inside = ((y >= 0) & (y < height))[:, None] & ((x >= 0) & (x < width))[None]
    return np.where(inside, taken, np.asarray(outside, values.dtype))


def _middles(start: float, end: float, count: int) -> np.ndarray:
    """The pixels in the middle of as many equal parts of a line."""
    return np.floor(start + (np.arange(count) + 0.5) * (end - start) / count).astype(np.int64)


def square_with_margins(width: int, height: int) -> Region:
    """The square amid which a whole image lies, in pixels of the image."""
    side = max(width, height)
    left, top = -((side - width) // 2), -((side - height) // 2)
    return left, top, left + side, top + side


def padded_square(image: Image.Image) -> Image.Image:
    """The whole image in the middle of a white square."""
    left, top, right, bottom = square_with_margins(*image.size)
    square = Image.new("RGB", (right - left, bottom - top), "white")
    square.paste(image, (-left, -top))
    return square
