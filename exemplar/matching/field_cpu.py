"""The steps of `field` on the CPU: compiled loops, one pixel after the other.

`field_torch` does the same on any device and is the reference. Arguments and results are those of
`field.Pair` and `field.Field`, spread out.
"""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
import torch
from torch import Tensor

from exemplar.matching.similarity import cosine

Spread = tuple[Tensor, Tensor, Tensor]


def refine(
    query: Tensor, keys: Tensor, low: int, high: int, around: Tensor, weight: Tensor,
    score: Tensor, y: Tensor, x: Tensor, radius: int,
) -> Spread:  # fmt: skip
    """The best of all places within `radius` of each match."""
    return _run(_refine, (query, keys, low, high, around, weight), (score, y, x), radius)


def propagate(
    query: Tensor, keys: Tensor, low: int, high: int, around: Tensor, weight: Tensor,
    score: Tensor, y: Tensor, x: Tensor, jump: int, tried: tuple[Tensor, Tensor] | None = None,
) -> Spread:  # fmt: skip
    """The matches of four pixels `jump` away, tried; not those that were tried before."""
    before = [each.numpy() for each in tried] if tried else [np.full(y.shape, -1, np.int32)] * 2
    return _run(_propagate, (query, keys, low, high, around, weight), (score, y, x), jump, *before)


def scatter(
    query: Tensor, keys: Tensor, low: int, high: int, around: Tensor, weight: Tensor,
    score: Tensor, y: Tensor, x: Tensor, radius: int, seed: int,
) -> Spread:  # fmt: skip
    """One random place within `radius` of each match, tried."""
    return _run(
        _scatter, (query, keys, low, high, around, weight), (score, y, x), radius, np.uint32(seed)
    )


def _run(
    step: Callable[..., None],
    pair: tuple[Tensor, Tensor, int, int, Tensor, Tensor],
    field: Spread,
    *more: object,
) -> Spread:
    """A step on copies of the field."""
    query, keys, low, high, around, weight = pair
    before = tuple(values.numpy() for values in field)
    after = tuple(values.copy() for values in before)
    arrays = (query.numpy(), keys.numpy(), low, high, around.numpy(), weight.numpy())
    step(*arrays, *before, *after, *more)
    made = [torch.from_numpy(values) for values in after]
    return made[0], made[1], made[2]


@numba.njit(nogil=True, cache=True)
def _supported(query, keys, around, weight, row, column, at_y, at_x):
    """The weighted mean similarity over the pairs around both that lie inside both images."""
    height, width, _ = query.shape
    rows, columns, _ = keys.shape
    total, norm = np.float32(0), np.float32(0)
    for tap in range(len(around)):
        down, right = around[tap]
        if (
            0 <= row + down < height
            and 0 <= column + right < width
            and 0 <= at_y + down < rows
            and 0 <= at_x + right < columns
        ):
            counts = weight[row, column, tap]
            one = query[row + down, column + right]
            total += counts * cosine(one, keys[at_y + down, at_x + right])
            norm += counts
    return total / norm


@numba.njit(nogil=True, cache=True)
def _bounds(at: int, side: int, low: int, high: int) -> tuple[int, int]:
    """The first and last row (or column) that a pixel's match may lie in."""
    return max(0, at + low), min(side - 1, at + high)


@numba.njit(nogil=True, cache=True)
def _refine(
    query, keys, low, high, around, weight, score, y, x, new_score, new_y, new_x, radius
):  # fmt: skip
    height, width = score.shape
    rows, columns, _ = keys.shape
    alone = len(around) == 1  # decided here, so that the product stays within the loop
    for row in range(height):
        first_y, last_y = _bounds(row, rows, low, high)
        for column in range(width):
            first_x, last_x = _bounds(column, columns, low, high)
            best = score[row, column]
            centre_y = min(max(y[row, column], first_y), last_y)
            centre_x = min(max(x[row, column], first_x), last_x)
            for at_y in range(max(first_y, centre_y - radius), min(last_y, centre_y + radius) + 1):
                for at_x in range(
                    max(first_x, centre_x - radius), min(last_x, centre_x + radius) + 1
                ):
                    if alone:
                        found = cosine(query[row, column], keys[at_y, at_x])
                    else:
                        found = _supported(query, keys, around, weight, row, column, at_y, at_x)
                    if found > best:
                        best = found
                        new_y[row, column] = at_y
                        new_x[row, column] = at_x
            new_score[row, column] = best


@numba.njit(nogil=True, cache=True)
def _propagate(
    query, keys, low, high, around, weight, score, y, x, new_score, new_y, new_x, jump,
    tried_y, tried_x,
):  # fmt: skip
    height, width = score.shape
    rows, columns, _ = keys.shape
    alone = len(around) == 1  # decided here, so that the product stays within the loop
    for row in range(height):
        first_y, last_y = _bounds(row, rows, low, high)
        for column in range(width):
            first_x, last_x = _bounds(column, columns, low, high)
            best = score[row, column]
            for step_y, step_x in ((-jump, 0), (0, -jump), (0, jump), (jump, 0)):
                other_y, other_x = row + step_y, column + step_x
                if not (0 <= other_y < height and 0 <= other_x < width):
                    continue
                other = y[other_y, other_x], x[other_y, other_x]
                if other == (tried_y[other_y, other_x], tried_x[other_y, other_x]):
                    continue
                at_y = min(max(y[other_y, other_x] - step_y, first_y), last_y)
                at_x = min(max(x[other_y, other_x] - step_x, first_x), last_x)
                if at_y == new_y[row, column] and at_x == new_x[row, column]:
                    continue
                if alone:
                    found = cosine(query[row, column], keys[at_y, at_x])
                else:
                    found = _supported(query, keys, around, weight, row, column, at_y, at_x)
                if found > best:
                    best = found
                    new_y[row, column] = at_y
                    new_x[row, column] = at_x
            new_score[row, column] = best


@numba.njit(nogil=True, cache=True)
def mix(value):
    """A hash of 32 bits (the finaliser of MurmurHash3)."""
    value = np.uint32(value)
    value ^= value >> np.uint32(16)
    value = np.uint32(value * np.uint32(0x85EBCA6B))
    value ^= value >> np.uint32(13)
    value = np.uint32(value * np.uint32(0xC2B2AE35))
    return np.uint32(value ^ (value >> np.uint32(16)))


@numba.njit(nogil=True, cache=True)
def _scatter(
    query, keys, low, high, around, weight, score, y, x, new_score, new_y, new_x, radius, seed
):  # fmt: skip
    height, width = score.shape
    rows, columns, _ = keys.shape
    alone = len(around) == 1  # decided here, so that the product stays within the loop
    side = np.uint32(2 * radius + 1)
    for row in range(height):
        first_y, last_y = _bounds(row, rows, low, high)
        for column in range(width):
            first_x, last_x = _bounds(column, columns, low, high)
            drawn = mix(np.uint32(row * width + column) ^ mix(seed))
            again = mix(drawn ^ np.uint32(0x9E3779B9))
            at_y = y[row, column] + np.int64(drawn % side) - radius
            at_x = x[row, column] + np.int64(again % side) - radius
            at_y = min(max(at_y, first_y), last_y)
            at_x = min(max(at_x, first_x), last_x)
            if alone:
                found = cosine(query[row, column], keys[at_y, at_x])
            else:
                found = _supported(query, keys, around, weight, row, column, at_y, at_x)
            if found > score[row, column]:
                new_score[row, column] = found
                new_y[row, column] = at_y
                new_x[row, column] = at_x
