"""Exact pixel matching: every window of every exemplar from one pass of matrix products.

A block of query rows is multiplied with the exemplar's pixels; the maximum over the whole image
and the small windows are read off the same block, which stays in the cache. No more than a block
of similarities is ever held. Runs on any device; on a GPU `fused` does the same in one kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numba
import numpy as np
import torch
from torch import Tensor

from exemplar.matching.similarity import similarities
from exemplar.matching.windows import WHOLE, Matches, empty_matches, largest, offsets, reach
from exemplar.settings import SettingsError

Precision = Literal["f32", "tf32", "bf16"]

# Bytes of similarities held at a time. On the CPU a block should stay in the last-level cache
# between the product and the maxima; a GPU is kept busy only by larger ones.
_BLOCK = {"cpu": 8 << 20, "cuda": 256 << 20}


def match_exact(
    query: Tensor,
    exemplars: Tensor,
    windows: tuple[int, ...],
    precision: Precision = "f32",
) -> Matches:
    """The best match of every pixel, for all exemplars and windows in one pass.

    Windows are clipped at the border and never wrap. Of equal similarities the first position in
    reading order wins.

    Args:
        query: (H, W, D) float32, unit length over D.
        exemplars: (R, H, W, D), likewise.
        windows: sides in pixels, or `WHOLE`.
        precision: of the products. With `bf16` and `tf32` positions are chosen by rounded
            similarities; the scores are those of the chosen positions in float32.

    Returns:
        Scores and positions for every exemplar and window.

    Raises:
        SettingsError: `tf32` on a device that is not a GPU.
    """
    if precision == "tf32" and query.device.type != "cuda":
        raise SettingsError(f"tf32 is a GPU's precision, the device is {query.device}; choose f32")
    height, width, _ = query.shape
    found = empty_matches(query, exemplars, windows)
    rounded = torch.bfloat16 if precision == "bf16" else torch.float32
    step = max(1, _BLOCK[query.device.type] // (4 * width * height * width))
    products = _Products(query, step, rounded)
    with _tf32(precision == "tf32"):
        for rank, exemplar in enumerate(exemplars):
            products.take(exemplar)
            for rows, touched, block in _blocks(products, largest(windows), step):
                _read(found, rank, block, rows, touched, windows)
            if precision != "f32":
                chosen = found.position[rank].flatten(1).T
                score = similarities(query.flatten(0, 1), exemplar.flatten(0, 1), chosen)
                found.score[rank] = score.T.view_as(found.score[rank])
    return found


class _Products:
    """Products of rows of a query's pixels with rows of an exemplar's, in memory that is reused.

    Fresh memory of this size is paged in anew for every block, which costs nearly as much as the
    product.
    """

    def __init__(self, query: Tensor, rows: int, rounded: torch.dtype) -> None:
        self.height, self.width, _ = query.shape
        self.queries = query.flatten(0, 1).to(rounded)
        self.keys = self.queries
        self.block = query.new_empty(rows * self.width * self.height * self.width)
        self.product = self.block.to(rounded)

    def take(self, exemplar: Tensor) -> None:
        """Goes on to another exemplar (H, W, D)."""
        self.keys = exemplar.flatten(0, 1).to(self.queries.dtype)

    def similar(self, rows: slice, key_rows: slice) -> Tensor:
        """Similarities (n · W, k · W) float32, overwritten by the next call."""
        mine = self.queries[rows.start * self.width : rows.stop * self.width]
        keys = self.keys[key_rows.start * self.width : key_rows.stop * self.width]
        count = len(mine) * len(keys)
        out = self.product[:count].view(len(mine), len(keys))
        torch.mm(mine, keys.T, out=out)
        block = self.block[:count].view_as(out)
        return block if block.data_ptr() == out.data_ptr() else block.copy_(out)


def _blocks(products: _Products, window: int, step: int) -> Iterator[tuple[slice, slice, Tensor]]:
    """Similarities of some query rows at a time to the key rows that the window touches."""
    low, high = reach(window, products.height)
    for top in range(0, products.height, step):
        rows = slice(top, min(top + step, products.height))
        touched = slice(max(0, top + low), min(products.height, rows.stop + high))
        yield rows, touched, products.similar(rows, touched)


def _read(
    found: Matches, rank: int, block: Tensor, rows: slice, touched: slice, windows: tuple[int, ...]
) -> None:
    """Reads every window's maxima off a block (n · W, k · W) of similarities to some key rows."""
    size = (found.score.shape[2], found.score.shape[3])
    small = tuple(window for window in windows if window != WHOLE)
    read_near = _near_loops if block.device.type == "cpu" else _near
    near = dict(zip(small, read_near(block, rows, touched.start, small, size), strict=True))
    for index, window in enumerate(windows):
        score, position = _anywhere(block, size[1]) if window == WHOLE else near[window]
        found.score[rank, index, rows] = score.view(-1, size[1])
        found.position[rank, index, rows] = position.view(-1, size[1])


