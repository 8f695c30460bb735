"""A pyramid of a narrow random network with two ways to round where it pools."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from exemplar.features.pyramid import Pyramid

WIDTHS = (4, 6, 5)


def small_pyramid(seed: int = 0, up: bool = True, name: str = "small") -> Pyramid:
    """Three levels, halved from each to the next; `up`: sizes that are odd are rounded up."""
    torch.manual_seed(seed)
    layers = nn.ModuleList(
        nn.Conv2d(a, b, 3, padding=1) for a, b in zip((3, *WIDTHS), WIDTHS, strict=False)
    )

    def step(level: int, x: Tensor) -> Tensor:
        x = functional.max_pool2d(x, 2, ceil_mode=up) if level else x
        return layers[level](x).relu()

    steps = [lambda x, level=level: step(level, x) for level in range(3)]
    return Pyramid(name, ("a", "b", "c"), layers, steps, 8)
