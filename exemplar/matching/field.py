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
        keys: (H, W, D) float32, unit length.
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
        keys: (H, W, D) float32, unit length.
        window: within which matches lie, a side in pixels or `WHOLE`.
        support: each pixel's neighbourhood; pixels are compared alone by default.
    """
    size = (query.shape[0], query.shape[1])
    around, weight = support or taps(ALONE, size, query.device)
    bounds = reach(window, max(size))
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
    """The field that matches every pixel with the same place."""
    height, width = pair.query.shape[:2]
    device = pair.query.device
    y = torch.arange(height, device=device)[:, None].expand(height, width)
    x = torch.arange(width, device=device)[None].expand(height, width)
    return start(pair, y, x)


def refine(pair: Pair, field: Field, radius: int) -> Field:
    """The best of all places within `radius` of each match, in rows and columns."""
    return Field(*_steps(field.score).refine(*pair, *field, radius))


def propagate(pair: Pair, field: Field, jump: int) -> Field:
    """Each pixel tries the matches of four pixels `jump` away, moved along with it."""
    return Field(*_steps(field.score).propagate(*pair, *field, jump))


def scatter(pair: Pair, field: Field, radius: int, seed: int) -> Field:
    """Each pixel tries one place drawn evenly within `radius` of its match."""
    return Field(*_steps(field.score).scatter(*pair, *field, radius, seed & 0xFFFFFFFF))


def _steps(values: Tensor) -> ModuleType:
    return field_cpu if values.device.type == "cpu" else field_torch
