"""VGG-19 encoders with reflection padding, from local files: two backbones.

`vgg19_small` is a distilled VGG-19 with a sixteenth of the values (Wang et al., Collaborative
Distillation, 2020); `vgg19_normalised` is VGG-19 up to conv3_1 with activations scaled to mean
one (Gatys et al., 2015). Both begin with a 1×1 convolution that sees to colour order and mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from exemplar.features.frozen import FrozenBackbone, select_layers
from exemplar.settings import Settings
from exemplar.store.convert import read_state, state_hash
from exemplar.store.weights import WeightsError, fit_weights

# Positions in the stored sequence of the normalised network.
_NORMALISED = {0: "0", 2: "11", 5: "12", 9: "21", 12: "22", 16: "31"}


class SmallVggSettings(Settings):
    """The distilled VGG-19."""

    kind: Literal["vgg19_small"] = "vgg19_small"
    weights: Path
    """A file `kSE.pth`, or the same tensors as safetensors."""
    layers: tuple[str, ...] = ("conv1_2", "conv2_2", "conv3_4", "conv4_4", "conv5_1")
    """`conv1_1` … `conv5_1`, after the ReLU; with `_aux`, mapped to VGG-19's own channels."""


class NormalisedVggSettings(Settings):
    """VGG-19 up to conv3_1, activations normalised."""

    kind: Literal["vgg19_normalised"] = "vgg19_normalised"
    weights: Path
    layers: tuple[str, ...] = ("conv1_2", "conv2_2", "conv3_1")


class Vgg19Encoder(nn.Module):
    """Convolutions in VGG-19's order, 2×2 max pooling between blocks, as wide as its weights.

    Args:
        shapes: name of a convolution (`0`, `11`, …, `51`, `11_aux`, …) → shape of its kernels.
    """

    def __init__(self, shapes: dict[str, torch.Size]) -> None:
        super().__init__()
        self.convolutions = nn.ModuleDict(
            {name: nn.Conv2d(s[1], s[0], (s[2], s[3])) for name, s in shapes.items()}
        )
        self.chain = sorted(name for name in shapes if name.isdigit() and name != "0")

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all maps, fine to coarse."""
        names = []
        for name in self.chain:
            names.append(f"conv{name[0]}_{name[1]}")
            if f"{name}_aux" in self.convolutions:
                names.append(f"{names[-1]}_aux")
        return tuple(names)

    def forward(self, images: Tensor, wanted: tuple[str, ...]) -> list[Tensor]:
        """Some layers' maps.

        Args:
            images: (B, 3, H, W) RGB in [0, 1].
            wanted: names from `layers`, in that order.

        Returns:
            A map for each, after its ReLU.
        """
        maps: dict[str, Tensor] = {}
        for name, value in self._walk(images):
            if name in wanted:
                maps[name] = value
            if len(maps) == len(wanted):
                break
        return [maps[name] for name in wanted]

    def between(self, x: Tensor, after: str | None, last: str) -> Tensor:
        """A layer's map from that of an earlier one.

        Args:
            x: (B, C, H, W), the map of `after`, or images in [0, 1] if that is None.
            after: a name from `layers` without `_aux`.
            last: likewise, a later one.

        Returns:
            The map, after its ReLU.
        """
        for name, value in self._walk(x, after):
            if name == last:
                return value
        raise ValueError(f"expected a layer after {after or 'the image'}, got {last}")

    def _walk(self, x: Tensor, after: str | None = None) -> Iterator[tuple[str, Tensor]]:
        """Names and maps of the layers that follow images, or the map of a layer."""
        size, chain = tuple(x.shape[-2:]), self.chain
        if after is None:
            block, x = chain[0][0], self.convolutions["0"](x)
        else:
            block = after[len("conv")]
            chain = chain[chain.index(after.removeprefix("conv").replace("_", "")) + 1 :]
        for name in chain:
            if name[0] != block:
                block, x = name[0], functional.max_pool2d(x, 2, ceil_mode=True)
            if min(x.shape[-2:]) < 2:
                raise ValueError(
                    f"{'maps' if after else 'images'} of {size} are too small for conv{block}_1: "
                    f"each side of an image must exceed {2 ** (int(block) - 1)} pixels"
                )
            padded = functional.pad(x, (1, 1, 1, 1), mode="reflect")
            x = functional.relu(self.convolutions[name](padded))
            yield f"conv{name[0]}_{name[1]}", x
            if f"{name}_aux" in self.convolutions:
                aux = functional.relu(self.convolutions[f"{name}_aux"](x))
                yield f"conv{name[0]}_{name[1]}_aux", aux


def load_vgg19_encoder(
    settings: SmallVggSettings | NormalisedVggSettings, device: torch.device | str = "cpu"
) -> FrozenBackbone:
    """Loads either encoder.

    Args:
        settings: which, from where, which layers.
        device: where to run.

    Returns:
        The backbone.

    Raises:
        WeightsError: the file is not such an encoder.
        ValueError: it has no layer of a given name.
    """
    where = settings.weights
    state = read_state(where)
    rename = _small_name if settings.kind == "vgg19_small" else _normalised_name
    renamed = {rename(name, where): value for name, value in state.items()}
    network = Vgg19Encoder(
        {name.split(".")[1]: value.shape for name, value in renamed.items() if value.ndim == 4}
    )
    fit_weights(network, renamed, str(where))
    layers = select_layers(settings.layers, network.layers, f"{settings.kind} ({where.name})")
    name = f"{settings.kind}#{state_hash(state)}"
    return FrozenBackbone(name, layers, network, lambda x: network(x, layers), device)


def _small_name(name: str, where: Path) -> str:
    match = re.fullmatch(r"conv(0|[1-5][1-4](?:_aux)?)\.(weight|bias)", name)
    if match is None:
        raise WeightsError(
            f"{where}: not a small VGG-19 encoder: unexpected tensor {name}; "
            "expected conv0, conv11 … conv51, conv11_aux …"
        )
    return f"convolutions.{match[1]}.{match[2]}"


def _normalised_name(name: str, where: Path) -> str:
    position, _, kind = name.partition(".")
    if not position.isdigit() or int(position) not in _NORMALISED:
        raise WeightsError(
            f"{where}: not a normalised VGG-19 up to conv3_1: unexpected tensor {name}; "
            f"expected positions {', '.join(map(str, _NORMALISED))}"
        )
    return f"convolutions.{_NORMALISED[int(position)]}.{kind}"
