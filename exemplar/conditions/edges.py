"""`edges`: soft boundaries in [0, 1] without thinning. Source: PixelNN, section 4."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

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
