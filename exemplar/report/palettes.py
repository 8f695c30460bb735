"""The colours of the report's pictures, told apart by readers of every colour vision."""

from __future__ import annotations

import numpy as np

Colour = tuple[int, int, int]

# Okabe and Ito's colours without black, and a wine red to make eight.
EXEMPLARS: tuple[Colour, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (204, 121, 167),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (136, 34, 85),
)

# Pixels whose exemplar has no colour of its own.
OTHER: Colour = (150, 150, 150)
BACKGROUND: Colour = (226, 226, 222)

# The corners of a picture in which every place has its own colour: top left, top right, bottom.
CORNERS: tuple[Colour, Colour, Colour, Colour] = (
    (240, 200, 40),
    (20, 150, 130),
    (205, 70, 70),
    (60, 70, 180),
)


def label_palette() -> np.ndarray:
    """A colour for each of 256 labels.

    Returns:
        u8 (256, 3); label 0 is a pale background, then eight colours, the same darker, the same
        paler, and so on again.
    """
    base = np.asarray(EXEMPLARS, np.float64)
    ring = np.concatenate([base, base * 0.55, base * 0.45 + 255 * 0.55])
    colours = np.resize(ring, (255, 3))
    return np.concatenate([[BACKGROUND], np.rint(colours)]).astype(np.uint8)


def hexadecimal(colour: Colour) -> str:
    """A colour as a web page writes it, such as `#e69f00`."""
    return "#" + "".join(f"{value:02x}" for value in colour)
