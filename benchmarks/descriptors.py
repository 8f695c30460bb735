"""Real descriptors to match: a test input of the default domain and its nearest exemplars."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from exemplar.features.backbone import EstimatorTrunkSettings, load_backbone
from exemplar.features.projection import ProjectionSettings
from exemplar.methods.pixelnn.describe import FeaturesSettings, describe_images, learn_projection
from exemplar.methods.pixelnn.library import to_unit
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows
from exemplar.store.items import read_items, rows_of

NAME = ("rendered", "edges")


def query_and_exemplars(dimensions: int, ranks: int) -> tuple[Tensor, Tensor]:
    """Descriptors of a test input and of the exemplars nearest by their scenes.

    Args:
        dimensions: D.
        ranks: R, how many exemplars.

    Returns:
        (H, W, D) and (R, H, W, D) float32, unit length.

    Raises:
        StoreError: the default run has not been made (`make reproduce`).
    """
    features = open_group(layout.features(*NAME), "regressed", "scene")
    items = read_items(layout.items(NAME[0]))
    train, test = rows_of(items, "train"), rows_of(items, "test")
    scene = array(features, "scene")
    similar = read_rows(scene, train) @ read_rows(scene, test[:1])[0]
    nearest = train[np.argsort(-similar, kind="stable")[:ranks]]
    regressed = read_rows(array(features, "regressed"), np.concatenate([test[:1], nearest]))
    sample = read_rows(array(features, "regressed"), train[:: max(1, len(train) // 64)])
    backbone = load_backbone(EstimatorTrunkSettings(), layout.ESTIMATORS, torch.device("cpu"))
    projection = learn_projection(backbone, sample, ProjectionSettings(dimensions=dimensions))
    descriptors, _ = describe_images(backbone, projection, regressed, FeaturesSettings())
    unit = to_unit(torch.from_numpy(descriptors))
    return unit[0], unit[1:]
