"""What GLANN is compared with: IMLE on pixels and variational autoencoders, with its generator.

Images in, a generator of standard normal codes out. GLO with a Gaussian needs no training of its
own (`model.gaussian`). Source: paper, sections 3.2, 4.1 and Table 1.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from exemplar.methods.glann.generator import SLOPE, Generator, GeneratorSettings, start
from exemplar.methods.glann.glo import to_tensor
from exemplar.methods.glann.imle import nearest
from exemplar.methods.glann.losses import Reconstruction
from exemplar.settings import Settings
from exemplar.training.checkpoint import TrainingState
from exemplar.training.images import generator_at, rows_within_epochs, steps_an_epoch
from exemplar.training.precision import MixedPrecision, Precision
from exemplar.training.steps import Pace, run_steps

BATCH = 256
"""Images made at a time where nothing is learned."""


class BaselineTraining(Settings):
    """How a baseline is learned; the paper gives none of it."""

    epochs: int = Field(default=500, ge=1)
    halve_every: int = Field(default=50, ge=1)
    """Epochs after which the rate is halved."""
    batch: int = Field(default=128, ge=2)
    rate: float = Field(default=0.001, gt=0)
    precision: Precision = "float32"
    device: str = "cpu"
    threads: int = Field(default=1, ge=1)


class ImlePixelsTraining(BaselineTraining):
    """How IMLE is learned on pixels."""

    draws: float = Field(default=2.0, gt=0)
    """M, images drawn for each training image."""
    search_every: int = Field(default=1, ge=1)
    """Epochs after which images are drawn and matched anew."""


class BaselinesSettings(Settings):
    """The section `glann_baselines` of `params.yaml`; generator and loss are those of `glo`."""

    imle_pixels: ImlePixelsTraining = ImlePixelsTraining()
    vae: BaselineTraining = BaselineTraining()


def train_imle_pixels(
    generator: Generator,
    images: np.ndarray,
    training: ImlePixelsTraining,
    folder: Path,
    name: str,
    seed: int,
) -> list[dict[str, float]]:
    """Learns, in place, a generator some image of which is near each training image.

    Distances are Euclidean in pixels (paper, section 3.2).

    Args:
        generator: on its device; left in evaluation mode.
        images: (N, H, W, C) u8, with the generator's channels.
        training: how long and how fast.
        folder: where checkpoints are kept, for this training alone.
        name: for the lines of progress on standard error.
        seed: of noise and order.

    Returns:
        Losses, a row for each match: `step` and `distance`, the mean squared difference of values.

    Raises:
        TrainingError: the loss or a weight is NaN or infinite.
        CheckpointError: the folder has a checkpoint of another training.
    """
    device, epoch = _begin(training), steps_an_epoch(training.batch, len(images))
    optimizer = _adam(generator, training)
    mixed = MixedPrecision(training.precision, device)
    state = _state({"generator": generator}, optimizer, mixed, training, generator, seed)
    flat = images.reshape(len(images), -1)
    count = max(1, round(training.draws * len(images)))
    match: dict[str, Any] = {}

    def made(noise: Tensor) -> np.ndarray:
        generator.eval()
        with torch.inference_mode(), mixed.forward():
            parts = [generator(part.to(device)).cpu() for part in noise.split(BATCH)]
        return torch.cat(parts).permute(0, 2, 3, 1).flatten(1).numpy() * 255

    def step(number: int) -> dict[str, Tensor]:
        turn = number // epoch // training.search_every
        if match.get("turn") != turn:
            noise = torch.randn(count, generator.codes, generator=generator_at(turn, seed))
            found, _ = nearest(flat, count, lambda part: made(noise[part]))
            match.update(turn=turn, noise=noise[found])
        rows = rows_within_epochs(number, training.batch, len(images), seed)
        generator.train()
        with mixed.forward():
            images_made = generator(match["noise"][rows].to(device))
        value = functional.mse_loss(images_made, to_tensor(images[rows], device))
        _descend(optimizer, mixed, value, training, number // epoch)
        return {"distance": value}

    # A checkpoint falls where a match is over, so that none has to be kept.
    every = epoch * training.search_every
    run_steps(name, folder, state, step, Pace(training.epochs * epoch, training.batch, every))
    generator.eval()
    return state.history


class Encoder(nn.Module):
    """The encoder of the variational autoencoders: InfoGAN's discriminator, as in Lucic et al.

    Args:
        settings: of the generator whose counterpart it is.
        side: pixels a side.
        channels: of the images.
    """

    def __init__(self, settings: GeneratorSettings, side: int, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs, width, halvings = channels, settings.width, max(2, math.ceil(math.log2(side / 16)))
        for level in range(halvings):
            outputs = min(settings.widest, width << level)
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1)]
            layers += [nn.BatchNorm2d(outputs)] if level and settings.batch_norm else []
            layers += [nn.LeakyReLU(SLOPE)]
            inputs = outputs
        smallest = side >> halvings
        layers += [nn.Flatten(), nn.Linear(inputs * smallest * smallest, settings.hidden)]
        layers += [nn.BatchNorm1d(settings.hidden)] if settings.batch_norm else []
        layers += [nn.LeakyReLU(SLOPE), nn.Linear(settings.hidden, 2 * settings.codes)]
        self.layers = nn.Sequential(*layers)
        self.apply(start)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance, (B, d) each, of images (B, C, H, W) in [0, 1]."""
        mean, log_variance = self.layers(2 * images - 1).float().chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 12)


