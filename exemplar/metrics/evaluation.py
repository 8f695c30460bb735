"""All that is measured of one domain and condition, and the files that say it.

The end of the way of the data: what the judges saw of every method's outputs streams in, and
`table.csv`, `scores.csv`, `comparison.csv`, `spread.csv`, `spectrum.csv` and `metrics.json` go
out. The first judge is the main one: what no network judges stands in its rows alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from exemplar.metrics.detail_columns import COLUMNS as DETAIL
from exemplar.metrics.diversity import farthest_first
from exemplar.metrics.judged import DISTRIBUTION, PAIR, Judged, Sight, compared
from exemplar.metrics.ranked import Ranking
from exemplar.metrics.sampled_columns import COLUMNS as SAMPLED
from exemplar.metrics.sampled_columns import FD, KID
from exemplar.metrics.sampled_distance import SampledDistances
from exemplar.metrics.selection import MEASURES, METRICS
from exemplar.metrics.spectrum import radial_spectrum

COLUMNS = (
    "domain", "condition", "method", "selection", *METRICS[:-1], "images", "candidates", "judge",
    "judge_shares", "correspondence", "seam", "diversity", "diversity_features", "fid", "f8",
    "f1_8", "fid_features", "rank_correlation", *SAMPLED,
)  # fmt: skip
"""Of `table.csv`; what is undefined is empty. Every row is of one judge; `judge_shares` is what
that shares with what it judges (`independence`)."""

NUMBERS = (*MEASURES, "diversity", *DISTRIBUTION, "rank_correlation", FD, KID)
"""Of `metrics.json`, by the main judge."""


class Measured(NamedTuple):
    """What is measured of a method's C candidates of one image.

    Attributes:
        images: (C, H, W, 3) u8.
        sights: of each judge, in their order.
        correspondence: (C,), or None where the surface is not known.
        seam: (C,) grey levels, or None of what copies nothing.
        features: (C, Q), by which candidates are told apart.
    """

    images: np.ndarray
    sights: tuple[Sight, ...]
    correspondence: np.ndarray | None
    seam: np.ndarray | None
    features: np.ndarray

    def chosen(self, places: list[int]) -> Measured:
        """The same of some candidates, in this order and as often as they are named."""
        return Measured(
            self.images[places],
            tuple(sight.chosen(places) for sight in self.sights),
            None if self.correspondence is None else self.correspondence[places],
            None if self.seam is None else self.seam[places],
            self.features[places],
        )


class Evaluation:
    """What is known so far; memory grows by a few numbers a candidate.

    Attributes:
        judged: by each judge; the first is the main one.
        looks: the name of the features by which candidates are told apart.
        sampled: distances on a large network's features, if there are to be any.
        apart: by method and image, its candidates in the order of `farthest_first`.
        chance: the mean correspondence error of each image if sources were anywhere.
        power: by series, each image's radial spectrum.
    """

    def __init__(
        self, judged: Sequence[Judged], looks: str, sampled: SampledDistances | None = None
    ) -> None:
        """Starts with no images.

        Args:
            judged: with empty selections.
            looks: the name of the features that are measured.
            sampled: with no images.
        """
        self.judged = list(judged)
        self.looks = looks
        self.sampled = sampled
        self.apart: defaultdict[str, dict[str, list[int]]] = defaultdict(dict)
        self.chance: list[float] = []
        self.power: defaultdict[str, list[np.ndarray]] = defaultdict(list)

    def add(
        self, method: str, image_id: str, measured: Measured, ranking: Ranking | None = None
    ) -> None:
        """Takes in all that a method made of an image, but for its spectrum.

        Args:
            method: which.
            image_id: not yet taken in for this method.
            measured: of its candidates.
            ranking: of them, if the method ranks.
        """
        images, sights, correspondence, seam, features = measured
        alone = (correspondence, seam, features)  # of the main judge's rows
        for judged, sight in zip(self.judged, sights, strict=True):
            judged.selections[method].add(image_id, sight.errors, sight.counts, *alone, ranking)
            judged.means[method].append(sight.means)
            alone = (None, None, None)
        if len(features) > 1:
            self.apart[method][image_id] = farthest_first(features)
        if self.sampled is not None:
            self.sampled.add(method, image_id, images)

    def see(self, series: str, images: np.ndarray) -> None:
        """Takes in the mean spectrum of images, as for `radial_spectrum`."""
        self.power[series].append(radial_spectrum(images)[1].mean(0))

    def table(self, distributions: list[dict[str, dict[str, float]]]) -> pd.DataFrame:
        """The rows of `reports/tables/pixelnn.csv`, without domain and condition.

        Args:
            distributions: by each judge, from `Judged.distribution`.
        """
        parts = zip(self.judged, distributions, strict=True)
        rows = [row for judged, found in parts for row in judged.rows(found)]
        for row in rows:
            if not np.isnan(row["diversity"]):
                row["diversity_features"] = self.looks
            first = row["judge"] == self.judged[0].judge
            if self.sampled is not None and first and row["selection"] in ("rand-1", "single"):
                row |= self.sampled.of(row["method"])
        if self.chance:
            many = max(row["candidates"] for row in rows if row["method"] == "pixelnn")
            rows.append(
                {
                    "method": "chance",
                    "selection": "expected",
                    "images": len(self.chance),
                    "candidates": many,
                    "correspondence": float(np.mean(self.chance)),
                }
            )
        return pd.DataFrame(rows)

    def spread(self) -> pd.DataFrame:
        """Of each image with many candidates their `diversity`, and the most different first.

        Returns:
            Columns `image`, `method`, `diversity`, and `order`: candidates from 0, a space between
            them, in the order of `farthest_first`.
        """
        rows = []
        for method, orders in self.apart.items():
            diversity = self.judged[0].selections[method].expected()["diversity"]
            for image_id, order in orders.items():
                found = {"image": image_id, "method": method, "diversity": diversity[image_id]}
                rows.append(found | {"order": " ".join(map(str, order))})
        return pd.DataFrame(rows, columns=["image", "method", "diversity", "order"])

    def comparison(self, fids: list[dict[str, float]], seed: int) -> pd.DataFrame:
        """`coherent` beside `pixelnn` by each judge, and by no judge with the first one's name."""
        parts = [
            judged.comparison(fid, seed).assign(judge=judged.judge)
            for judged, fid in zip(self.judged, fids, strict=True)
        ]
        if self.sampled is not None:
            pair = [float(self.sampled.of(method).get(KID, np.nan)) for method in PAIR]
            if not np.isnan(pair).any():
                images = len(self.judged[0].means[PAIR[0]])
                row = compared(KID, pair, self.sampled.difference(*PAIR), images)
                parts[0].loc[len(parts[0])] = row | {"judge": self.judged[0].judge}
        return pd.concat(parts, ignore_index=True)


