"""Pixel matching in windows: one pass gives every exemplar's best match for every window.

For a query and ranked exemplars, each described by a unit vector a pixel, `match` finds for every
query pixel, exemplar and window the most similar exemplar pixel within the window. All candidates
of PixelNN are reductions over these arrays. Source: PixelNN, section 3, "Efficient search".
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

WHOLE = 0
"""The window that is the whole image."""

_BLOCK = 1  # image rows of queries whose similarities are held at a time: W · H · W values each


class Matches(NamedTuple):
    """The best match of every query pixel, for each exemplar (R) and window (T).

    Attributes:
        score: (R, T, H, W) float32, cosine similarity.
        position: (R, T, H, W) int64, the match's y · W + x in the exemplar.
    """

    score: Tensor
    position: Tensor


def offsets(window: int) -> tuple[int, int]:
    """The first and last offset of a window's side: centred, an even side one longer to the left.

    Args:
        window: a side in pixels, at least 1.

    Returns:
        For example (−5, 5) for 11 and (−5, 4) for 10.
    """
    return -(window // 2), window - 1 - window // 2


def match(query: Tensor, exemplars: Tensor, windows: tuple[int, ...]) -> Matches:
    """Exact matching of every pixel, for all exemplars and windows in one pass.

    Windows are clipped at the border and never wrap. Of equal scores the first position in
    reading order wins. Memory: `_BLOCK` rows of similarities to one exemplar.

    Args:
        query: (D, H, W) float32, unit length over D.
        exemplars: (R, D, H, W), likewise.
        windows: sides in pixels, or `WHOLE`.

    Returns:
        Scores and positions for every exemplar and window.

    Raises:
        ValueError: shapes differ, a window does not fit the image, or a value is not finite.
    """
    _check(query, exemplars, windows)
    ranks, _, height, width = exemplars.shape
    score = query.new_empty(ranks, len(windows), height, width)
    position = torch.empty(score.shape, dtype=torch.int64, device=query.device)
    rows = query.flatten(1).T.contiguous()
    for rank in range(ranks):
        keys = exemplars[rank].flatten(1).contiguous()
        for top in range(0, height, _BLOCK):
            bottom = min(top + _BLOCK, height)
            block = rows[top * width : bottom * width] @ keys
            block = block.view(bottom - top, width, height, width)
            for index, window in enumerate(windows):
                best = _best_anywhere(block) if window == WHOLE else _best_near(block, top, window)
                score[rank, index, top:bottom], position[rank, index, top:bottom] = best
    return Matches(score, position)


def _best_anywhere(block: Tensor) -> tuple[Tensor, Tensor]:
    """The maximum over the whole exemplar of similarities (n, W, H, W), first in reading order."""
    count, queries, _, width = block.shape
    by_row = block.amax(3)
    best, y = by_row.max(2)
    row = block.flatten(0, 1)[torch.arange(count * queries, device=block.device), y.flatten()]
    x = row.argmax(1).view_as(y)
    return best, y * width + x


def _best_near(block: Tensor, top: int, window: int) -> tuple[Tensor, Tensor]:
    """The maximum within a window around each query's own position."""
    count, queries, height, width = block.shape
    low, high = offsets(window)
    score = block.new_empty(count, queries)
    position = torch.empty(score.shape, dtype=torch.int64, device=block.device)
    for index in range(count):
        y = top + index
        first, last = max(0, y + low), min(height, y + high + 1)
        near = functional.pad(block[index, :, first:last], (-low, high), value=-torch.inf)
        # Element (x, r, t) of the band is near[x, r, x + t]: a step along x moves the window too.
        sx, sr, st = near.stride()
        band = near.as_strided((queries, last - first, window), (sx + st, sr, st))
        best, flat = band.flatten(1).max(1)
        score[index] = best
        x = torch.arange(queries, device=block.device) + low + flat % window
        position[index] = (first + flat // window) * width + x
    return score, position


def _check(query: Tensor, exemplars: Tensor, windows: tuple[int, ...]) -> None:
    """The boundary of the matcher: shapes, windows, finite values."""
    if query.ndim != 3 or exemplars.ndim != 4 or exemplars.shape[1:] != query.shape:
        raise ValueError(
            "expected a query (D, H, W) and exemplars (R, D, H, W) of the same size, "
            f"got {tuple(query.shape)} and {tuple(exemplars.shape)}"
        )
    height, width = query.shape[1:]
    wrong = [window for window in windows if not 0 <= window <= min(height, width)]
    if wrong or not windows:
        raise ValueError(
            f"windows must be sides from 1 to {min(height, width)}, or 0 for the whole image, "
            f"got {list(windows)}"
        )
    if not (torch.isfinite(query).all() and torch.isfinite(exemplars).all()):
        raise ValueError(
            "descriptors must be finite; the feature store is damaged: remove it and make it again"
        )
