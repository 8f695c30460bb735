"""A composition changed: the same animals, light and background, held or placed otherwise.

Stands between `compose` and `build` in the way to a picture. What such a change does to the picture
is known exactly, which no photograph can tell: the truth of an edited layout.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import Field

from exemplar.data.rendered.scene import Composition, rotation
from exemplar.settings import Settings

Turn = Annotated[float, Field(ge=-90, le=90)]
Way = Annotated[float, Field(ge=-1, le=1)]


class Posing(Settings):
    """How the first animal of a picture is moved."""

    right: Way = 0.0
    up: Way = 0.0
    """Shares of the picture's side, for the whole animal."""
    size: Annotated[float, Field(ge=0.5, le=2)] = 1.0
    """How many times as large it becomes."""
    yaw: Turn = 0.0
    """Degrees by which its head turns to the viewer's right,"""
    pitch: Turn = 0.0
    """down,"""
    roll: Turn = 0.0
    """and anticlockwise."""


def posed(composition: Composition, posing: Posing) -> Composition:
    """Moves the first animal.

    Args:
        composition: what `compose` drew.
        posing: how it is moved, from where it is.

    Returns:
        The same otherwise.
    """
    first, *others = composition.poses
    way = composition.camera.height * np.array([posing.right, posing.up, 0.0])
    turn = rotation(*np.deg2rad([posing.yaw, posing.pitch, posing.roll]))
    moved = replace(
        first,
        # About the axes of the world, so that "to the right" is the viewer's however it was held.
        head=turn @ first.head,
        place=first.place + way,
        scale=first.scale * posing.size,
    )
    return replace(composition, poses=(moved, *others))
