"""`normals`: surface normals, x right, y up, z towards the viewer. Source: PixelNN, section 4."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

CHANNELS = 3


def encode(stored: np.ndarray, size: tuple[int, int], classes: int = 0) -> Tensor:
    """The usual colours of normals, (n + 1) / 2.

    Args:
        stored: (B, H, W, 3), unit length.
        size: not used.
        classes: not used.

    Returns:
        (B, 3, H, W) float32 in [0, 1].
    """
    x = torch.from_numpy(stored.astype(np.float32)).permute(0, 3, 1, 2)
    return 0.5 * x + 0.5
