"""PiDiNet: edges of photographs, from a local weights file.

Photographs come in, soft edges go out; the condition `edges` can be extracted with it in place of
the project's estimators. Source: Su et al., "Pixel Difference Networks for Efficient Edge
Detection", 2021; the configuration with CDCM and CSAM, of any width.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from exemplar.features.edge_network import EdgeNetwork
from exemplar.features.frozen import IMAGENET_MEAN, IMAGENET_STD
from exemplar.features.pixel_difference import Kind, difference_kernel
from exemplar.settings import Settings
from exemplar.store.convert import read_state, state_hash
from exemplar.store.weights import WeightsError, fit_weights

ORDER: tuple[Kind, ...] = ("cd", "ad", "rd", "cv")  # repeats through the layers, "carv4"
STAGES = (4, 4, 4, 4)  # layers in each, the first layer of all being an ordinary-shaped one
DILATIONS = (5, 7, 9, 11)


class PiDiNetSettings(Settings):
    """An edge detector from a local file."""

    kind: Literal["pidinet"] = "pidinet"
    weights: Path
    """The checkpoint of the full or tiny network."""
    magnify: float = Field(default=2.0, gt=0)
    """Enlarge images by this factor before the network sees them; edges come back at size.

    It was trained on photographs of 481×321: at 96×96, 2 gives outlines and 3 also eyes and
    mouths, while 1 blurs; photographs of their own size want 1.
    """


class DifferenceBlock(nn.Module):
    """A depthwise pixel difference convolution, ReLU and a 1×1 convolution, with a shortcut."""

    def __init__(self, inputs: int, outputs: int, kind: Kind, first: bool) -> None:
        super().__init__()
        self.first = first
        if first:
            self.shortcut = nn.Conv2d(inputs, outputs, 1)
        size = 5 if kind == "rd" else 3
        self.conv1 = nn.Conv2d(inputs, inputs, size, padding=size // 2, groups=inputs, bias=False)
        self.conv2 = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, H, W), halved in a stage's first block."""
        if self.first:
            x = functional.max_pool2d(x, 2)
        change = self.conv2(functional.relu(self.conv1(x)))
        return change + (self.shortcut(x) if self.first else x)


class Dilations(nn.Module):
    """CDCM: four dilated convolutions, summed, gather context around each pixel."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 1)
        for index, step in enumerate(DILATIONS, start=1):
            conv = nn.Conv2d(outputs, outputs, 3, padding=step, dilation=step, bias=False)
            self.add_module(f"conv2_{index}", conv)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, H, W)."""
        x = self.conv1(functional.relu(x))
        seen = [self.get_submodule(f"conv2_{i}")(x) for i in range(1, len(DILATIONS) + 1)]
        return torch.stack(seen).sum(0)


class SpatialAttention(nn.Module):
    """CSAM: a factor for each pixel that quiets the background."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 4, 1)
        self.conv2 = nn.Conv2d(4, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → the same, weighed."""
        return x * torch.sigmoid(self.conv2(self.conv1(functional.relu(x))))


class PiDiNet(nn.Module):
    """The network, its pixel difference convolutions already ordinary ones.

    Args:
        width: channels of the first stage; the others have 2, 4 and 4 times as many.
        side: channels of the side branches.
    """

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width, 4 * width)
        self.init_block = nn.Conv2d(3, width, 3, padding=1, bias=False)
        layer, inputs = 1, width
        for stage, outputs in enumerate(widths, start=1):
            for index in range(2 if stage == 1 else 1, STAGES[stage - 1] + 1):
                # The first stage's first layer is `init_block`; names count blocks from 1.
                name = f"block{stage}_{index - 1 if stage == 1 else index}"
                kind = ORDER[layer % len(ORDER)]
                first = stage > 1 and index == 1
                self.add_module(name, DifferenceBlock(inputs, outputs, kind, first))
                layer, inputs = layer + 1, outputs
        self.dilations = nn.ModuleList(Dilations(count, side) for count in widths)
        self.attentions = nn.ModuleList(SpatialAttention(side) for _ in widths)
        self.conv_reduces = nn.ModuleList(
            nn.ModuleDict({"conv": nn.Conv2d(side, 1, 1)}) for _ in widths
        )
        self.classifier = nn.Conv2d(len(widths), 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Edge logits (B, 1, H, W) of normalised images (B, 3, H, W)."""
        x, sides = self.init_block(images), []
        for stage, (gather, weigh, reduce) in enumerate(
            zip(self.dilations, self.attentions, self.conv_reduces, strict=True), start=1
        ):
            for index in range(1, STAGES[stage - 1] + (stage > 1)):
                x = self.get_submodule(f"block{stage}_{index}")(x)
            assert isinstance(reduce, nn.ModuleDict)
            side = reduce["conv"](weigh(gather(x)))
            sides.append(
                functional.interpolate(
                    side, images.shape[-2:], mode="bilinear", align_corners=False
                )
            )
        return self.classifier(torch.cat(sides, dim=1))


def load_pidinet(settings: PiDiNetSettings, device: torch.device | str = "cpu") -> EdgeNetwork:
    """Loads an edge detector.

    Args:
        settings: the checkpoint and the scale it looks at.
        device: where to run.

    Returns:
        A function from images to edges.

    Raises:
        WeightsError: the file is missing, damaged, or another network's.
    """
    where = str(settings.weights)
    state = read_state(settings.weights)
    identity = f"pidinet@{settings.magnify:g}x#{state_hash(state)}"
    try:
        width = state["init_block.weight"].shape[0]
        side = state["dilations.0.conv1.weight"].shape[0]
    except KeyError as error:
        raise WeightsError(f"{where}: not a PiDiNet with CDCM and CSAM: no {error}") from None
    network = PiDiNet(width, side)
    fit_weights(network, _converted(state, where), where)
    return EdgeNetwork(identity, network, IMAGENET_MEAN, IMAGENET_STD, settings.magnify, device)


def _converted(state: dict[str, Tensor], where: str) -> dict[str, Tensor]:
    """The state with every pixel difference kernel made an ordinary one."""
    chain = ["init_block.weight"] + [
        f"block{stage}_{index}.conv1.weight"
        for stage, count in enumerate(STAGES, start=1)
        for index in range(1, count + (stage > 1))
    ]
    converted = dict(state)
    for layer, name in enumerate(chain):
        if name not in state:
            continue
        if state[name].shape[-2:] != (3, 3):
            raise WeightsError(
                f"{where}: {name} has kernels {tuple(state[name].shape[-2:])}, expected (3, 3): "
                "name the checkpoint of training, whose pixel differences are not yet converted"
            )
        converted[name] = difference_kernel(state[name], ORDER[layer % len(ORDER)])
    return converted
