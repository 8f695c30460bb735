"""Class colours of public label maps: what `pairs` snaps colours to."""

from __future__ import annotations

Colour = tuple[int, int, int]

# The twelve classes of the CMP Facade Database in the order of its numbers. The colours are those
# of the side-by-side copies (twelve steps of a blue-to-red scale, 80 apart), measured on their
# flat regions; the names follow from the numbers and agree with what the regions show.
FACADES: dict[str, Colour] = {
    "background": (0, 0, 222),
    "facade": (0, 48, 255),
    "window": (0, 128, 255),
    "door": (0, 207, 255),
    "cornice": (32, 255, 223),
    "sill": (112, 255, 143),
    "balcony": (192, 255, 63),
    "blind": (255, 239, 0),
    "deco": (255, 159, 0),
    "molding": (255, 80, 0),
    "pillar": (255, 0, 0),
    "shop": (174, 0, 0),
}

PRESETS: dict[str, dict[str, Colour]] = {"facades": FACADES}
