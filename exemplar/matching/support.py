"""Support: the neighbourhood whose similarities speak for a match, so that pixels match together.

In place of the similarity of two pixels stands the weighted mean over pairs of pixels around both,
at equal displacement: a match counts as good when its surroundings match too. Weights are equal,
or fall where a guide image changes, so that support does not reach across edges. Sources:
aggregation of costs in stereo matching, Scharstein and Szeliski, 2002, section 3.2; adaptive
weights, Yoon and Kweon, 2006.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Support(NamedTuple):
    """Which neighbours support a match, and how much.

    Attributes:
        radius: r, in pixels: up to (2r + 1)² pairs count; 0 compares pixels alone.
        softness: the difference of the guide at which a neighbour's weight is e^(−1/2); 0 lets all
            neighbours count the same.
        guide: (H, W, C) float32 in [0, 1], an image of the query; needed if softness is not 0.
    """

    radius: int = 0
    softness: float = 0.0
    guide: Tensor | None = None


class Taps(NamedTuple):
    """The neighbours of every pixel.

    Attributes:
        offset: (S, 2) int64, rows and columns; one of them is (0, 0).
        weight: (S, H, W) float32, positive.
    """

    offset: Tensor
    weight: Tensor


ALONE = Support()
"""Pixels are compared alone."""


def taps(
    support: Support,
    size: tuple[int, int],
    device: torch.device,
    stride: int = 1,
    sparse: bool = False,
) -> Taps:
    """The neighbours at some resolution.

    Args:
        support: at full resolution.
        size: (H, W) at this one.
        device: of the result.
        stride: full pixels a pixel of this resolution.
        sparse: about five neighbours a side at most, evenly spaced, stand for all.

    Returns:
        Offsets in reading order, and weights.

    Raises:
        ValueError: weights should follow a guide, and there is none of this size.
    """
    radius = max(1, round(support.radius / stride)) if support.radius else 0
    step = max(1, radius // 2) if sparse else 1
    reach = torch.arange(-(radius // step) * step, radius + 1, step)
    offset = torch.cartesian_prod(reach, reach)
    if not support.softness or not radius:
        return Taps(offset.to(device), torch.ones(len(offset), *size, device=device))
    guide = _guide(support, size, stride).to(device)
    y, x = torch.arange(size[0], device=device), torch.arange(size[1], device=device)
    weight = torch.empty(len(offset), *size, device=device)
    for index, (down, right) in enumerate(offset.tolist()):
        # Beyond the border the pair does not count, whatever its weight.
        rows, columns = (y + down).clamp(0, size[0] - 1), (x + right).clamp(0, size[1] - 1)
        change = (guide[rows][:, columns] - guide).square().sum(-1)
        # Never quite 0: every pixel keeps some support, and the mean is defined.
        weight[index] = torch.exp(-change / (2 * support.softness**2)).clamp_min(1e-6)
    return Taps(offset.to(device), weight)


def _guide(support: Support, size: tuple[int, int], stride: int) -> Tensor:
    """The guide averaged over cells of `stride` pixels."""
    if support.guide is None:
        raise ValueError(
            f"softness {support.softness} needs a guide image (H, W, C), got none; "
            "give one, or softness 0"
        )
    planes = support.guide.float().movedim(-1, 0)
    if stride > 1:
        planes = functional.avg_pool2d(planes, stride, ceil_mode=True)
    if planes.shape[1:] != size:
        raise ValueError(
            f"guide: expected the query's size {size}, got {tuple(planes.shape[1:])} "
            f"at a stride of {stride}"
        )
    return planes.movedim(0, -1)
