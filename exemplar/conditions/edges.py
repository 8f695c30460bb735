"""`edges`: soft boundaries in [0, 1] without thinning. Source: PixelNN, section 4."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from exemplar.conditions.files import open_image

CHANNELS = 1


def encode(stored: np.ndarray, size: tuple[int, int], classes: int = 0) -> Tensor:
    """The map as one channel.

    Args:
        stored: (B, H, W) in [0, 1].
        size: not used.
        classes: not used.

    Returns:
        (B, 1, H, W) float32.
    """
    return torch.from_numpy(stored.astype(np.float32))[:, None]


def read(path: Path, size: tuple[int, int], classes: list[str]) -> np.ndarray:
    """A user's drawing: dark lines on a light ground, or light lines on a dark one.

    Returns:
        (H, W) float16 in [0, 1], 1 on a line.
    """
    image = open_image(path).convert("L").resize((size[1], size[0]), Image.Resampling.BOX)
    values = np.asarray(image, dtype=np.float32) / 255
    # Lines cover less than the ground, so the median tells which is which.
    return (1 - values if np.median(values) > 0.5 else values).astype(np.float16)
