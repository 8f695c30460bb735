"""Estimators: one PixelNet that sees normals, edges and parts, trained on rendered ground truth.

They extract conditions from photographs, judge synthesised images, and lend their trunk as the
default backbone of descriptors. Source: PixelNN, section 4 (PixelNet as the off-the-shelf judge).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional

from exemplar.features.pixelnet import PixelNet, PixelNetSettings, build_pixelnet, chunks
from exemplar.labels.sides import exchanged
from exemplar.settings import Settings
from exemplar.store.files import content_hash
from exemplar.store.weights import WeightsError, fit_weights, load_weights, save_weights
from exemplar.training.augment import mirrored, photometry, similarity, turn_normals, warp
from exemplar.training.loop import TrainingSettings, train


class EstimatorsSettings(Settings):
    """The section `estimators` of `params.yaml`."""

    network: PixelNetSettings = PixelNetSettings()
    training: TrainingSettings = TrainingSettings()
    zoom: tuple[float, float] = (0.9, 1.7)
    """Magnifications seen in training; above 1 heads fill the frame, as in photographs."""
    degrees: float = 15.0
    """Rotations seen in training, to either side."""
    edges_weight: float = 2.0
    parts_weight: float = 0.5
    """Weights of the losses beside that of the normals."""


@dataclass(frozen=True)
class Estimators:
    """A trained network and its name.

    Attributes:
        network: heads `normals` (3), `edges` (1) and `parts` (as many as `parts` names).
        identity: a stable name with a hash of the weights, for tables.
        parts: the names of the part labels.
        precision: of activations, as in training.
    """

    network: PixelNet
    identity: str
    parts: tuple[str, ...]
    precision: str

    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        """Everything the network sees in images.

        Args:
            images: (B, 3, H, W) float32 RGB in [0, 1].

        Returns:
            `normals` (B, 3, H, W), unit; `edges` (B, H, W) in [0, 1]; `parts` (B, H, W) u8.
        """
        parts = [self._see(images[part]) for part in chunks(len(images))]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def _see(self, images: Tensor) -> dict[str, Tensor]:
        bfloat16 = self.precision == "bfloat16"
        with (
            torch.inference_mode(),
            torch.autocast(images.device.type, torch.bfloat16, enabled=bfloat16),
        ):
            out = self.network(images.contiguous(memory_format=torch.channels_last))
        return {
            "normals": functional.normalize(out["normals"].float(), dim=1),
            "edges": out["edges"].float()[:, 0].sigmoid(),
            "parts": out["parts"].argmax(1).to(torch.uint8),
        }


def train_estimators(
    truth: dict[str, np.ndarray],
    parts: tuple[str, ...],
    settings: EstimatorsSettings,
    folder: Path,
    device: torch.device | str = "cpu",
    name: str = "estimators",
) -> PixelNet:
    """Trains the network on images whose geometry is known.

    Args:
        truth: `image` u8 (N, H, W, 3), `normals` (N, H, W, 3), `labels` u8 (N, H, W) and `edges`
            (N, H, W) in [0, 1]; arrays or memory maps.
        parts: names of the labels; labels are below their number.
        settings: sizes, steps, augmentation.
        folder: for checkpoints.
        device: where to train.
        name: for the lines of progress.

    Returns:
        The network, in evaluation mode.
    """
    torch.manual_seed(settings.training.seed)
    heads = {"normals": 3, "edges": 1, "parts": len(parts)}
    network = PixelNet(3, heads, settings.network)
    network = network.to(device).to(memory_format=torch.channels_last)

    sides = torch.from_numpy(exchanged(parts)).float()

    def draw(generator: Generator) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        maps = _batch(truth, settings, generator, sides)
        size = (settings.training.batch, settings.training.pixels)
        pixels = torch.randint(maps["edges"][0].numel(), size, generator=generator)
        image = maps.pop("image").to(device, memory_format=torch.channels_last)
        return image, pixels.to(device), {k: _sampled(v, pixels) for k, v in maps.items()}

    def loss(batch: tuple[Tensor, Tensor, dict[str, Tensor]]) -> Tensor:
        image, pixels, values = batch
        at = {name: value.to(device) for name, value in values.items()}
        seen = network.at_pixels(image, pixels)
        normals = functional.normalize(seen["normals"].float(), dim=1)
        angular = 1 - (normals * at["normals"]).sum(1)
        edges = functional.binary_cross_entropy_with_logits(
            seen["edges"].float()[:, 0], at["edges"][:, 0]
        )
        labels = functional.cross_entropy(seen["parts"].float(), at["labels"][:, 0].long())
        return angular.mean() + settings.edges_weight * edges + settings.parts_weight * labels

    train(network, draw, loss, settings.training, folder, name)
    return network


def _batch(
    truth: dict[str, np.ndarray], settings: EstimatorsSettings, generator: Generator, sides: Tensor
) -> dict[str, Tensor]:
    """Random images with their maps, (B, C, H, W) float, varied in place and colour.

    `sides` (256,) says what labels are in a mirror.
    """
    size = settings.training.batch
    rows = torch.randint(len(truth["image"]), (size,), generator=generator).numpy()
    transform = similarity(size, generator, settings.zoom, settings.degrees, flip=True)
    image = torch.from_numpy(truth["image"][rows]).permute(0, 3, 1, 2).float() / 255
    normals = torch.from_numpy(truth["normals"][rows].astype(np.float32)).permute(0, 3, 1, 2)
    edges = torch.from_numpy(truth["edges"][rows].astype(np.float32))[:, None]
    labels = torch.from_numpy(truth["labels"][rows].astype(np.float32))[:, None]
    labels = warp(labels, transform, "nearest")
    labels = torch.where(mirrored(transform)[:, None, None, None], sides[labels.long()], labels)
    return {
        "image": photometry(warp(image, transform), generator),
        "normals": turn_normals(warp(normals, transform), transform),
        "edges": warp(edges, transform).clamp(0, 1),
        "labels": labels,
    }


def _sampled(maps: Tensor, pixels: Tensor) -> Tensor:
    """(B, C, H, W) at (B, P) → (B, C, P)."""
    flat = maps.flatten(2)
    return flat.gather(2, pixels[:, None].expand(-1, flat.shape[1], -1))


def save_estimators(
    path: Path, network: PixelNet, parts: tuple[str, ...], settings: EstimatorsSettings, data: str
) -> None:
    """Writes the network, its parts and the name of the data it was trained on."""
    config = network.config | {
        "parts": list(parts),
        "precision": settings.training.precision,
        "data": data,
    }
    save_weights(path, network.state_dict(), config)


def load_estimators(path: Path | str, device: torch.device | str = "cpu") -> Estimators:
    """Reads what `save_estimators` wrote.

    Raises:
        WeightsError: the file is missing, damaged, or of another network.
    """
    path = Path(path)
    state, config = load_weights(path)
    try:
        network = build_pixelnet(config)
        parts, precision, data = config["parts"], config["precision"], config["data"]
    except (KeyError, ValueError) as error:
        raise WeightsError(f"{path}: not estimators: {error}") from error
    fit_weights(network, state, str(path))
    network = network.to(device).to(memory_format=torch.channels_last).eval()
    identity = f"pixelnet-{network.config['settings']['width']}@{data}#{content_hash(path)[:8]}"
    return Estimators(network, identity, tuple(parts), precision)
