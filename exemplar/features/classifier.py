"""A small classifier of a domain's own categories, whose features judge images made of it.

Where Inception's weights are not at hand, the Fréchet distance and PRD are measured on what this
network sees: trained on a domain's training images and their `category`, then held still. Its
features are the last layer before the categories, as with Inception.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from exemplar.settings import Settings
from exemplar.store.files import content_hash
from exemplar.store.weights import WeightsError, fit_weights, load_weights, save_weights

NAME = "classifier"
COARSEST = 8
"""Pixels a side, at most, of the last maps, over which features are averaged."""

BATCH = 256
"""Images looked at together."""

LEAST = 5
"""Training images of a category that can be learned."""


class ClassifierNetworkSettings(Settings):
    """The size of a classifier."""

    width: int = 16
    """Channels at full resolution; twice as many at each halving, up to `features`."""
    features: int = 64
    """Of an image. A Fréchet distance wants at least twice as many images on either side."""


class Classifier(nn.Module):
    """A network from images to categories.

    Args:
        size: the images' larger side in pixels, by which the number of halvings is chosen.
        categories: names, in the order of its outputs.
        settings: widths.
    """

    def __init__(
        self, size: int, categories: Sequence[str], settings: ClassifierNetworkSettings
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "network": NAME,
            "size": size,
            "categories": list(categories),
            "settings": settings.model_dump(),
        }
        halvings = 0
        while size > COARSEST << halvings:
            halvings += 1
        widths = [min(settings.width << level, settings.features) for level in range(halvings)]
        widths.append(settings.features)
        inputs = [3, *widths[:-1]]
        self.blocks = nn.ModuleList(map(_block, inputs, widths))
        self.head = nn.Linear(settings.features, len(categories))

    def features(self, images: Tensor) -> Tensor:
        """Features (B, M) of images (B, 3, H, W) in [0, 1]; not negative."""
        x = images - 0.5
        for level, block in enumerate(self.blocks):
            if level:
                x = functional.max_pool2d(x, 2, ceil_mode=True)
            x = block(x)
        return x.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Scores (B, C) of the categories, logits."""
        return self.head(self.features(images))


class ClassifierFeatures:
    """The features of images.

    Attributes:
        name: with a hash of the weights.
        network: in evaluation mode.
        device: where it is.
    """

    def __init__(self, network: Classifier, name: str, device: torch.device | str = "cpu") -> None:
        self.name, self.device = name, torch.device(device)
        self.network = network.to(device).to(memory_format=torch.channels_last).eval()

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Features (B, M) float32 of images (B, H, W, 3) u8."""
        return self._seen(images, self.network.features)

    def guess(self, images: np.ndarray) -> np.ndarray:
        """The places in the network's categories, (B,) int64, of images (B, H, W, 3) u8."""
        return self._seen(images, self.network).argmax(1)

    def _seen(self, images: np.ndarray, look: Any) -> np.ndarray:
        parts = []
        with torch.inference_mode():
            for start in range(0, len(images), BATCH):
                parts.append(look(as_input(images[start : start + BATCH], self.device)).cpu())
        width = self.network.head.in_features
        return torch.cat(parts).numpy() if parts else np.empty((0, width), np.float32)


def as_input(images: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """Images (B, H, W, 3) u8 as (B, 3, H, W) float32 in [0, 1], channels last."""
    x = torch.from_numpy(np.array(images)).to(device).permute(0, 3, 1, 2).float() / 255
    return x.contiguous(memory_format=torch.channels_last)


def learnable(categories: Sequence[str]) -> list[str]:
    """The categories with a name that have `LEAST` images, in order; of one nothing is learned.

    >>> learnable(["boot"] * 5 + ["coat"] * 6 + ["hat"] + [""] * 7)
    ['boot', 'coat']
    """
    counts = Counter(categories)
    return sorted(name for name, count in counts.items() if name and count >= LEAST)


def save_classifier(path: Path, network: Classifier | None, facts: dict[str, Any]) -> None:
    """Writes a network, or that there is none, with what is known of it.

    Args:
        path: ending in `.safetensors`.
        network: None for a domain without two categories.
        facts: JSON values beside the network's own config.
    """
    if network is None:
        save_weights(path, {}, {"network": None} | facts)
    else:
        save_weights(path, network.state_dict(), network.config | facts)


def load_classifier(path: Path, device: torch.device | str = "cpu") -> ClassifierFeatures | None:
    """Reads what `save_classifier` wrote; None if the domain has no network.

    Raises:
        WeightsError: a file is missing, damaged, or of another network.
    """
    state, config = load_weights(path)
    if config.get("network", NAME) is None:
        return None
    try:
        if config["network"] != NAME:
            raise ValueError(f"expected the config of a {NAME}, got {config['network']!r}")
        settings = ClassifierNetworkSettings(**config["settings"])
        network = Classifier(config["size"], config["categories"], settings)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: not a classifier: {error}") from error
    fit_weights(network, state, str(path))
    return ClassifierFeatures(network, f"{NAME}#{content_hash(path)[:8]}", device)


def _block(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3×3 convolutions, each with batch norm and ReLU."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
