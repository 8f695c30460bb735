"""Which of many candidates to show: a few that differ as much as possible."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

GRID = 8


def spread(images: np.ndarray, count: int, first: Sequence[int] = (0,)) -> list[int]:
    """Chooses candidates by greedy farthest points in coarse colour.

    Args:
        images: u8 (C, H, W, 3).
        count: how many to choose.
        first: indices chosen beforehand, in this order.

    Returns:
        Distinct indices, those of `first` at the front; each further one is the candidate whose
        8×8 colour means lie farthest from all chosen ones (the lowest index among equals). Fewer
        than `count` if the remaining candidates equal chosen ones.
    """
    means = _colour_means(images)
    chosen = list(dict.fromkeys(first))[:count] or [0]
    distance = np.min([np.square(means - means[i]).sum(1) for i in chosen], axis=0)
    while len(chosen) < count:
        farthest = int(distance.argmax())
        if distance[farthest] == 0:
            break
        chosen.append(farthest)
        distance = np.minimum(distance, np.square(means - means[farthest]).sum(1))
    return chosen


def _colour_means(images: np.ndarray) -> np.ndarray:
    """Each image's mean colours on a grid, (C, grid·grid·3), on the scale of its pixel values."""
    count, height, width = images.shape[:3]
    y = np.arange(height) * min(GRID, height) // height
    x = np.arange(width) * min(GRID, width) // width
    cell = y[:, None] * min(GRID, width) + x[None, :]
    sums = np.zeros((count, int(cell.max()) + 1, 3))
    for index, image in enumerate(images):
        for channel in range(3):
            sums[index, :, channel] = np.bincount(
                cell.ravel(), image[..., channel].ravel(), sums.shape[1]
            )
    return (sums / np.bincount(cell.ravel())[:, None]).reshape(count, -1)
