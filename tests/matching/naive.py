"""Windowed matching as a quadruple loop that knows nothing of blocks, clamping or strides."""

from __future__ import annotations

import numpy as np

from exemplar.matching.windows import WHOLE


def best(query: np.ndarray, exemplar: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Every pixel (H, W, D) against every pixel, first of the best in reading order."""
    height, width, _ = query.shape
    score = np.full((height, width), -np.inf)
    position = np.full((height, width), -1)
    for y in range(height):
        for x in range(width):
            for v in range(height):
                for u in range(width):
                    first = -(window // 2)
                    near = all(first <= d < first + window for d in (v - y, u - x))
                    if window != WHOLE and not near:
                        continue
                    value = float(np.dot(query[y, x], exemplar[v, u]))
                    if value > score[y, x]:
                        score[y, x], position[y, x] = value, v * width + u
    return score, position


def allowed(height: int, width: int, window: int) -> np.ndarray:
    """(H · W, H · W): which key pixels lie in each query pixel's window."""
    y, x = np.divmod(np.arange(height * width), width)
    dy, dx = y[None] - y[:, None], x[None] - x[:, None]
    if window == WHOLE:
        return np.ones_like(dy, dtype=bool)
    first = -(window // 2)
    return (dy >= first) & (dy < first + window) & (dx >= first) & (dx < first + window)
