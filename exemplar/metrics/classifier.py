"""Training of a domain's classifier, which judges images made of the domain."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from exemplar.features.classifier import (
    Classifier,
    ClassifierFeatures,
    ClassifierNetworkSettings,
    as_input,
)
from exemplar.settings import Settings
from exemplar.training.augment import similarity, warp
from exemplar.training.checkpoint import TrainingState
from exemplar.training.images import generator_at, rows_at, steps_of
from exemplar.training.loop import schedule
from exemplar.training.steps import Pace, run_steps


class ClassifierSettings(Settings):
    """The section `classifier` of `params.yaml`."""

    network: ClassifierNetworkSettings = ClassifierNetworkSettings()
    epochs: float = Field(default=4, gt=0)
    least_steps: int = Field(default=150, ge=1)
    """A small domain is seen for more epochs, until there were so many steps."""
    batch: int = Field(default=128, ge=2)
    """Images a step."""
    rate: float = Field(default=3e-3, gt=0)
    """The highest learning rate; it rises over the first 5 % and falls to 0 as a cosine."""
    decay: float = Field(default=1e-2, ge=0)
    """Weight decay."""
    zoom: float = Field(default=1.0, ge=1)
    """The largest magnification in training; the part of the image that is seen is random."""
    degrees: float = Field(default=0.0, ge=0)
    """The largest rotation in training, to either side."""
    flip: bool = False
    """Whether half of the images are mirrored in training."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of activations in training; features are float32."""
    checkpoint_every: int = Field(default=200, ge=1)
    """Steps."""
    threads: int = Field(default=1, ge=1)
    device: str = "cpu"
    seed: int = 0


def train_classifier(
    images: np.ndarray,
    labels: np.ndarray,
    categories: list[str],
    settings: ClassifierSettings,
    folder: Path,
    data: str,
) -> Classifier:
    """Trains a classifier.

    Args:
        images: (N, H, W, 3) u8; an array or a memory map.
        labels: (N,), places in `categories`.
        categories: names.
        settings: sizes, steps, variation.
        folder: for checkpoints; a training that was interrupted goes on.
        data: the domain's name.

    Returns:
        The network, on its device, in evaluation mode.

    Raises:
        TrainingError: the loss became NaN or infinite.
        CheckpointError: there is a checkpoint of another training.
    """
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    network = Classifier(max(images.shape[1:3]), categories, settings.network)
    network = network.to(settings.device).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.rate, weight_decay=settings.decay
    )
    batch = min(settings.batch, len(images))
    steps = max(settings.least_steps, steps_of(settings.epochs, len(images), batch))
    lower = settings.precision == "bfloat16"

    def step(number: int) -> dict[str, Tensor]:
        for group in optimizer.param_groups:
            group["lr"] = settings.rate * schedule(number, steps)
        rows = rows_at(number, batch, len(images), settings.seed)
        x = _varied(as_input(images[rows]), settings, number).to(settings.device)
        wanted = torch.from_numpy(labels[rows]).to(settings.device)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=lower):
            scores = network(x)
        loss = functional.cross_entropy(scores.float(), wanted)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        right = (scores.detach().argmax(1) == wanted).float().mean()
        return {"loss": loss, "accuracy": right}

    config = network.config | {"training": settings.model_dump(mode="json")}
    state = TrainingState({"network": network}, {"network": optimizer}, config)
    pace = Pace(steps, batch, settings.checkpoint_every)
    run_steps(f"classifier of {data}", folder, state, step, pace)
    return network.eval()


def accuracy(seen: ClassifierFeatures, images: np.ndarray, labels: np.ndarray) -> float:
    """The share in [0, 1] of images (N, H, W, 3) u8 whose category (N,) is guessed."""
    return float((seen.guess(images) == labels).mean())


def _varied(images: Tensor, settings: ClassifierSettings, step: int) -> Tensor:
    """Images as a step sees them: magnified, turned and mirrored at random."""
    if settings.zoom == 1 and not settings.degrees and not settings.flip:
        return images
    zoom, generator = (1.0, settings.zoom), generator_at(step, settings.seed)
    transform = similarity(len(images), generator, zoom, settings.degrees, settings.flip)
    return warp(images, transform).contiguous(memory_format=torch.channels_last)
