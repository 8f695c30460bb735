"""Similarities averaged over neighbourhoods, so that neighbouring pixels match alike.

In place of the similarity of two pixels stands the mean over the (2r + 1)² pairs of pixels around
both, at equal displacement: a match counts as good when its surroundings match too. Sums run along
the diagonals of the similarity matrix, so a row of means costs a few additions a value whatever
the radius. Beyond a border the border's pixels repeat. Source: the aggregation of costs in stereo
matching, Scharstein and Szeliski, 2002, section 3.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from exemplar.matching import support_cpu

Multiply = Callable[[int, int, int], Tensor]
"""From a query row and the first and last-but-one key row to similarities (W, k, W), which may be
overwritten by the next call."""


def supported_rows(
    multiply: Multiply, height: int, width: int, radius: int, low: int, high: int
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Mean similarities of one query row after the other to the key rows near it, on the CPU.

    Args:
        multiply: gives the similarities of pixels.
        height: H of query and exemplar.
        width: W.
        radius: r, of the neighbourhood.
        low: the first key row wanted, relative to the query's; at most 0.
        high: the last; at least 0.

    Yields:
        A query row y, the first key row, and means (W, k, W) float32 of its pixels to the key rows
        from max(0, y + low) to min(H − 1, y + high), valid until the next row.
    """
    low, high = max(low, 1 - height), min(high, height - 1)
    span = high - low + 1
    # Sums along image rows of the last rows; entry o of the second axis is key row y + low + o.
    held = np.zeros((min(2 * radius + 2, height), width, span, width), np.float32)
    sums = np.zeros((width, span, width), np.float32)
    scale = np.float32(1 / (2 * radius + 1) ** 2)
    means = np.empty((width, span, width), np.float32)
    filled = 0
    for y in range(height):
        while filled <= min(y + radius, height - 1):
            first, last = max(0, filled + low), min(height - 1, filled + high)
            similar = multiply(filled, first, last + 1).numpy()
            slot = held[filled % len(held)]
            support_cpu.along_rows(similar, slot[:, first - filled - low :], radius)
            filled += 1
        support_cpu.down_columns(held, sums, y, height, radius, low)
        first, last = max(0, y + low), min(height - 1, y + high)
        part = slice(first - y - low, last - y - low + 1)
        yield y, first, np.multiply(sums[:, part], scale, out=means[:, : last - first + 1])


def supported_row(
    multiply: Multiply, y: int, height: int, width: int, radius: int, low: int, high: int
) -> tuple[int, Tensor]:
    """What `supported_rows` gives for one query row, by whole-array operations on any device.

    Returns:
        The first key row, and means (W, k, W).
    """
    device = multiply(0, 0, 1).device
    x = torch.arange(width, device=device)
    first, last = max(0, y + low), min(height - 1, y + high)
    key_rows = torch.arange(first, last + 1, device=device)
    total = torch.zeros(width, len(key_rows), width, device=device)
    for dy in range(-radius, radius + 1):
        row = min(max(y + dy, 0), height - 1)
        rows = (key_rows + dy).clamp(0, height - 1)
        start = int(rows[0])
        similar = multiply(row, start, int(rows[-1]) + 1)
        for dx in range(-radius, radius + 1):
            column = (x + dx).clamp(0, width - 1)
            total += similar[column][:, rows - start][:, :, column]
    return first, total / (2 * radius + 1) ** 2
