"""Feature pyramids: a backbone cut at some layers, so that any part of it can be run by itself.

A backbone gives maps of images; a pyramid also goes from one map to a coarser one, with gradients,
which is what reconstructing a finer map from a coarser one needs.
Source: Liao et al., "Visual Attribute Transfer through Deep Image Analogy", 2017, sections 4.1
and 4.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count, pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from exemplar.features.backbone import BackboneSettings, EstimatorTrunkSettings, load_trunk
from exemplar.features.efficientnet_lite2 import (
    EfficientNetLite2,
    EfficientNetSettings,
    load_efficientnet,
)
from exemplar.features.frozen import select_layers
from exemplar.features.pixelnet import LAYERS, PixelNet
from exemplar.features.timm_backbone import TimmSettings
from exemplar.features.torchvision_backbone import TorchvisionSettings, load_torchvision
from exemplar.features.vgg19_encoder import (
    NormalisedVggSettings,
    SmallVggSettings,
    Vgg19Encoder,
    load_vgg19_encoder,
)
from exemplar.settings import SettingsError

FIRST_OF_BLOCKS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
"""The levels of the paper, relu1_1 … relu5_1."""

LEAST, MOST = 3, 5
"""Levels of a pyramid."""


class Pyramid:
    """A frozen network as a chain of steps, each from one level to the next coarser one.

    Level 0 is the image in [0, 1]; level l is the map of `layers[l − 1]`.

    Args:
        name: a stable identity with a hash of the weights.
        layers: the names of the maps, fine to coarse, in 3 to 5 levels.
        network: the module that holds the weights.
        steps: one for each layer: the map of the level before → its own.
        smallest_side: of images for which every map has at least two cells a side.
        device: where to run.
    """

    def __init__(
        self,
        name: str,
        layers: Sequence[str],
        network: nn.Module,
        steps: Sequence[Callable[[Tensor], Tensor]],
        smallest_side: int,
        device: torch.device | str = "cpu",
    ) -> None:
        if not LEAST <= len(layers) <= MOST or len(steps) != len(layers):
            raise SettingsError(
                f"{name}: expected {LEAST} to {MOST} layers for a pyramid, "
                f"got {', '.join(layers) or 'none'}"
            )
        self.name = name
        self.layers = tuple(layers)
        self.network = network.to(device).eval().requires_grad_(False)
        self.smallest_side = smallest_side
        self.device = torch.device(device)
        self._steps = tuple(steps)

    def __call__(self, images: Tensor) -> list[Tensor]:
        """The maps of some images.

        Args:
            images: (B, 3, H, W) floating point RGB in [0, 1], on the pyramid's device.

        Returns:
            One map (B, C_l, H_l, W_l) float32 for each layer, fine to coarse.

        Raises:
            ValueError: the images have another form, or a side is below `smallest_side`.
        """
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise ValueError(
                f"{self.name}: expected floating point images (B, 3, H, W) in [0, 1], "
                f"got {images.dtype} {tuple(images.shape)}"
            )
        if min(images.shape[-2:]) < self.smallest_side:
            raise SettingsError(
                f"{self.name}: expected images of at least {self.smallest_side} pixels a side for "
                f"{self.layers[-1]}, got {tuple(images.shape[-2:])}; enlarge them first"
            )
        maps, x = [], images.float()
        for step in self._steps:
            x = step(x)
            maps.append(x)
        return maps

    def between(self, x: Tensor, low: int, high: int) -> Tensor:
        """The map of a level from that of a finer one.

        Args:
            x: (B, C_low, H_low, W_low) float32, the map of level `low`, or images if that is 0.
            low: the level of `x`, from 0.
            high: the level wanted, `low` or above.

        Returns:
            (B, C_high, H_high, W_high) float32, differentiable in `x`.

        Raises:
            ValueError: there are no such levels.
        """
        if not 0 <= low <= high <= len(self.layers):
            raise ValueError(
                f"{self.name}: expected levels 0 ≤ low ≤ high ≤ {len(self.layers)}, "
                f"got {low} and {high}"
            )
        for step in self._steps[low:high]:
            x = step(x)
        return x


def load_pyramid(
    settings: BackboneSettings, estimators: Path | None, device: torch.device | str = "cpu"
) -> Pyramid:
    """Makes the pyramid of the backbone that settings name.

    Args:
        settings: any backbone that is one chain: `estimator`, `efficientnet_lite2`, `vgg19_small`,
            `vgg19_normalised`, or a VGG of `torchvision`. Where they name no layers, the first of
            each block is taken, as in the paper; of the estimators' trunk and of EfficientNet,
            which end their blocks there, the last. EfficientNet's finest level has half the
            images' size, or their own if they are magnified twice.
        estimators: the estimators' weights; needed by the kind `estimator` alone.
        device: where to run.

    Returns:
        The pyramid, weights frozen, computing in float32.

    Raises:
        WeightsError: weights are missing, damaged, or of another network.
        SettingsError: the backbone is no chain, has no such layer, or not 3 to 5 are named.
    """
    if isinstance(settings, EstimatorTrunkSettings):
        return _of_trunk(settings, estimators, device)
    if isinstance(settings, TorchvisionSettings) and settings.name.startswith("vgg"):
        return _of_torchvision(settings, device)
    if isinstance(settings, SmallVggSettings | NormalisedVggSettings):
        return _of_encoder(settings, device)
    if isinstance(settings, EfficientNetSettings):
        return _of_efficientnet(settings, device)
    kind = "timm" if isinstance(settings, TimmSettings) else f"torchvision's {settings.name}"
    raise SettingsError(
        f"a pyramid needs a network whose layers follow one another, not {kind}; choose one of the "
        "kinds estimator, efficientnet_lite2, vgg19_small and vgg19_normalised, or a VGG of "
        "torchvision, as backbone"
    )


def _of_trunk(
    settings: EstimatorTrunkSettings, weights: Path | None, device: torch.device | str
) -> Pyramid:
    estimators, layers = load_trunk(settings, weights, device)
    ends = [LAYERS.index(layer) + 1 for layer in layers]
    steps = [
        partial(_blocks, estimators.network, first, last) for first, last in pairwise([0, *ends])
    ]
    smallest = 2 ** (ends[-1] - 1) + 1
    return Pyramid(estimators.identity, layers, estimators.network, steps, smallest, device)


def _blocks(network: PixelNet, first: int, last: int, x: Tensor) -> Tensor:
    """Some blocks of a PixelNet's trunk, as `trunk_maps` runs them."""
    x = x.contiguous(memory_format=torch.channels_last)
    for level in range(first, last):
        x = functional.max_pool2d(x, 2, ceil_mode=True) if level else x - 0.5
        x = network.blocks[level](x)
    return x


