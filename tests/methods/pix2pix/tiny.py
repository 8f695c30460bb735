"""Small pairs and settings: a training takes a second."""

from __future__ import annotations

from typing import Any

import numpy as np

from exemplar.methods.pix2pix.settings import Pix2PixSettings
from exemplar.methods.pix2pix.training import Pairs

SIDE = 24


def tiny_pairs(condition: str = "edges", count: int = 6) -> Pairs:
    """Squares on a ground, and where their borders are, or their masks, or slopes."""
    draw = np.random.default_rng(0)
    images = np.full((count, SIDE, SIDE, 3), 30, np.uint8)
    masks = np.zeros((count, SIDE, SIDE), np.uint8)
    for image, mask in zip(images, masks, strict=True):
        top, left = draw.integers(2, 8, 2)
        side = draw.integers(8, 14)
        mask[top : top + side, left : left + side] = 1
        image[mask == 1] = (220, 180, 60)
    if condition == "labels":
        return Pairs(masks, images, "labels", ("ground", "square"))
    if condition == "normals":
        slope = np.where(masks == 1, 0.6, 0)[..., None].astype(np.float16)
        up = np.sqrt(1 - slope.astype(np.float32) ** 2).astype(np.float16)
        return Pairs(np.concatenate([slope, 0 * slope, up], -1), images, "normals")
    edges = np.abs(np.diff(masks.astype(int), axis=1, prepend=0)) | np.abs(
        np.diff(masks.astype(int), axis=2, prepend=0)
    )
    return Pairs(edges.astype(np.float16), images, "edges")


def tiny_settings(**training: Any) -> Pix2PixSettings:
    """Twelve steps in float32, with a checkpoint every five."""
    length = {"epochs": 2, "decay_epochs": 2, "batch": 2, "checkpoint_every": 5}
    return Pix2PixSettings.model_validate(
        {
            "preset": "published",
            "network": {"width": 4, "levels": 3, "noisy": 1},
            "discriminator": {"width": 4, "layers": 1},
            "training": length | training,
        }
    )
