"""What guides a whole picture where no classes do: descriptors of f(x), and the condition itself.

Each becomes planes whose differences compare with those of colours in [0, 1]. Lines guide by how
near they are, so that thin ink and a network's wide response say the same. Source: ours, after the
guides of Hertzmann et al., "Image Analogies", 2001, section 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, maximum_filter
from skimage.morphology import skeletonize

from exemplar.patches.levels import Size

DIRECTIONS = 8
"""Leading directions of descriptors that guide; they are sorted by how much they vary."""
SPREAD = 0.25
"""Their standard deviation, in the mean, as guides."""
LINE = 0.3
"""Strength of an edge from which it is a line."""
NEAR = (0.006, 0.016)
"""Standard deviations of blurred lines, in longer sides."""


def line_planes(edges: NDArray[np.floating], size: Size) -> NDArray[np.float32]:
    """How near lines are.

    Args:
        edges: (H, W) in [0, 1], 1 on a line, of any width.
        size: of the planes.

    Returns:
        (h, w, 2): for each of `NEAR` the line's own strength where it is, falling off around it.
    """
    strength = enlarged(edges.astype(np.float32)[..., None], size)[..., 0]
    thin = skeletonize(strength >= LINE) * maximum_filter(strength, 3)
    planes = []
    for share in NEAR:
        sigma = max(share * max(size), 0.7)
        blurred = gaussian_filter(thin, sigma, mode="nearest") * (np.sqrt(2 * np.pi) * sigma)
        planes.append(np.minimum(blurred, 1.5))
    return np.stack(planes, -1).astype(np.float32)


def condition_planes(
    condition: str, stored: NDArray[Any], size: Size, classes: int = 0
) -> NDArray[np.float32]:
    """A condition as planes.

    Args:
        condition: its name.
        stored: (H, W, …) as it is stored, or larger.
        size: of the planes.
        classes: how many classes labels have.

    Returns:
        (h, w, G).
    """
    if condition == "edges":
        return line_planes(stored, size)
    if condition == "labels":
        return enlarged((stored[..., None] == np.arange(classes)).astype(np.float32), size)
    scale = np.float32(255 if condition == "lowres" else 2)
    return enlarged(stored.astype(np.float32) / scale, size)


def mirrored(condition: str, stored: NDArray[Any], exchanged: NDArray[np.uint8]) -> NDArray[Any]:
    """A condition (H, W, …) in a mirror; `exchanged` (256,) says what becomes of its classes."""
    flipped = stored[:, ::-1]
    if condition == "normals":
        flipped = flipped * np.array([-1, 1, 1], flipped.dtype)  # x points to the other side
    if condition == "labels":
        flipped = exchanged[flipped]
    return np.ascontiguousarray(flipped)


def enlarged(planes: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """Planes (H, W, G) at another size (h, w)."""
    if planes.shape[:2] == size:
        return planes
    how = Image.Resampling.BOX if size[0] < planes.shape[0] else Image.Resampling.BICUBIC
    pictures = [
        Image.fromarray(np.ascontiguousarray(planes[..., g])) for g in range(planes.shape[2])
    ]
    return np.stack([np.asarray(each.resize((size[1], size[0]), how)) for each in pictures], -1)