def _of_encoder(
    settings: SmallVggSettings | NormalisedVggSettings, device: torch.device | str
) -> Pyramid:
    encoder = load_vgg19_encoder(settings.model_copy(update={"layers": FIRST_OF_BLOCKS[:1]}))
    network = encoder.network
    assert isinstance(network, Vgg19Encoder)
    # The maps that lead on to the next; the 1×1 layers beside the chain do not.
    available = [layer for layer in network.layers if not layer.endswith("_aux")]
    wanted = settings.layers
    if "layers" not in settings.model_fields_set:
        wanted = tuple(layer for layer in FIRST_OF_BLOCKS if layer in available)
    layers = select_layers(wanted, available, f"the chain of {settings.weights.name}")
    steps = [
        partial(network.between, after=after, last=last)
        for after, last in pairwise([None, *layers])
        if last is not None
    ]
    smallest = 2 ** (_block(layers[-1]) - 1) + 1
    return Pyramid(encoder.name, layers, network, steps, smallest, device)


def _of_efficientnet(settings: EfficientNetSettings, device: torch.device | str) -> Pyramid:
    backbone = load_efficientnet(settings.model_copy(update={"layers": ("block0",)}), device)
    network = backbone.network
    assert isinstance(network, EfficientNetLite2)
    # Within a block there is no way on from the wide map alone: it adds its input at the end.
    available = [name for name in network.layers if name.removeprefix("block").isdigit()]
    layers = select_layers(settings.layers, available, f"the chain of {settings.kind}")

    def first(images: Tensor) -> Tensor:
        return network.between(backbone.prepared(images), None, layers[0])

    later = [partial(network.between, after=after, last=last) for after, last in pairwise(layers)]
    stride = network.stride(layers[-1])
    smallest = next(side for side in count(1) if round(side * settings.magnify) > stride)
    return Pyramid(backbone.name, layers, network, [first, *later], smallest, device)


def _of_torchvision(settings: TorchvisionSettings, device: torch.device | str) -> Pyramid:
    layers = settings.layers or FIRST_OF_BLOCKS
    backbone = load_torchvision(settings.model_copy(update={"layers": layers}), device)
    features = backbone.network.get_submodule("features")
    parts: list[nn.Sequential] = [nn.Sequential()]
    ends, block, position = [], 1, 0
    for module in features.children():
        parts[-1].append(module)
        if isinstance(module, nn.Conv2d):
            position += 1
        elif isinstance(module, nn.MaxPool2d):
            block, position = block + 1, 0
        elif isinstance(module, nn.ReLU) and f"conv{block}_{position}" in backbone.layers:
            ends.append(f"conv{block}_{position}")
            parts.append(nn.Sequential())
    assert tuple(ends) == backbone.layers

    def first(images: Tensor) -> Tensor:
        return parts[0](backbone.prepared(images))

    # Pooling rounds down.
    smallest = 2 ** _block(ends[-1])
    steps = [first, *parts[1 : len(ends)]]
    return Pyramid(backbone.name, backbone.layers, backbone.network, steps, smallest, device)


def _block(layer: str) -> int:
    """Of `conv4_1`: 4."""
    return int(layer.removeprefix("conv").partition("_")[0])
