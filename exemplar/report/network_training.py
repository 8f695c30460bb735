"""What a network's training left behind, as pages show it: losses, and pictures from it.

Stages write both while they train; the pages of pix2pixHD and of GLANN show them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from exemplar.report.tiles import Tile


@dataclass(frozen=True)
class NetworkTraining:
    """One network's training: its losses as SVG, and pictures from it."""

    title: str
    plot: str
    pictures: list[Tile]


def pictures_at_even_steps(folder: Path, count: int, prefix: str = "") -> list[tuple[int, Path]]:
    """Pictures of a training, the first and the last among them.

    Args:
        folder: of pictures `<prefix><step>.png`.
        count: how many, at most.
        prefix: what stands before the step.

    Returns:
        Steps and pictures, in order.
    """
    found = sorted(
        (int(match[1]), picture)
        for picture in folder.glob("*.png")
        if (match := re.fullmatch(re.escape(prefix) + r"(\d+)", picture.stem))
    )
    places = np.linspace(0, len(found) - 1, min(count, len(found))).round()
    return [found[int(place)] for place in places]
