"""The rows of a table: which of its many candidates each image is scored by.

Stands at the end of the way of the data: images stream in with the errors of all their candidates,
and only sums and histograms of the chosen ones are kept, so memory does not grow with their
number (but for one short row a candidate, which becomes `scores.csv`).
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from exemplar.metrics.diversity import mean_pairwise
from exemplar.metrics.edges import EdgeCounts, average_precision
from exemplar.metrics.normals import NormalStatistics, statistics
from exemplar.metrics.pool import Pool
from exemplar.metrics.ranked import RankedPools, Ranking, mean_of_defined, mean_scores, problem

METRICS = (*NormalStatistics._fields, "ap", "correspondence")
"""Of a table, in order: degrees, percents, and two in [0, 1]."""

MEASURES = (*METRICS, "seam")
"""All that a single candidate has: the metrics, and grey levels."""

HIGHER_IS_BETTER = frozenset({"within_11_25", "within_22_5", "within_30", "ap"})

_NAN = float("nan")


class Selections:
    """Chooses among each image's candidates in every way, and pools the scores of the chosen.

    With one candidate an image there is one selection, `single`. With more there are three:
    `rand-1`, the mean over `rounds` rounds of the score of one candidate drawn for each image;
    `oracle per metric`, where for each metric each image is represented by the candidate best in
    that metric; `oracle one candidate`, where each image is represented in all metrics by the
    candidate with the lowest mean angular error. Where candidates are ranked there are three more:
    `top-1`, the candidate with the lowest score; `distinct few`, the mean over the places in the
    few of the score of the candidates there; `random few`, what as many candidates drawn without
    return would have on average: exactly what all candidates have in diversity, for every pair
    is drawn equally often, and `rand-1` in the others. Of equals the first is best.

    How a selection's scores are pooled says `Pool`.

    Source: PixelNN, Table 1 (rand-1 and oracle of 72); its rule for the oracle is unstated.

    >>> counts = EdgeCounts(np.ones((2, 99), int), np.ones((2, 99), int), np.ones(2, int))
    >>> selections = Selections()
    >>> selections.add("cat", [[10.0, 20.0], [12.0, 14.0]], counts)
    >>> [(row["selection"], row["mean"]) for row in selections.rows()]
    [('rand-1', 14.0), ('oracle per metric', 13.0), ('oracle one candidate', 13.0)]
    """

    def __init__(self, seed: int = 0, rounds: int = 20) -> None:
        """Starts with no images.

        Args:
            seed: of the draws. They depend on it and the image's id only: neither the order of
                the images nor the method matters, so methods are compared on the same draws.
            rounds: how often a candidate is drawn for each image, without return until all have
                been.

        Raises:
            ValueError: fewer than one round.
        """
        if rounds < 1:
            raise ValueError(f"rounds: expected at least 1, got {rounds}")
        self._seed = seed
        self._rand = [Pool() for _ in range(rounds)]
        self._best = {measure: Pool() for measure in MEASURES}
        self._one = Pool()
        self._ranked = RankedPools()
        self._diversity: dict[str, float] = {}
        self._scores: dict[str, pd.DataFrame] = {}

    def add(
        self,
        image_id: str,
        errors: ArrayLike,
        counts: EdgeCounts,
        correspondence: ArrayLike | None = None,
        seam: ArrayLike | None = None,
        features: ArrayLike | None = None,
        ranking: Ranking | None = None,
    ) -> None:
        """Takes in one image with all its candidates.

        Args:
            image_id: not yet taken in.
            errors: (C, P), angular errors in degrees; P may differ between images.
            counts: of leading shape (C,), as from `edge_counts`.
            correspondence: (C,), or None for an image whose surface is not known.
            seam: (C,) grey levels, NaN where undefined, or None.
            features: (C, P), of which the diversity is measured, or None.
            ranking: of all images, or of none.

        Raises:
            ValueError: the shapes do not fit each other or the images before, or the id is known.
        """
        values = np.asarray(errors, np.float32)
        given = {"correspondence": correspondence, "seam": seam}
        others = {k: np.asarray(v, np.float64) for k, v in given.items() if v is not None}
        self._check(image_id, values, counts, others, features, ranking)
        normals = statistics(values, axis=-1)._asdict()
        scores = {name: np.asarray(score) for name, score in normals.items()}
        scores |= {"ap": average_precision(counts), **others}

        def take(pool: Pool, candidate: int) -> None:
            chosen = EdgeCounts(*(part[candidate] for part in counts))
            averaged = {name: float(value[candidate]) for name, value in others.items()}
            pool.add(values[candidate], chosen, averaged)

        best = {measure: _best(measure, score) for measure, score in scores.items()}
        take(self._one, best["mean"])
        if len(values) > 1:
            for measure, candidate in best.items():
                take(self._best[measure], candidate)
            for pool, candidate in zip(self._rand, self._draws(image_id, len(values)), strict=True):
                take(pool, candidate)
        if ranking is not None:
            self._ranked.add(ranking, take, scores["mean"], features)
        self._diversity[image_id] = _NAN if features is None else mean_pairwise(features)
        table = pd.DataFrame({"image": image_id, "candidate": np.arange(len(values)), **scores})
        table["score"] = _NAN if ranking is None else ranking.score
        self._scores[image_id] = table.reindex(columns=["image", "candidate", *MEASURES, "score"])

    def rows(self) -> list[dict[str, Any]]:
        """The table's rows, one for each selection.

        Returns:
            Dictionaries with keys `selection`, the `MEASURES`, `diversity`, `rank_correlation`,
            `images` and `candidates`, of a few how many these are. What is undefined is NaN:
            `correspondence` or `seam` if no image has it, `seam` if a candidate has none, `ap` if
            no image has a true edge, `diversity` but of many, `rank_correlation` but of `top-1`:
            the mean over images of Spearman's rho of score and mean angular error.

        Raises:
            ValueError: no image was taken in.
        """
        if not self._scores:
            raise ValueError("expected at least one image before the rows are asked for, got none")
        candidates = len(next(iter(self._scores.values())))
        one = self._one.scores()
        chosen = {"single": one}
        if candidates > 1:
            known = [measure for measure in MEASURES if self._best[measure].images]
            diversity = {"diversity": mean_of_defined(self._diversity.values())}
            chosen = {
                "rand-1": mean_scores(self._rand) | diversity,
                "oracle per metric": {m: self._best[m].scores()[m] for m in known},
                "oracle one candidate": one,
            }
        ranked = self._ranked.scores()
        if ranked:
            random = chosen.get("rand-1", one)
            chosen |= {"top-1": ranked["top-1"], "random few": random}
            chosen["distinct few"] = ranked["distinct few"]
        columns = (*MEASURES, "diversity", "rank_correlation")
        return [
            {
                "selection": name,
                **{column: scores.get(column, _NAN) for column in columns},
                "images": len(self._scores),
                "candidates": self._ranked.places if name.endswith("few") else candidates,
            }
            for name, scores in chosen.items()
        ]

    def scores(self) -> pd.DataFrame:
        """Every candidate's own: `image`, `candidate` from 0, the `MEASURES`, and `score`.

        A row's `ap` is that of its counts alone and NaN if the image has no true edge; what was
        not given is NaN.
        """
        if not self._scores:
            return pd.DataFrame(columns=["image", "candidate", *MEASURES, "score"])
        return pd.concat(self._scores.values(), ignore_index=True)

    def expected(self) -> pd.DataFrame:
        """What one candidate drawn for each image is expected to have, and the images' diversity.

        Returns:
            One row an image, indexed by its id: the mean over its candidates of each of the
            `MEASURES`, NaN where one of them has none, and `diversity`.
        """
        rows = {
            image_id: table[list(MEASURES)].mean(skipna=False).to_dict()
            | {"diversity": self._diversity[image_id]}
            for image_id, table in self._scores.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=[*MEASURES, "diversity"])

    def _draws(self, image_id: str, candidates: int) -> NDArray[np.int64]:
        """One candidate for each round."""
        generator = np.random.default_rng([self._seed, zlib.crc32(str(image_id).encode())])
        rounds = len(self._rand)
        orders = [generator.permutation(candidates) for _ in range(-(-rounds // candidates))]
        return np.concatenate(orders)[:rounds]

    def _check(
        self,
        image_id: str,
        errors: NDArray[np.float32],
        counts: EdgeCounts,
        others: dict[str, NDArray[np.float64]],
        features: ArrayLike | None,
        ranking: Ranking | None,
    ) -> None:
        """Refuses what does not fit."""
        if image_id in self._scores:
            raise ValueError(f"{image_id}: this image was taken in already")
        if errors.ndim != 2 or 0 in errors.shape:
            raise ValueError(f"{image_id}: errors: expected (C, P), neither 0, got {errors.shape}")
        number = len(errors)
        if counts.matched.shape != (number, 99) or counts.truth.shape != (number,):
            raise ValueError(
                f"{image_id}: counts: expected ({number}, 99) and ({number},) for {number} "
                f"candidates, got {counts.matched.shape} and {counts.truth.shape}"
            )
        for name, values in others.items():
            if values.shape != (number,):
                raise ValueError(f"{image_id}: {name}: expected ({number},), got {values.shape}")
        if features is not None and len(np.asarray(features)) != number:
            raise ValueError(
                f"{image_id}: features: expected {number} rows, got {len(np.asarray(features))}"
            )
        if ranking is not None and (wrong := problem(ranking, number)):
            raise ValueError(f"{image_id}: {wrong}")
        few = 0 if ranking is None else len(ranking.few)
        if not self._scores:
            return
        before = (len(next(iter(self._scores.values()))), self._ranked.places)
        if (number, few) != before:
            raise ValueError(
                f"{image_id}: expected {before[0]} candidates and a few of {before[1]} as for the "
                f"images before, got {number} and {few}"
            )


def _best(metric: str, scores: NDArray[np.float64]) -> int:
    """The first of the best candidates; where no score is defined, the first candidate."""
    worth = scores if metric in HIGHER_IS_BETTER else -scores
    return int(np.argmax(np.nan_to_num(worth, nan=-np.inf)))
