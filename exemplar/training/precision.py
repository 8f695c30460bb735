"""Mixed precision: activations in half the bits, weights and losses in float32.

Between a method's losses and its optimizers. bfloat16 has float32's range and needs nothing more;
float16 has not, so losses are scaled up before the backward pass and gradients back down, by a
factor that is found as training goes and kept in checkpoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer

Precision = Literal["float32", "bfloat16", "float16"]
"""Of activations."""

LEAST_SCALE = 1.0
"""Of a loss; below it even gradients that are not scaled up overflow, step after step."""


class MixedPrecision:
    """How one training computes; among its `schedules`, checkpoints keep its scale.

    Args:
        precision: of activations.
        device: where the networks are.
    """

    def __init__(self, precision: Precision, device: torch.device | str) -> None:
        self.precision = precision
        self.device = torch.device(device).type
        self.scaler = torch.amp.GradScaler(self.device, enabled=precision == "float16")

    def forward(self) -> torch.autocast:
        """The context that networks and losses run in."""
        return autocast(self.precision, self.device)

    def backward(self, loss: Tensor) -> None:
        """Adds the loss's gradients, scaled, to those that are there."""
        self.scaler.scale(loss).backward()

    def descend(self, optimizers: Sequence[Optimizer]) -> None:
        """One step down by each optimizer.

        Where a gradient has overflowed, an optimizer leaves its weights as they are, and the scale
        is halved.
        """
        for optimizer in optimizers:
            self.scaler.step(optimizer)
        self.scaler.update()

    def measured(self) -> dict[str, Tensor]:
        """What is written down beside losses: `scale`, of float16 alone."""
        if self.precision != "float16":
            return {}
        return {"scale": torch.tensor(self.scaler.get_scale())}

    def state_dict(self) -> dict[str, Any]:
        """The scale, and for how many steps it has held; JSON values."""
        return self.scaler.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Puts a state back."""
        self.scaler.load_state_dict(state_dict)


def autocast(precision: str, device: torch.device | str) -> torch.autocast:
    """The context that a network runs in, in training or at the end.

    Args:
        precision: `float32`, `bfloat16` or `float16`.
        device: where it is.
    """
    kind = torch.device(device).type
    half = torch.float16 if precision == "float16" else torch.bfloat16
    return torch.autocast(kind, half, enabled=precision != "float32")
