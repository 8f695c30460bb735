"""`lowres`: the image at 12 × 12, each value the mean of a block. Source: PixelNN, Figure 7."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

SIDE = 12
CHANNELS = 3


def extract(images: np.ndarray) -> np.ndarray:
    """Block means.

    Args:
        images: (N, H, W, 3) u8.

    Returns:
        (N, 12, 12, 3) u8.
    """
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    small = functional.adaptive_avg_pool2d(x, SIDE)
    return small.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()


def encode(stored: np.ndarray, size: tuple[int, int], classes: int = 0) -> Tensor:
    """Bicubic magnification.

    Args:
        stored: (B, 12, 12, 3) u8.
        size: (H, W) of the network's input.
        classes: not used.

    Returns:
        (B, 3, H, W) float32 in [0, 1].
    """
    x = torch.from_numpy(stored).permute(0, 3, 1, 2).float() / 255
    return functional.interpolate(x, size, mode="bicubic", align_corners=False).clamp(0, 1)
