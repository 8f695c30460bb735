"""Precision and recall of a distribution: how much of it is like photographs, and how much of them.

Stands at the end of the way of the data, beside the Fréchet distance, which is one number: a model
that makes few things well and one that makes all things badly may be equally far from photographs.
Here the first has precision and the second has recall. Source: Sajjadi et al., "Assessing
generative models via precision and recall", 2018, as used in GLANN, section 4.2.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

CLUSTERS, STARTS, RUNS, ANGLES = 20, 10, 10, 1001
"""As its authors compute it: clusterings, each the best of so many starts, of which the curves are
averaged, at slopes of so many equally spaced angles."""

BETA = 8
"""F8 counts recall 64 times as much as precision, F1/8 the other way round."""

ENOUGH = 10
"""Of each set so many images a cluster, or two halves of one set differ by more than models do."""

# Radians between the first and last angle and the axes, where a slope is 0 or infinite.
_END = 1e-10


class Curve(NamedTuple):
    """Precision and recall at each slope, from the lowest precision to the highest.

    Attributes:
        precision: (A,) in [0, 1].
        recall: (A,) in [0, 1].
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


class FScores(NamedTuple):
    """A curve in two numbers, each in [0, 1], higher is better.

    Attributes:
        f8: near its best recall.
        f1_8: near its best precision.
    """

    f8: float
    f1_8: float


def curve_of_histograms(*, made: ArrayLike, photographs: ArrayLike, angles: int = ANGLES) -> Curve:
    """The curve of two distributions over the same bins.

    At slope t precision is the sum over bins of min(t · photographs, made) and recall is that
    divided by t: of all ways to write both as mixtures that share one part, those with t times as
    much of it in `made` as in `photographs`.

    Args:
        made: (B,), not negative; counts or shares of the images to be judged.
        photographs: (B,), the same of what they should be like.
        angles: A, at least 3.

    Returns:
        The curve, of A slopes.

    Raises:
        ValueError: a histogram is not of that form, or empty.

    Source: Sajjadi et al., 2018; GLANN, Eq. 8 and 9, where t is λ.

    >>> curve = curve_of_histograms(made=[1, 0], photographs=[1, 1], angles=3)
    >>> curve.precision.round(3).tolist(), curve.recall.round(3).tolist()
    ([0.0, 0.5, 1.0], [0.5, 0.5, 0.0])
    """
    if angles < 3:
        raise ValueError(f"angles: expected at least 3, got {angles}")
    shares = {}
    for name, counts in (("made", made), ("photographs", photographs)):
        bins = np.asarray(counts, np.float64)
        if bins.ndim != 1 or not np.isfinite(bins).all() or (bins < 0).any() or not bins.sum():
            raise ValueError(
                f"{name}: expected a histogram (B,) of numbers not below 0 and not all 0, "
                f"got {bins.shape} with the sum {bins.sum():g}"
            )
        shares[name] = bins / bins.sum()
    if shares["made"].shape != shares["photographs"].shape:
        sizes = " and ".join(str(len(bins)) for bins in shares.values())
        raise ValueError(f"made and photographs: expected the same bins, got {sizes} of them")
    slopes = np.tan(np.linspace(_END, math.pi / 2 - _END, angles))[:, None]
    shared = np.minimum(slopes * shares["photographs"], shares["made"]).sum(1)
    # Rounding alone leads beyond 1.
    return Curve(shared.clip(0, 1), (shared / slopes[:, 0]).clip(0, 1))


def curve_of_features(
    *, made: ArrayLike, photographs: ArrayLike, seed: int = 0, threads: int = 1
) -> Curve:
    """The curve of two sets of images, by features.

    Equal numbers of both are clustered together and counted in each cluster; clusterings start at
    random, so the curve is the mean over `RUNS` of them.

    Args:
        made: (n, M), of the images to be judged, one image a row.
        photographs: (N, M), of what they should be like; of the larger set as many are drawn as
            the smaller one has.
        seed: of the draw and of the clusterings.
        threads: of a clustering.

    Returns:
        The curve, of `ANGLES` slopes.

    Raises:
        ValueError: the shapes do not fit, a value is not finite, or there are fewer images than
            clusters.

    Source: Sajjadi et al., 2018, with the settings of their program; GLANN, section 4.2.
    """
    from sklearn.cluster import MiniBatchKMeans  # its import takes a second
    from threadpoolctl import threadpool_limits

    sets = {
        # In single precision scikit-learn turns parts of them into double again and again.
        name: np.asarray(features, np.float64)
        for name, features in (("made", made), ("photographs", photographs))
    }
    _check(sets)
    count = min(map(len, sets.values()))
    generator = np.random.default_rng(seed)
    both = np.concatenate([_drawn(features, count, generator) for features in sets.values()])
    curves = []
    with threadpool_limits(threads):
        for start in generator.integers(2**31, size=RUNS).tolist():
            clusters = MiniBatchKMeans(CLUSTERS, random_state=start).set_params(n_init=STARTS)
            found = clusters.fit_predict(both)
            counts = [np.bincount(part, minlength=CLUSTERS) for part in np.split(found, [count])]
            curves.append(curve_of_histograms(made=counts[0], photographs=counts[1]))
    return Curve(*(np.mean(values, axis=0) for values in zip(*curves, strict=True)))


def f_beta(curve: Curve, beta: float) -> float:
    """The best F-score on a curve.

    Args:
        curve: of any two sets.
        beta: recall counts beta² times as much as precision.

    Returns:
        In [0, 1]; 0 where nothing is shared.

    Source: Sajjadi et al., 2018; GLANN, section 4.2.

    >>> round(f_beta(curve_of_histograms(made=[1, 0], photographs=[1, 1], angles=3), 1), 3)
    0.5
    """
    precision, recall = curve
    below = beta**2 * precision + recall
    score = np.divide(
        (1 + beta**2) * precision * recall, below, out=np.zeros_like(below), where=below > 0
    )
    return float(score.max())


def f_scores(curve: Curve) -> FScores:
    """F8 and F1/8 of a curve, recall first."""
    return FScores(f_beta(curve, BETA), f_beta(curve, 1 / BETA))


def _drawn(
    features: NDArray[np.float64], count: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """So many of the images; all of them as they are, if there are no more."""
    if len(features) == count:
        return features
    return features[np.sort(generator.choice(len(features), count, replace=False))]


def _check(sets: dict[str, NDArray[np.float64]]) -> None:
    """Refuses what does not fit."""
    shapes = [features.shape for features in sets.values()]
    if any(len(shape) != 2 for shape in shapes) or shapes[0][1] != shapes[1][1]:
        raise ValueError(f"features: expected (n, M) and (N, M), got {shapes[0]} and {shapes[1]}")
    for name, features in sets.items():
        if not np.isfinite(features).all():
            bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
            raise ValueError(f"{name}: expected finite features, rows {bad.tolist()} have others")
        if len(features) < CLUSTERS:
            raise ValueError(
                f"{name}: expected at least {CLUSTERS} images, one a cluster, got {len(features)}"
            )
