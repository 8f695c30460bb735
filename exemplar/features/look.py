"""How photographs look, not what they show: colour and fineness of texture, cell by cell.

Stands beside the scene feature in `features.zarr`: that finds exemplars that show the same, this
finds those of the same lighting, palette and surface.
"""

from __future__ import annotations

import numpy as np

CELLS = 4
"""Cells a side: coarse enough that a subject may move, fine enough to tell it from its ground."""

LENGTH = CELLS * CELLS * 5
"""L: luma, blue and red difference, fine and coarse contrast of each cell."""

TEXTURE = np.array([9.0, 6.0])
"""Weights of fine and coarse contrast: both together, and in equal parts, vary between photographs
as much as colour does (measured on heads of pets and on faces at 96×96)."""

_LUMA = np.array([77, 150, 29])  # BT.601's 0.299, 0.587, 0.114 in 256ths


def looks(photographs: np.ndarray) -> np.ndarray:
    """Colour and texture statistics of photographs, to be compared by Euclidean distance.

    Each of 4 × 4 cells gives its mean Y, Cb, Cr (BT.601, of the gamma-coded values, which are
    about perceptually uniform) and the root mean square of two bands of its luma: luma less its
    3×3 mean, and that mean less the 9×9 mean. All sums are of integers, so a photograph's values
    are the same bits whatever the batch.

    The scale: with all its values divided by 4, the distance of two photographs is the root mean
    square over cells of the distance of their colours, where black and white are 1 apart, and of
    their weighted contrasts. Photographs of one kind (heads of pets, faces) are 0.2 to 0.7 apart,
    a photograph and its JPEG copy of quality 30 to 90 between 0.05 and 0.005.

    Args:
        photographs: (B, H, W, 3) u8, at least 4 pixels a side.

    Returns:
        (B, L) float32, L = 80: for each cell in reading order Y, Cb, Cr, fine, coarse.

    Raises:
        ValueError: the photographs have another type or shape.
    """
    if photographs.dtype != np.uint8 or photographs.ndim != 4 or photographs.shape[3] != 3:
        raise ValueError(
            f"photographs: expected (B, H, W, 3) uint8, got {photographs.shape} {photographs.dtype}"
        )
    if min(photographs.shape[1:3]) < CELLS:
        raise ValueError(
            f"photographs: expected sides of at least {CELLS} pixels, got {photographs.shape}"
        )
    sums, pixels = _cells(photographs, np.uint64)
    red, green, blue = np.moveaxis(sums / pixels / 255, -1, 0)
    luma = (_LUMA * np.stack([red, green, blue], axis=-1)).sum(-1) / 256
    colour = [luma, (blue - luma) / 1.772, (red - luma) / 1.402]

    plane = photographs.astype(np.int32) @ _LUMA.astype(np.int32)  # 256 × 255 is white
    near = _box(plane, 1)
    bands = np.stack([9 * plane - near, 9 * near - _box(plane, 4)], axis=-1)
    energy, _ = _cells(np.square(bands, dtype=np.int64), np.int64)
    contrast = np.sqrt(energy / pixels) / (np.array([9, 81]) * 256 * 255) * TEXTURE

    cells = np.concatenate([np.stack(colour, axis=-1), contrast], axis=-1) / CELLS
    return cells.reshape(len(photographs), LENGTH).astype(np.float32)


def _cells(values: np.ndarray, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """Sums of (B, H, W, C) integers over 4 × 4 cells, and the pixels of each (4, 4, 1)."""
    starts = [np.arange(CELLS) * side // CELLS for side in values.shape[1:3]]
    columns = np.add.reduceat(values, starts[1], axis=2, dtype=dtype)
    sizes = [np.diff(s, append=side) for s, side in zip(starts, values.shape[1:3], strict=True)]
    return np.add.reduceat(columns, starts[0], axis=1), np.outer(*sizes)[..., None]


def _box(plane: np.ndarray, radius: int) -> np.ndarray:
    """Sums over squares of 2 · radius + 1 pixels a side; beyond the border its values go on."""
    for axis in (1, 2):
        width = [(0, 0)] * 3
        width[axis] = (radius, radius)
        padded = np.pad(plane, width, mode="edge")
        views = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis)
        plane = views.sum(-1, dtype=np.int32)
    return plane
