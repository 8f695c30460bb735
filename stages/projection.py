"""Stage `projection`: regressor, conditions → models/projection/<domain>-<condition>.safetensors.

Learned once per feature store: descriptors of two projections cannot be compared, so a new one
means describing every image anew. Beside it evaluation/descriptors/<domain>-<condition>.csv says
what other numbers of dimensions would keep and find.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from exemplar.features.backbone import Backbone, load_backbone
from exemplar.features.projection import (
    ProjectionSettings,
    Sampled,
    projection_of,
    save_projection,
)
from exemplar.matching.windows import WHOLE
from exemplar.methods.pixelnn.describe import full_descriptors, sample_images
from exemplar.methods.pixelnn.regressor import load_regressor
from exemplar.metrics.agreement import match_agreement
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows
from exemplar.store.files import written
from exemplar.store.items import read_items, rows_of
from stages.arguments import domain_and_condition_of
from stages.ends import run

TRIED = (8, 16, 32, 64, 128)  # dimensions
PAIRS = 3  # images, each matched with the one most like it
WINDOW = 11


def main() -> None:
    """Learns from regressed training images, evenly chosen."""
    domain, condition = domain_and_condition_of("projection")
    settings = section(load_params(), "projection", ProjectionSettings)
    torch.set_num_threads(settings.threads)
    regressor = load_regressor(layout.regressor(domain, condition))
    backbone = load_backbone(settings.backbone, layout.ESTIMATORS, torch.device("cpu"))
    stored = array(open_group(layout.conditions(domain), condition), condition)
    size = array(open_group(layout.images(domain), "image"), "image").shape[1:3]

    train = rows_of(read_items(layout.items(domain)), "train")
    sample = train[np.linspace(0, len(train) - 1, min(settings.sample, len(train))).astype(int)]
    regressed = regressor(read_rows(stored, sample), (size[0], size[1]))
    sampled = sample_images(backbone, regressed, settings)
    projection = projection_of(sampled, settings.dimensions, settings.whiten)
    save_projection(layout.projection(domain, condition), projection)
    table = agreement(backbone, sampled, regressed, settings.dimensions)
    table["variance_kept"] = projection.kept.numpy()[table["dimensions"] - 1]
    with written(layout.agreement(domain, condition)) as partial:
        table.to_csv(partial, index=False, float_format="%.6f")


def agreement(
    backbone: Backbone, sampled: Sampled, regressed: np.ndarray, dimensions: int
) -> pd.DataFrame:
    """Matches by few dimensions against matches by all, on a few images and those most like them.

    Args:
        backbone: gives the hypercolumns.
        sampled: those the projection was learned from.
        regressed: images (N, H, W, 3) u8, at least two.
        dimensions: the chosen D, among those that are tried.

    Returns:
        As `match_agreement`.
    """
    queries = np.linspace(0, len(regressed) - 1, min(PAIRS, len(regressed))).astype(int)
    flat = regressed.reshape(len(regressed), -1).astype(np.float32)
    nearest = []
    for query in queries:
        distance = np.square(flat - flat[query]).sum(1)
        distance[query] = np.inf
        nearest.append(int(distance.argmin()))
    full = [full_descriptors(backbone, sampled, regressed[rows]) for rows in (queries, nearest)]
    total = sum(sampled.channels)
    tried = sorted({d for d in (*TRIED, dimensions) if d <= total})
    window = min(WINDOW, *regressed.shape[1:3])
    return match_agreement(full[0], full[1], tried, (window, WHOLE))


if __name__ == "__main__":
    run(main)
