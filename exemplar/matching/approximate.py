"""Approximate pixel matching, by the interface of the exact one: coarse to fine, and PatchMatch.

Both visit a few dozen places a pixel in place of thousands, which is what makes it possible to
compare whole neighbourhoods over the whole image. Both give the same matches for the same seed
whatever the number of threads.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import ceil

import torch
from torch import Tensor
from torch.nn import functional

from exemplar.matching import field as fields
from exemplar.matching.exact import match_exact
from exemplar.matching.field import Field
from exemplar.matching.support import ALONE, Support, taps
from exemplar.matching.volume import match_volume
from exemplar.matching.windows import WHOLE, Matches, empty_matches, reach

# The coarsest level has at most this many cells a side: there every pair is compared.
_COARSEST = 24


def match_coarse_to_fine(
    query: Tensor, exemplars: Tensor, windows: tuple[int, ...], support: Support = ALONE
) -> Matches:
    """Matches found among averaged descriptors first, then refined level by level.

    Averaging over cells of 2, 4, … pixels leaves what the hypercolumn's deeper layers, of those
    strides, contribute; the finer ones decide within the neighbourhood that remains. With support
    only the whole image is searched so; small windows are searched exactly (`volume`).

    Args:
        query: (H, W, D) float32, unit length over D.
        exemplars: (R, H, W, D), likewise.
        windows: sides in pixels, or `WHOLE`.
        support: the neighbourhood whose mean similarity is sought.

    Returns:
        Scores (of the matches, exact) and positions for every exemplar and window.
    """
    levels = [(query, exemplars)]
    while max(levels[-1][0].shape[:2]) > _COARSEST:
        finer, finer_exemplars = levels[-1]
        levels.append((_halved(finer[None])[0], _halved(finer_exemplars)))
    if len(levels) == 1 and not support.radius:
        return match_exact(query, exemplars, windows)
    query_coarse, exemplars_coarse = levels[-1]
    stride = 2 ** (len(levels) - 1)
    sizes = [(level[0].shape[0], level[0].shape[1]) for level in levels]
    cells = tuple(_cells(window, stride, min(sizes[-1])) for window in windows)
    # Windows that cover the same cells are searched once.
    distinct = tuple(dict.fromkeys(cells))
    coarse = taps(support, sizes[-1], query.device, stride)
    first = match_exact(
        _surroundings(query_coarse[None], coarse.offset, coarse.weight)[0],
        _surroundings(exemplars_coarse, coarse.offset),
        distinct,
    )
    whole = taps(support, sizes[0], query.device)
    around = [
        taps(support, size, query.device, 2**level, sparse=True) for level, size in enumerate(sizes)
    ]

    def search(rank: int, index: int) -> Field:
        position = first.position[rank, distinct.index(cells[index])]
        y, x = position // query_coarse.shape[1], position % query_coarse.shape[1]
        for level in range(len(levels) - 2, -1, -1):
            finer, keys = levels[level][0], levels[level][1][rank]
            y, x = fields.enlarged(y, x, sizes[level], sizes[level])
            window = _cells(windows[index], 2**level, min(sizes[level]))
            pair = fields.pair(finer, keys, window, around[level])
            found = fields.refine(pair, fields.start(pair, y, x), 1)
            found = fields.refine(pair, fields.propagate(pair, found, 1), 1)
            y, x = found.y, found.x
        return fields.start(fields.pair(query, exemplars[rank], windows[index], whole), y, x)

    return _each(query, exemplars, windows, search, support)


def match_patchmatch(
    query: Tensor,
    exemplars: Tensor,
    windows: tuple[int, ...],
    seed: int = 0,
    iterations: int = 2,
    support: Support = ALONE,
) -> Matches:
    """Matches found by propagation and random search on descriptors (Barnes et al., 2009).

    Starts from the same place in the exemplar: images of a domain are alike in layout. With
    support only the whole image is searched so; small windows are searched exactly (`volume`).

    Args:
        query: (H, W, D) float32, unit length over D.
        exemplars: (R, H, W, D), likewise.
        windows: sides in pixels, or `WHOLE`.
        seed: of the random search.
        iterations: rounds of propagation and random search.
        support: the neighbourhood whose mean similarity is sought.

    Returns:
        Scores (of the matches, exact) and positions for every exemplar and window.
    """
    size = (query.shape[0], query.shape[1])
    side = max(size)
    around = taps(support, size, query.device, sparse=True)
    whole = taps(support, size, query.device)

    def search(rank: int, index: int) -> Field:
        pair = fields.pair(query, exemplars[rank], windows[index], around)
        found = fields.identity(pair)
        span = side // 2 if windows[index] == WHOLE else windows[index] // 2
        if span == 0 and not support.radius:
            return found
        found = fields.improve(pair, found, iterations, span, seed)
        pair = fields.pair(query, exemplars[rank], windows[index], whole)
        return fields.start(pair, found.y, found.x)

    return _each(query, exemplars, windows, search, support)


def _surroundings(x: Tensor, offset: Tensor, weight: Tensor | None = None) -> Tensor:
    """Descriptors (R, H, W, D) of each pixel's neighbours, one after the other, (R, H, W, S · D).

    The product of two is the sum of their neighbours' similarities; beyond the border it is 0.
    """
    height, width = x.shape[1:3]
    radius = int(offset.abs().max())
    padded = functional.pad(x, (0, 0, radius, radius, radius, radius))
    parts = []
    for index, (down, right) in enumerate(offset.tolist()):
        top, left = radius + down, radius + right
        part = padded[:, top : top + height, left : left + width]
        parts.append(part if weight is None else part * weight[index][..., None])
    return torch.cat(parts, dim=-1)


def _each(
    query: Tensor,
    exemplars: Tensor,
    windows: tuple[int, ...],
    search: Callable[[int, int], Field],
    support: Support,
) -> Matches:
    """Every exemplar and window, several at a time on the CPU, whose steps release Python."""
    found = empty_matches(query, exemplars, windows)
    small = [i for i, window in enumerate(windows) if support.radius and window != WHOLE]
    if small:
        near = match_volume(query, exemplars, tuple(windows[i] for i in small), support)
        found.score[:, small], found.position[:, small] = near.score, near.position
    left = [i for i in range(len(windows)) if i not in small]

    def run(place: tuple[int, int]) -> None:
        made = search(*place)
        found.score[place] = made.score
        found.position[place] = made.y.long() * query.shape[1] + made.x

    threads = torch.get_num_threads() if query.device.type == "cpu" else 1
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, itertools.product(range(len(exemplars)), left)))
    return found


def _halved(x: Tensor) -> Tensor:
    """Descriptors (R, H, W, D) averaged over 2×2 pixels, of unit length; an odd side is padded."""
    height, width = x.shape[1:3]
    if height % 2:
        x = torch.cat([x, x[:, -1:]], dim=1)
    if width % 2:
        x = torch.cat([x, x[:, :, -1:]], dim=2)
    rows = x[:, 0::2] + x[:, 1::2]
    return functional.normalize(rows[:, :, 0::2] + rows[:, :, 1::2], dim=-1)


def _cells(window: int, stride: int, side: int) -> int:
    """The window in cells of `stride` pixels that holds a window of pixels."""
    if window == WHOLE:
        return WHOLE
    low, high = reach(window, 0)
    return min(2 * ceil(max(-low, high) / stride) + 1, side) if stride > 1 else window
