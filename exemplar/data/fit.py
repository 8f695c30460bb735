"""One geometry for drawings, photographs, normals and label maps: how any shape becomes another.

Between the decoder and what a network is given. Files of one shape get one geometry, whatever they
show, so that a drawing and the photograph that it was drawn after still lie upon each other.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from PIL import Image

Fit = Literal["crop", "pad", "stretch"]
"""The central part, all of it amid margins, or all of it with its sides changed unequally."""
FITS: tuple[str, ...] = get_args(Fit)
DEFAULT: Fit = "crop"
"""As photographs of domains are cut."""

Region = tuple[int, int, int, int]  # left, top, right, bottom
Fill = float | tuple[float, ...]
WHITE = (255, 255, 255)


def central(size: tuple[int, int], wanted: tuple[int, int]) -> Region:
    """The largest central part of the shape that is wanted.

    Args:
        size: (H, W) of an image.
        wanted: (H, W) of which only the ratio counts.
    """
    height, width = size
    tall, wide = wanted
    # The shorter side is kept whole, so it is never rounded.
    across = min(width, max(1, round(height * wide / tall)))
    down = min(height, max(1, round(width * tall / wide)))
    left, top = (width - across) // 2, (height - down) // 2
    return left, top, left + across, top + down


def margins(size: tuple[int, int], wanted: tuple[int, int]) -> Region:
    """Where an image lies in the smallest canvas of the shape that is wanted.

    Args:
        size: (H, W) of an image.
        wanted: (H, W) of which only the ratio counts.

    Returns:
        Pixels to add at the left, the top, the right and the bottom.
    """
    height, width = size
    tall, wide = wanted
    across, down = max(width, round(height * wide / tall)), max(height, round(width * tall / wide))
    left, top = (across - width) // 2, (down - height) // 2
    return left, top, across - width - left, down - height - top


def shaped(values: np.ndarray, wanted: tuple[int, int], how: Fit, fill: Fill = 0) -> np.ndarray:
    """An array cropped or padded to a shape, at its own scale.

    Args:
        values: (H, W) or (H, W, C).
        wanted: (H, W) of which only the ratio counts.
        how: by which it gets this shape; `stretch` leaves it as it is.
        fill: what margins have, for each channel.

    Returns:
        An array of the same kind, to be scaled to what is wanted.
    """
    size = values.shape[0], values.shape[1]
    if how == "crop":
        left, top, right, bottom = central(size, wanted)
        return values[top:bottom, left:right]
    if how == "pad":
        left, top, right, bottom = margins(size, wanted)
        canvas = (size[0] + top + bottom, size[1] + left + right, *values.shape[2:])
        padded = np.full(canvas, fill, values.dtype)
        padded[top : top + size[0], left : left + size[1]] = values
        return padded
    return values


def fitted(
    image: Image.Image,
    size: tuple[int, int],
    how: Fit = DEFAULT,
    resample: Image.Resampling = Image.Resampling.LANCZOS,
    fill: int | tuple[int, ...] | str = "white",
) -> Image.Image:
    """An image at another size and shape.

    Args:
        image: of any mode; numbers, such as labels, take `NEAREST`.
        size: (H, W) of the result.
        how: by which it gets this shape.
        resample: how it is scaled.
        fill: what margins have.

    Returns:
        An image of the same mode.
    """
    own = image.height, image.width
    box = central(own, size) if how == "crop" else None
    if how == "pad":
        left, top, right, bottom = margins(own, size)
        canvas = (image.width + left + right, image.height + top + bottom)
        padded = Image.new(image.mode, canvas, fill)
        if (palette := image.getpalette()) is not None:
            padded.putpalette(palette)
        padded.paste(image, (left, top))
        image = padded
    return image.resize((size[1], size[0]), resample, box=box)


def told(size: tuple[int, int], wanted: tuple[int, int], how: Fit) -> str:
    """What fitting does to a shape, for those who read the results.

    Args:
        size: (H, W) of an image.
        wanted: (H, W) of the result.
        how: by which it gets this shape.

    Returns:
        Such as "1536×1024, cropped to the central 1024×1024"; empty if the shape is kept.
    """
    height, width = size
    own = f"{width}×{height}"
    if how == "crop":
        left, top, right, bottom = central(size, wanted)
        part = f"{right - left}×{bottom - top}"
        return "" if part == own else f"{own}, cropped to the central {part}"
    left, top, right, bottom = margins(size, wanted)
    if left + top + right + bottom == 0:
        return ""
    if how == "pad":
        return f"{own}, padded to {width + left + right}×{height + top + bottom}"
    return f"{own}, stretched to {wanted[1]}×{wanted[0]}"
