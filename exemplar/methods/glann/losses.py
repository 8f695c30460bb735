"""How far reconstructions are from images: perceptual, absolute difference, or Laplacian pyramid.

Between a generator's images and what `glo`, the VAE and inversion minimise. The first is GLANN's
(paper, Eq. 3), the last GLO's own; the paper compares them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor
from torch.nn import functional

from exemplar.features.backbone import (
    Backbone,
    BackboneSettings,
    EstimatorTrunkSettings,
    load_backbone,
)
from exemplar.features.frozen import FrozenBackbone
from exemplar.features.torchvision_backbone import TorchvisionSettings
from exemplar.settings import Settings, SettingsError

Reconstruction = Callable[[Tensor, Tensor], Tensor]
"""Images made and wanted, (B, 1 or 3, H, W) in [0, 1] → a scalar float32."""

ONE_SCALE = 64
"""Pixels a side up to which images are compared at one scale."""

VGG_LAYERS = ("conv1_2", "conv2_2", "conv3_2", "conv4_3", "conv5_3")
"""Of VGG-16, as in the released code, which has the last one pooled."""

REDUCTION = 4
"""How much smaller each further scale is, as in the released code."""


class ReconstructionSettings(Settings):
    """Which loss."""

    kind: Literal["perceptual", "l1", "laplacian"] = "perceptual"
    backbone: BackboneSettings = EstimatorTrunkSettings()
    """Of the perceptual loss. As published: `{kind: torchvision, name: vgg16}`, with the released
    code's layers (`VGG_LAYERS`), as any VGG of torchvision's has that is given none."""
    layers: int | None = Field(default=None, ge=1)
    """The finest layers of the backbone that count; by default three up to 32 pixels, four up to
    64, else five, as in the released code."""
    scales: int | None = Field(default=None, ge=1)
    """Sizes at which images are compared, each a quarter of the one before; by default one up to 64
    pixels, two up to 256, three up to 1024 (paper, sections 4.3 and 5)."""
    levels: int = Field(default=3, ge=1)
    """Of the Laplacian pyramid."""

    @field_validator("backbone")
    @classmethod
    def _released_layers(cls, backbone: BackboneSettings) -> BackboneSettings:
        """PixelNN's layers, which a VGG has by itself, are others."""
        if not isinstance(backbone, TorchvisionSettings) or backbone.layers is not None:
            return backbone
        is_vgg = backbone.name.startswith("vgg")
        return backbone.model_copy(update={"layers": VGG_LAYERS}) if is_vgg else backbone

    def identity(self) -> dict[str, Any]:
        """JSON values that name the loss: of those that are not in use, nothing."""
        used = {"perceptual": {"kind", "backbone", "layers", "scales"}, "l1": {"kind"}}
        return self.model_dump(mode="json", include=used.get(self.kind, {"kind", "levels"}))


def reconstruction(
    settings: ReconstructionSettings,
    side: int,
    estimators: Path | None,
    device: torch.device | str = "cpu",
) -> Reconstruction:
    """Makes the loss that settings name.

    Args:
        settings: which.
        side: pixels a side of the images.
        estimators: the estimators' weights, for the backbone of that kind.
        device: where to run.

    Raises:
        WeightsError: the backbone's weights are missing or do not fit.
        SettingsError: it has not so many layers.
    """
    if settings.kind == "l1":
        return absolute
    if settings.kind == "laplacian":
        return lambda made, wanted: laplacian(made, wanted, settings.levels)
    backbone = _finest(settings, side, estimators, device)
    scales = settings.scales or scales_of(side)
    return lambda made, wanted: perceptual(backbone, made, wanted, scales)


def layers_of(side: int) -> int:
    """How many of five layers are compared of images of so many pixels a side."""
    return 3 if side <= 32 else 4 if side <= ONE_SCALE else 5


