"""The first stage of PixelNN: a PixelNet from a condition to one smooth image, by squared error.

Source: PixelNN, Eq. 1; PixelNet's sampled pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from exemplar import conditions
from exemplar.features.pixelnet import PixelNet, PixelNetSettings, build_pixelnet, chunks
from exemplar.labels.sides import Pairs, exchanged
from exemplar.settings import Settings
from exemplar.store.weights import WeightsError, fit_weights, load_weights, save_weights
from exemplar.training.loop import TrainingSettings, train


class RegressorSettings(Settings):
    """The section `regressor` of `params.yaml`."""

    network: PixelNetSettings = PixelNetSettings()
    training: TrainingSettings = TrainingSettings()
    flip: bool = True
    """Mirror half of the images in training."""


@dataclass(frozen=True)
class Regressor:
    """f(x): a trained network and what it reads.

    Attributes:
        network: from the encoded condition to `image` (3 channels).
        condition: its name.
        classes: the names of label classes; empty for other conditions.
        precision: of activations, as in training.
    """

    network: PixelNet
    condition: str
    classes: tuple[str, ...]
    precision: str

    def __call__(self, stored: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Regresses images.

        Args:
            stored: (B, …), the condition as it is stored.
            size: (H, W) of the images.

        Returns:
            f(x), (B, H, W, 3) u8.
        """
        return np.concatenate([self._regress(stored[p], size) for p in chunks(len(stored))])

    def _regress(self, stored: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        x = conditions.of(self.condition).encode(stored, size, len(self.classes))
        bfloat16 = self.precision == "bfloat16"
        device = next(self.network.parameters()).device
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            out = self.network(x.to(device, memory_format=torch.channels_last))["image"]
        return to_bytes(out.float() + 0.5)


def to_bytes(images: Tensor) -> np.ndarray:
    """(B, 3, H, W) in [0, 1] → (B, H, W, 3) u8, rounded."""
    return (images * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def train_regressor(
    stored: np.ndarray,
    images: np.ndarray,
    condition: str,
    classes: tuple[str, ...],
    settings: RegressorSettings,
    folder: Path,
    device: torch.device | str = "cpu",
    mirrors: Pairs | None = None,
) -> Regressor:
    """Trains f on pairs of conditions and images.

    Args:
        stored: (N, …), the condition as it is stored.
        images: (N, H, W, 3) u8.
        condition: its name.
        classes: the names of label classes.
        settings: sizes and steps.
        folder: for checkpoints.
        device: where to train.
        mirrors: pairs of classes that a mirror exchanges; none: those that names say.

    Returns:
        The trained regressor.
    """
    module = conditions.of(condition)
    size = (images.shape[1], images.shape[2])
    channels = module.CHANNELS or len(classes)
    torch.manual_seed(settings.training.seed)
    network = PixelNet(channels, {"image": 3}, settings.network)
    network = network.to(device).to(memory_format=torch.channels_last)
    batch = settings.training.batch
    sides = exchanged(classes, mirrors)[: len(classes)].tolist()

    def draw(generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
        rows = torch.randint(len(images), (batch,), generator=generator).numpy()
        x = module.encode(stored[rows], size, len(classes))
        y = torch.from_numpy(images[rows]).permute(0, 3, 1, 2).float() / 255
        if settings.flip:
            mirrored = torch.rand(batch, generator=generator) < 0.5
            x[mirrored] = _mirror(x[mirrored], condition, sides)
            y[mirrored] = y[mirrored].flip(3)
        pixels = torch.randint(
            y[0, 0].numel(), (batch, settings.training.pixels), generator=generator
        )
        truth = y.flatten(2).gather(2, pixels[:, None].expand(-1, 3, -1)) - 0.5
        x = x.to(device, memory_format=torch.channels_last)
        return x, pixels.to(device), truth.to(device)

    def loss(drawn: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        x, pixels, truth = drawn
        return (network.at_pixels(x, pixels)["image"].float() - truth).square().mean()

    train(network, draw, loss, settings.training, folder, f"regressor {condition}")
    return Regressor(network, condition, classes, settings.training.precision)


def _mirror(encoded: Tensor, condition: str, sides: list[int]) -> Tensor:
    """Mirrors an encoded condition; the x of normals changes its sign, labels their sides."""
    x = encoded.flip(3)
    if condition == "labels":
        x = x[:, sides]
    if condition == "normals":
        x[:, 0] = 1 - x[:, 0]
    return x


def save_regressor(path: Path, regressor: Regressor) -> None:
    """Writes a regressor's weights and config."""
    config = regressor.network.config | {
        "condition": regressor.condition,
        "classes": list(regressor.classes),
        "precision": regressor.precision,
    }
    save_weights(path, regressor.network.state_dict(), config)


def load_regressor(path: Path | str, device: torch.device | str = "cpu") -> Regressor:
    """Reads what `save_regressor` wrote.

    Raises:
        WeightsError: the file is missing, damaged, or of another network.
    """
    state, config = load_weights(path)
    try:
        network = build_pixelnet(config)
        condition, precision = config["condition"], config["precision"]
        classes = tuple(config["classes"])
    except (KeyError, ValueError) as error:
        raise WeightsError(f"{path}: not a regressor: {error}") from error
    fit_weights(network, state, str(path))
    network = network.to(device).to(memory_format=torch.channels_last).eval()
    return Regressor(network, condition, classes, precision)
