"""The steps of `field` on any device, whole fields at a time: the reference of `field_cpu`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from exemplar.matching.field_torch import mix

if TYPE_CHECKING:
    from exemplar.patches.field import Pair

APART = 2**30


def costs(pair: Pair, match: Tensor) -> Tensor:
    """What each match costs, changes of exemplars left out."""
    exemplar, y, x = match.long().unbind(-1)
    at = pair.sizes[exemplar, 0] + y * pair.sizes[exemplar, 2] + x
    apart = pair.query.int() - pair.keys[at].int()
    wanted = pair.query_classes.long()
    column = wanted.clamp(0, pair.bias.shape[1] - 1)
    extra = pair.bias[exemplar, column].long()
    extra = extra + APART * ((wanted >= 0) & (wanted != pair.classes[at].long()))
    return (apart.square().sum(-1) + extra).int()


def step(
    pair: Pair, match: Tensor, cost: Tensor, jump: int, radius: int, seed: int
) -> tuple[Tensor, Tensor]:
    """The field after all have tried what `field.step` says."""
    height, width = cost.shape
    row = torch.arange(height, device=cost.device)[:, None].expand(height, width)
    column = torch.arange(width, device=cost.device)[None].expand(height, width)
    found, least = match, cost
    paid = pair.change * _changes(match, match[..., 0])
    for proposed, real in _proposals(pair, match, row, column, jump, radius, seed):
        price = costs(pair, proposed)
        pays = pair.change * _changes(match, proposed[..., 0])
        wins = real & (price.long() + pays < least.long() + paid)
        found = torch.where(wins[..., None], proposed, found)
        least, paid = torch.where(wins, price, least), torch.where(wins, pays, paid)
    return found, least


def _proposals(
    pair: Pair, match: Tensor, row: Tensor, column: Tensor, jump: int, radius: int, seed: int
) -> list[tuple[Tensor, Tensor]]:
    """Matches (H, W, 3) int32 that are tried one after the other, and whether there is one."""
    height, width = row.shape
    made = []
    for down, right in ((-jump, 0), (0, -jump), (0, jump), (jump, 0)):
        real = (row + down >= 0) & (row + down < height)
        real = real & (column + right >= 0) & (column + right < width)
        near = match[(row + down).clamp(0, height - 1), (column + right).clamp(0, width - 1)]
        made.append((near - near.new_tensor([0, down, right]), real))
    if radius:
        flat = (row * width + column).long()
        drawn = mix(flat ^ mix(torch.full_like(flat, seed)))
        again = mix(drawn ^ 0x9E3779B9)
        other = mix(again ^ 0x85EBCA6B)
        side = 2 * radius + 1
        offset = torch.stack([drawn, again], dim=-1) * side // 2**32 - radius
        exemplar, places = match[..., 0].long(), match[..., 1:].long()
        same = torch.cat([match[..., :1].long(), places + offset], dim=-1)
        made.append((same, torch.ones_like(real)))
        chosen = pair.allowed[other * len(pair.allowed) // 2**32]
        there, here = pair.sizes[chosen, 1:], pair.sizes[exemplar, 1:]
        moved = (2 * places + 1) * there // (2 * here) + offset
        made.append((torch.cat([chosen[..., None], moved], dim=-1), chosen != exemplar))
    return [(_within(pair, proposed), real) for proposed, real in made]


def _within(pair: Pair, proposed: Tensor) -> Tensor:
    last = pair.sizes[proposed[..., 0].long(), 1:] - 1
    places = torch.minimum(proposed[..., 1:].long().clamp_min(0), last)
    return torch.cat([proposed[..., :1].long(), places], dim=-1).int()


def _changes(match: Tensor, exemplar: Tensor) -> Tensor:
    """(H, W) int64, how many of the four pixels around use another exemplar."""
    before = match[..., 0]
    count = torch.zeros_like(before, dtype=torch.int64)
    count[1:] += before[:-1] != exemplar[1:]
    count[:-1] += before[1:] != exemplar[:-1]
    count[:, 1:] += before[:, :-1] != exemplar[:, 1:]
    count[:, :-1] += before[:, 1:] != exemplar[:, :-1]
    return count
