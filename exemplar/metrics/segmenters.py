"""Segmenters: networks that see in an image which class each pixel shows.

They judge images synthesised from label maps (`segmentation`). Which network judges a domain is
named in `params.yaml`; where none is known that sees its classes, one is trained on the domain's
own photographs. Source: pix2pixHD, section 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Protocol

import numpy as np
import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn import functional

from exemplar.estimators import Estimators
from exemplar.features.espnet import ESPNetSettings
from exemplar.features.pixelnet import PixelNet, PixelNetSettings, chunks
from exemplar.labels.sides import Pairs, exchanged
from exemplar.settings import Settings
from exemplar.store.convert import state_hash
from exemplar.training.augment import mirrored, photometry, similarity, warp
from exemplar.training.loop import TrainingSettings, train

IGNORE = 255
HEAD = "classes"


class EstimatorsJudge(Settings):
    """The project's estimators, which see the parts of rendered heads."""

    kind: Literal["estimators"] = "estimators"


class TrainedJudge(Settings):
    """A PixelNet that is trained on the domain's training photographs and their label maps."""

    kind: Literal["pixelnet"] = "pixelnet"
    network: PixelNetSettings = PixelNetSettings()
    training: TrainingSettings = TrainingSettings(steps=600)
    zoom: tuple[float, float] = (1.0, 1.4)
    """Magnifications seen in training."""
    photometry: float = Field(default=0.4, ge=0, le=1)
    """How much colours, blur and noise vary in training."""


JudgeSettings = Annotated[
    EstimatorsJudge | ESPNetSettings | TrainedJudge, Field(discriminator="kind")
]
"""Which network judges a domain's images."""


class Segmenter(Protocol):
    """A network that sees classes.

    Attributes:
        identity: a stable name with a hash of the weights, for tables.
        classes: their names.
    """

    identity: str
    classes: tuple[str, ...]

    def __call__(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] → (B, H, W) u8, places in `classes`, or 255 for none."""
        ...


class PartsSegmenter:
    """The estimators as a segmenter."""

    def __init__(self, estimators: Estimators) -> None:
        self.identity, self.classes = estimators.identity, estimators.parts
        self.estimators = estimators

    def __call__(self, images: Tensor) -> Tensor:
        """As `Segmenter`."""
        return self.estimators(images)["parts"]


class PixelSegmenter:
    """A PixelNet with one head, as a segmenter.

    Args:
        network: trained, in evaluation mode.
        classes: what its head's outputs mean.
        data: the domain that it was trained on.
        precision: of activations, as in training.
    """

    def __init__(
        self, network: PixelNet, classes: tuple[str, ...], data: str, precision: str
    ) -> None:
        width = network.config["settings"]["width"]
        self.identity = f"pixelnet-{width}@{data}#{state_hash(network.state_dict())}"
        self.classes, self.network, self.precision = classes, network, precision

    def __call__(self, images: Tensor) -> Tensor:
        """As `Segmenter`."""
        return torch.cat([self._see(images[part]) for part in chunks(len(images))])

    def _see(self, images: Tensor) -> Tensor:
        x = images.contiguous(memory_format=torch.channels_last)
        lower = self.precision == "bfloat16"
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=lower):
            return self.network(x)[HEAD].argmax(1).to(torch.uint8)


def train_segmenter(
    images: np.ndarray,
    labels: np.ndarray,
    classes: tuple[str, ...],
    settings: TrainedJudge,
    folder: Path,
    data: str,
    mirrors: Pairs | None = None,
) -> PixelSegmenter:
    """Trains a segmenter on photographs and their label maps.

    Args:
        images: (N, H, W, 3) u8; an array or a memory map.
        labels: (N, H, W) u8, places in `classes`, or 255 where a pixel has none.
        classes: names.
        settings: sizes, steps, variation.
        folder: for checkpoints; a training that was interrupted goes on.
        data: the domain's name.
        mirrors: pairs of classes that a mirror exchanges; none: those that names say.

    Returns:
        The segmenter, on the CPU.

    Raises:
        TrainingError: the loss became NaN or infinite.
    """
    torch.manual_seed(settings.training.seed)
    network = PixelNet(3, {HEAD: len(classes)}, settings.network)
    network = network.to(memory_format=torch.channels_last)
    batch, pixels = settings.training.batch, settings.training.pixels
    sides = torch.from_numpy(exchanged(classes, mirrors)).long()

    def draw(generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
        rows = torch.randint(len(images), (batch,), generator=generator).numpy()
        transform = similarity(batch, generator, settings.zoom, 0.0, flip=True)
        x = torch.from_numpy(images[rows]).permute(0, 3, 1, 2).float() / 255
        wanted = torch.from_numpy(labels[rows].astype(np.float32))[:, None]
        x = photometry(warp(x, transform), generator, settings.photometry)
        wanted = warp(wanted, transform, "nearest").flatten(1).long()
        wanted = torch.where(mirrored(transform)[:, None], sides[wanted], wanted)
        points = torch.randint(wanted.shape[1], (batch, pixels), generator=generator)
        return x.contiguous(memory_format=torch.channels_last), points, wanted.gather(1, points)

    def loss(drawn: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        x, points, wanted = drawn
        seen = network.at_pixels(x, points)[HEAD].float()
        known = (wanted != IGNORE).sum().clamp(min=1)
        summed = functional.cross_entropy(seen, wanted, ignore_index=IGNORE, reduction="sum")
        return summed / known  # a mean would be NaN where no pixel has a class

    train(network, draw, loss, settings.training, folder, f"segmenter of {data}")
    return PixelSegmenter(network, classes, data, settings.training.precision)


def translation(classes: Sequence[str], judge: Sequence[str]) -> np.ndarray:
    """A domain's labels as a judge numbers them, by their names.

    Args:
        classes: the domain's.
        judge: the judge's.

    Returns:
        (256,) u8: for each label the judge's number, 255 for classes that it does not see.
    """
    table = np.full(256, IGNORE, np.uint8)
    places = {name: place for place, name in enumerate(judge)}
    for label, name in enumerate(classes):
        table[label] = places.get(name, IGNORE)
    return table
