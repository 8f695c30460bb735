"""The judge of a table: which networks see normals and edges in synthesised and real images.

What the judge sees in the real photograph counts as the truth. Source: PixelNN, section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from exemplar.estimators import Estimators
from exemplar.features.perceptual import embedded
from exemplar.features.pixelnet import PixelNet, chunks
from exemplar.metrics.frechet import layer_means


class Seen(NamedTuple):
    """What the judge sees in images.

    Attributes:
        normals: (B, H, W, 3) float32, unit.
        edges: (B, H, W) float32 in [0, 1].
        perceptual: (B, P) float32, features by which images are told apart (`embedded`).
        means: (B, M) float32, features of the Fréchet distance (`layer_means`).
        parts: (B, H, W) u8, of the estimators' part labels.
    """

    normals: np.ndarray
    edges: np.ndarray
    perceptual: np.ndarray
    means: np.ndarray
    parts: np.ndarray


@dataclass(frozen=True)
class Judge:
    """Networks that see normals and edges.

    Attributes:
        estimators: sees normals, and edges unless another network does; on any device.
        edges: (B, 3, H, W) in [0, 1] → (B, H, W) in [0, 1], on the CPU, in their place.
        edges_identity: that network's name.
    """

    estimators: Estimators
    edges: Callable[[Tensor], Tensor] | None = None
    edges_identity: str = ""

    @property
    def identity(self) -> str:
        """As written into the table's `judge` column."""
        if self.edges is None:
            return self.estimators.identity
        return f"normals {self.estimators.identity}, edges {self.edges_identity}"

    @property
    def _device(self) -> torch.device:
        return next(self.estimators.network.parameters()).device

    def __call__(self, images: np.ndarray) -> Seen:
        """Looks at images, once.

        Args:
            images: (B, H, W, 3) u8.

        Returns:
            What it sees.
        """
        x = _pixels(images)
        with _features_beside(self.estimators.network) as features:
            on_device = self.estimators(x.to(self._device))
        seen = {name: values.cpu() for name, values in on_device.items()}
        edges = seen["edges"]
        if self.edges is not None:
            edges = torch.cat([self.edges(x[part]) for part in chunks(len(x))])
        perceptual, means = (torch.cat(parts).numpy() for parts in zip(*features, strict=True))
        normals = seen["normals"].permute(0, 2, 3, 1).numpy()
        return Seen(normals, edges.numpy(), perceptual, means, seen["parts"].numpy())

    def means(self, images: np.ndarray) -> np.ndarray:
        """The `Seen.means` of images (B, H, W, 3) u8 alone, at a tenth of the time."""
        estimators = self.estimators
        bfloat16 = estimators.precision == "bfloat16"
        x = _pixels(images).to(self._device)
        found = []
        for part in chunks(len(x)):
            with (
                torch.inference_mode(),
                torch.autocast(x.device.type, torch.bfloat16, enabled=bfloat16),
            ):
                batch = x[part].contiguous(memory_format=torch.channels_last)
                maps = estimators.network.trunk_maps(batch)
            found.append(layer_means(maps).cpu())
        return torch.cat(found).numpy()


def _pixels(images: np.ndarray) -> Tensor:
    return torch.tensor(images).permute(0, 3, 1, 2).float() / 255


@contextmanager
def _features_beside(network: PixelNet) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """While the network predicts, a list fills with the features of each of its batches."""
    maps: list[Tensor] = []
    features: list[tuple[Tensor, Tensor]] = []

    def keep(_block: nn.Module, _inputs: object, level: Tensor) -> None:
        maps.append(level)
        # Reduced at once: the maps of one batch are held, as the network itself holds them.
        if len(maps) == len(network.blocks):
            features.append((embedded(maps).cpu(), layer_means(maps).cpu()))
            maps.clear()

    hooks = [block.register_forward_hook(keep) for block in network.blocks]
    try:
        yield features
    finally:
        for hook in hooks:
            hook.remove()
