"""The generator and the segmentation encoder: an image and a change of labels in, an image out.

Between `translation`, which they use at every stage, and `model`, which puts them together.
Source: Li et al., "Semantic Image Analogy with a Conditional Single-Image GAN", 2020, sections
3.2.2 and 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from exemplar.methods.semantic_analogy.translation import (
    SLOPE,
    FixedPoint,
    Ratio,
    Translation,
    modulate,
    transformation,
)
from exemplar.settings import Settings

Norm = Literal["batch", "none"]


class GeneratorSettings(Settings):
    """The sizes of the generator and of the segmentation encoder; as in the paper by default."""

    width: int = Field(default=32, ge=4)
    """Channels of the first stage; each further one has twice as many."""
    stages: int = Field(default=3, ge=1, le=4)
    """Each halves the resolution."""
    norm: Norm = "batch"
    """`batch` takes statistics of what is made at the moment, in training and afterwards."""
    spectral: bool = True
    decoder: bool = False
    """Whether decoding is modulated too, as released."""
    fixed_point: FixedPoint = "learned"
    """`exact`: where labels stay, features do, whatever is learned."""
    ratio: Ratio = "guarded"
    guard: float = Field(default=0.1, gt=0)
    """What both sides of the division in Eq. 4 are moved away from zero by."""


class Change(NamedTuple):
    """What the image features of one stage are to undergo.

    Attributes:
        scale: γ_img (B, C, H, W) float32.
        shift: β_img, the same shape.
    """

    scale: Tensor
    shift: Tensor


class Encoder(nn.Module):
    """Stages of a 3 x 3 convolution and a 4 x 4 one that halves the resolution.

    Args:
        channels: of the input.
        settings: widths.
        last: whether the last stage halves the resolution too; the segmentation encoder is read
            before that.
    """

    def __init__(self, channels: int, settings: GeneratorSettings, last: bool = True) -> None:
        super().__init__()
        widths = stage_widths(settings)
        inputs = [channels, *widths[1:-1]]
        kinds = (settings.norm, settings.spectral)
        self.same = nn.ModuleList(
            layer(nn.Conv2d(a, b, 3, padding=1), *kinds)
            for a, b in zip(inputs, widths[:-1], strict=True)
        )
        downs = list(pairwise(widths))[: None if last else -1]
        self.down = nn.ModuleList(layer(nn.Conv2d(a, b, 4, 2, 1), *kinds) for a, b in downs)

    def forward(self, x: Tensor, changes: Sequence[Change] = ()) -> tuple[list[Tensor], Tensor]:
        """Features of every stage.

        Args:
            x: (B, channels, H, W), both sides multiples of 2^stages.
            changes: that each stage's features undergo on their way to the next (Eq. 6).

        Returns:
            The stages' features (B, C_l, H_l, W_l), fine to coarse, as they were before; and what
            the last stage passes on.
        """
        found = []
        for place, same in enumerate(self.same):
            x = same(x)
            found.append(x)
            if changes:
                x = modulate(x, *changes[place])
            if place < len(self.down):
                x = self.down[place](x)
        return found, x


class Decoder(nn.Module):
    """Stages of a 4 x 4 transposed convolution that doubles the resolution, and a 3 x 3 one.

    Args:
        settings: widths.
    """

    def __init__(self, settings: GeneratorSettings) -> None:
        super().__init__()
        widths = stage_widths(settings)
        kinds = (settings.norm, settings.spectral)
        pairs = list(zip(reversed(widths[1:]), reversed(widths[:-1]), strict=True))
        self.up = nn.ModuleList(layer(nn.ConvTranspose2d(a, b, 4, 2, 1), *kinds) for a, b in pairs)
        self.same = nn.ModuleList(layer(nn.Conv2d(b, b, 3, padding=1), *kinds) for _, b in pairs)
        self.image = nn.Conv2d(widths[0], 3, 3, padding=1)

    def forward(self, x: Tensor, changes: Sequence[Change] = ()) -> Tensor:
        """Images (B, 3, H, W) in [-1, 1] float32 of the coarsest features.

        Args:
            x: (B, C, H / 2^stages, W / 2^stages).
            changes: that each stage's features undergo, coarse to fine; or none.
        """
        for place, (up, same) in enumerate(zip(self.up, self.same, strict=True)):
            x = up(x)
            if changes:
                x = modulate(x, *changes[place])
            x = same(x)
        return torch.tanh(self.image(x).float())


class Generator(nn.Module):
    """G with E_seg and SFT: what a change of labels makes of an image.

    Args:
        labels: channels of encoded label maps.
        settings: sizes.
    """

    def __init__(self, labels: int, settings: GeneratorSettings) -> None:
        super().__init__()
        self.settings = settings
        self.segmentation = Encoder(labels, settings, last=False)
        self.encoder = Encoder(3, settings)
        self.decoder = Decoder(settings)
        widths = stage_widths(settings)[:-1]
        kind = settings.fixed_point
        self.translations = nn.ModuleList(Translation(width, kind) for width in widths)
        late = reversed(widths) if settings.decoder else ()
        self.late_translations = nn.ModuleList(Translation(width, kind) for width in late)

    def forward(
        self, images: Tensor, source: Tensor, target: Tensor
    ) -> tuple[Tensor, list[Change]]:
        """Brings images from one layout into another.

        Args:
            images: (B, 3, H, W) in [-1, 1]; sides are multiples of 2^stages.
            source: (B, K, H, W) their encoded labels.
            target: the same shape, the layout wanted.

        Returns:
            (B, 3, H, W) float32 in [-1, 1]; and what features underwent at each stage.
        """
        # In one pass: both maps are normalised alike, so what they share stays the same.
        seen, _ = self.segmentation(torch.cat([source, target]))
        ratio, guard = self.settings.ratio, self.settings.guard
        pairs = [features.chunk(2) for features in seen]
        found = [transformation(before, after, ratio, guard) for before, after in pairs]
        changes = [
            Change(*block(*change)) for block, change in zip(self.translations, found, strict=True)
        ]
        late = [
            Change(*block(*change))
            for block, change in zip(self.late_translations, reversed(found), strict=False)
        ]
        _, x = self.encoder(images, changes)
        return self.decoder(x, late), [*changes, *late]


def stage_widths(settings: GeneratorSettings) -> list[int]:
    """Channels at every resolution, fine to coarse, `stages` + 1 of them."""
    return [settings.width * 2**level for level in range(settings.stages + 1)]


def layer(convolution: nn.Conv2d | nn.ConvTranspose2d, norm: Norm, spectral: bool) -> nn.Module:
    """A convolution, its normalisations and a leaky ReLU (section 4.1)."""
    parts: list[nn.Module] = [spectral_norm(convolution) if spectral else convolution]
    if norm == "batch":
        # Of one image at a time: what is seen in training is what is seen afterwards.
        parts.append(nn.BatchNorm2d(convolution.out_channels, track_running_stats=False))
    return nn.Sequential(*parts, nn.LeakyReLU(SLOPE))
