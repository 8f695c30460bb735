"""What is matched: descriptors of every pixel of f(x), and features of the image as a whole."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from exemplar.features.backbone import Backbone
from exemplar.features.look import looks
from exemplar.features.pixelnet import batches, chunks
from exemplar.features.projection import (
    Projection,
    ProjectionSettings,
    Sampled,
    describe,
    projection_of,
    sample_hypercolumns,
)
from exemplar.methods.pixelnn.regressor import Regressor
from exemplar.settings import Settings, SettingsError


class FeaturesSettings(Settings):
    """The section `features` of `params.yaml`."""

    scene_layer: int = -2
    """The layer that describes whole images, as a place in the backbone's list; −1 is the paper's
    conv5. On rendered heads conv4 finds exemplars in better correspondence (docs/results.md)."""
    scene_side: int = Field(default=6, ge=1)
    """That layer is averaged to this many cells a side, so that layout counts."""
    threads: int = Field(default=1, ge=1)
    """CPU threads; part of the settings because sums depend on it in the last bits."""
    workers: int = Field(default=1, ge=1)
    """Processes that share the images, of so many threads each; results do not depend on it."""


def to_tensor(images: np.ndarray) -> Tensor:
    """(B, H, W, 3) u8 → (B, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def sample_images(
    backbone: Backbone, regressed: np.ndarray, settings: ProjectionSettings, batch: int = 16
) -> Sampled:
    """Sums up the hypercolumns of regressed images (N, H, W, 3) u8, to learn a projection from."""
    batches = [
        to_tensor(regressed[start : start + batch]) for start in range(0, len(regressed), batch)
    ]
    return sample_hypercolumns(backbone, batches, settings)


def learn_projection(
    backbone: Backbone, regressed: np.ndarray, settings: ProjectionSettings
) -> Projection:
    """Learns the projection from regressed images (N, H, W, 3) u8."""
    sampled = sample_images(backbone, regressed, settings)
    return projection_of(sampled, settings.dimensions, settings.whiten)


def full_descriptors(backbone: Backbone, sampled: Sampled, regressed: np.ndarray) -> Tensor:
    """Descriptors (B, H, W, C) float32 of all C dimensions, the strongest first.

    Their cosines are those of the hypercolumns, and their first d entries the descriptor of d
    dimensions (before it is made unit).
    """
    projection = projection_of(sampled, sum(sampled.channels))
    with torch.inference_mode():
        maps = backbone(to_tensor(regressed))
        size = (regressed.shape[1], regressed.shape[2])
        return describe(maps, size, projection).permute(0, 2, 3, 1)


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
            pixels = describe(maps, size, projection).half().permute(0, 2, 3, 1)
            if not -len(maps) <= settings.scene_layer < len(maps):
                raise SettingsError(
                    f"features.scene_layer: expected {-len(maps)} to {len(maps) - 1} for the "
                    f"{len(maps)} layers of {backbone.name}, got {settings.scene_layer}"
                )
            layer = maps[settings.scene_layer].float()
            cells = functional.adaptive_avg_pool2d(layer, settings.scene_side)
            scene = functional.normalize(cells.flatten(1), dim=1)
        descriptors.append(pixels.cpu().numpy())
        scenes.append(scene.cpu().numpy())
    return np.concatenate(descriptors), np.concatenate(scenes)


def describe_rows(
    regressor: Regressor,
    backbone: Backbone,
    projection: Projection,
    stored: np.ndarray,
    photographs: np.ndarray,
    settings: FeaturesSettings,
) -> dict[str, np.ndarray]:
    """Rows of the feature store, each a function of its own condition and photograph alone.

    Args:
        regressor: f.
        backbone: the one the projection was learned from.
        projection: to D dimensions.
        stored: (B, …), the condition as it is stored.
        photographs: (B, H, W, 3) u8.
        settings: which layer describes the scene.

    Returns:
        `regressed` (B, H, W, 3) u8, `descriptor` (B, H, W, D) f16, `scene` (B, G) f32 and `look`
        (B, L) f32.
    """
    size = (photographs.shape[1], photographs.shape[2])
    values: dict[str, np.ndarray] = {}
    with ThreadPoolExecutor(1) as beside:  # the networks leave a core free
        look = beside.submit(looks, photographs)
        for part, places in batches(len(stored)):
            regressed = regressor(stored[places], size)
            descriptor, scene = describe_images(backbone, projection, regressed, settings)
            made = {"regressed": regressed, "descriptor": descriptor, "scene": scene}
            for name, rows in made.items():
                if name not in values:
                    values[name] = np.empty((len(stored), *rows.shape[1:]), rows.dtype)
                values[name][part] = rows[: part.stop - part.start]
        return values | {"look": look.result()}
