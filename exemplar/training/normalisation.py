"""Instance normalisation whose gradients are right whatever way tensors lie in memory.

Used by generators and discriminators. Of a single image, PyTorch's own (2.15, on the CPU) reads a
gradient that lies with its channels last as if it lay like the image: every weight below then
learns from a shuffled gradient. Of several images it copies, and is right.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class InstanceNorm(nn.InstanceNorm2d):
    """`torch.nn.InstanceNorm2d`, with gradients laid out as its kernel takes them."""

    def forward(self, input: Tensor) -> Tensor:
        """Of (B, C, H, W), the same shape."""
        found = super().forward(input)
        if len(input) > 1 or not found.requires_grad or torch.compiler.is_exporting():
            return found
        return _LaidOut.apply(found)


class _LaidOut(torch.autograd.Function):
    """Nothing, but that gradients come out contiguous."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0].contiguous()
