"""What one judge of several sees of every method's outputs, and the rows that come of it.

Part of `evaluation`: each judge chooses its own oracles, and has its own features for the Fréchet
distance, precision and recall.
"""

from __future__ import annotations

from collections import defaultdict
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from exemplar.metrics.comparison import compare
from exemplar.metrics.distribution import known_scores
from exemplar.metrics.edges import EdgeCounts
from exemplar.metrics.frechet import difference_interval, features_name, frechet_distance
from exemplar.metrics.selection import METRICS, Selections

PAIR = ("pixelnn", "coherent")
"""The methods that are compared image by image."""

COMPARED = (*METRICS[:-1], "seam", "diversity")
"""Of `comparison.csv`, beside the distances of all candidates together."""

DISTRIBUTION = ("fid", "f8", "f1_8")
"""Of all candidates of a method together, against photographs, on a judge's features."""


class Sight(NamedTuple):
    """What one judge sees of a method's C candidates of one image.

    Attributes:
        errors: (C, P), angular errors in degrees.
        counts: of edges, of leading shape (C,).
        means: (C, M), for the Fréchet distance and for precision and recall.
    """

    errors: np.ndarray
    counts: EdgeCounts
    means: np.ndarray

    def chosen(self, places: list[int]) -> Sight:
        """The same of some candidates."""
        counts = EdgeCounts(*(part[places] for part in self.counts))
        return Sight(self.errors[places], counts, self.means[places])


class Judged:
    """What one judge saw so far.

    Attributes:
        judge: its identity.
        shares: what it shares with what it judges (`independence.shared`).
        selections: by method.
        means: by method, the candidates' features for the Fréchet distance and for precision and
            recall, (C, M) an image.
        photographs: those of photographs, (n, M) each.
    """

    def __init__(self, judge: str, shares: str, selections: dict[str, Selections]) -> None:
        """Starts with no images; `selections` are empty ones, by method."""
        self.judge, self.shares, self.selections = judge, shares, selections
        self.means: defaultdict[str, list[np.ndarray]] = defaultdict(list)
        self.photographs: list[np.ndarray] = []

    def distribution(
        self, seed: int, threads: int, clustered: bool = True
    ) -> dict[str, dict[str, float]]:
        """Those of `DISTRIBUTION` for which there are enough images, of each method with many.

        Args:
            seed: of the clusterings of precision and recall.
            threads: of one.
            clustered: whether precision and recall are measured: they take longer than the judge.
        """
        if not self.photographs:
            return {}
        photographs = np.concatenate(self.photographs)
        found = {}
        for method, means in self.means.items():
            if len(means[0]) < 2:
                continue
            sets = {"made": np.concatenate(means), "photographs": photographs}
            if clustered:
                found[method] = known_scores(**sets, seed=seed, threads=threads)
            else:
                fid = frechet_distance(photographs, sets["made"])
                found[method] = {"fid": fid} if isfinite(fid) else {}
        return found

    def rows(self, distribution: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
        """Rows of the table, without what no judge sees."""
        rows = []
        for method, chosen in self.selections.items():
            for row in chosen.rows():
                row |= {"method": method, "judge": self.judge, "judge_shares": self.shares}
                if row["selection"] == "rand-1" and distribution.get(method):
                    row |= distribution[method] | {"fid_features": features_name(self.judge)}
                rows.append(row)
        return rows

    def comparison(self, fid: dict[str, float], seed: int) -> pd.DataFrame:
        """`coherent` beside `pixelnn`, as published, over the same images."""
        published, coherent = (self.selections[m].expected() for m in PAIR)
        table = compare(published, coherent, list(COMPARED), seed)
        pair = [fid.get(method, np.nan) for method in PAIR]
        if not np.isnan(pair).any():
            one, other = (np.stack(self.means[method]) for method in PAIR)
            ends = difference_interval(np.concatenate(self.photographs), one, other, seed)
            table.loc[len(table)] = compared("fid", pair, ends, len(published))
        return table


def compared(
    metric: str, pair: list[float], ends: tuple[float, float], images: int
) -> dict[str, Any]:
    """A row of the comparison, of a distance of all candidates together.

    Args:
        metric: its name.
        pair: its values of `PAIR`.
        ends: of the interval of their difference.
        images: over how many.
    """
    names = ("metric", "published", "coherent", "difference", "low", "high", "images")
    return dict(zip(names, (metric, *pair, pair[1] - pair[0], *ends, images), strict=True))
