"""Two methods' pictures at the size for people, where what the stored size hides is seen.

Stands at the end of the way of the data: `coherent` candidates are enlarged, `whole` ones reduced
to one size, and judged there beside photographs of that size: by the kernel distance on a large
network's features, by the normals that a judge sees and by the edges. All is paired over the test
images, so each number has its interval, and so has the difference.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Mapping
from math import isnan, nan
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from exemplar.conditions.sources import EdgeSource
from exemplar.metrics.comparison import bootstrap_interval
from exemplar.metrics.detail_columns import COLUMNS, DRAWN, PAIR, TOP
from exemplar.metrics.edges import average_precision, edge_counts
from exemplar.metrics.embedding import Embedding, PooledFeatures
from exemplar.metrics.judge import Judge, Seen
from exemplar.metrics.normals import angular_error
from exemplar.metrics.sampled_columns import FD, HIGH, KID, LOW
from exemplar.metrics.sampled_distance import SampledDistances, SampledSettings
from exemplar.settings import Settings

JUDGED = ("mean", "ap")


class DetailSettings(Settings):
    """How large pictures are looked at, and how many."""

    side: int = Field(default=256, ge=32)
    """Pixels of the longer side; no more than pictures have."""
    candidates: int = Field(default=2, ge=1)
    """Of each test image, drawn with the seed, beside the best-ranked one."""
    photographs: int = Field(default=100, ge=2)
    """Of the train split, drawn with the seed, for the distances on features."""
    judged: int = Field(default=8, ge=0)
    """Test images, evenly chosen, in whose pictures normals and edges are judged."""
    edges: EdgeSource | None = None
    """Which network judges edges. None: HED where its package is installed, unless it made the
    inputs; else the judge that judges normals."""


class Chosen(NamedTuple):
    """Of a method's candidates of one image those that are looked at.

    Attributes:
        best: (1, H, W, 3) u8, the best-ranked one.
        drawn: (n, H, W, 3) u8.
    """

    best: np.ndarray
    drawn: np.ndarray


class Detail:
    """What was seen so far of both methods of `PAIR`."""

    def __init__(
        self,
        settings: DetailSettings,
        seed: int,
        judge: Judge,
        shares: str,
        threshold: float,
        see: Embedding | None = None,
    ) -> None:
        """Starts with no images.

        Args:
            settings: how many and how large.
            seed: of the draws and of the intervals.
            judge: of normals and edges.
            shares: what it shares with what it judges (`independence.shared`).
            threshold: of true edges.
            see: the network whose features are compared, EfficientNet-Lite2 by default.
        """
        self._settings, self._seed = settings, seed
        self._judge, self._shares, self._threshold = judge, shares, threshold
        self._see = see or PooledFeatures(settings.side)
        sampled = SampledSettings(
            side=settings.side, candidates=settings.candidates, photographs=settings.photographs
        )
        self._distances = SampledDistances(sampled, seed, self._see)
        self._found: defaultdict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
        self._images, self._photographs, self._drawn, self._side = 0, 0, 0, 0

    def drawn(self, image_id: str, count: int) -> list[int]:
        """Places of the candidates of an image, of so many, that are looked at, in order."""
        generator = np.random.default_rng([self._seed, zlib.crc32(image_id.encode())])
        return sorted(generator.permutation(count)[: self._settings.candidates].tolist())

    def chosen(self, rows: np.ndarray) -> np.ndarray:
        """Those of some photographs' rows that are looked at, in order."""
        return self._distances.chosen(rows)

    def add(
        self, image_id: str, made: Mapping[str, Chosen], truth: np.ndarray | None = None
    ) -> None:
        """Looks at what the methods made of one image.

        Args:
            image_id: not yet taken in.
            made: of each method of `PAIR`.
            truth: (H, W, 3) u8, the photograph, if normals and edges are to be judged by it.
        """
        self._images += 1
        self._side = max(made[PAIR[0]].best.shape[1:3])
        self._drawn = min(len(each.drawn) for each in made.values())
        real = None if truth is None else self._judge(truth[None])
        for method in PAIR:
            for selection, images in zip((TOP, DRAWN), made[method], strict=True):
                self._distances.add(f"{method} {selection}", image_id, images)
                if real is not None:
                    self._found[selection, method].append(self._judged(self._judge(images), real))

    def add_photograph(self, image: np.ndarray) -> None:
        """Looks at a photograph, (H, W, 3) u8."""
        self._photographs += 1
        self._distances.add_photographs(image[None])

    def table(self) -> pd.DataFrame:
        """The columns of `COLUMNS` but domain and condition; without what is undefined.

        Distances want two photographs and two test images.
        """
        rows = []
        for selection in (TOP, DRAWN):
            rows += [self._judged_row(metric, selection) for metric in JUDGED]
            rows += [self._distance_row(metric, selection) for metric in (FD, KID)]
        return pd.DataFrame([row for row in rows if row is not None], columns=list(COLUMNS[2:]))

    def _judged(self, seen: Seen, real: Seen) -> dict[str, float]:
        """Means over candidates; NaN is the precision of edges where there are none."""
        angles = angular_error(seen.normals, real.normals[0])
        counts = edge_counts(seen.edges, real.edges[0] >= self._threshold)
        return {"mean": float(np.mean(angles)), "ap": float(average_precision(counts).mean())}

    def _judged_row(self, metric: str, selection: str) -> dict[str, Any] | None:
        pair = [
            np.array([each[metric] for each in self._found[selection, method]], np.float64)
            for method in PAIR
        ]
        known = np.isfinite(pair).all(0)
        if not known.any():
            return None
        values = [each[known] for each in pair]
        ends = [bootstrap_interval(each, self._seed) for each in (*values, values[1] - values[0])]
        judged = {"judge": self._judge.identity, "judge_shares": self._shares}
        means = [float(each.mean()) for each in values]
        return self._row(metric, selection, means, ends, int(known.sum())) | judged

    def _distance_row(self, metric: str, selection: str) -> dict[str, Any] | None:
        if min(self._images, self._photographs) < 2:
            return None
        names = [f"{method} {selection}" for method in PAIR]
        found: list[Any] = [self._distances.of(name) for name in names]
        values = [each.get(metric, nan) for each in found]
        if any(map(isnan, values)):
            return None
        ends = [(nan, nan)] * 3
        if metric == KID:
            ends = [(each[LOW], each[HIGH]) for each in found]
            ends.append(self._distances.difference(*names))
        by = f"{self._see.name}, of {self._photographs:,} photographs"
        return self._row(metric, selection, values, ends, self._images) | {"judge": by}

    def _row(
        self, metric: str, selection: str, pair: list[float], ends: list[Any], images: int
    ) -> dict[str, Any]:
        """One row; ends are those of both intervals and of the difference's."""
        row: dict[str, Any] = {"metric": metric, "selection": selection}
        for method, value, (low, high) in zip(PAIR, pair, ends, strict=False):
            row |= {method: value, f"{method}_low": low, f"{method}_high": high}
        low, high = ends[2]
        return row | {
            "difference": pair[1] - pair[0],
            "low": low,
            "high": high,
            "images": images,
            "candidates": 1 if selection == TOP else self._drawn,
            "side": self._side,
            "judge_shares": "",
        }
