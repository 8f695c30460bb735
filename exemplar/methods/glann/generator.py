"""Generators: latent codes in, images out.

`glo` learns one together with the codes; baselines learn the same network in their own ways. Up to
64 pixels it is InfoGAN's, as the paper takes it from Lucic et al.; for 128 and 256 the ResNet of
Mescheder et al., 2018 (paper, sections 4.1 and 4.3).
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from exemplar.settings import Settings, SettingsError

SLOPE = 0.2
"""Of all leaky rectifiers."""

Upsampling = Literal["deconvolution", "nearest"]


class GeneratorSettings(Settings):
    """The size of a generator; as published by default."""

    codes: int = Field(default=64, ge=2)
    """d, the length of a code."""
    hidden: int = Field(default=1024, ge=1)
    """Nodes of the first layer; up to 64 pixels."""
    width: int = Field(default=64, ge=1)
    """Channels of the finest layer."""
    widest: int = Field(default=512, ge=1)
    """The most channels of a layer; above 64 pixels."""
    batch_norm: bool = True
    """Up to 64 pixels; the released code has none for CIFAR-10."""
    upsampling: Upsampling = "deconvolution"
    """As published, or magnification and a 3×3 convolution, which leaves no checkerboard (the
    paper's section 4.1 complains of one); up to 64 pixels, above them it is always the latter."""


class Generator(nn.Module):
    """From codes to images.

    Args:
        settings: sizes.
        side: pixels a side; a multiple of 4 up to 64, 4 times a power of two above.
        channels: 1 for grey images, 3 for RGB.
        sphere: whether codes are brought to unit length first, as those of GLO are.

    Attributes:
        config: JSON values from which `build_generator` makes the same network.

    Raises:
        SettingsError: there is no generator of that size.
    """

    def __init__(
        self, settings: GeneratorSettings, side: int, channels: int = 3, sphere: bool = True
    ) -> None:
        super().__init__()
        fits = side % 4 == 0 if side <= 64 else (side // 4).bit_count() == 1 and side % 4 == 0
        if side < 8 or not fits or channels not in (1, 3):
            raise SettingsError(
                "expected images of 8 to 64 pixels a side, a multiple of 4, or of 128, 256, …, "
                f"with 1 or 3 channels; got {side} pixels and {channels} channels; set the "
                "domain's `size` in params.yaml"
            )
        self.config: dict[str, Any] = {
            "network": "glann generator",
            "settings": settings.model_dump(),
            "side": side,
            "channels": channels,
            "sphere": sphere,
        }
        self.codes, self.side, self.channels, self.sphere = settings.codes, side, channels, sphere
        build = _shallow if side <= 64 else _residual
        self.layers = build(settings, side, channels)

    def forward(self, codes: Tensor) -> Tensor:
        """Images of codes.

        Args:
            codes: (B, d); of any length if the network brings them to the sphere.

        Returns:
            (B, channels, side, side) float32 in [0, 1].
        """
        if self.sphere:
            # The length is a constant to the gradient: codes of unit length pass as they are.
            codes = codes / codes.detach().norm(dim=1, keepdim=True).clamp(min=1e-12)
        return torch.sigmoid(self.layers(codes).float())


def build_generator(config: dict[str, Any]) -> Generator:
    """Rebuilds a network from the config stored beside its weights.

    Raises:
        ValueError: the config is of something else.
    """
    if config.get("network") != "glann generator":
        raise ValueError(f"expected the config of a generator, got {config.get('network')!r}")
    settings = GeneratorSettings(**config["settings"])
    return Generator(settings, config["side"], config["channels"], config["sphere"])


def start(layer: nn.Module) -> None:
    """Xavier's weights with gain √2, as in the released code."""
    if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.xavier_uniform_(layer.weight, math.sqrt(2))
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _shallow(settings: GeneratorSettings, side: int, channels: int) -> nn.Sequential:
    """InfoGAN's: two dense layers, two that double the resolution."""
    quarter, width = side // 4, settings.width
    norm, bias = settings.batch_norm, not settings.batch_norm
    wide = 2 * width * quarter * quarter
    layers: list[nn.Module] = [nn.Linear(settings.codes, settings.hidden, bias=bias)]
    layers += [nn.BatchNorm1d(settings.hidden)] if norm else []
    layers += [nn.LeakyReLU(SLOPE), nn.Linear(settings.hidden, wide, bias=bias)]
    layers += [nn.BatchNorm1d(wide)] if norm else []
    layers += [nn.LeakyReLU(SLOPE), nn.Unflatten(1, (2 * width, quarter, quarter))]
    layers += _raise(2 * width, width, settings.upsampling, bias)
    layers += [nn.BatchNorm2d(width)] if norm else []
    layers += [nn.LeakyReLU(SLOPE), *_raise(width, channels, settings.upsampling, True)]
    network = nn.Sequential(*layers)
    network.apply(start)
    return network


def _raise(inputs: int, outputs: int, upsampling: Upsampling, bias: bool) -> list[nn.Module]:
    """Layers that double the resolution."""
    if upsampling == "deconvolution":
        return [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias)]
    return [nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)]


def _residual(settings: GeneratorSettings, side: int, channels: int) -> nn.Sequential:
    """Mescheder's: residual blocks from 4×4 pixels on, each at twice the last one's resolution."""
    doublings = int(math.log2(side // 4))
    widths = [min(settings.widest, settings.width << level) for level in range(doublings, -1, -1)]
    layers: list[nn.Module] = [
        nn.Linear(settings.codes, widths[0] * 16),
        nn.Unflatten(1, (widths[0], 4, 4)),
    ]
    for before, after in pairwise(widths):
        layers += [Residual(before, after), nn.Upsample(scale_factor=2)]
    layers += [Residual(widths[-1], widths[-1]), nn.LeakyReLU(SLOPE)]
    layers += [nn.Conv2d(widths[-1], channels, 3, padding=1)]
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """A block that adds a tenth of what two convolutions make of its rectified input."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        between = min(inputs, outputs)
        self.first = nn.Conv2d(inputs, between, 3, padding=1)
        self.second = nn.Conv2d(between, outputs, 3, padding=1)
        self.past = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, H, W)."""
        change = self.second(
            functional.leaky_relu(self.first(functional.leaky_relu(x, SLOPE)), SLOPE)
        )
        return (x if self.past is None else self.past(x)) + 0.1 * change
