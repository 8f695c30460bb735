"""An input as the exemplars are described: f(x), descriptors and scene feature, as the store's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from exemplar.features.backbone import load_backbone
from exemplar.features.projection import (
    Projection,
    ProjectionSettings,
    load_projection,
    require_backbone,
)
from exemplar.methods.pixelnn.describe import FeaturesSettings, describe_images
from exemplar.methods.pixelnn.regressor import load_regressor
from exemplar.store import layout
from exemplar.store.arrays import StoreError, open_group
from exemplar.store.files import content_hash

Describe = Callable[[np.ndarray], tuple[np.ndarray, ...]]
"""A condition, as it is stored → f(x) (H, W, 3) u8, descriptor (H, W, D) f16, scene (G,) f32."""


def describer(
    domain: str,
    condition: str,
    size: tuple[int, int],
    features: FeaturesSettings,
    described: ProjectionSettings,
) -> Describe:
    """From an input, as it is stored, to f(x), descriptors and scene feature, as the store's."""
    regressor = load_regressor(layout.regressor(domain, condition))
    backbone = load_backbone(described.backbone, layout.ESTIMATORS, torch.device("cpu"))
    projection = load_projection(layout.projection(domain, condition))
    require_backbone(projection, backbone)
    require_projection(domain, condition, projection)

    def describe(values: np.ndarray) -> tuple[np.ndarray, ...]:
        regressed = regressor(values[None], size)
        descriptor, scene = describe_images(backbone, projection, regressed, features)
        return regressed[0], descriptor[0], scene[0]

    return describe


def require_projection(domain: str, condition: str, projection: Projection) -> None:
    """Checks that the descriptors in a store were made with the projection that queries are.

    Args:
        domain: whose store.
        condition: which of its stores.
        projection: the one on disk.

    Raises:
        StoreError: they were made with another backbone or projection; the message names the fix.
    """
    path, weights = layout.features(domain, condition), layout.projection(domain, condition)
    had = {name: open_group(path).attrs.get(name) for name in ("backbone", "layers", "projection")}
    now = {
        "backbone": projection.backbone,
        "layers": list(projection.layers),
        "projection": content_hash(weights),
    }
    if other := [f"{name} {had[name]}, now {now[name]}" for name in now if had[name] != now[name]]:
        raise StoreError(
            f"{path}: descriptors of another backbone or projection than {weights} "
            f"({'; '.join(other)}); run `exemplar reproduce index@{domain}-{condition}`, which "
            "describes the exemplars anew"
        )
