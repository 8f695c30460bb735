"""What all sets of pairs for evaluation share: their settings, their images, their errors.

A set is read whole before any pair is matched, and all that is wrong with it is told at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from exemplar.data.inputs import BadPhoto
from exemplar.data.pixels import decode
from exemplar.settings import Settings

MAX_BYTES = 100_000_000  # of one image file


class PairsError(ValueError):
    """A set of pairs cannot be used; the text has everything that is wrong with it."""


class PairsSettings(Settings):
    """What every set of pairs has."""

    analogy: dict[str, Any] = Field(default_factory=dict)
    """Settings of the section `analogy` that differ for this set."""


def read_image(path: Path) -> np.ndarray:
    """An image file, upright and in colour.

    Returns:
        (H, W, 3) u8 RGB.

    Raises:
        BadPhoto: there is none, or it cannot be decoded; the text does not name the file.
    """
    if not path.is_file():
        raise BadPhoto("expected an image, but there is no such file")
    if (size := path.stat().st_size) > MAX_BYTES:
        raise BadPhoto(f"too large: {size // 1_000_000} MB, more than {MAX_BYTES // 1_000_000}")
    return np.array(decode(path.read_bytes()))


def chosen(count: int, most: int | None, generator: np.random.Generator) -> list[int]:
    """Places of at most so many of `count` things, drawn at random, in order; of few, all."""
    if most is None or count <= most:
        return list(range(count))
    return sorted(generator.choice(count, most, replace=False).tolist())
