"""`labels`: a class for every pixel. Source: PixelNN, section 1 (label masks)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from exemplar.labels.encoding import one_hot

CHANNELS = 0  # as many as there are classes


def encode(stored: np.ndarray, size: tuple[int, int], classes: int = 0) -> Tensor:
    """One channel a class.

    Args:
        stored: (B, H, W) u8, below `classes`, or 255 where a pixel has no class.
        size: not used.
        classes: how many there are.

    Returns:
        (B, classes, H, W) float32, one-hot; all zeros where there is no class.

    Raises:
        ValueError: a label has no class.
    """
    return one_hot(torch.from_numpy(stored.astype(np.int64)), classes)