def write_evaluation(
    folder: Path, result: Evaluation, names: dict[str, str], seed: int = 0, threads: int = 1
) -> None:
    """Writes table.csv, scores.csv, comparison.csv, spread.csv, spectrum.csv and metrics.json.

    Args:
        folder: a new one, which is made.
        result: of at least one image.
        names: `domain` and `condition`.
        seed: of the intervals, and of precision and recall.
        threads: of what is computed.
    """
    folder.mkdir()
    distributions = [
        judged.distribution(seed, threads, clustered=not place)
        for place, judged in enumerate(result.judged)
    ]
    fids = [{m: found.get("fid", np.nan) for m, found in each.items()} for each in distributions]
    table = result.table(distributions).assign(**names).reindex(columns=list(COLUMNS))
    _csv(table, folder / "table.csv")
    scores = pd.concat(
        [
            chosen.scores().assign(method=name, judge=judged.judge)
            for judged in result.judged
            for name, chosen in judged.selections.items()
        ]
    )
    order = ["image", "method", "candidate", *MEASURES, "score", "judge"]
    _csv(scores.reindex(columns=order), folder / "scores.csv")
    comparison = result.comparison(fids, seed)
    order = [*names, *comparison.columns]
    _csv(comparison.assign(**names).reindex(columns=order), folder / "comparison.csv")
    _csv(result.spread(), folder / "spread.csv")
    spectrum = [
        {"series": name, "frequency": frequency, "power": power}
        for name, values in result.power.items()
        for frequency, power in enumerate(np.mean(values, axis=0))
    ]
    _csv(pd.DataFrame(spectrum), folder / "spectrum.csv")
    metrics = {
        f"{row['method']} {row['selection']}": {
            name: round(float(row[name]), 6) for name in NUMBERS if pd.notna(row[name])
        }
        for row in table.to_dict("records")
        if row["method"] == "chance" or row["judge"] == result.judged[0].judge
    }
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")


def write_detail(folder: Path, table: pd.DataFrame | None, names: dict[str, str]) -> None:
    """Writes detail.csv.

    Args:
        folder: of the evaluation.
        table: of `metrics.detail`; None: headings alone.
        names: `domain` and `condition`.
    """
    found = pd.DataFrame() if table is None else table.assign(**names)
    _csv(found.reindex(columns=list(DETAIL)), folder / "detail.csv")


def _csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, float_format="%.6g")
