"""`labels`: a class for every pixel. Source: PixelNN, section 1 (label masks)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from exemplar.conditions.files import InputError, open_image
from exemplar.data.fit import DEFAULT, Fit, fitted

CHANNELS = 0  # as many as there are classes


def encode(stored: np.ndarray, size: tuple[int, int], classes: int = 0) -> Tensor:
    """One channel a class.

    Args:
        stored: (B, H, W) u8, below `classes`.
        size: not used.
        classes: how many there are.

    Returns:
        (B, classes, H, W) float32, one-hot.
    """
    x = torch.from_numpy(stored.astype(np.int64))
    return functional.one_hot(x, classes).permute(0, 3, 1, 2).float()


def read(path: Path, size: tuple[int, int], classes: list[str], how: Fit = DEFAULT) -> np.ndarray:
    """A user's label map: a grey or palette image whose values are class numbers.

    Margins are of the first class.

    Returns:
        (H, W) u8.

    Raises:
        InputError: it has colours, or numbers without a class.
    """
    image = open_image(path)
    if image.mode not in ("L", "P", "1", "I;16", "I"):
        raise InputError(
            f"{path}: expected a label map, one class number a pixel (a grey or palette PNG), "
            f"got mode {image.mode}. For a photograph, add --photographs"
        )
    values = np.asarray(fitted(image, size, how, Image.Resampling.NEAREST, fill=0))
    unknown = np.unique(values[values >= len(classes)])
    if unknown.size:
        listed = ", ".join(f"{i} {name}" for i, name in enumerate(classes))
        raise InputError(f"{path}: labels {unknown.tolist()} have no class; classes are {listed}")
    return values.astype(np.uint8)
