"""ESPNet: the classes of street scenes, from a local weights file.

Photographs come in, a class for every pixel goes out; synthesised street scenes are judged with it.
Source: Mehta et al., "ESPNet: Efficient Spatial Pyramid of Dilated Convolutions for Semantic
Segmentation", 2018; the network with its decoder, of any depth, trained on Cityscapes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from exemplar.settings import Settings
from exemplar.store.convert import read_state, state_hash
from exemplar.store.weights import WeightsError, fit_weights

CLASSES: tuple[str, ...] = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign",
    "vegetation", "terrain", "sky", "person", "rider", "car", "truck", "bus", "train",
    "motorcycle", "bicycle",
)  # fmt: skip
"""Those that Cityscapes evaluates, in the order of its training numbers."""
NOTHING = 255
"""Where the network sees none of them: its last output."""

DILATIONS = (1, 2, 4, 8, 16)
EPSILON = 1e-3  # of batch norm
# Of blue, green and red, in levels; what is left is divided by 255 once more. With any of this
# done otherwise, or red first, it sees less in photographs.
MEAN = (72.3923111, 82.90893555, 73.15840149)
STD = (45.3192215, 46.15289307, 44.91483307)

Side = Annotated[int, Field(ge=32, multiple_of=8)]


class ESPNetSettings(Settings):
    """A segmentation network for street scenes, from a local file."""

    kind: Literal["espnet"] = "espnet"
    weights: Path
    """The checkpoint of the network with its decoder."""
    size: tuple[Side, Side] = (512, 1024)
    """Height and width at which it looks, as in its training; images are brought to it, and what it
    sees back to theirs."""


class Normalised(nn.Module):
    """Batch norm and PReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, EPSILON)
        self.act = nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Of (B, channels, H, W)."""
        return self.act(self.bn(x))


class Convolved(nn.Module):
    """A convolution without bias, named as in the weights; perhaps batch norm and PReLU."""

    def __init__(
        self, inputs: int, outputs: int, side: int, stride: int = 1, dilation: int = 1,
        normalised: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        padding = (side - 1) // 2 * dilation
        self.conv = nn.Conv2d(inputs, outputs, side, stride, padding, dilation, bias=False)
        self.normalised = normalised
        if normalised:
            self.bn = nn.BatchNorm2d(outputs, EPSILON)
            self.act = nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, H / stride, W / stride)."""
        x = self.conv(x)
        return self.act(self.bn(x)) if self.normalised else x


class Pyramid(nn.Module):
    """ESP: fewer channels, dilated convolutions side by side, summed step by step, concatenated.

    Args:
        inputs: channels.
        outputs: channels.
        halve: whether it halves the resolution; then batch norm and PReLU are its own.
        add: whether the input is added to the output.
    """

    def __init__(self, inputs: int, outputs: int, halve: bool = False, add: bool = True) -> None:
        super().__init__()
        part = outputs // len(DILATIONS)
        rest = outputs - part * (len(DILATIONS) - 1)
        self.c1 = Convolved(inputs, part, 3 if halve else 1, 2 if halve else 1)
        for step in DILATIONS:
            outs = rest if step == 1 else part
            self.add_module(f"d{step}", Convolved(part, outs, 3, dilation=step))
        self.add = add and not halve
        if halve:
            self.bn: nn.Module = nn.BatchNorm2d(outputs, EPSILON)
            self.act: nn.Module = nn.PReLU(outputs)
        else:
            self.bn, self.act = Normalised(outputs), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) → (B, outputs, H, W), or half that size."""
        reduced = self.c1(x)
        first, *wider = (self.get_submodule(f"d{step}")(reduced) for step in DILATIONS)
        sums = [first]
        for level, maps in enumerate(wider):
            sums.append(sums[-1] + maps if level else maps)  # hierarchical feature fusion
        fused = torch.cat(sums, 1)
        return self.act(self.bn(x + fused if self.add else fused))


class Encoder(nn.Module):
    """Down to an eighth of the resolution, the image itself beside the maps at every step."""

    def __init__(self, classes: int, depths: tuple[int, int]) -> None:
        super().__init__()
        self.level1 = Convolved(3, 16, 3, 2, normalised=True)
        self.b1 = Normalised(19)
        self.level2_0 = Pyramid(19, 64, halve=True)
        self.level2 = nn.ModuleList(Pyramid(64, 64) for _ in range(depths[0]))
        self.b2 = Normalised(131)
        self.level3_0 = Pyramid(131, 128, halve=True)
        self.level3 = nn.ModuleList(Pyramid(128, 128) for _ in range(depths[1]))
        self.b3 = Normalised(256)
        self.classifier = Convolved(256, classes, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps at a half (16), a quarter (131) and an eighth (the classes) of the resolution."""
        half = functional.avg_pool2d(x, 3, 2, 1)
        quarter = functional.avg_pool2d(half, 3, 2, 1)
        finest = self.level1(x)
        start = self.level2_0(self.b1(torch.cat([finest, half], 1)))
        maps = start
        for block in self.level2:
            maps = block(maps)
        middle = self.b2(torch.cat([maps, start, quarter], 1))
        start = self.level3_0(middle)
        maps = start
        for block in self.level3:
            maps = block(maps)
        return finest, middle, self.classifier(self.b3(torch.cat([start, maps], 1)))


