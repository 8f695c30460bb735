"""`normals`: surface normals, x right, y up, z towards the viewer. Source: PixelNN, section 4."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from exemplar.conditions.files import InputError, open_image

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


def read(path: Path, size: tuple[int, int], classes: list[str]) -> np.ndarray:
    """A user's normal map in the usual colours: red x, green y up, blue towards the viewer.

    Returns:
        (H, W, 3) float16, unit length.

    Raises:
        InputError: most pixels are far from unit length, so the picture is not a normal map.
    """
    image = open_image(path).convert("RGB").resize((size[1], size[0]), Image.Resampling.BOX)
    normals = np.asarray(image, dtype=np.float32) / 127.5 - 1
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    if np.mean(np.abs(length - 1) < 0.25) < 0.5:
        raise InputError(
            f"{path}: expected a normal map (colour = (n + 1) / 2, unit length); more than half "
            "of its pixels are not unit vectors. For a photograph, add --photographs"
        )
    return (normals / np.maximum(length, 1e-6)).astype(np.float16)
