"""What a ranking chooses: the best-ranked candidate, the distinct few, and how right it is.

Part of `selection`, for methods whose candidates come ranked without the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from exemplar.metrics.diversity import mean_pairwise
from exemplar.metrics.pool import Pool


class Ranking(NamedTuple):
    """What is said of an image's candidates without the truth.

    Attributes:
        score: (C,), finite, lower is better.
        few: (F,), distinct candidates to be shown, best first.
    """

    score: NDArray[np.floating]
    few: NDArray[np.integer]


class RankedPools:
    """Pools of the candidates that rankings choose; the few have a pool for each place in them."""

    def __init__(self) -> None:
        """Starts with no images."""
        self._top = Pool()
        self._few: list[Pool] = []
        self._diversity: list[float] = []
        self._correlation: list[float] = []

    @property
    def places(self) -> int:
        """F, how many the few are; 0 if there are no rankings."""
        return len(self._few)

    def add(
        self,
        ranking: Ranking,
        take: Callable[[Pool, int], None],
        error: NDArray[np.floating],
        features: ArrayLike | None,
    ) -> None:
        """Takes in one image.

        Args:
            ranking: of its candidates, checked.
            take: adds one of its candidates to a pool.
            error: (C,) the candidates' mean angular errors.
            features: (C, P), or None.
        """
        take(self._top, int(np.argmin(ranking.score)))
        self._few = self._few or [Pool() for _ in ranking.few]
        for pool, candidate in zip(self._few, ranking.few, strict=True):
            take(pool, int(candidate))
        self._correlation.append(rank_correlation(ranking.score, error))
        if features is not None:
            self._diversity.append(mean_pairwise(np.asarray(features)[ranking.few]))

    def scores(self) -> dict[str, dict[str, float]]:
        """The scores of `top-1` and `distinct few`; nothing if there are no rankings."""
        if not self._few:
            return {}
        correlation = {"rank_correlation": mean_of_defined(self._correlation)}
        diversity = {"diversity": mean_of_defined(self._diversity)}
        return {
            "top-1": self._top.scores() | correlation,
            "distinct few": mean_scores(self._few) | diversity,
        }


def problem(ranking: Ranking, candidates: int) -> str | None:
    """What is wrong with a ranking of so many candidates; None if nothing is."""
    score, few = np.asarray(ranking.score), np.asarray(ranking.few)
    if score.shape != (candidates,) or not np.isfinite(score).all():
        return f"score: expected ({candidates},) finite, got {score.shape} {score}"
    integers = few.ndim == 1 and len(few) > 0 and np.issubdtype(few.dtype, np.integer)
    if not integers or len(np.unique(few)) < len(few) or few.min() < 0 or few.max() >= candidates:
        return f"few: expected distinct candidates of 0…{candidates - 1}, got {few}"
    return None


def rank_correlation(score: ArrayLike, error: ArrayLike) -> float:
    """Spearman's rho of two (C,); NaN where one of them has the same value for all candidates.

    >>> rank_correlation([1.0, 2.0, 3.0], [5.0, 9.0, 7.0])
    0.5
    """
    if np.ptp(score) == 0 or np.ptp(error) == 0:
        return float("nan")
    found: Any = stats.spearmanr(score, error)
    return float(found.statistic)


def mean_scores(pools: list[Pool]) -> dict[str, float]:
    """Each measure's mean over pools of the same images."""
    each = [pool.scores() for pool in pools]
    return {name: float(np.mean([scores[name] for scores in each])) for name in each[0]}


def mean_of_defined(values: Iterable[float]) -> float:
    """The mean of those values that are not NaN; NaN if all are."""
    some = [value for value in values if not np.isnan(value)]
    return float(np.mean(some)) if some else float("nan")
