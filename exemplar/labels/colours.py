"""Colours as one number each, as text, and those that classes are drawn in where they have none.

First in its way of the data: every other module of label maps compares colours so.
"""

from __future__ import annotations

import colorsys
import re

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]

GREY = 0x010101
"""Times a grey level, its colour."""
GOLDEN = (5**0.5 - 1) / 2
HEXADECIMAL = re.compile(r"#[0-9a-fA-F]{6}")

# Okabe and Ito's colours without black, and a wine red to make eight: told apart by readers of
# every colour vision.
EIGHT: tuple[Colour, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (204, 121, 167),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (136, 34, 85),
)
GROUND: Colour = (226, 226, 222)
SHADES = ((1.0, 0.0), (0.55, 0.0), (0.45, 0.55), (0.75, 0.0), (0.7, 0.3), (0.35, 0.0), (0.25, 0.65))
"""Of the eight, (part of the colour, part of white), one round after the other."""


def packed(colours: NDArray) -> NDArray[np.int64]:
    """Colours (…, 3) as one number each, 0xRRGGBB."""
    wide = colours.astype(np.int64)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def unpacked(codes: NDArray) -> NDArray[np.uint8]:
    """Colours (…, 3) of numbers 0xRRGGBB."""
    wide = np.asarray(codes, np.int64)
    return np.stack([wide >> 16 & 255, wide >> 8 & 255, wide & 255], axis=-1).astype(np.uint8)


def hexadecimal(colour: NDArray | Colour) -> str:
    """A colour as `#rrggbb`."""
    return "#" + "".join(f"{int(value):02x}" for value in colour)


def colour_of(text: str) -> Colour | None:
    """The colour that `#rrggbb` is, none if it is no such text."""
    if not HEXADECIMAL.fullmatch(text):
        return None
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def distinct_colours(count: int) -> NDArray[np.uint8]:
    """Colours for classes that have none, each unlike the ones before.

    Args:
        count: from 0 to 256.

    Returns:
        (count, 3) u8; more begin with the same ones.
    """
    made = []
    for place in range(count):
        # Hues by the golden section never come near an earlier one; lightness takes turns.
        value, strength = ((0.95, 0.7), (0.6, 0.85), (0.85, 0.35))[place % 3]
        made.append(colorsys.hsv_to_rgb((0.58 + place * GOLDEN) % 1, strength, value))
    return np.rint(255 * np.array(made).reshape(-1, 3)).astype(np.uint8)


def label_palette() -> NDArray[np.uint8]:
    """A colour for each of 256 labels: those that maps are drawn in, and are known by when painted.

    Returns:
        u8 (256, 3); label 0 is a pale background, then eight colours, the same darker, the same
        paler, and so on, so that the first 57 differ; then these again. Label 255, which is no
        class, is black.
    """
    base = np.asarray(EIGHT, np.float64)
    ring = np.concatenate([part * base + white * 255 for part, white in SHADES])
    colours = np.resize(ring, (255, 3))
    made = np.concatenate([[GROUND], np.rint(colours)]).astype(np.uint8)
    made[-1] = 0
    return made
