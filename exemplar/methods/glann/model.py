"""Trained models as samplers: noise in, images out; GLANN and its baselines alike.

Between the stages that train (`glo`, `imle`, `glann_baselines`) and what makes images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import numpy as np
import torch
from torch import Tensor

from exemplar.methods.glann.codes import read_codes
from exemplar.methods.glann.generator import Generator, build_generator
from exemplar.methods.glann.mapping import Mapping, build_mapping
from exemplar.store import layout
from exemplar.store.weights import WeightsError, fit_weights, load_weights, save_weights

Network = TypeVar("Network", Generator, Mapping)

Baseline = Literal["imle_pixels", "vae_l1", "vae_perceptual"]
"""What is trained beside GLANN, with the same generator (paper, Table 1 and section 4.1)."""

Method = Literal["glann", "glo_gaussian", "imle_pixels", "vae_l1", "vae_perceptual"]

BASELINES: tuple[Baseline, ...] = get_args(Baseline)
METHODS: tuple[Method, ...] = get_args(Method)
SAMPLING = 1 << 40
"""Added to the seeds of samples; those of trainings and their steps are far smaller."""

BATCH = 256
"""Images made at a time."""


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution of codes, fitted to those of training images (GLO's own proposal).

    Attributes:
        mean: (d,).
        root: (d, d), whose product with its transpose is the covariance.
    """

    mean: Tensor
    root: Tensor

    def __call__(self, noise: Tensor) -> Tensor:
        """Codes (B, d) of standard normal noise (B, d)."""
        return self.mean + noise @ self.root.T


@dataclass(frozen=True)
class Sampler:
    """What makes images of noise.

    Attributes:
        generator: in evaluation mode.
        to_codes: noise (B, e) → (B, d): GLANN's mapping, a Gaussian, or None where the noise is the
            code.
        noise: e.
        device: of all networks.
    """

    generator: Generator
    to_codes: Callable[[Tensor], Tensor] | None
    noise: int
    device: torch.device

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Noise (count, e) from N(0, I), drawn on the CPU, so the same on every device."""
        return torch.randn(count, self.noise, generator=generator)

    def codes(self, noise: Tensor) -> Tensor:
        """The codes (B, d) of noise (B, e), on the device; with gradients if the noise has any.

        They are of unit length where the generator takes such.
        """
        noise = noise.to(self.device)
        codes = noise if self.to_codes is None else self.to_codes(noise)
        if self.generator.sphere:
            codes = torch.nn.functional.normalize(codes, dim=1)
        return codes

    def images(self, codes: Tensor) -> np.ndarray:
        """Images (B, H, W, 3) u8 of codes (B, d); grey ones have three equal channels."""
        with torch.inference_mode():
            parts = [to_bytes(self.generator(part.to(self.device))) for part in codes.split(BATCH)]
        return np.concatenate(parts)

    def sample(self, count: int, seed: int) -> np.ndarray:
        """Images (count, H, W, 3) u8 of noise drawn with a seed."""
        noise = self.draw(count, noise_generator(seed))
        with torch.inference_mode():
            codes = torch.cat([self.codes(part) for part in noise.split(BATCH)])
        return self.images(codes)


def noise_generator(seed: int) -> torch.Generator:
    """A source of noise for samples, others than what trainings draw: those were learned from."""
    return torch.Generator().manual_seed(SAMPLING + seed)


def to_bytes(images: Tensor) -> np.ndarray:
    """(B, 1 or 3, H, W) in [0, 1] → (B, H, W, 3) u8."""
    rounded = (images.clamp(0, 1) * 255).round().to(torch.uint8).cpu()
    return rounded.permute(0, 2, 3, 1).expand(-1, -1, -1, 3).contiguous().numpy()


def load_sampler(
    method: Method, domain: str, seed: int, device: torch.device | str = "cpu"
) -> Sampler:
    """Reads a trained model from where its stages left it.

    Args:
        method: of `METHODS`.
        domain: on which it was trained.
        seed: of its training.
        device: where to run.

    Raises:
        WeightsError: files are missing, damaged, or do not fit each other.
    """
    where = torch.device(device)
    if method in BASELINES:
        generator = load_generator(layout.glann(domain, seed, method), where)
        return Sampler(generator, None, generator.codes, where)
    generator = load_generator(layout.glann(domain, seed, "glo"), where)
    if method == "glo_gaussian":
        _, codes = read_codes(layout.glann_codes(domain, seed))
        if codes.shape[1] != generator.codes:
            raise WeightsError(
                f"{layout.glann_codes(domain, seed)}: codes of {codes.shape[1]} values, the "
                f"generator takes {generator.codes}; run `exemplar reproduce glo@{domain}-{seed}`"
            )
        return Sampler(generator, gaussian(codes, where), generator.codes, where)
    mapping = load_mapping(layout.glann(domain, seed, "imle"), where)
    if mapping.config["codes"] != generator.codes:
        raise WeightsError(
            f"{layout.glann(domain, seed, 'imle')}: maps to codes of {mapping.config['codes']} "
            f"values, the generator takes {generator.codes}; run `exemplar reproduce "
            f"imle@{domain}-{seed}`"
        )
    return Sampler(generator, mapping, mapping.noise, where)


def gaussian(codes: np.ndarray, device: torch.device | str = "cpu") -> Gaussian:
    """The Gaussian, with all covariances, that fits codes (N, d) best."""
    mean = codes.mean(0, dtype=np.float64)
    values, vectors = np.linalg.eigh(np.cov(codes.astype(np.float64), rowvar=False))
    root = vectors * np.sqrt(values.clip(0))  # exists, too, of fewer codes than dimensions
    return Gaussian(*(torch.from_numpy(x).float().to(device) for x in (mean, root)))


def save_network(path: Path | str, network: Generator | Mapping) -> None:
    """Writes weights and, beside them, the config."""
    save_weights(path, network.state_dict(), network.config)


def load_generator(path: Path | str, device: torch.device | str = "cpu") -> Generator:
    """Reads a generator, in evaluation mode.

    Raises:
        WeightsError: a file is missing, damaged, or of another network.
    """
    return _loaded(path, build_generator, device)


def load_mapping(path: Path | str, device: torch.device | str = "cpu") -> Mapping:
    """Reads a mapping, in evaluation mode.

    Raises:
        WeightsError: a file is missing, damaged, or of another network.
    """
    return _loaded(path, build_mapping, device)


def _loaded(
    path: Path | str, build: Callable[[dict[str, Any]], Network], device: torch.device | str
) -> Network:
    state, config = load_weights(path)
    try:
        network = build(config)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: {error}") from error
    fit_weights(network, state, str(path))
    return network.to(device).eval()
