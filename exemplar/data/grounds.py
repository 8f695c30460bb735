"""The ground of a page: its colour everywhere, also where the light on it is uneven.

For `drawings`, where lines are what differs from the ground.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import percentile_filter

GRID = 32
"""Blocks along a page's longer side."""
BLOCK = 8
"""Pixels of a block's side, at least: of most blocks, lines must cover less than half."""
EVEN = 0.5
"""Share of the blocks that have one colour, if the page has."""
ORDER = 3
"""Of the surface, in each direction and together."""
ROUNDS = 12
"""Times that blocks which are no ground are left out, and the surface is fitted anew."""
AROUND, RANK, NEAR = 11, 75, 0.1
"""To begin with, ground is what is as light as this percentile of so many blocks around it, up to a
share."""
SPREAD = 2.5
"""Deviation of a block that is no ground, in those of blocks that are."""
LEAST_SPREAD = 2.0
"""Levels of this deviation, at least."""


def ground_of(page: NDArray[np.uint8], dark: bool) -> NDArray[np.float32]:
    """The colour that a page would have without its lines.

    Where half of the page has one colour, this is it. Else a smooth surface is fitted to the
    medians of blocks, leaving out those that lines or filled areas cover.

    Args:
        page: (H, W, 3) u8.
        dark: the lines are darker than the ground.

    Returns:
        (H, W, 3) float32 in [0, 255], or (1, 1, 3) where it is the same everywhere.
    """
    grid, places = _blocks(page)
    blocks = grid.reshape(-1, 3)
    colours, counts = np.unique(blocks, axis=0, return_counts=True)
    even = colours[counts.argmax()][None, None].astype(np.float32)
    if counts.max() >= EVEN * len(blocks):
        return even
    terms = _powers(places[:, 0])[:, :, None] * _powers(places[:, 1])[:, None, :]
    low = np.add.outer(np.arange(ORDER + 1), np.arange(ORDER + 1)) <= ORDER
    terms = terms[:, low]
    light = grid.mean(-1) if dark else 255 - grid.mean(-1)
    usual = percentile_filter(light, RANK, size=AROUND, mode="nearest")
    kept = (np.abs(light - usual) <= NEAR * usual).ravel()
    weights = np.zeros((ORDER + 1, ORDER + 1, 3))
    for _ in range(ROUNDS):
        if kept.sum() < 2 * terms.shape[1]:
            return even
        weights[low] = np.linalg.lstsq(terms[kept], blocks[kept], rcond=None)[0]
        off = np.abs(blocks - terms @ weights[low]).max(-1)
        kept = off <= SPREAD * max(LEAST_SPREAD, float(np.median(off[kept])))
    down, across = (_powers(_centred(side)) for side in page.shape[:2])
    surface = np.einsum("yi,ijc,xj->yxc", down, weights, across, optimize=True)
    return np.clip(surface, 0, 255).astype(np.float32)


def _blocks(page: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The median colour of each block, (R, C, 3), and its place, (R * C, 2) in [-1, 1]."""
    height, width = page.shape[:2]
    side = min(max(BLOCK, -(-max(height, width) // GRID)), height, width)
    rows, columns = height // side, width // side
    whole = page[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    medians = np.median(whole.swapaxes(1, 2).reshape(rows, columns, side * side, 3), axis=2)
    middles = [
        _centred(length)[: count * side].reshape(count, side).mean(1)
        for length, count in ((height, rows), (width, columns))
    ]
    return medians, np.stack(np.meshgrid(*middles, indexing="ij"), -1).reshape(-1, 2)


def _centred(length: int) -> NDArray[np.float64]:
    """Middles of pixels along a side, in [-1, 1]."""
    return (np.arange(length) + 0.5) / length * 2 - 1


def _powers(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) → (N, ORDER + 1)."""
    return values[:, None] ** np.arange(ORDER + 1)
