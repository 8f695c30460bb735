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

from exemplar.metrics.edges import EdgeCounts, average_precision, pooled
from exemplar.metrics.normals import WITHIN, NormalStatistics, statistics

METRICS = (*NormalStatistics._fields, "ap", "correspondence")
"""The columns of a table, in order: degrees, percents, and two in [0, 1]."""

HIGHER_IS_BETTER = frozenset({"within_11_25", "within_22_5", "within_30", "ap"})

_BINS = 180_000


class Selections:
    """Chooses among each image's candidates in every way, and pools the scores of the chosen.

    With one candidate an image there is one selection, `single`. With more there are three:
    `rand-1`, the mean over `rounds` rounds of the score of one candidate drawn for each image;
    `oracle per metric`, where for each metric each image is represented by the candidate best in
    that metric; `oracle one candidate`, where each image is represented in all metrics by the
    candidate with the lowest mean angular error. Of equals the first is best.

    Angular errors are pooled over all pixels of all images, edge counts are summed before their
    average precision is taken, correspondence errors are averaged over the images that have
    them. Everything is exact but the pooled median, which comes from a histogram and is within
    0.001 degrees.

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
        self._rand = [_Pool() for _ in range(rounds)]
        self._best = {metric: _Pool() for metric in METRICS}
        self._one = _Pool()
        self._scores: dict[str, pd.DataFrame] = {}

    def add(
        self,
        image_id: str,
        errors: ArrayLike,
        counts: EdgeCounts,
        correspondence: ArrayLike | None = None,
    ) -> None:
        """Takes in one image with all its candidates.

        Args:
            image_id: not yet taken in.
            errors: (C, P), angular errors in degrees; P may differ between images.
            counts: of leading shape (C,), as from `edge_counts`.
            correspondence: (C,), or None for an image whose surface is not known.

        Raises:
            ValueError: the shapes do not fit each other or the images before, or the id is known.
        """
        values = np.asarray(errors, np.float32)
        self._check(image_id, values, counts, correspondence)
        normals = statistics(values, axis=-1)._asdict()
        scores = {name: np.asarray(score) for name, score in normals.items()}
        scores["ap"] = average_precision(counts)
        if correspondence is not None:
            scores["correspondence"] = np.asarray(correspondence, np.float64)

        def take(pool: _Pool, candidate: int) -> None:
            chosen = EdgeCounts(*(part[candidate] for part in counts))
            where = scores["correspondence"][candidate] if correspondence is not None else None
            pool.add(values[candidate], chosen, where)

        best = {metric: _best(metric, score) for metric, score in scores.items()}
        take(self._one, best["mean"])
        if len(values) > 1:
            for metric, candidate in best.items():
                take(self._best[metric], candidate)
            for pool, candidate in zip(self._rand, self._draws(image_id, len(values)), strict=True):
                take(pool, candidate)
        table = pd.DataFrame({"image": image_id, "candidate": np.arange(len(values)), **scores})
        self._scores[image_id] = table.reindex(columns=["image", "candidate", *METRICS])

    def rows(self) -> list[dict[str, Any]]:
        """The table's rows, one for each selection.

        Returns:
            Dictionaries with keys `selection`, the `METRICS`, `images` and `candidates`;
            `correspondence` is NaN if no image has it, `ap` if no image has a true edge.

        Raises:
            ValueError: no image was taken in.
        """
        if not self._scores:
            raise ValueError("expected at least one image before the rows are asked for, got none")
        candidates = self._candidates()
        one = self._one.scores()
        if candidates == 1:
            chosen = {"single": one}
        else:
            rounds = [pool.scores() for pool in self._rand]
            known = [metric for metric in METRICS if self._best[metric].images]
            best = {metric: self._best[metric].scores()[metric] for metric in known}
            chosen = {
                "rand-1": {m: float(np.mean([scores[m] for scores in rounds])) for m in METRICS},
                "oracle per metric": {m: best.get(m, float("nan")) for m in METRICS},
                "oracle one candidate": one,
            }
        size = {"images": len(self._scores), "candidates": candidates}
        return [{"selection": name, **scores, **size} for name, scores in chosen.items()]

    def scores(self) -> pd.DataFrame:
        """Every candidate's own scores: `image`, `candidate` from 0, and the `METRICS`.

        A row's `ap` is that of its counts alone and NaN if the image has no true edge;
        `correspondence` is NaN where it was not given.
        """
        if not self._scores:
            return pd.DataFrame(columns=["image", "candidate", *METRICS])
        return pd.concat(self._scores.values(), ignore_index=True)

    def _candidates(self) -> int:
        return len(next(iter(self._scores.values())))

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
        correspondence: ArrayLike | None,
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
        if correspondence is not None and np.shape(correspondence) != (number,):
            raise ValueError(
                f"{image_id}: correspondence: expected ({number},), got {np.shape(correspondence)}"
            )
        if self._scores and number != self._candidates():
            raise ValueError(
                f"{image_id}: expected {self._candidates()} candidates as for the images before, "
                f"got {number}"
            )


class _Pool:
    """Sums over the chosen candidates of many images."""

    def __init__(self) -> None:
        self.images = 0
        self.pixels = 0
        self.total = 0.0
        self.squares = 0.0
        self.within = np.zeros(len(WITHIN), np.int64)
        self.histogram = np.zeros(_BINS, np.int64)
        self.counts: EdgeCounts | None = None
        self.distance = 0.0
        self.distances = 0

    def add(
        self, errors: NDArray[np.float32], counts: EdgeCounts, correspondence: float | None
    ) -> None:
        """Takes in one image's chosen candidate: errors (P,), counts (99,)."""
        self.images += 1
        self.pixels += errors.size
        self.total += float(errors.sum(dtype=np.float64))
        self.squares += float(np.square(errors, dtype=np.float64).sum())
        self.within += [int((errors < limit).sum()) for limit in WITHIN]
        bins = (errors * np.float32(_BINS / 180)).astype(np.int64)
        np.add.at(self.histogram, np.clip(bins, 0, _BINS - 1), 1)
        both = (counts,) if self.counts is None else (self.counts, counts)
        self.counts = pooled(EdgeCounts(*(np.stack(part) for part in zip(*both, strict=True))))
        if correspondence is not None:
            self.distance += float(correspondence)
            self.distances += 1

    def scores(self) -> dict[str, float]:
        """The pool's `METRICS`."""
        assert self.counts is not None
        normals = NormalStatistics(
            self.total / self.pixels,
            self._median(),
            float(np.sqrt(self.squares / self.pixels)),
            *(100.0 * self.within / self.pixels).tolist(),
        )
        return {
            **normals._asdict(),
            "ap": float(average_precision(self.counts)),
            "correspondence": self.distance / self.distances if self.distances else float("nan"),
        }

    def _median(self) -> float:
        """The mean of the middle two errors, each taken to be in the middle of its bin."""
        below = np.cumsum(self.histogram)
        middle = [(self.pixels - 1) // 2, self.pixels // 2]
        return float((np.searchsorted(below, middle, side="right") + 0.5).mean() * 180 / _BINS)


def _best(metric: str, scores: NDArray[np.float64]) -> int:
    """The first of the best candidates; where no score is defined, the first candidate."""
    worth = scores if metric in HIGHER_IS_BETTER else -scores
    return int(np.argmax(np.nan_to_num(worth, nan=-np.inf)))