def scales_of(side: int) -> int:
    """At how many sizes images of so many pixels a side are compared."""
    scales = 1
    while side > ONE_SCALE:
        scales, side = scales + 1, side // REDUCTION
    return scales


def absolute(made: Tensor, wanted: Tensor) -> Tensor:
    """The mean absolute difference of all values, float32."""
    return functional.l1_loss(made.float(), wanted.float())


def perceptual(backbone: Backbone, made: Tensor, wanted: Tensor, scales: int = 1) -> Tensor:
    """The sum over layers of the mean absolute difference of maps, and that of the pixels.

    Args:
        backbone: its maps are compared, each with weight one.
        made: (B, 1 or 3, H, W) in [0, 1], with gradients.
        wanted: the same, without.
        scales: sizes at which this is summed, each a quarter of the one before, by bilinear means.

    Returns:
        A scalar float32.

    Source: paper, Eq. 3 and section 5; the layers' weights from the released code.
    """
    made, wanted = made.float(), wanted.float()
    total = made.new_zeros(())
    for scale in range(scales):
        if scale:
            size = [max(1, side // REDUCTION) for side in made.shape[-2:]]
            made, wanted = (
                functional.interpolate(x, size, mode="bilinear", antialias=True)
                for x in (made, wanted)
            )
        seen = backbone(_coloured(made))
        with torch.no_grad():
            truth = backbone(_coloured(wanted))
        total = total + functional.l1_loss(made, wanted)
        for ours, theirs in zip(seen, truth, strict=True):
            total = total + functional.l1_loss(ours, theirs)
    return total


def laplacian(made: Tensor, wanted: Tensor, levels: int) -> Tensor:
    """The sum over levels of the mean absolute difference of Laplacian pyramids.

    With level j's sum of differences weighed by 4^j, as GLO does, each level counts by its mean.

    Args:
        made: (B, C, H, W).
        wanted: the same.
        levels: band-passed levels, beside the low-pass rest; fewer if images are too small.

    Returns:
        A scalar float32.

    Source: Bojanowski et al., "Optimizing the latent space of generative networks", 2018, Eq. 3.
    """
    # The pyramid is linear, so that of the difference is the difference of the two.
    x = made.float() - wanted.float()
    total = x.new_zeros(())
    for _ in range(levels):
        if min(x.shape[-2:]) < 4:
            break
        smaller = functional.avg_pool2d(_blurred(x), 1, 2)
        back = functional.interpolate(smaller, x.shape[-2:], mode="bilinear")
        total = total + (x - back).abs().mean()
        x = smaller
    return total + x.abs().mean()


def _blurred(x: Tensor) -> Tensor:
    """Burt and Adelson's five taps in both directions, reflected at the border."""
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=x.device) / 16
    channels = x.shape[1]
    kernel = torch.outer(taps, taps).expand(channels, 1, 5, 5)
    return functional.conv2d(functional.pad(x, [2] * 4, mode="reflect"), kernel, groups=channels)


def _coloured(images: Tensor) -> Tensor:
    """Grey images with three equal channels; as convolutions on a CPU take them fastest."""
    coloured = images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
    return coloured.contiguous(memory_format=torch.channels_last)


def _finest(
    settings: ReconstructionSettings, side: int, estimators: Path | None, device: torch.device | str
) -> FrozenBackbone:
    """The backbone up to the deepest layer that counts."""
    whole = load_backbone(settings.backbone, estimators, device)
    whole.network.to(memory_format=torch.channels_last)
    count = settings.layers or min(layers_of(side), len(whole.layers))
    if count > len(whole.layers):
        raise SettingsError(
            f"layers: the backbone {whole.name} has {len(whole.layers)}, got {count}; name fewer "
            "in params.yaml"
        )
    if count == len(whole.layers):
        return whole
    named = settings.backbone.model_copy(update={"layers": whole.layers[:count]})
    part = load_backbone(named, estimators, device)
    part.network.to(memory_format=torch.channels_last)
    return part
