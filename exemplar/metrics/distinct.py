"""A distinct few of many candidates: good ones, each unlike the others.

Any method that gives many outputs for one input may show these in place of all, as pages and
tables do. Source: the greedy choice of farthest points (Gonzalez, 1985), above a bar of quality.
"""

from __future__ import annotations

from math import ceil

import numpy as np


def distinct(features: np.ndarray, score: np.ndarray, count: int, good: float = 0.5) -> list[int]:
    """Chooses good candidates that differ as much as possible.

    The best one is taken first, then again and again the one farthest from all that are taken, of
    equally far ones the better.

    Args:
        features: (C, P), whose Euclidean distances say how unlike candidates are
            (`features.perceptual`).
        score: (C,), lower is better; of equals the first is.
        count: how many, 1 to C.
        good: the share of candidates, the best ones, that may be taken; at least `count` may.

    Returns:
        `count` different indices, best first.

    Raises:
        ValueError: the shapes do not fit, a value is not finite, or `count` or `good` is out of
            range.

    >>> distinct(np.array([[0.0], [0.1], [5.0], [9.0]]), np.array([2.0, 1.0, 3.0, 9.0]), 2, 0.75)
    [1, 2]
    """
    features, score = np.asarray(features, np.float64), np.asarray(score, np.float64)
    if features.ndim != 2 or score.shape != features.shape[:1]:
        raise ValueError(
            "expected features (C, P) and a score (C,) of the same candidates, got "
            f"{features.shape} and {score.shape}"
        )
    if not (np.isfinite(features).all() and np.isfinite(score).all()):
        raise ValueError("expected finite features and scores; the network or image is damaged")
    if not 1 <= count <= len(score):
        raise ValueError(
            f"{count} candidates are wanted: expected 1 to {len(score)}, all there are"
        )
    if not 0 <= good <= 1:
        raise ValueError(f"good: expected a share of the candidates from 0 to 1, got {good}")
    order = np.argsort(score, kind="stable")[: max(count, ceil(good * len(score)))]
    points = features[order]
    chosen, distance = [0], np.full(len(order), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, np.square(points - points[chosen[-1]]).sum(1))
        distance[chosen] = -1  # equal candidates are at 0 and may still be needed
        chosen.append(int(distance.argmax()))
    return order[sorted(chosen)].tolist()
