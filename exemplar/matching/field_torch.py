"""The steps of `field` on any device: whole fields at a time. The reference of `field_cpu`.

Arguments and results are those of `field.Pair` and `field.Field`, spread out.
"""

from __future__ import annotations

import torch
from torch import Tensor

Spread = tuple[Tensor, Tensor, Tensor]


def refine(
    query: Tensor, keys: Tensor, low: int, high: int, around: Tensor, weight: Tensor,
    score: Tensor, y: Tensor, x: Tensor, radius: int,
) -> Spread:  # fmt: skip
    """The best of all places within `radius` of each match."""
    centre_y, centre_x = _clamped(keys, y, x, low, high)
    best = (score, y, x)
    for step_y in range(-radius, radius + 1):
        for step_x in range(-radius, radius + 1):
            at = _clamped(keys, centre_y + step_y, centre_x + step_x, low, high)
            best = _better((query, keys, around, weight), best, *at)
    return best


def propagate(
    query: Tensor, keys: Tensor, low: int, high: int, around: Tensor, weight: Tensor,
    score: Tensor, y: Tensor, x: Tensor, jump: int, tried: tuple[Tensor, Tensor] | None = None,
) -> Spread:  # fmt: skip
    """The matches of four pixels `jump` away, tried; those tried before are tried to no effect."""
    height, width = score.shape
    row, column = _grid(score)
    best = (score, y, x)
    for step_y, step_x in ((-jump, 0), (0, -jump), (0, jump), (jump, 0)):
        inside = (row + step_y >= 0) & (row + step_y < height)
        inside = inside & (column + step_x >= 0) & (column + step_x < width)
        moved = (step_y, step_x)
        other_y = torch.roll(y, (-step_y, -step_x), (0, 1)) - moved[0]
        other_x = torch.roll(x, (-step_y, -step_x), (0, 1)) - moved[1]
        # A pixel without that neighbour tries its own match again, to no effect.
        at = torch.where(inside, other_y, y), torch.where(inside, other_x, x)
        best = _better((query, keys, around, weight), best, *_clamped(keys, *at, low, high))
    return best


def scatter(
    query: Tensor, keys: Tensor, low: int, high: int, around: Tensor, weight: Tensor,
    score: Tensor, y: Tensor, x: Tensor, radius: int, seed: int,
) -> Spread:  # fmt: skip
    """One random place within `radius` of each match, tried."""
    row, column = _grid(score)
    drawn = mix((row * score.shape[1] + column) ^ mix(torch.full_like(row, seed)))
    again = mix(drawn ^ 0x9E3779B9)
    side = 2 * radius + 1
    at_y, at_x = y + (drawn % side) - radius, x + (again % side) - radius
    at = _clamped(keys, at_y, at_x, low, high)
    return _better((query, keys, around, weight), (score, y, x), *at)


def _better(
    pair: tuple[Tensor, Tensor, Tensor, Tensor], best: Spread, y: Tensor, x: Tensor
) -> Spread:
    """The former match or a new one, whichever is more similar; the former where they tie."""
    found = _similar(*pair, y.long(), x.long())
    wins = found > best[0]
    return (
        torch.where(wins, found, best[0]),
        torch.where(wins, y.int(), best[1]),
        torch.where(wins, x.int(), best[2]),
    )


def _similar(
    query: Tensor, keys: Tensor, around: Tensor, weight: Tensor, y: Tensor, x: Tensor
) -> Tensor:
    """The weighted mean similarity over the pairs around both that lie inside both images."""
    height, width, _ = query.shape
    row, column = _grid(y)
    total, norm = torch.zeros_like(weight[..., 0]), torch.zeros_like(weight[..., 0])
    for (down, right), counts in zip(around.tolist(), weight.unbind(-1), strict=True):
        places = (row + down, column + right, y + down, x + right)
        sides = (height, width, *keys.shape[:2])
        inside = torch.ones_like(y, dtype=torch.bool)
        for place, side in zip(places, sides, strict=True):
            inside = inside & (place >= 0) & (place < side)
        at = [place.clamp(0, side - 1) for place, side in zip(places, sides, strict=True)]
        counts = counts * inside
        total += counts * (query[at[0], at[1]] * keys[at[2], at[3]]).sum(-1)
        norm += counts
    return total / norm


def _clamped(keys: Tensor, y: Tensor, x: Tensor, low: int, high: int) -> tuple[Tensor, Tensor]:
    """Places brought within each pixel's window and the exemplar."""
    row, column = _grid(y)
    height, width = keys.shape[:2]
    y = y.minimum((row + high).clamp_max(height - 1)).maximum((row + low).clamp_min(0))
    x = x.minimum((column + high).clamp_max(width - 1)).maximum((column + low).clamp_min(0))
    return y, x


def _grid(like: Tensor) -> tuple[Tensor, Tensor]:
    """The row (H, 1) and the column (1, W) of every pixel, int64."""
    height, width = like.shape
    row = torch.arange(height, device=like.device)[:, None]
    return row, torch.arange(width, device=like.device)[None]


def mix(value: Tensor) -> Tensor:
    """A hash of 32 bits (the finaliser of MurmurHash3), in int64."""
    mask = 0xFFFFFFFF
    value = value ^ (value >> 16)
    value = (value * 0x85EBCA6B) & mask
    value = value ^ (value >> 13)
    value = (value * 0xC2B2AE35) & mask
    return value ^ (value >> 16)
