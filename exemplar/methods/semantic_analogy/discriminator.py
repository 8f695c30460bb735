"""Discriminators of one image: whose patches are the source's, and whose are made up.

Only trainings have them. Source: Li et al., "Semantic Image Analogy with a Conditional
Single-Image GAN", 2020, sections 3.2.3 and 4.1; `pyramid` is the kind that the released code has
instead, after Liu et al., "Learning to predict layout-to-image conditional convolutions for
semantic image synthesis", 2019, without its embedding of labels.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from exemplar.methods.semantic_analogy.generator import Norm, layer
from exemplar.settings import Settings
from exemplar.training.adversarial import adversarial, discriminator_loss, feature_matching


class DiscriminatorSettings(Settings):
    """Which discriminator, and its sizes; as in the paper by default."""

    kind: Literal["patches", "pyramid"] = "patches"
    width: int = Field(default=32, ge=4)
    stages: int = Field(default=3, ge=1, le=4)
    norm: Norm = "batch"


Judged = list[list[Tensor]]
"""Features of some scales, fine to coarse, of each the logits last, as `adversarial` has them."""


class Patches(nn.Module):
    """PatchGAN: stages of a 3 x 3 convolution and a 4 x 4 one that halves the resolution.

    Args:
        settings: sizes.
    """

    def __init__(self, settings: DiscriminatorSettings) -> None:
        super().__init__()
        widths = [settings.width * 2**level for level in range(settings.stages + 1)]
        blocks, inputs = [], 3
        for a, b in pairwise(widths):
            same = layer(nn.Conv2d(inputs, a, 3, padding=1), settings.norm, True)
            blocks.append(nn.Sequential(same, layer(nn.Conv2d(a, b, 4, 2, 1), settings.norm, True)))
            inputs = b
        self.blocks = nn.ModuleList(blocks)
        self.logits = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(self, images: Tensor) -> Judged:
        """Features of every stage, and logits, of (B, 3, H, W) in [-1, 1]; one scale."""
        found, x = [], images
        for block in self.blocks:
            x = block(x)
            found.append(x)
        return [[*found, self.logits(x)]]


class Pyramid(nn.Module):
    """Features from coarse to fine added to those from fine to coarse, judged at two scales.

    Args:
        settings: sizes.
    """

    def __init__(self, settings: DiscriminatorSettings) -> None:
        super().__init__()
        widths = [3, *(settings.width * 2**level for level in range(settings.stages))]
        pairs = pairwise(widths)
        self.down = nn.ModuleList(
            layer(nn.Conv2d(a, b, 4, 2, 1), settings.norm, True) for a, b in pairs
        )
        inner = 2 * settings.width
        self.lateral = nn.ModuleList(
            layer(nn.Conv2d(width, inner, 1), settings.norm, True) for width in widths[-2:]
        )
        self.final = nn.ModuleList(
            layer(nn.Conv2d(inner, inner, 3, padding=1), settings.norm, True) for _ in range(2)
        )
        self.logits = nn.ModuleList(nn.Conv2d(inner, 1, 1) for _ in range(2))

    def forward(self, images: Tensor) -> Judged:
        """As `Patches`, of the two coarsest scales."""
        x, seen = images, [images]
        for block in self.down:
            x = block(x)
            seen.append(x)
        coarse = self.lateral[1](seen[-1])
        size = (seen[-2].shape[-2], seen[-2].shape[-1])
        fine = self.lateral[0](seen[-2]) + functional.interpolate(coarse, size, mode="bilinear")
        maps = [final(x) for final, x in zip(self.final, (fine, coarse), strict=True)]
        return [[x, logits(x)] for x, logits in zip(maps, self.logits, strict=True)]


def build_discriminator(settings: DiscriminatorSettings) -> nn.Module:
    """The discriminator of some settings, with random weights."""
    return Patches(settings) if settings.kind == "patches" else Pyramid(settings)


def fooling(judged: Judged) -> Tensor:
    """L_GAN of the generator: how far its image is from being called real; a scalar."""
    return torch.stack([adversarial(maps[-1], True, "lsgan") for maps in judged]).mean()


def telling(fake: Judged, real: Judged) -> Tensor:
    """L_GAN of the discriminator: how far it is from telling both apart; a scalar."""
    pairs = zip(fake, real, strict=True)
    return torch.stack([discriminator_loss(a[-1], b[-1], "lsgan") for a, b in pairs]).mean()


def matching(fake: Judged, real: Judged) -> Tensor:
    """L_fm: the mean absolute difference of the stages' features; a scalar."""
    return feature_matching(fake, real) / 4  # it sums what would be four stages
