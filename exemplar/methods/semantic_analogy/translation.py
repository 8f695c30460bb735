"""Semantic feature translation: what changes between two label maps, as a change of image features.

Between the segmentation encoder and the generator: how the features of the source's labels become
those of the target's is put into words an image understands, a scale and a shift at every place.
Source: Li et al., "Semantic Image Analogy with a Conditional Single-Image GAN", 2020, section 3.3.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from exemplar.training.normalisation import InstanceNorm

Ratio = Literal["guarded", "plain"]
FixedPoint = Literal["exact", "learned"]
SLOPE = 0.2
"""Of every leaky ReLU."""
FLOOR = 1e-5
"""Of variances that features are divided by."""


def transformation(
    source: Tensor, target: Tensor, ratio: Ratio = "guarded", guard: float = 0.1
) -> tuple[Tensor, Tensor]:
    """How one label map's features become another's (Eq. 4).

    Both sides of the division are moved away from zero by `guard`, to the side where the source
    is: features that cross zero have no ratio, and equal features have exactly 1.

    Args:
        source: (B, C, H, W) F_source.
        target: the same shape, F_aug.
        ratio: `plain` adds the same small number to both, whatever their signs, as released.
        guard: what is added.

    Returns:
        F_scale and F_shift, float32 of the same shape; of equal features exactly 1 and 0.

    Example:
        >>> transformation(torch.tensor([0.0, 2.0]), torch.tensor([0.5, 2.0]), guard=0.5)
        (tensor([2., 1.]), tensor([0.5000, 0.0000]))
    """
    source, target = source.float(), target.float()
    shift = target - source
    if ratio == "plain":
        return (target + guard) / (source + guard), shift
    away = torch.where(source < 0, -guard, guard)
    return (target + away) / (source + away), shift


class Translation(nn.Module):
    """The two blocks of one stage: γ from F_scale, β from F_shift (Eq. 5).

    Source: section 4.1: a bottleneck of 1 x 1 convolutions.

    Args:
        channels: C, of the features of both domains.
        fixed_point: `exact` takes F_scale - 1 to γ - 1 without biases, so that no change of labels
            is no change of the image whatever is learned; `learned` leaves that to Eq. 12.
    """

    def __init__(self, channels: int, fixed_point: FixedPoint = "learned") -> None:
        super().__init__()
        self.exact = fixed_point == "exact"
        self.scale = self._block(channels, 1.0)
        self.shift = self._block(channels, 0.0)

    def _block(self, channels: int, around: float) -> nn.Sequential:
        inner = max(1, channels // 2)
        last = nn.Conv2d(inner, channels, 1, bias=not self.exact)
        if last.bias is not None:
            # Not the source's features wiped out at first.
            nn.init.constant_(last.bias, around)
        first = nn.Conv2d(channels, inner, 1, bias=not self.exact)
        return nn.Sequential(first, nn.LeakyReLU(SLOPE), last)

    def forward(self, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        """γ and β, (B, C, H, W) each, of F_scale and F_shift of that shape."""
        if self.exact:
            return 1 + self.scale(scale - 1).float(), self.shift(shift).float()
        return self.scale(scale).float(), self.shift(shift).float()


def modulate(features: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Image features, normalised over an image's places, then scaled and shifted (Eq. 6).

    Args:
        features: (B, C, H, W).
        scale: γ, the same shape.
        shift: β, the same shape.

    Returns:
        (B, C, H, W) float32.
    """
    # Without weights of its own, a module costs nothing to make.
    normalised = InstanceNorm(features.shape[1], eps=FLOOR)(features.float())
    return torch.addcmul(shift, scale, normalised)
