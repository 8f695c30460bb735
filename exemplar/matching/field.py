"""Nearest-neighbour fields: one match a pixel, and the steps that improve it.

The approximate searches start from some field and take these steps: look around each match
(`refine`), try the neighbours' matches (`propagate`), try random places (`scatter`). A step never
makes a match worse, reads only the former field, and draws by counting, not by state, so that the
order of work does not matter. Source: Barnes et al., PatchMatch, 2009; jumps as in Rong and Tan,
Jump flooding, 2006.
"""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor

from exemplar.matching import field_cpu, field_torch
from exemplar.matching.support import ALONE, Taps, taps
from exemplar.matching.windows import reach

JUMPS = (8, 4, 2, 1)


class Field(NamedTuple):
    """The match of every query pixel in one exemplar.

    Attributes:
        score: (H, W) float32, the mean similarity over the neighbourhood.
        y: (H, W) int32, the match's row.
        x: (H, W) int32, its column.
    """

    score: Tensor
    y: Tensor
    x: Tensor


class Pair(NamedTuple):
    """A query and an exemplar, and how far a match may lie from its pixel.

    Attributes:
        query: (H, W, D) float32, unit length.
        keys: (H', W', D) float32, unit length.
        low: the first offset allowed, in rows and columns alike.
        high: the last.
        around: (S, 2) int64, offsets of the pixels whose similarities count.
        weight: (H, W, S) float32, how much each counts.
    """

    query: Tensor
    keys: Tensor
    low: int
    high: int
    around: Tensor
    weight: Tensor


def pair(query: Tensor, keys: Tensor, window: int, support: Taps | None = None) -> Pair:
    """A pair to match.

    Args:
        query: (H, W, D) float32, unit length.
        keys: (H', W', D) float32, unit length; of images of different sizes all may match.
        window: within which matches lie, a side in pixels or `WHOLE`.
        support: each pixel's neighbourhood; pixels are compared alone by default.
    """
    size = (query.shape[0], query.shape[1])
    around, weight = support or taps(ALONE, size, query.device)
    bounds = reach(window, max(*size, *keys.shape[:2]))
    return Pair(query, keys, *bounds, around, weight.movedim(0, -1).contiguous())


def start(pair: Pair, y: Tensor, x: Tensor) -> Field:
    """The field with given matches, brought within the image and the window.

    Args:
        pair: what is matched.
        y: (H, W) rows.
        x: (H, W) columns.
    """
    y, x = y.int().contiguous(), x.int().contiguous()
    # Any score is better than this one, so the first step keeps the clamped matches.
    unknown = Field(torch.full_like(y, -torch.inf, dtype=torch.float32), y, x)
    return refine(pair, unknown, 0)


def identity(pair: Pair) -> Field:
    """The field that matches every pixel with the same place, as a share of the image's sides."""
    height, width = pair.query.shape[:2]
    device = pair.query.device
    y = torch.arange(height, device=device) * pair.keys.shape[0] // height
    x = torch.arange(width, device=device) * pair.keys.shape[1] // width
    y, x = y[:, None].expand(height, width), x[None].expand(height, width)
    return start(pair, y, x)


def refine(pair: Pair, field: Field, radius: int) -> Field:
    """The best of all places within `radius` of each match, in rows and columns."""
    return Field(*_steps(field.score).refine(*pair, *field, radius))


def propagate(pair: Pair, field: Field, jump: int, tried: Field | None = None) -> Field:
    """Each pixel tries the matches of four pixels `jump` away, moved along with it.

    Args:
        pair: what is matched.
        field: whose matches are tried.
        jump: how far away.
        tried: an earlier field from which the same jump was made, and which has been improved to
            this one since: matches it had already need not be tried again.
    """
    before = None if tried is None else (tried.y, tried.x)
    return Field(*_steps(field.score).propagate(*pair, *field, jump, before))


def scatter(pair: Pair, field: Field, radius: int, seed: int) -> Field:
    """Each pixel tries one place drawn evenly within `radius` of its match."""
    return Field(*_steps(field.score).scatter(*pair, *field, radius, seed & 0xFFFFFFFF))


def improve(
    pair: Pair,
    field: Field,
    iterations: int,
    radius: int,
    seed: int,
    jumps: tuple[int, ...] = JUMPS,
) -> Field:
    """Rounds of random search, at the radius and its halves, and of propagation.

    Args:
        pair: what is matched.
        field: from where.
        iterations: rounds.
        radius: of the widest random search, in pixels; 0 leaves it out.
        seed: of the random search; equal seeds give equal fields.
        jumps: how far away the neighbours are whose matches are tried, one after the other.
    """
    draw = seed * 1_000_003
    tried: dict[int, Field] = {}
    for _ in range(iterations):
        span = radius
        while span:
            field = scatter(pair, field, span, draw)
            span, draw = span // 2, draw + 1
        for jump in jumps:
            field, tried[jump] = propagate(pair, field, jump, tried.get(jump)), field
    return field


def enlarged(
    y: Tensor,
    x: Tensor,
    size: tuple[int, int],
    keys_size: tuple[int, int],
    scale: tuple[float, float] = (2, 2),
    keys_scale: tuple[float, float] = (2, 2),
) -> tuple[Tensor, Tensor]:
    """A coarse field's matches for a finer one: the nearest pixel's, moved along within its cell.

    Args:
        y: (h, w) rows.
        x: (h, w) columns.
        size: (H, W) of the finer field.
        keys_size: (H', W') of the finer exemplar; matches are brought within.
        scale: finer rows and columns for a coarse one.
        keys_scale: likewise of the exemplar.

    Returns:
        Rows and columns (H, W) int32.
    """
    device = y.device
    cell, within = [], []
    for length, finer, coarse in zip(size, scale, y.shape, strict=True):
        centre = (torch.arange(length, device=device, dtype=torch.float64) + 0.5) / finer
        cell.append(centre.floor().clamp_max(coarse - 1).long())
        within.append(centre - cell[-1])
    rows, columns = cell
    down = (y[rows][:, columns] + within[0][:, None]) * keys_scale[0]
    right = (x[rows][:, columns] + within[1][None]) * keys_scale[1]
    return (
        down.floor().clamp(0, keys_size[0] - 1).int(),
        right.floor().clamp(0, keys_size[1] - 1).int(),
    )


def _steps(values: Tensor) -> ModuleType:
    return field_cpu if values.device.type == "cpu" else field_torch
