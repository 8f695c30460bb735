"""Matching by neighbourhoods as nested loops over pairs of pixels."""

from __future__ import annotations

import numpy as np


def means(
    query: np.ndarray, keys: np.ndarray, radius: int, guide: np.ndarray | None, softness: float
) -> np.ndarray:
    """(H, W, H, W): the mean similarity of the pairs around each pair that lie inside both."""
    height, width, _ = query.shape
    found = np.zeros((height, width, height, width))
    for y, x, v, u in np.ndindex(found.shape):
        total = norm = 0.0
        for dy in range(-radius, radius + 1):
            for dx in range(-radius, radius + 1):
                places = ((y + dy, x + dx), (v + dy, u + dx))
                if any(not (0 <= a < height and 0 <= b < width) for a, b in places):
                    continue
                weight = 1.0
                if softness:
                    change = np.linalg.norm(guide[y, x] - guide[places[0]])
                    weight = max(float(np.exp(-0.5 * (change / softness) ** 2)), 1e-6)
                total += weight * float(query[places[0]] @ keys[places[1]])
                norm += weight
        found[y, x, v, u] = total / norm
    return found
