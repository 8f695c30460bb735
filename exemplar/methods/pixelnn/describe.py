"""What is matched: descriptors of every pixel of f(x), and one scene feature an image."""

from __future__ import annotations

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from exemplar.features.backbone import Backbone, BackboneSettings, EstimatorTrunkSettings
from exemplar.features.pixelnet import chunks
from exemplar.features.projection import (
    Projection,
    ProjectionSettings,
    describe,
    fit_projection,
)
from exemplar.settings import Settings


class FeaturesSettings(Settings):
    """The section `features` of `params.yaml`."""

    backbone: BackboneSettings = EstimatorTrunkSettings()
    projection: ProjectionSettings = ProjectionSettings()
    sample: int = Field(default=128, ge=1)
    """Training images the projection is learned from."""
    scene_layer: int = -2
    """The layer that describes whole images, as a place in the backbone's list; −1 is the paper's
    conv5. On rendered heads conv4 finds exemplars in better correspondence (docs/results.md)."""
    scene_side: int = Field(default=6, ge=1)
    """That layer is averaged to this many cells a side, so that layout counts."""
    threads: int = Field(default=1, ge=1)
    """CPU threads; part of the settings because sums depend on it in the last bits."""


def to_tensor(images: np.ndarray) -> Tensor:
    """(B, H, W, 3) u8 → (B, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def learn_projection(
    backbone: Backbone, regressed: np.ndarray, settings: ProjectionSettings, batch: int = 16
) -> Projection:
    """Learns the projection from regressed images (N, H, W, 3) u8."""
    batches = [
        to_tensor(regressed[start : start + batch]) for start in range(0, len(regressed), batch)
    ]
    return fit_projection(backbone, batches, settings)


def describe_images(
    backbone: Backbone,
    projection: Projection,
    regressed: np.ndarray,
    settings: FeaturesSettings,
) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors and scene features of regressed images.

    Args:
        backbone: the one the projection was learned from.
        projection: to D dimensions.
        regressed: f(x), (B, H, W, 3) u8.
        settings: which layer describes the scene.

    Returns:
        Descriptors (B, H, W, D) f16, unit length; scene features (B, G) f32, unit length.
    """
    descriptors, scenes = [], []
    size = (regressed.shape[1], regressed.shape[2])
    for part in chunks(len(regressed)):
        with torch.inference_mode():
            maps = backbone(to_tensor(regressed[part]))
            pixels = describe(maps, size, projection).permute(0, 2, 3, 1)
            if not -len(maps) <= settings.scene_layer < len(maps):
                raise ValueError(
                    f"features.scene_layer: expected {-len(maps)} to {len(maps) - 1} for the "
                    f"{len(maps)} layers of {backbone.name}, got {settings.scene_layer}"
                )
            layer = maps[settings.scene_layer].float()
            cells = functional.adaptive_avg_pool2d(layer, settings.scene_side)
            scene = functional.normalize(cells.flatten(1), dim=1)
        descriptors.append(pixels.cpu().numpy().astype(np.float16))
        scenes.append(scene.cpu().numpy())
    return np.concatenate(descriptors), np.concatenate(scenes)
