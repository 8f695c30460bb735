"""Pictures within a page, in the address itself, so that the page needs no other file.

Small ones are PNG, to the bit; large ones JPEG, a quarter as heavy.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

THUMBNAIL = 48  # pixels a side, shown smaller than that
QUALITY = 88  # of JPEG


@dataclass(frozen=True)
class Tile:
    """A picture (a data URI), what stands under it, and whether its pixels are to stay blocks."""

    picture: str
    caption: str
    note: str = ""
    blocky: bool = False
    marked: bool = False


def data_uri(image: np.ndarray) -> str:
    """A u8 (H, W, 3) picture as a PNG in a data URI."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def photograph_uri(image: np.ndarray) -> str:
    """A large u8 (H, W, 3) picture as a JPEG in a data URI, its colours at full resolution."""
    buffer = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(image))
    picture.save(buffer, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def smaller(
    image: np.ndarray, side: int, by: Image.Resampling = Image.Resampling.BOX
) -> np.ndarray:
    """A u8 (H, W, 3) picture whose longer side has at most so many pixels."""
    made = Image.fromarray(np.ascontiguousarray(image))
    made.thumbnail((side, side), by)
    return np.asarray(made)


def thumbnail(image: np.ndarray) -> np.ndarray:
    """A u8 (H, W, 3) picture made small enough to stand in a line of a table."""
    return smaller(image, THUMBNAIL)
