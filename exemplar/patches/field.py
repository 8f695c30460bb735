"""Fields of matches across exemplars: steps that improve them.

A match is (exemplar, row, column). A step reads only the former field, draws by counting, not by
state, and compares whole numbers, so that its result depends neither on the order of work nor on
the number of threads. Source: Barnes et al., PatchMatch, 2009, and over a library The Generalized
PatchMatch Correspondence Algorithm, 2010; jumps as in Rong and Tan, Jump flooding, 2006.
"""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from exemplar.patches import field_cpu, field_torch
from exemplar.patches.levels import Size

JUMPS = (8, 4, 3, 2, 1, 1)
FINE_JUMPS = (4, 2, 1)
"""Where a field has come from a level at which it had settled."""
ANY = -1
"""The class of a pixel that may match everything."""
APART = 2**30
"""Added to the cost of a match of another class; no other cost is as large."""


class Pair(NamedTuple):
    """A picture's patches, and the exemplars'.

    Attributes:
        query: (H, W, D) int16.
        query_classes: (H, W) int16, or `ANY`.
        keys: (N, D) int16, all exemplars' one after another.
        classes: (N,) int16.
        sizes: (E, 3) int64: where an exemplar's keys begin, its rows and columns.
        allowed: (A,) int64, the exemplars that may be used.
        bias: (E, C) int32, added for an exemplar in a class; C may be 1, for all of them.
        change: added for each of the four pixels around that uses another exemplar.
    """

    query: Tensor
    query_classes: Tensor
    keys: Tensor
    classes: Tensor
    sizes: Tensor
    allowed: Tensor
    bias: Tensor
    change: int


class Field(NamedTuple):
    """The match of every pixel.

    Attributes:
        match: (H, W, 3) int32: exemplar, row, column.
        cost: (H, W) int32: squared distance, bias, and `APART` where classes differ; what a change
            of exemplars costs is not in it.
    """

    match: Tensor
    cost: Tensor


def start(pair: Pair, match: Tensor) -> Field:
    """The field with given matches, which lie within their exemplars."""
    return Field(match, _steps(match).costs(pair, match))


def step(pair: Pair, field: Field, jump: int, radius: int, seed: int) -> Field:
    """One step: neighbours' matches, a random place, the same place in another exemplar.

    Each pixel tries the matches of four pixels `jump` away, moved along with it; a place drawn
    evenly within `radius` of its match; and a place within `radius` of the same one, as a share of
    the sides, in an exemplar drawn among the others.

    Args:
        pair: what is matched.
        field: improved from.
        jump: how far away.
        radius: of both random places; with 0 there are none.
        seed: of what is drawn.
    """
    return Field(*_steps(field.cost).step(pair, *field, jump, radius, seed & 0xFFFFFFFF))


def improve(
    pair: Pair, field: Field, searches: int, radius: int, seed: int, jumps: tuple[int, ...] = JUMPS
) -> Field:
    """Rounds of steps with each jump, the radius halved from one to the next.

    Args:
        pair: what is matched.
        field: from where.
        searches: rounds.
        radius: of the first.
        seed: equal seeds give equal fields.
        jumps: of a round.
    """
    draw = seed * 1_000_003
    for _ in range(searches):
        span = radius
        for jump in jumps:
            field = step(pair, field, jump, span, draw)
            span, draw = max(1, span // 2) if radius else 0, draw + 1
    return field


def enlarged(match: Tensor, size: Size, before: Tensor, sizes: Tensor) -> Tensor:
    """A coarse field's matches for a finer one: the nearest pixel's, moved along within its cell.

    Args:
        match: (h, w, 3) int32.
        size: (H, W) of the finer field.
        before: (E, 3) int64, the exemplars' sizes of the coarse field.
        sizes: (E, 3), of the finer.

    Returns:
        (H, W, 3) int32.
    """
    coarse = match.cpu().numpy()
    cells, within = [], []
    for length, own in zip(size, coarse.shape, strict=False):
        centre = (np.arange(length) + 0.5) * own / length
        cells.append(centre.astype(np.int64).clip(0, own - 1))
        within.append(centre - cells[-1])
    found = coarse[np.ix_(*cells)]
    old, new = before.cpu().numpy()[found[..., 0], 1:], sizes.cpu().numpy()[found[..., 0], 1:]
    offset = np.stack(np.meshgrid(*within, indexing="ij"), axis=-1)
    places = np.floor((found[..., 1:] + offset) * new / old).astype(np.int64)
    places = places.clip(0, new - 1)
    made = np.concatenate([found[..., :1], places], axis=-1).astype(np.int32)
    return torch.from_numpy(made).to(match.device)


def _steps(values: Tensor) -> ModuleType:
    return field_cpu if values.device.type == "cpu" else field_torch
