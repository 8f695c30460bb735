"""The auxiliary classifier S: which class each pixel of an image shows.

Only trainings have it. It learns on the source, and says whether the generator's images have the
layout they should. Source: Li et al., "Semantic Image Analogy with a Conditional Single-Image GAN",
2020, sections 3.2.3 and 4.1; Chen et al., "Rethinking atrous convolution for semantic image
segmentation", 2017 (DeepLab V3).
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from exemplar.settings import Settings

EXPANSION = 4
"""Channels of a residual block for each of its bottleneck."""


class ClassifierSettings(Settings):
    """The sizes of the classifier; a quarter of DeepLab V3's by default, as in the paper."""

    width: int = Field(default=16, ge=4)
    """Channels of the first bottleneck; each further stage has twice as many."""
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    """Residual blocks of each stage; those of ResNet-50."""
    rates: tuple[int, ...] = (12, 24, 36)
    """Dilations of the pyramid."""


class Classifier(nn.Module):
    """A dilated residual network, and a pyramid of dilated convolutions at 1/8 of the resolution.

    Normalisation is by the statistics of what is seen: there is one image at a time.

    Args:
        outputs: classes, or the channels of colours that stand for them.
        settings: sizes.
    """

    def __init__(self, outputs: int, settings: ClassifierSettings) -> None:
        super().__init__()
        width = settings.width
        self.stem = _layer(3, 4 * width, 5, stride=2)
        stages, channels = [], 4 * width
        # (stride, dilation): 1/8 of the resolution is as coarse as it gets.
        for level, (stride, dilation) in enumerate(((2, 1), (2, 1), (1, 2), (1, 4))):
            for place in range(settings.blocks[level]):
                inner = width * 2**level
                stages.append(_Block(channels, inner, stride if place == 0 else 1, dilation))
                channels = EXPANSION * inner
        self.stages = nn.Sequential(*stages)
        inner = 4 * width
        dilated = (_layer(channels, inner, 3, rate) for rate in settings.rates)
        self.branches = nn.ModuleList([_layer(channels, inner, 1), *dilated])
        # A single value, normalised, would be 0 whatever it was.
        self.whole = nn.Sequential(nn.Conv2d(channels, inner, 1), nn.ReLU())
        self.project = _layer((len(self.branches) + 1) * inner, inner, 1)
        self.head = nn.Sequential(_layer(inner, inner, 3), nn.Conv2d(inner, outputs, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Raw values (B, outputs, H, W) float32 of images (B, 3, H, W) in [-1, 1]."""
        size = (images.shape[-2], images.shape[-1])
        x = self.stages(self.stem(images))
        whole = self.whole(x.mean((2, 3), keepdim=True)).expand(-1, -1, *x.shape[-2:])
        x = self.project(torch.cat([*(branch(x) for branch in self.branches), whole], 1))
        return functional.interpolate(self.head(x).float(), size, mode="bilinear")


class _Block(nn.Module):
    """A bottleneck: 1 x 1, 3 x 3 with stride and dilation, 1 x 1, added to what came in."""

    def __init__(self, inputs: int, inner: int, stride: int, dilation: int) -> None:
        super().__init__()
        outputs = EXPANSION * inner
        self.path = nn.Sequential(
            _layer(inputs, inner, 1),
            _layer(inner, inner, 3, dilation, stride),
            nn.Conv2d(inner, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs, track_running_stats=False),
        )
        same = stride == 1 and inputs == outputs
        self.beside = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.beside(x) + self.path(x))


def _layer(
    inputs: int, outputs: int, side: int, dilation: int = 1, stride: int = 1
) -> nn.Sequential:
    padding = dilation * (side // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, side, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(outputs, track_running_stats=False),
        nn.ReLU(inplace=True),
    )
