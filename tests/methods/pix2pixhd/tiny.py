"""A tiny pix2pixHD and a domain of a few coloured rectangles."""

from __future__ import annotations

import numpy as np
import torch

from exemplar.methods.pix2pixhd.encoder import EncoderSettings
from exemplar.methods.pix2pixhd.generators import GeneratorSettings
from exemplar.methods.pix2pixhd.model import (
    DiscriminatorSettings,
    NetworkSettings,
    Pix2pixHD,
)

CLASSES = ("ground", "box", "hole")
NETWORK = NetworkSettings(
    generator=GeneratorSettings(width=4, downsamplings=1, blocks=1, enhancers=2, enhancer_blocks=1),
    discriminators=DiscriminatorSettings(scales=1, width=4, layers=1),
    encoder=EncoderSettings(features=2, width=2, downsamplings=1),
)
COLOURS = np.array([[40, 90, 40], [220, 60, 30], [20, 20, 60]], np.float32)


def model(level: int = 0, seed: int = 0, network: NetworkSettings = NETWORK) -> Pix2pixHD:
    torch.manual_seed(seed)
    return Pix2pixHD(network, CLASSES, level)


def rectangles(count: int, side: int = 16, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Images (N, H, W, 3) u8, labels (N, H, W) u8, instances (N, H, W) i64."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((count, side, side), np.uint8)
    instances = np.zeros((count, side, side), np.int64)
    images = np.empty((count, side, side, 3), np.uint8)
    for n in range(count):
        shades = rng.uniform(0.6, 1.2, 4)
        for number in range(1, 4):
            y, x = rng.integers(0, side - 5, 2)
            labels[n, y : y + 5, x : x + 5] = 1 + number % 2
            instances[n, y : y + 5, x : x + 5] = 1000 * number
        looks = COLOURS[labels[n]] * shades[instances[n] // 1000][..., None]
        images[n] = np.clip(looks, 0, 255)
    return images, labels, instances
