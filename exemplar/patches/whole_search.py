"""Nearest patches among all of small exemplars, and matches brought back into their class.

At coarse levels. Distances are normalised so that patches that nothing resembles are used, too.
Source: Granot et al., "Drop the GAN: In Defense of Patches Nearest Neighbors as Single Image
Generative Models", 2022, section 3, Eq. 2; here over all exemplars together.
"""

from __future__ import annotations

import numba
import numpy as np
import torch
from torch import Tensor

from exemplar.matching.field_cpu import mix
from exemplar.patches.field import Pair

BLOCK = 2048
"""Patches of the picture compared at a time with all of the exemplars'."""
NEAR = 4
"""Pixels around a match within which its class is looked for first."""
LOOKED_AT = 256
"""Places of a class in an exemplar, evenly spread, that are looked at if there is none near."""


def search_whole(pair: Pair, alpha: float) -> Tensor:
    """For every patch of the picture the nearest of its class in all exemplars, all being used.

    The distance to an exemplar's patch is divided by α + its own distance to the nearest patch of
    the picture.

    Args:
        pair: what is matched; what a change of exemplars costs does not count.
        alpha: α in the units of costs; the smaller, the more the exemplars' patches are all used.

    Returns:
        (H, W, 3) int32: exemplar, row, column.
    """
    device = pair.query.device
    among, exemplars = [], []
    for which in pair.allowed.tolist():
        start, height, width = pair.sizes[which].tolist()
        among.append(torch.arange(start, start + height * width, device=device))
        exemplars.append(torch.full((height * width,), which, device=device))
    places, owner = torch.cat(among), torch.cat(exemplars)
    queries, keys = pair.query.flatten(0, 1).float(), pair.keys[places].float()
    classes, keys_classes = pair.query_classes.flatten(), pair.classes[places]
    found = torch.empty(len(queries), dtype=torch.int64, device=device)
    for which in classes.unique().tolist():
        asking = torch.nonzero(classes == which)[:, 0]
        some = torch.nonzero(keys_classes == which)[:, 0] if which >= 0 else torch.arange(
            len(keys), device=device
        )  # fmt: skip
        bias = pair.bias[owner[some], min(max(which, 0), pair.bias.shape[1] - 1)].float()
        found[asking] = some[_nearest(queries[asking], keys[some], bias, alpha)]
    which, at = owner[found], places[found]
    at = at - pair.sizes[which, 0]
    width = pair.sizes[which, 2]
    match = torch.stack([which, at // width, at % width], dim=-1)
    return match.int().reshape(*pair.query_classes.shape, 3)


def _nearest(queries: Tensor, keys: Tensor, bias: Tensor, alpha: float) -> Tensor:
    """The place among `keys` of the normalised nearest of each of `queries`."""
    squares = keys.square().sum(1) + bias
    least = torch.full((len(keys),), torch.inf, device=keys.device)
    blocks = queries.split(BLOCK)
    for some in blocks:
        least = torch.minimum(least, _distances(some, keys, squares).amin(0))
    weight = (alpha + least).reciprocal()
    return torch.cat([_distances(some, keys, squares).mul_(weight).argmin(1) for some in blocks])


def _distances(queries: Tensor, keys: Tensor, squares: Tensor) -> Tensor:
    """Squared, (Q, K)."""
    own = queries.square().sum(1)[:, None]
    return torch.addmm(squares[None], queries, keys.T, alpha=-2).add_(own).clamp_min_(0)


def within_class(match: Tensor, pair: Pair) -> Tensor:
    """Moves matches of another class to a near place of the pixel's own.

    The nearest within some pixels in the same exemplar; else the nearest of places spread evenly
    over all that the class has there; else in another exemplar, at its share of the sides.

    Args:
        match: (H, W, 3) int32.
        pair: what is matched.

    Returns:
        (H, W, 3) int32; only matches of pixels that may match all classes are unchanged.
    """
    found = match.cpu().numpy().copy()
    sizes, classes = pair.sizes.cpu().numpy(), pair.classes.cpu().numpy()
    wanted, allowed = pair.query_classes.cpu().numpy(), pair.allowed.cpu().numpy()
    far = _to_near_places(found, wanted, classes, sizes)
    if far.any():
        count = max(int(wanted.max()), 0) + 1
        lists, lengths = _spread(classes, sizes, allowed, count)
        _to_spread_places(found, far, wanted, sizes, allowed, lists, lengths)
    return torch.from_numpy(found).to(match.device)


def _spread(
    classes: np.ndarray, sizes: np.ndarray, allowed: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """(E, C, L) int64, places of each class in each exemplar, and how many they are (E, C)."""
    lists = np.zeros((len(sizes), count, LOOKED_AT), np.int64)
    lengths = np.zeros((len(sizes), count), np.int64)
    for exemplar in allowed:
        start, height, width = sizes[exemplar]
        own = classes[start : start + height * width]
        order = np.argsort(own, kind="stable")
        edges = np.searchsorted(own[order], np.arange(count + 1))
        for which in range(count):
            places = order[edges[which] : edges[which + 1]]
            some = places[np.linspace(0, len(places) - 1, min(len(places), LOOKED_AT)).astype(int)]
            lists[exemplar, which, : len(some)], lengths[exemplar, which] = some, len(some)
    return lists, lengths


@numba.njit(nogil=True, cache=True)
def _to_near_places(found, wanted, classes, sizes):
    """Moves what has its class near; says which have not."""
    far = np.zeros(wanted.shape, np.bool_)
    for row in range(wanted.shape[0]):
        for column in range(wanted.shape[1]):
            own = wanted[row, column]
            exemplar, y, x = found[row, column]
            start, height, width = sizes[exemplar]
            if own < 0 or classes[start + y * width + x] == own:
                continue
            least = (NEAR + 1) ** 2 * 2
            for at_y in range(max(0, y - NEAR), min(height, y + NEAR + 1)):
                for at_x in range(max(0, x - NEAR), min(width, x + NEAR + 1)):
                    apart = (at_y - y) ** 2 + (at_x - x) ** 2
                    if apart < least and classes[start + at_y * width + at_x] == own:
                        least = apart
                        found[row, column, 1] = at_y
                        found[row, column, 2] = at_x
            far[row, column] = least == (NEAR + 1) ** 2 * 2
    return far


@numba.njit(nogil=True, cache=True)
def _to_spread_places(found, far, wanted, sizes, allowed, lists, lengths):
    for row in range(wanted.shape[0]):
        for column in range(wanted.shape[1]):
            if not far[row, column]:
                continue
            own = wanted[row, column]
            exemplar, y, x = found[row, column]
            there = np.int64(exemplar)
            if lengths[there, own] == 0:
                begin = np.int64(mix(np.uint32(row * wanted.shape[1] + column)))
                for step in range(len(allowed)):
                    there = allowed[(begin + step) % len(allowed)]
                    if lengths[there, own]:
                        break
            if lengths[there, own] == 0:
                continue
            middle_y = (2 * y + 1) * sizes[there, 1] // (2 * sizes[exemplar, 1])
            middle_x = (2 * x + 1) * sizes[there, 2] // (2 * sizes[exemplar, 2])
            width = sizes[there, 2]
            least = np.int64(2**62)
            for place in lists[there, own, : lengths[there, own]]:
                apart = (place // width - middle_y) ** 2 + (place % width - middle_x) ** 2
                if apart < least:
                    least = apart
                    found[row, column, 0] = there
                    found[row, column, 1] = place // width
                    found[row, column, 2] = place % width
