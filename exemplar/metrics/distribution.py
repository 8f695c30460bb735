"""How like photographs a set of images is as a whole: Fréchet distance, precision and recall.

Stands at the end of the way of the data: features of both (`embedding`) come in, and the numbers
of a table's row go out.
"""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from exemplar.metrics import prd
from exemplar.metrics.frechet import frechet_distance, reservation
from exemplar.metrics.prd import Curve, FScores, curve_of_features, f_scores

UNKNOWN = FScores(float("nan"), float("nan"))


class Distribution(NamedTuple):
    """What is measured of a set of images.

    Attributes:
        fid: the Fréchet distance, lower is better.
        scores: F8 and F1/8.
        curve: precision and recall; None of fewer images than clusters.
        warning: what is to be said beside them, empty if there is nothing.
    """

    fid: float
    scores: FScores
    curve: Curve | None
    warning: str


def measured(
    *, made: ArrayLike, photographs: ArrayLike, seed: int = 0, threads: int = 1
) -> Distribution:
    """Measures a set of images of any number, and says if there are too few.

    Args:
        made: (n, M), features of the images to be judged, at least two.
        photographs: (N, M), of what they should be like.
        seed: of PRD's clusterings.
        threads: of one.

    Returns:
        The measurements; F8 and F1/8 are NaN of fewer images than clusters.

    Raises:
        ValueError: the shapes do not fit, or a value is not finite.
    """
    sets = {"made": np.asarray(made), "photographs": np.asarray(photographs)}
    fid = frechet_distance(sets["photographs"], sets["made"], enough=0)
    counts = {name: len(features) for name, features in sets.items()}
    said = [reservation(counts["photographs"], counts["made"], sets["made"].shape[1])]
    least = prd.ENOUGH * prd.CLUSTERS
    if min(counts.values()) < least:
        said.append(f"F8 and F1/8 are noisy: of {min(counts.values())} images, fewer than {least}")
    curve = None
    if min(counts.values()) >= prd.CLUSTERS:
        curve = curve_of_features(**sets, seed=seed, threads=threads)
    scores = UNKNOWN if curve is None else f_scores(curve)
    return Distribution(fid, scores, curve, "; ".join(filter(None, said)))


def known_scores(
    *, made: ArrayLike, photographs: ArrayLike, seed: int = 0, threads: int = 1
) -> dict[str, float]:
    """The scores that a table without warnings may have; the arguments are as above.

    Returns:
        Those of `fid`, `f8` and `f1_8` for which there are enough images.
    """
    given = {"made": made, "photographs": photographs}
    scores = precision_recall(**given, seed=seed, threads=threads)._asdict()
    scores = {"fid": frechet_distance(photographs, made)} | scores
    return {name: value for name, value in scores.items() if isfinite(value)}


def precision_recall(
    *, made: ArrayLike, photographs: ArrayLike, seed: int = 0, threads: int = 1
) -> FScores:
    """F8 and F1/8 of enough images; the arguments are as above.

    Returns:
        Both NaN unless both sets have `prd.ENOUGH` images for every cluster.
    """
    if min(len(np.asarray(made)), len(np.asarray(photographs))) < prd.ENOUGH * prd.CLUSTERS:
        return UNKNOWN
    both = curve_of_features(made=made, photographs=photographs, seed=seed, threads=threads)
    return f_scores(both)