class ESPNet(nn.Module):
    """The encoder and a light decoder.

    Args:
        classes: outputs.
        depths: ESP blocks at a quarter and at an eighth of the resolution.
    """

    def __init__(self, classes: int, depths: tuple[int, int]) -> None:
        super().__init__()
        self.encoder = Encoder(classes, depths)
        self.level3_C = Convolved(131, classes, 1)
        self.br = nn.BatchNorm2d(classes, EPSILON)
        self.conv = Convolved(16 + classes, classes, 3, normalised=True)
        self.up_l3 = nn.Sequential(_doubled(classes))
        self.combine_l2_l3 = nn.Sequential(
            Normalised(2 * classes), Pyramid(2 * classes, classes, add=False)
        )
        self.up_l2 = nn.Sequential(_doubled(classes), Normalised(classes))
        self.classifier = _doubled(classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W), sides multiples of 8 → (B, classes, H, W)."""
        finest, middle, coarse = self.encoder(x)
        raised = self.up_l3(self.br(coarse))
        raised = self.up_l2(self.combine_l2_l3(torch.cat([self.level3_C(middle), raised], 1)))
        return self.classifier(self.conv(torch.cat([raised, finest], 1)))


class StreetSegmenter:
    """Sees the classes of street scenes.

    Attributes:
        identity: a stable name with the size it looks at and a hash of the weights, for tables.
        classes: their names.
    """

    def __init__(self, identity: str, network: ESPNet, size: tuple[int, int]) -> None:
        self.identity, self.classes = identity, CLASSES
        self.network = network.eval().requires_grad_(False)
        self.size = size

    def __call__(self, images: Tensor) -> Tensor:
        """The class of every pixel.

        Args:
            images: (B, 3, H, W) float RGB in [0, 1].

        Returns:
            (B, H, W) u8, places in `classes`, or `NOTHING`.
        """
        device = next(self.network.parameters()).device
        x = functional.interpolate(
            images.to(device).float(), self.size, mode="bilinear", antialias=True
        )
        mean, std = (torch.tensor(v, device=device)[:, None, None] for v in (MEAN, STD))
        with torch.inference_mode():
            prepared = (255 * x.flip(1) - mean) / std / 255
            # One at a time: the finest maps of a large image are large.
            seen = torch.cat([self.network(one) for one in prepared.split(1)])
            seen = functional.interpolate(
                seen, images.shape[-2:], mode="bilinear", align_corners=False
            )
        labels = seen.argmax(1)
        return torch.where(labels < len(CLASSES), labels, NOTHING).to(torch.uint8).cpu()


def load_espnet(settings: ESPNetSettings, device: torch.device | str = "cpu") -> StreetSegmenter:
    """Loads the network.

    Args:
        settings: the checkpoint and the size it looks at.
        device: where to run.

    Returns:
        A function from images to classes.

    Raises:
        WeightsError: the file is missing, damaged, or another network's.
    """
    where, state = str(settings.weights), read_state(settings.weights)
    hashed = state_hash(state)
    outputs = state.get("classifier.weight", torch.empty(0, 0)).shape[1]
    if outputs not in (len(CLASSES), len(CLASSES) + 1):
        raise WeightsError(
            f"{where}: expected an ESPNet with its decoder for the {len(CLASSES)} classes of "
            f"Cityscapes, got {outputs or 'no'} outputs of classifier.weight"
        )
    depths = tuple(_count(state, f"encoder.level{level}.") for level in (2, 3))
    network = ESPNet(outputs, (depths[0], depths[1]))
    own = network.state_dict()
    # Counters of batches, which older files have not, and which nothing here reads.
    state = {k: v for k, v in own.items() if k.endswith("num_batches_tracked")} | state
    fit_weights(network, state, where)
    size = "×".join(map(str, reversed(settings.size)))
    identity = f"espnet@{size}#{hashed}"
    return StreetSegmenter(identity, network.to(device), settings.size)


def _count(state: dict[str, Tensor], prefix: str) -> int:
    """How many blocks have such names."""
    return len({name.removeprefix(prefix).split(".")[0] for name in state if prefix in name})


def _doubled(channels: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(channels, channels, 2, 2, bias=False)
