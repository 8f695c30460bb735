"""All that is measured of one domain and condition, and the files that say it.

The end of the way of the data: what the judge saw of every method's outputs streams in, and
`table.csv`, `scores.csv`, `comparison.csv`, `spread.csv`, `spectrum.csv` and `metrics.json` go
out.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from exemplar.metrics.comparison import compare
from exemplar.metrics.distribution import known_scores
from exemplar.metrics.diversity import farthest_first
from exemplar.metrics.edges import EdgeCounts
from exemplar.metrics.frechet import difference_interval, features_name
from exemplar.metrics.ranked import Ranking
from exemplar.metrics.selection import MEASURES, METRICS, Selections
from exemplar.metrics.spectrum import radial_spectrum

COLUMNS = (
    "domain", "condition", "method", "selection", *METRICS[:-1], "images", "candidates", "judge",
    "correspondence", "seam", "diversity", "diversity_features", "fid", "f8", "f1_8",
    "fid_features", "rank_correlation",
)  # fmt: skip
"""Of `table.csv`; what is undefined is empty."""

COMPARED = (*METRICS[:-1], "seam", "diversity")
"""Of `comparison.csv`, beside the Fréchet distance."""

DISTRIBUTION = ("fid", "f8", "f1_8")
"""Of all candidates of a method together, against photographs."""

NUMBERS = (*MEASURES, "diversity", *DISTRIBUTION, "rank_correlation")
"""Of `metrics.json`."""


class Measured(NamedTuple):
    """What is measured of a method's C candidates of one image.

    Attributes:
        images: (C, H, W, 3) u8.
        errors: (C, P), angular errors in degrees.
        counts: of edges, of leading shape (C,).
        correspondence: (C,), or None where the surface is not known.
        seam: (C,) grey levels, or None of what copies nothing.
        features: (C, Q), by which candidates are told apart.
        means: (C, M), for the Fréchet distance and for precision and recall.
    """

    images: np.ndarray
    errors: np.ndarray
    counts: EdgeCounts
    correspondence: np.ndarray | None
    seam: np.ndarray | None
    features: np.ndarray
    means: np.ndarray

    def chosen(self, places: list[int]) -> Measured:
        """The same of some candidates, in this order and as often as they are named."""
        return Measured(
            self.images[places],
            self.errors[places],
            EdgeCounts(*(part[places] for part in self.counts)),
            None if self.correspondence is None else self.correspondence[places],
            None if self.seam is None else self.seam[places],
            self.features[places],
            self.means[places],
        )


class Evaluation:
    """What is known so far; memory grows by a few numbers a candidate.

    Attributes:
        selections: by method.
        judge: who judged.
        looks: the name of the features by which candidates are told apart.
        apart: by method and image, its candidates in the order of `farthest_first`.
        chance: the mean correspondence error of each image if sources were anywhere.
        means: by method, the candidates' features for the Fréchet distance and for precision and
            recall, (C, M) an image.
        photographs: those of photographs, (n, M) each.
        power: by series, each image's radial spectrum.
    """

    def __init__(self, selections: dict[str, Selections], judge: str, looks: str) -> None:
        """Starts with no images.

        Args:
            selections: empty ones, by method.
            judge: its identity.
            looks: the name of the features that are measured.
        """
        self.selections = selections
        self.judge = judge
        self.looks = looks
        self.apart: defaultdict[str, dict[str, list[int]]] = defaultdict(dict)
        self.chance: list[float] = []
        self.means: defaultdict[str, list[np.ndarray]] = defaultdict(list)
        self.photographs: list[np.ndarray] = []
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
        _, errors, counts, correspondence, seam, features, means = measured
        self.selections[method].add(
            image_id, errors, counts, correspondence, seam, features, ranking
        )
        if len(features) > 1:
            self.apart[method][image_id] = farthest_first(features)
        self.means[method].append(means)

    def see(self, series: str, images: np.ndarray) -> None:
        """Takes in the mean spectrum of images, as for `radial_spectrum`."""
        self.power[series].append(radial_spectrum(images)[1].mean(0))

    def distribution(self, seed: int, threads: int) -> dict[str, dict[str, float]]:
        """Those of `DISTRIBUTION` for which there are enough images, of each method with many.

        Args:
            seed: of the clusterings of precision and recall.
            threads: of one.
        """
        if not self.photographs:
            return {}
        photographs = np.concatenate(self.photographs)
        return {
            method: known_scores(
                made=np.concatenate(means), photographs=photographs, seed=seed, threads=threads
            )
            for method, means in self.means.items()
            if len(means[0]) > 1
        }

    def table(self, distribution: dict[str, dict[str, float]]) -> pd.DataFrame:
        """The rows of `reports/tables/pixelnn.csv`, without domain and condition."""
        rows = []
        for method, chosen in self.selections.items():
            for row in chosen.rows():
                row |= {"method": method, "judge": self.judge}
                if not np.isnan(row["diversity"]):
                    row["diversity_features"] = self.looks
                if row["selection"] == "rand-1":
                    known = distribution.get(method, {})
                    row |= known | ({"fid_features": features_name(self.judge)} if known else {})
                rows.append(row)
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
            diversity = self.selections[method].expected()["diversity"]
            for image_id, order in orders.items():
                found = {"image": image_id, "method": method, "diversity": diversity[image_id]}
                rows.append(found | {"order": " ".join(map(str, order))})
        return pd.DataFrame(rows, columns=["image", "method", "diversity", "order"])

    def comparison(self, fid: dict[str, float], seed: int) -> pd.DataFrame:
        """`coherent` beside `pixelnn`, as published, over the same images."""
        published, coherent = (self.selections[m].expected() for m in ("pixelnn", "coherent"))
        table = compare(published, coherent, list(COMPARED), seed)
        pair = [fid.get(method, np.nan) for method in ("pixelnn", "coherent")]
        if not np.isnan(pair).any():
            one, other = (np.stack(self.means[method]) for method in ("pixelnn", "coherent"))
            photographs = np.concatenate(self.photographs)
            low, high = difference_interval(photographs, one, other, seed)
            table.loc[len(table)] = {
                "metric": "fid",
                "published": pair[0],
                "coherent": pair[1],
                "difference": pair[1] - pair[0],
                "low": low,
                "high": high,
                "images": len(published),
            }
        return table


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
    distribution = result.distribution(seed, threads)
    fid = {method: found.get("fid", np.nan) for method, found in distribution.items()}
    table = result.table(distribution).assign(**names).reindex(columns=list(COLUMNS))
    _csv(table, folder / "table.csv")
    scores = pd.concat(
        [chosen.scores().assign(method=name) for name, chosen in result.selections.items()]
    )
    order = ["image", "method", "candidate", *MEASURES, "score"]
    _csv(scores.reindex(columns=order), folder / "scores.csv")
    comparison = result.comparison(fid, seed)
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
    }
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")


def _csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, float_format="%.6g")
