"""Backbones: which network describes pixels, chosen by name in `params.yaml`.

`load_backbone` makes one from its settings; hypercolumns and projections take its maps. The
default is the trunk of the project's own estimators, which needs no download.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import torch
from pydantic import Field
from torch import Tensor

from exemplar.features.efficientnet_lite2 import EfficientNetSettings, load_efficientnet
from exemplar.features.frozen import FrozenBackbone, select_layers
from exemplar.features.pixelnet import LAYERS
from exemplar.features.timm_backbone import TimmSettings, load_timm
from exemplar.features.torchvision_backbone import TorchvisionSettings, load_torchvision
from exemplar.features.vgg19_encoder import (
    NormalisedVggSettings,
    SmallVggSettings,
    load_vgg19_encoder,
)
from exemplar.settings import Settings, SettingsError

if TYPE_CHECKING:
    from exemplar.estimators import Estimators


class EstimatorTrunkSettings(Settings):
    """The trunk of the project's estimators, trained on the `rendered` domain."""

    kind: Literal["estimator"] = "estimator"
    layers: tuple[str, ...] = LAYERS


BackboneSettings = Annotated[
    EstimatorTrunkSettings
    | TorchvisionSettings
    | TimmSettings
    | EfficientNetSettings
    | SmallVggSettings
    | NormalisedVggSettings,
    Field(discriminator="kind"),
]


class Backbone(Protocol):
    """A frozen network whose activations describe pixels.

    Attributes:
        name: a stable identity with a hash of the weights, written into feature stores.
        layers: the names of its maps, fine to coarse.
    """

    name: str
    layers: tuple[str, ...]

    def __call__(self, images: Tensor) -> list[Tensor]:
        """Maps (B, C_l, H_l, W_l) of images (B, 3, H, W), float32 RGB in [0, 1]."""
        ...


def load_backbone(
    settings: BackboneSettings, estimators: Path | None, device: torch.device | str = "cpu"
) -> FrozenBackbone:
    """Makes the backbone that settings name.

    Args:
        settings: one of the kinds above.
        estimators: the estimators' weights; needed by the kind `estimator` alone.
        device: where to run.

    Returns:
        The backbone, in evaluation mode, weights frozen.

    Raises:
        WeightsError: weights are missing, damaged, or do not fit.
        SettingsError: there is no such network or layer.
    """
    if isinstance(settings, EstimatorTrunkSettings):
        return _estimator_trunk(settings, estimators, device)
    if isinstance(settings, TorchvisionSettings):
        return load_torchvision(settings, device)
    if isinstance(settings, TimmSettings):
        return load_timm(settings, device)
    if isinstance(settings, EfficientNetSettings):
        return load_efficientnet(settings, device)
    return load_vgg19_encoder(settings, device)


def load_trunk(
    settings: EstimatorTrunkSettings, weights: Path | None, device: torch.device | str
) -> tuple[Estimators, tuple[str, ...]]:
    """The project's estimators, and the layers of their trunk that settings name.

    Raises:
        SettingsError: no weights are given, or there is no such layer.
        WeightsError: they are missing, damaged, or do not fit.
    """
    # Estimators import this room's PixelNet; importing them here keeps the way open.
    from exemplar.estimators import load_estimators

    if weights is None:
        raise SettingsError(
            "the backbone `estimator` needs the estimators' weights; run the stage `estimators`, "
            "or name another backbone in params.yaml"
        )
    layers = select_layers(settings.layers, LAYERS, "the estimators' trunk")
    return load_estimators(weights, device), layers


def _estimator_trunk(
    settings: EstimatorTrunkSettings, weights: Path | None, device: torch.device | str
) -> FrozenBackbone:
    estimators, layers = load_trunk(settings, weights, device)
    network = estimators.network
    bfloat16 = estimators.precision == "bfloat16"
    chosen = [LAYERS.index(layer) for layer in layers]

    def taps(x: Tensor) -> list[Tensor]:
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=bfloat16):
            maps = network.trunk_maps(x)
        return [maps[level] for level in chosen]

    return FrozenBackbone(estimators.identity, layers, network, taps, device)
