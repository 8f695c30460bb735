"""Diversity: how different the candidates of one input look from each other.

Stands beside the scores of a table; takes rows of `features.perceptual` or any other features of
which the Euclidean distance means something.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import pdist


def mean_pairwise(features: ArrayLike) -> float:
    """The mean Euclidean distance over all pairs of different candidates.

    Args:
        features: (C, P), one row a candidate.

    Returns:
        At least 0, in the features' unit; NaN of fewer than two candidates.

    Raises:
        ValueError: the features have another shape, or are not finite.

    Source: the mean pairwise LPIPS of BicycleGAN (Zhu et al., 2017, section 4), on other features.

    >>> mean_pairwise([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])
    3.3333333333333335
    """
    values = np.asarray(features, np.float64)
    if values.ndim != 2:
        raise ValueError(f"features: expected (C, P), got {values.shape}")
    if not np.isfinite(values).all():
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1)).tolist()
        raise ValueError(f"features: expected finite values, candidates {bad} have others")
    return float(pdist(values).mean()) if len(values) > 1 else float("nan")
