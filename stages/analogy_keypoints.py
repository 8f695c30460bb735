"""Stage `analogy_keypoints`: pairs with keypoints → reports/tables/analogy_keypoints.csv.

    python -m stages.analogy_keypoints

Keypoints of A are carried to B′ by each method's field; PCK is the share, over the keypoints of all
pairs of a category, that end near enough to where they should. A run that was interrupted goes on
after the last pair and method that it finished.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field

from exemplar.data.keypoint_pairs import KeypointPair, KeypointSet, keypoint_pairs
from exemplar.memory import keep_freed_memory
from exemplar.methods.deep_analogy import inverse
from exemplar.methods.deep_analogy.baselines import Correspondence
from exemplar.methods.deep_analogy.compared import ComparedSettings
from exemplar.methods.deep_analogy.evaluation import inputs, measured, ready
from exemplar.methods.deep_analogy.settings import AnalogySettings
from exemplar.methods.deep_analogy.transfer import carried_points
from exemplar.metrics.keypoints import Extent, right
from exemplar.report.analogy_scores import KEYPOINT_COLUMNS, KEYPOINTS
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.files import workplace, written
from stages.ends import run

NAME = "analogy_keypoints"
ALPHAS = {"pck_0_1": 0.1, "pck_0_05": 0.05}


class AnalogyKeypointsSettings(ComparedSettings):
    """The section `analogy_keypoints` of `params.yaml`."""

    sets: dict[str, KeypointSet] = Field(min_length=1)


def main() -> None:
    """Matches all pairs of all sets by all methods, and writes the table."""
    params = load_params()
    settings: AnalogyKeypointsSettings = section(params, NAME, AnalogyKeypointsSettings)
    analogy: AnalogySettings = section(params, "analogy", AnalogySettings)
    keep_freed_memory()
    torch.set_num_threads(analogy.threads)
    weights = (layout.ESTIMATORS, inverse.STORED)
    sets = ready(settings.sets, keypoint_pairs, analogy, settings, weights)
    with workplace(NAME, *inputs(sets, NAME, settings.model_dump(mode="json"))) as folder:
        rows = [
            {"category": f"{one.name}/{pair.category}", "method": method, **numbers}
            for one in sets
            for _, pair, method, numbers in measured(
                [one], folder, measure_by(settings.sets[one.name].extent), NAME
            )
        ]
        with written(KEYPOINTS) as partial:
            table = summed(rows)
            table.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")


def measure_by(extent: Extent) -> Callable[[KeypointPair, Correspondence], dict[str, float]]:
    """Counts of right keypoints, by the rule of a set."""

    def measure(pair: KeypointPair, found: Correspondence) -> dict[str, float]:
        # Fields of flows lie between pixels, and are carried along alike.
        ways: list[tuple[Any, ...]] = [(found.forward, pair.points_a, pair.points_b, pair.b_prime)]
        if pair.both_ways:
            ways.append((found.backward, pair.points_b, pair.points_a, pair.a))
        numbers = dict.fromkeys(ALPHAS, 0.0) | {"points": 0.0, "pairs": float(len(ways))}
        for field, points, truth, there in ways:
            size = (there.shape[0], there.shape[1])
            ends = carried_points(_inside(points, field.shape), field, size)
            numbers["points"] += len(points)
            for column, alpha in ALPHAS.items():
                numbers[column] += float(right(ends, truth, alpha, extent, size).sum())
        return numbers

    return measure


def summed(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Percent by category and method, of rows that count, in the order in which they come."""
    totals: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        total = totals.setdefault((row["category"], row["method"]), {})
        for name in (*ALPHAS, "points", "pairs"):
            total[name] = total.get(name, 0) + row[name]
    found = [
        {"category": category, "method": method, "pairs": int(total["pairs"])}
        | {column: 100 * total[column] / total["points"] for column in ALPHAS}
        for (category, method), total in totals.items()
    ]
    return pd.DataFrame(found, columns=list(KEYPOINT_COLUMNS))


def _inside(points: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Points brought to the image's outermost pixels: some are marked just beyond its border."""
    return points.clip(0, np.array(shape[:2]) - 1)


if __name__ == "__main__":
    run(main)
