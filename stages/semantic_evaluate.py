"""Stage `semantic_evaluate`: layouts and a judge → reports/semantic/<source>.csv and -curve.csv.

Measures what every method made of every target, the source and the targets' photographs beside
them, and the GAN's images on the way. A judge that has to be trained goes on where it was killed.

    python -m stages.semantic_evaluate --source head
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from exemplar.features.backbone import load_backbone
from exemplar.memory import keep_freed_memory
from exemplar.methods.deep_analogy.settings import AnalogySettings
from exemplar.methods.semantic_analogy.evaluation import (
    MEASURES,
    SHARED,
    method_rows,
    reference_rows,
    shared_targets,
)
from exemplar.methods.semantic_analogy.judging import SemanticEvaluateSettings, judges_of
from exemplar.methods.semantic_analogy.settings import LayoutSettings
from exemplar.methods.semantic_analogy.sources import NamedSource
from exemplar.methods.semantic_analogy.stored import (
    CODE,
    GAN,
    METHODS,
    SAMPLES,
    chosen_source,
    curve_path,
    given_source,
    layouts_path,
    previews_path,
    scores_path,
    training_path,
)
from exemplar.metrics.segmenters import Segmenter
from exemplar.report.tables import number, records, text
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.files import sources_hash, workplace, written
from stages.ends import run
from stages.semantic_arguments import source_of

COLUMNS = (
    "source", "method", "target", "targets", *MEASURES, "seconds", "seconds_each", "peak_mb",
    "judge", "judge_shares",
)  # fmt: skip
SEEN = ("method", "target", "targets", "pixel_accuracy", "mean_iou")
"""What the rows of every further judge have."""
CURVE_COLUMNS = (
    "source", "step", "seconds", "patch_distance", "pixel_accuracy", "mean_iou", "identity_psnr",
    "unchanged_psnr", "psnr_to_truth", "judge",
)  # fmt: skip


def main() -> None:
    """Scores what was made of one source."""
    name, params = source_of("semantic_evaluate"), load_params()
    given, source = given_source(params, name), chosen_source(params, name)
    settings: SemanticEvaluateSettings = section(
        params, "semantic_evaluate", SemanticEvaluateSettings
    )
    torch.set_num_threads(settings.threads)
    keep_freed_memory()
    by = [
        *given.identity(), source.model_dump(mode="json"), settings.model_dump(mode="json"),
        *(path for path in (layout.ESTIMATORS, layout.JUDGE) if path.is_file()),
        sources_hash(*CODE),
    ]  # fmt: skip
    with workplace(f"semantic_evaluate/{name}", *by) as folder:
        judges = judges_of(given, source, settings, made_by(params), folder)
        rows = [
            row | {"judge": judge.identity, "judge_shares": shares}
            for place, (judge, shares) in enumerate(judges)
            for row in scores(given, judge, thorough=not place)
        ]
        first, _ = judges[0]
        points = [point | {"judge": first.identity} for point in curve(given, first)]
        for path, found, columns in (
            (scores_path(name), rows, COLUMNS),
            (curve_path(name), points, CURVE_COLUMNS),
        ):
            table = pd.DataFrame(found).assign(source=name)
            with written(path) as partial:
                table.reindex(columns=list(columns)).to_csv(
                    partial, index=False, float_format="%.6g", lineterminator="\n"
                )


def made_by(params: dict[str, Any]) -> dict[str, str]:
    """Which networks the methods' features and losses are of."""
    chosen = section(params, "layout", LayoutSettings)
    analogy = section(params, "analogy", AnalogySettings)
    loaded = {
        "loss of the GAN": chosen.gan.backbone,
        "features of Deep Image Analogy": analogy.backbone,
    }
    return {what: load_backbone(each, layout.ESTIMATORS).name for what, each in loaded.items()}


def scores(given: NamedSource, judge: Segmenter, thorough: bool = True) -> list[dict[str, Any]]:
    """Rows of all methods and references, with what images cost.

    Args:
        given: the source.
        judge: sees classes.
        thorough: whether rows have also what no judge sees, and the costs.

    Returns:
        Rows; `seconds` is what the first image of a source takes, learning included,
        `seconds_each` what every further one takes: of several targets the median.
    """
    folder = layouts_path(given.name)
    costs = records(pd.read_csv(folder / SAMPLES))
    rows = reference_rows(given, judge, thorough)
    for method in METHODS:
        mine = {text(cost, "target"): cost for cost in costs if cost["method"] == method}
        made = {target: read_image(folder / method / f"{target}.png") for target in mine}
        each = {target: number(cost, "seconds") for target, cost in mine.items()}
        for row in method_rows(given, method, made, judge, thorough):
            several = shared_targets(given) if row["target"] == SHARED else mine
            median = float(np.median([each[target] for target in several if target in each]))
            seconds = each.get(row["target"], median)
            cost = next(iter(mine.values()))
            rows.append(
                row
                | {
                    "seconds": seconds + number(cost, "learning_seconds"),
                    "seconds_each": seconds,
                    "peak_mb": number(cost, "peak_mb"),
                }
            )
    return rows if thorough else [{name: row[name] for name in SEEN} for row in rows]


def curve(given: NamedSource, judge: Segmenter) -> list[dict[str, Any]]:
    """Rows of the GAN after each interval of its training: all targets together, over seconds."""
    points = []
    for row in records(pd.read_csv(training_path(given.name))):
        step, seconds = int(number(row, "step")), number(row, "seconds")
        folder = previews_path(given.name) / str(step)
        made = {t.name: read_image(folder / f"{t.name}.png") for t in given.targets}
        rows = method_rows(given, GAN, made, judge, thorough=False)
        points.append(rows[-1] | {"step": step, "seconds": seconds})
    return points


def read_image(path: Path) -> np.ndarray:
    """An image u8 (H, W, 3) that a stage wrote."""
    return np.array(Image.open(path).convert("RGB"))


if __name__ == "__main__":
    run(main)
