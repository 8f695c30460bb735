"""Approximate pixel matching, by the interface of the exact one: coarse to fine, and PatchMatch.

Both visit a few dozen places a pixel in place of thousands. Both give the same matches for the
same seed whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import ceil

import torch
from torch import Tensor
from torch.nn import functional

from exemplar.matching import field as fields
from exemplar.matching.exact import match_exact
from exemplar.matching.field import Field
from exemplar.matching.windows import WHOLE, Matches, empty_matches, reach

# The coarsest level has at most this many cells a side: there every pair is compared.
_COARSEST = 24
_JUMPS = (8, 4, 2, 1)


def match_coarse_to_fine(query: Tensor, exemplars: Tensor, windows: tuple[int, ...]) -> Matches:
    """Matches found among averaged descriptors first, then refined level by level.

    Averaging over cells of 2, 4, … pixels leaves what the hypercolumn's deeper layers, of those
    strides, contribute; the finer ones decide within the neighbourhood that remains.

    Args:
        query: (H, W, D) float32, unit length over D.
        exemplars: (R, H, W, D), likewise.
        windows: sides in pixels, or `WHOLE`.

    Returns:
        Scores (of the matches, exact) and positions for every exemplar and window.
    """
    levels = [(query, exemplars)]
    while max(levels[-1][0].shape[:2]) > _COARSEST:
        finer, finer_exemplars = levels[-1]
        levels.append((_halved(finer[None])[0], _halved(finer_exemplars)))
    query_coarse, exemplars_coarse = levels[-1]
    stride = 2 ** (len(levels) - 1)
    cells = tuple(_cells(window, stride, min(query_coarse.shape[:2])) for window in windows)
    # Windows that cover the same cells are searched once.
    distinct = tuple(dict.fromkeys(cells))
    first = match_exact(query_coarse, exemplars_coarse, distinct)

    def search(rank: int, index: int) -> Field:
        position = first.position[rank, distinct.index(cells[index])]
        y, x = position // query_coarse.shape[1], position % query_coarse.shape[1]
        for level in range(len(levels) - 2, -1, -1):
            finer, keys = levels[level][0], levels[level][1][rank]
            y, x = _enlarged(y, finer.shape[:2], 0), _enlarged(x, finer.shape[:2], 1)
            window = _cells(windows[index], 2**level, min(finer.shape[:2]))
            pair = fields.pair(finer, keys, window)
            found = fields.refine(pair, fields.start(pair, y, x), 1)
            found = fields.refine(pair, fields.propagate(pair, found, 1), 1)
            y, x = found.y, found.x
        return found

    if len(levels) == 1:
        return match_exact(query, exemplars, windows)
    return _each(query, exemplars, windows, search)


def match_patchmatch(
    query: Tensor,
    exemplars: Tensor,
    windows: tuple[int, ...],
    seed: int = 0,
    iterations: int = 2,
) -> Matches:
    """Matches found by propagation and random search on descriptors (Barnes et al., 2009).

    Starts from the same place in the exemplar: images of a domain are alike in layout.

    Args:
        query: (H, W, D) float32, unit length over D.
        exemplars: (R, H, W, D), likewise.
        windows: sides in pixels, or `WHOLE`.
        seed: of the random search.
        iterations: rounds of propagation and random search.

    Returns:
        Scores (of the matches, exact) and positions for every exemplar and window.
    """
    side = max(query.shape[:2])

    def search(rank: int, index: int) -> Field:
        pair = fields.pair(query, exemplars[rank], windows[index])
        found = fields.identity(pair)
        span = side // 2 if windows[index] == WHOLE else windows[index] // 2
        if span == 0:
            return found
        draw = seed * 1_000_003
        for _ in range(iterations):
            radius = span
            while radius:
                found = fields.scatter(pair, found, radius, draw)
                radius, draw = radius // 2, draw + 1
            for jump in _JUMPS:
                found = fields.propagate(pair, found, jump)
        return found

    return _each(query, exemplars, windows, search)


def _each(
    query: Tensor,
    exemplars: Tensor,
    windows: tuple[int, ...],
    search: Callable[[int, int], Field],
) -> Matches:
    """Every exemplar and window, several at a time on the CPU, whose steps release Python."""
    found = empty_matches(query, exemplars, windows)
    places = [(rank, index) for rank in range(len(exemplars)) for index in range(len(windows))]

    def run(place: tuple[int, int]) -> None:
        made = search(*place)
        found.score[place] = made.score
        found.position[place] = made.y.long() * query.shape[1] + made.x

    threads = torch.get_num_threads() if query.device.type == "cpu" else 1
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, places))
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


def _enlarged(places: Tensor, size: tuple[int, ...], axis: int) -> Tensor:
    """Rows (axis 0) or columns (1) of a coarse field's matches, for the next finer one."""
    finer = places.repeat_interleave(2, 0).repeat_interleave(2, 1)[: size[0], : size[1]] * 2
    parity = torch.arange(size[axis], device=places.device) % 2
    return finer + (parity[:, None] if axis == 0 else parity[None])