def train_vae(
    generator: Generator,
    encoder: Encoder,
    images: np.ndarray,
    loss: Reconstruction,
    training: BaselineTraining,
    folder: Path,
    name: str,
    seed: int,
) -> list[dict[str, float]]:
    """Learns, in place, a generator and an encoder as a variational autoencoder.

    Args:
        generator: on its device, of codes of any length; left in evaluation mode.
        encoder: on the same device.
        images: (N, H, W, C) u8, with the generator's channels.
        loss: of reconstructions.
        training: how long and how fast.
        folder: where checkpoints are kept, for this training alone.
        name: for the lines of progress on standard error.
        seed: of noise and order.

    Returns:
        Losses, a row an epoch: `step`, `reconstruction` and `divergence`, the latter in nats.

    Raises:
        TrainingError: a loss or a weight is NaN or infinite.
        CheckpointError: the folder has a checkpoint of another training.
    """
    device, epoch = _begin(training), steps_an_epoch(training.batch, len(images))
    networks = nn.ModuleDict({"generator": generator, "encoder": encoder}).train()
    optimizer = _adam(networks, training)
    mixed = MixedPrecision(training.precision, device)
    modules = {"generator": generator, "encoder": encoder}
    state = _state(modules, optimizer, mixed, training, generator, seed)

    def step(number: int) -> dict[str, Tensor]:
        rows = rows_within_epochs(number, training.batch, len(images), seed)
        wanted = to_tensor(images[rows], device)
        noise = torch.randn(len(rows), generator.codes, generator=generator_at(number, seed))
        with mixed.forward():
            mean, log_variance = encoder(wanted)
            codes = mean + noise.to(device) * (log_variance / 2).exp()
            distance = loss(generator(codes), wanted)
        nats = divergence(mean, log_variance).mean()
        value = objective(distance, nats, wanted[0].numel())
        _descend(optimizer, mixed, value, training, number // epoch)
        return {"reconstruction": distance, "divergence": nats}

    run_steps(name, folder, state, step, Pace(training.epochs * epoch, training.batch, epoch))
    networks.eval()
    return state.history


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """How far normal distributions (B, d) are from the standard one, (B,) in nats.

    Source: Kingma and Welling, "Auto-encoding variational Bayes", 2014, appendix B.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)


def objective(distance: Tensor, nats: Tensor, values: int) -> Tensor:
    """The negative evidence bound for each of an image's values, up to a constant.

    With a Laplace distribution of the distance whose scale is the most likely one, −log p of n
    values is n·log(distance) + constant: reconstruction and divergence need no weights (Rybkin et
    al., "Simple and effective VAE training with calibrated decoders", 2021, section 3).

    Args:
        distance: a scalar, the mean over values.
        nats: a scalar, of an image.
        values: n, of an image.
    """
    return distance.clamp(min=1e-6).log() + nats / values


def _begin(training: BaselineTraining) -> torch.device:
    torch.set_num_threads(training.threads)
    faiss.omp_set_num_threads(training.threads)
    return torch.device(training.device)


def _adam(network: nn.Module, training: BaselineTraining) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), training.rate, betas=(0.5, 0.999), fused=True)


def _state(
    modules: dict[str, nn.Module],
    optimizer: torch.optim.Optimizer,
    mixed: MixedPrecision,
    training: BaselineTraining,
    generator: Generator,
    seed: int,
) -> TrainingState:
    config = {"training": training.model_dump(mode="json"), "network": generator.config}
    return TrainingState(modules, {"all": optimizer}, config | {"seed": seed}, {"precision": mixed})


def _descend(
    optimizer: torch.optim.Optimizer,
    mixed: MixedPrecision,
    value: Tensor,
    training: BaselineTraining,
    epoch: int,
) -> None:
    """One step down, at the rate of an epoch."""
    for group in optimizer.param_groups:
        group["lr"] = training.rate * 0.5 ** (epoch // training.halve_every)
    optimizer.zero_grad(set_to_none=True)
    mixed.backward(value)
    mixed.descend([optimizer])
