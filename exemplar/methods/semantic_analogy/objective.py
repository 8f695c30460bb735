"""What the generator minimises: the terms of both modes, and their sums.

Between the networks and `training`; the adversarial terms are in `discriminator`, patch coherence
in `coherence`. Source: Li et al., "Semantic Image Analogy with a Conditional Single-Image GAN",
2020, section 3.4, Eqs. 7 to 13.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from exemplar.methods.semantic_analogy.generator import Change
from exemplar.settings import Settings


class Weights(Settings):
    """How much each term counts; 1 in the paper. A term without weight is not computed."""

    patch: float = Field(default=1.0, ge=0)
    """Eq. 7."""
    semantic: float = Field(default=1.0, ge=0)
    """λ_seg of Eq. 10."""
    adversarial: float = Field(default=1.0, ge=0)
    """λ_GAN of Eqs. 10 and 13."""
    matching: float = Field(default=1.0, ge=0)
    """λ_fm of Eq. 10."""
    reconstruction: float = Field(default=1.0, ge=0)
    """Of Eq. 11 in the mode of that name."""
    fixed_point: float = Field(default=1.0, ge=0)
    """λ_fp of Eq. 13."""
    varied: float = Field(default=0.0, ge=0)
    """Of the difference from I_aug in sampling mode, which the paper leaves to the discriminator's
    features: ours."""


def semantic_alignment(predicted: Tensor, wanted: Tensor) -> Tensor:
    """How far a prediction is from a label map (Eqs. 8 and 9).

    Args:
        predicted: (B, K, H, W) raw values of the classifier.
        wanted: (B, H, W) i64, for cross entropy; or (B, K, H, W) colours that stand for classes,
            as released, for the absolute difference.

    Returns:
        A scalar float32.
    """
    if wanted.is_floating_point():
        return functional.l1_loss(predicted.float(), wanted)
    return functional.cross_entropy(predicted.float(), wanted)


def reconstruction(image: Tensor, wanted: Tensor) -> Tensor:
    """The mean absolute difference (Eq. 11), a scalar."""
    return functional.l1_loss(image.float(), wanted)


def fixed_point(changes: Sequence[Change]) -> Tensor:
    """How far changes are from none: the mean of |γ - 1| + |β| of each stage, summed (Eq. 12)."""
    terms = [(c.scale - 1).abs().mean() + c.shift.abs().mean() for c in changes]
    return torch.stack(terms).sum()


def total(terms: Mapping[str, Tensor], weights: Weights) -> Tensor:
    """The sum of a mode's terms, weighed (Eqs. 10 and 13).

    Args:
        terms: scalars by their names in `Weights`.
        weights: of each.
    """
    return torch.stack([getattr(weights, name) * value for name, value in terms.items()]).sum()
