"""The weighted sum of an image's own features and of what was brought to it (Eq. 4 and 6)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

KAPPA, TAU = 300.0, 0.05
"""Of the sigmoid, section 4.3; the step is at τ, too."""


def structure(features: Tensor, kind: Literal["step", "sigmoid"]) -> Tensor:
    """Where an image has structure: M of Eq. 6.

    Args:
        features: (1, C, H, W).
        kind: `sigmoid` as in the paper; `step` as released.

    Returns:
        (1, 1, H, W) float32 in [0, 1]; 0 everywhere of features that are the same everywhere.
    """
    energy = features.square().sum(1, keepdim=True)
    low, high = energy.amin(), energy.amax()
    response = (energy - low) / (high - low).clamp_min(torch.finfo(energy.dtype).tiny)
    if kind == "step":
        return (response > TAU).float()
    return torch.sigmoid(KAPPA * (response - TAU)) * (high > low)


def blend(own: Tensor, brought: Tensor, weight: float, kind: Literal["step", "sigmoid"]) -> Tensor:
    """F_A' = F_A ∘ W + R_B' ∘ (1 − W), with W = α M (Eq. 4 and 6).

    Args:
        own: (1, C, H, W), the image's own features F_A.
        brought: likewise, R_B', those of the other image brought to its structure.
        weight: α.
        kind: of M.

    Returns:
        (1, C, H, W).
    """
    kept = weight * structure(own, kind)
    return own * kept + brought * (1 - kept)