def _anywhere(block: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """The maximum of each row of similarities (n, H·W), first in reading order."""
    # The plain maximum is several times faster than one with indices; only the winning image row
    # of each query is searched for its place.
    by_row = block.unflatten(1, (-1, width))
    best, y = by_row.amax(2).max(1)
    x = by_row[torch.arange(len(block), device=block.device), y].argmax(1)
    return best, y * width + x


def _near(
    block: Tensor, rows: slice, first: int, windows: tuple[int, ...], size: tuple[int, int]
) -> list[tuple[Tensor, Tensor]]:
    """The maxima within small windows around each query, read off similarities to key rows.

    The reference of `_near_loops`, and what a GPU does that lacks Triton.

    Args:
        block: (n · W, k · W), of the query rows to k key rows from `first` on.
        rows: the query rows.
        first: the first key row.
        windows: sides.
        size: (H, W).

    Returns:
        Scores and positions (n · W,) for each window.
    """
    if not windows:
        return []
    height, width = size
    low = min(offsets(window)[0] for window in windows)
    high = max(offsets(window)[1] for window in windows)
    offset = torch.arange(low, high + 1, device=block.device)
    # Clipped by clamping: a pixel that is read twice does not change a maximum.
    y = (torch.arange(rows.start, rows.stop, device=block.device)[:, None] + offset).clamp(
        0, height - 1
    )
    x = (torch.arange(width, device=block.device)[:, None] + offset).clamp(0, width - 1)
    place = y[:, None, :, None] * width + x[None, :, None, :]
    side = len(offset)
    band = block.gather(1, place.view(len(block), -1) - first * width)
    band, place = band.view(-1, side, side), place.view(-1, side, side)
    found = []
    for window in windows:
        start, stop = offsets(window)
        part = slice(start - low, stop - low + 1)
        best, index = band[:, part, part].flatten(1).max(1)
        where = place[:, part, part].flatten(1).gather(1, index[:, None])[:, 0]
        found.append((best, where))
    return found


def _near_loops(
    block: Tensor, rows: slice, first: int, windows: tuple[int, ...], size: tuple[int, int]
) -> list[tuple[Tensor, Tensor]]:
    """`_near` on the CPU, by compiled loops: a tenth of its time."""
    reaches = np.array([offsets(window) for window in windows], np.int64).reshape(-1, 2)
    score = np.empty((len(windows), len(block)), np.float32)
    position = np.empty(score.shape, np.int64)
    _read_windows(block.numpy(), rows.start, first, reaches, *size, score, position)
    return list(zip(torch.from_numpy(score), torch.from_numpy(position), strict=True))


@numba.njit(nogil=True, cache=True)
def _read_windows(block, top, first, reaches, height, width, score, position):
    for query in range(block.shape[0]):
        y, x = top + query // width, query % width
        for window in range(len(reaches)):
            low, high = reaches[window]
            left, right = max(0, x + low), min(width - 1, x + high)
            best, place = np.float32(-np.inf), 0
            for row in range(max(0, y + low), min(height - 1, y + high) + 1):
                start = (row - first) * width
                for column in range(left, right + 1):
                    value = block[query, start + column]
                    if value > best:
                        best, place = value, row * width + column
            score[window, query] = best
            position[window, query] = place


@contextmanager
def _tf32(on: bool) -> Iterator[None]:
    """Lets a GPU round the factors of float32 products to tf32, or forbids it."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = on
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
