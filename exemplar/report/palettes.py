"""The colours of the report's pictures, told apart by readers of every colour vision."""

from __future__ import annotations

from exemplar.labels.colours import EIGHT, GROUND, Colour

EXEMPLARS = EIGHT

# Pixels whose exemplar has no colour of its own.
OTHER: Colour = (150, 150, 150)
BACKGROUND = GROUND

# The corners of a picture in which every place has its own colour: top left, top right, bottom.
CORNERS: tuple[Colour, Colour, Colour, Colour] = (
    (240, 200, 40),
    (20, 150, 130),
    (205, 70, 70),
    (60, 70, 180),
)
