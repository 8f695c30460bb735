"""The steps of `field` on the CPU: compiled loops. `field_torch` does the same on any device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np
import torch
from torch import Tensor

from exemplar.matching.field_cpu import mix
from exemplar.patches.rows import over_rows

if TYPE_CHECKING:
    from exemplar.patches.field import Pair

APART = np.int32(2**30)


def costs(pair: Pair, match: Tensor) -> Tensor:
    """What each match costs, changes of exemplars left out."""
    cost = np.empty(match.shape[:2], np.int32)
    over_rows(_costs, *cost.shape, *_arrays(pair), match.numpy(), cost)
    return torch.from_numpy(cost)


def step(
    pair: Pair, match: Tensor, cost: Tensor, jump: int, radius: int, seed: int
) -> tuple[Tensor, Tensor]:
    """The field after all have tried what `field.step` says."""
    found, least = np.empty_like(match.numpy()), np.empty_like(cost.numpy())
    over_rows(
        _step, *least.shape, *_arrays(pair), match.numpy(), cost.numpy(), found, least,
        pair.allowed.numpy(), np.int32(pair.change), jump, radius, np.uint32(seed),
    )  # fmt: skip
    return torch.from_numpy(found), torch.from_numpy(least)


def _arrays(pair: Pair) -> tuple[np.ndarray, ...]:
    return (*tuple(values.numpy() for values in pair[:5]), pair.bias.numpy())


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def _distance(query, row, column, keys, at):
    """The squared distance of two rows: a whole number that float32 has exactly, in any order."""
    total = np.float32(0)
    for place in range(query.shape[2]):
        apart = np.float32(query[row, column, place]) - np.float32(keys[at, place])
        total += apart * apart
    return np.int32(total)


@numba.njit(nogil=True, cache=True)
def _extra(wanted, there, exemplar, bias):
    """What a match costs beside its distance."""
    column = min(max(np.int64(wanted), 0), bias.shape[1] - 1)
    extra = bias[exemplar, column]
    if wanted >= 0 and wanted != there:
        extra = np.int32(extra + APART)
    return extra


@numba.njit(nogil=True, cache=True)
def _costs(first, last, query, wanted, keys, classes, sizes, bias, match, cost):
    for row in range(first, last):
        for column in range(query.shape[1]):
            # Numbers are read one by one: views of rows would be counted, across threads.
            exemplar = np.int64(match[row, column, 0])
            y, x = np.int64(match[row, column, 1]), np.int64(match[row, column, 2])
            at = sizes[exemplar, 0] + y * sizes[exemplar, 2] + x
            extra = _extra(wanted[row, column], classes[at], exemplar, bias)
            distance = _distance(query, row, column, keys, at)
            cost[row, column] = np.int32(distance + extra)


@numba.njit(nogil=True, cache=True)
def _changes(match, row, column, exemplar):
    """How many of the four pixels around use another exemplar."""
    count = 0
    if row > 0 and match[row - 1, column, 0] != exemplar:
        count += 1
    if row + 1 < match.shape[0] and match[row + 1, column, 0] != exemplar:
        count += 1
    if column > 0 and match[row, column - 1, 0] != exemplar:
        count += 1
    if column + 1 < match.shape[1] and match[row, column + 1, 0] != exemplar:
        count += 1
    return np.int32(count)


@numba.njit(nogil=True, cache=True)
def _proposed(number, row, column, match, sizes, allowed, jump, radius, drawn, again, other):
    """The match that is tried as the number-th: exemplar (−1: none), row, column."""
    height, width, _ = match.shape
    if number < 4:
        down = -jump if number == 0 else (jump if number == 3 else 0)
        right = -jump if number == 1 else (jump if number == 2 else 0)
        if not (0 <= row + down < height and 0 <= column + right < width):
            return -1, 0, 0
        exemplar = np.int64(match[row + down, column + right, 0])
        y = np.int64(match[row + down, column + right, 1]) - down
        x = np.int64(match[row + down, column + right, 2]) - right
    else:
        exemplar = np.int64(match[row, column, 0])
        y, x = np.int64(match[row, column, 1]), np.int64(match[row, column, 2])
        if number == 5:
            chosen = allowed[np.int64(other) * len(allowed) >> 32]
            if chosen == exemplar:
                return -1, 0, 0
            y = (2 * y + 1) * sizes[chosen, 1] // (2 * sizes[exemplar, 1])
            x = (2 * x + 1) * sizes[chosen, 2] // (2 * sizes[exemplar, 2])
            exemplar = chosen
        side = 2 * radius + 1
        y += (np.int64(drawn) * side >> 32) - radius
        x += (np.int64(again) * side >> 32) - radius
    y = min(max(y, 0), sizes[exemplar, 1] - 1)
    x = min(max(x, 0), sizes[exemplar, 2] - 1)
    return exemplar, y, x


@numba.njit(nogil=True, cache=True)
def _step(
    first, last, query, wanted, keys, classes, sizes, bias, match, cost, found, least,
    allowed, change, jump, radius, seed,
):  # fmt: skip
    width = query.shape[1]
    tries = 4 if radius == 0 else (5 if len(allowed) == 1 else 6)
    for row in range(first, last):
        for column in range(width):
            exemplar = np.int64(match[row, column, 0])
            y, x = np.int64(match[row, column, 1]), np.int64(match[row, column, 2])
            best = cost[row, column]
            paid = np.int32(0)
            if change > 0:
                paid = np.int32(change * _changes(match, row, column, exemplar))
            drawn = mix(np.uint32(row * width + column) ^ mix(seed))
            again = mix(drawn ^ np.uint32(0x9E3779B9))
            other = mix(again ^ np.uint32(0x85EBCA6B))
            for number in range(tries):
                there, at_y, at_x = _proposed(
                    number, row, column, match, sizes, allowed, jump, radius, drawn, again, other
                )
                if there < 0 or (there == exemplar and at_y == y and at_x == x):
                    continue
                at = sizes[there, 0] + at_y * sizes[there, 2] + at_x
                extra = _extra(wanted[row, column], classes[at], there, bias)
                pays = np.int32(0)
                if change > 0:
                    pays = np.int32(change * _changes(match, row, column, there))
                room = np.int32(best + paid - extra - pays)
                if room <= 0:
                    continue
                distance = _distance(query, row, column, keys, at)
                if distance < room:
                    exemplar, y, x = there, at_y, at_x
                    best, paid = np.int32(distance + extra), pays
            found[row, column, 0] = exemplar
            found[row, column, 1] = y
            found[row, column, 2] = x
            least[row, column] = best
