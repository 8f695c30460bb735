"""What pix2pixHD minimises: adversarial, feature matching and perceptual losses of one batch.

Between the networks (`model`) and their training. Source: pix2pixHD, Eqs. 3 to 5 and section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from exemplar.methods.pix2pixhd.encoding import encode
from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.settings import Settings
from exemplar.training.adversarial import (
    Kind,
    adversarial,
    discriminator_loss,
    feature_matching,
)

Maps = Callable[[Tensor], list[Tensor]]
"""A `Backbone`: (B, 3, H, W) in [0, 1] to maps, fine to coarse."""


class ObjectiveSettings(Settings):
    """Weights of the losses; the defaults are the published ones."""

    adversarial: Kind = "lsgan"
    feature_matching: float = Field(default=10.0, ge=0)
    """λ of Eq. 5."""
    perceptual: float = Field(default=10.0, ge=0)
    """Counts where a backbone is named."""


class Batch(NamedTuple):
    """Photographs and their layouts.

    Attributes:
        images: (B, 3, H, W) float32 in [-1, 1].
        labels: (B, H, W) integers.
        instances: (B, H, W) integers.
        objects: (B, H, W) i64, each image's objects from 0.
    """

    images: Tensor
    labels: Tensor
    instances: Tensor
    objects: Tensor


class Losses(NamedTuple):
    """Losses of one batch, scalars, weights included.

    Attributes:
        generator: adversarial, summed over scales.
        matching: feature matching.
        perceptual: zero without a backbone.
        discriminators: summed over scales.
    """

    generator: Tensor
    matching: Tensor
    perceptual: Tensor
    discriminators: Tensor

    @property
    def synthesis(self) -> Tensor:
        """What generator and encoder minimise."""
        return self.generator + self.matching + self.perceptual


def losses(
    model: Pix2pixHD, batch: Batch, settings: ObjectiveSettings, backbone: Maps | None = None
) -> Losses:
    """The losses of a batch; one synthesis serves them all.

    Discriminators get gradients from `discriminators` alone, generator and encoder from
    `synthesis` alone.

    Args:
        model: in training mode.
        batch: on the model's device.
        settings: weights.
        backbone: for the perceptual loss; None leaves it out.

    Returns:
        The losses, with their graphs.
    """
    x = encode(batch.labels, batch.instances, len(model.classes))
    given = x
    if model.encoder is not None:
        given = torch.cat([x, model.encoder(batch.images, batch.objects)[1]], 1)
    images = model.generator(given)
    real = model.discriminators(torch.cat([x, batch.images], 1))
    fake = model.discriminators(torch.cat([x, images.detach()], 1))
    model.discriminators.requires_grad_(False)
    judged = model.discriminators(torch.cat([x, images], 1))
    model.discriminators.requires_grad_(True)
    kind = settings.adversarial
    pairs = zip(fake, real, strict=True)
    zero = torch.zeros((), device=x.device)
    return Losses(
        generator=_sum([adversarial(maps[-1], True, kind) for maps in judged]),
        matching=settings.feature_matching * feature_matching(judged, real)
        if settings.feature_matching
        else zero,
        perceptual=settings.perceptual * perceptual(backbone, images, batch.images)
        if backbone and settings.perceptual
        else zero,
        discriminators=_sum([discriminator_loss(a[-1], b[-1], kind) for a, b in pairs]),
    )


def perceptual(backbone: Maps, images: Tensor, truth: Tensor) -> Tensor:
    """How differently a backbone sees images and photographs.

    The mean absolute difference of each layer, the coarsest with weight 1, the others from coarse
    to fine with 1/4, 1/8, 1/16, 1/32: the released weights of VGG-19's five layers.

    Args:
        backbone: maps, fine to coarse.
        images: (B, 3, H, W) in [-1, 1], with gradients.
        truth: the same, without.

    Returns:
        A scalar float32.

    Source: pix2pixHD, section 4, implementation details.
    """
    seen = backbone((images.float() + 1) / 2)
    with torch.no_grad():
        wanted = backbone((truth + 1) / 2)
    pairs = zip(reversed(seen), reversed(wanted), strict=True)
    return _sum(
        [
            2.0 ** -(depth + 1 if depth else 0) * functional.l1_loss(ours, theirs)
            for depth, (ours, theirs) in enumerate(pairs)
        ]
    )


def _sum(values: list[Tensor]) -> Tensor:
    return torch.stack(values).sum()
