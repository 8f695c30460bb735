"""A trained pix2pix: from stored conditions to many images of each, by dropout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from exemplar import conditions
from exemplar.store.weights import WeightsError, fit_weights, load_weights, save_weights
from exemplar.training.precision import autocast
from exemplar.training.unet import UNet, build_unet

PIXELS = 24 * 96 * 96
"""Synthesised at a time, or one image if that is more; it bounds memory and keeps to caches."""


@dataclass(frozen=True)
class Pix2Pix:
    """G: a trained network and what it reads.

    Attributes:
        network: the U-Net.
        condition: its name.
        classes: the names of label classes; empty for other conditions.
        precision: of activations, as in training.
    """

    network: UNet
    condition: str
    classes: tuple[str, ...]
    precision: str

    def __call__(
        self, stored: np.ndarray, size: tuple[int, int], count: int, seeds: list[int]
    ) -> np.ndarray:
        """Synthesises images; those of an input depend on it and its seed alone.

        Args:
            stored: (B, …), the condition as it is stored.
            size: (H, W) of the images, whatever those of the training were.
            count: C, images of each input.
            seeds: of each input's noise.

        Returns:
            (B, C, H, W, 3) u8.
        """
        encode = conditions.of(self.condition).encode
        x = encode(stored, size, len(self.classes))
        return np.stack([self._many(one, count, seed) for one, seed in zip(x, seeds, strict=True)])

    def _many(self, x: Tensor, count: int, seed: int) -> np.ndarray:
        """Images of one encoded input (channels, H, W)."""
        device = next(self.network.parameters()).device
        noise = Generator(device).manual_seed(seed)
        at_once = max(1, PIXELS // x[0].numel())
        x = x[None].to(device, memory_format=torch.channels_last)
        found = []
        with torch.inference_mode(), autocast(self.precision, device):
            for start in range(0, count, at_once):
                images = self.network(x, noise, min(at_once, count - start))[0]
                found.append(to_bytes((images.float() + 1) / 2))
        return np.concatenate(found)


def to_bytes(images: Tensor) -> np.ndarray:
    """(B, 3, H, W) in [0, 1] → (B, H, W, 3) u8, rounded."""
    return (images * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def save_pix2pix(path: Path, made: Pix2Pix) -> None:
    """Writes a generator's weights and config."""
    config = made.network.config | {
        "condition": made.condition,
        "classes": list(made.classes),
        "precision": made.precision,
    }
    save_weights(path, made.network.state_dict(), config)


def load_pix2pix(path: Path | str, device: torch.device | str = "cpu") -> Pix2Pix:
    """Reads what `save_pix2pix` wrote.

    Raises:
        WeightsError: the file is missing, damaged, or of another network.
    """
    state, config = load_weights(path)
    try:
        network = build_unet(config)
        condition, precision = config["condition"], config["precision"]
        classes = tuple(config["classes"])
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: not a generator of pix2pix: {error}") from error
    fit_weights(network, state, str(path))
    network = network.to(device).to(memory_format=torch.channels_last).eval()
    return Pix2Pix(network, condition, classes, precision)
