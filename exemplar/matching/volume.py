"""Small windows with support: exact, by the volume of similarities of every offset.

For one offset at a time the similarities of all pixels to those at that offset make a picture;
each pixel's support is averaged in it, and every window that holds the offset keeps the better.
Only pairs that lie inside both images count.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from exemplar.matching.similarity import cosine
from exemplar.matching.support import Support, Taps, taps
from exemplar.matching.windows import Matches, empty_matches, offsets


def match_volume(
    query: Tensor, exemplars: Tensor, windows: tuple[int, ...], support: Support
) -> Matches:
    """The match of every pixel whose neighbourhood is most similar, within small windows.

    Of equal ones the first in reading order wins.

    Args:
        query: (H, W, D) float32, unit length over D.
        exemplars: (R, H, W, D), likewise.
        windows: sides in pixels, none of them the whole image.
        support: the neighbourhood.

    Returns:
        Mean similarities and positions for every exemplar and window.
    """
    around = taps(support, (query.shape[0], query.shape[1]), query.device)
    if query.device.type != "cpu":
        return volume_torch(query, exemplars, windows, around)
    found = empty_matches(query, exemplars, windows)
    reaches = np.array([offsets(window) for window in windows], np.int64).reshape(-1, 2)
    # Equal weights are summed by rows, then by columns.
    radius = 0 if support.softness else support.radius
    shared = (reaches, radius, around.offset.numpy(), around.weight.numpy())
    values = query.contiguous().numpy()

    def run(rank: int) -> None:
        keys = exemplars[rank].contiguous().numpy()
        _volume(values, keys, *shared, found.score[rank].numpy(), found.position[rank].numpy())

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        list(pool.map(run, range(len(exemplars))))
    return found


def volume_torch(
    query: Tensor, exemplars: Tensor, windows: tuple[int, ...], around: Taps
) -> Matches:
    """The same by whole-array operations on any device; the reference of the loops."""
    found = empty_matches(query, exemplars, windows)
    found.score.fill_(-torch.inf)
    height, width = query.shape[:2]
    row = torch.arange(height, device=query.device)[:, None]
    column = torch.arange(width, device=query.device)[None]
    reaches = [offsets(window) for window in windows]
    low, high = min(r[0] for r in reaches), max(r[1] for r in reaches)
    for down in range(low, high + 1):
        for right in range(low, high + 1):
            y, x = row + down, column + right
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            keys = exemplars[:, y.clamp(0, height - 1), x.clamp(0, width - 1)]
            similar = (query * keys).sum(-1) * inside
            mean = _gathered(similar, around) / _gathered(inside[None].float(), around)
            mean = mean.where(inside, -torch.inf)
            for index, (first, last) in enumerate(reaches):
                if first <= min(down, right) and max(down, right) <= last:
                    wins = mean > found.score[:, index]
                    found.score[:, index] = mean.where(wins, found.score[:, index])
                    place = (y * width + x).expand_as(wins)
                    found.position[:, index] = place.where(wins, found.position[:, index])
    return found


def _gathered(planes: Tensor, around: Taps) -> Tensor:
    """Weighted sums of planes (R, H, W) over each pixel's neighbours; beyond the border is 0."""
    radius = int(around.offset.abs().max())
    height, width = planes.shape[1:]
    padded = functional.pad(planes, (radius,) * 4)
    total = torch.zeros_like(planes)
    for (down, right), weight in zip(around.offset.tolist(), around.weight, strict=True):
        top, left = radius + down, radius + right
        total += weight * padded[:, top : top + height, left : left + width]
    return total


@numba.njit(nogil=True, cache=True)
def _volume(query, keys, reaches, radius, around, weights, score, position):
    height, width, _ = query.shape
    low, high = reaches[:, 0].min(), reaches[:, 1].max()
    similar = np.empty((height, width), np.float32)
    mean = np.empty_like(similar)
    score[:] = -np.inf
    for down in range(low, high + 1):
        top, bottom = max(0, -down), min(height, height - down)
        for right in range(low, high + 1):
            left, stop = max(0, -right), min(width, width - right)
            # All that lies inside both images; what is beyond counts for nothing.
            inside = similar[top:bottom, left:stop]
            for y in range(top, bottom):
                for x in range(left, stop):
                    similar[y, x] = cosine(query[y, x], keys[y + down, x + right])
            if radius:
                _box(inside, radius, mean[top:bottom, left:stop])
            else:
                part = weights[:, top:bottom, left:stop]
                _weighted(inside, around, part, mean[top:bottom, left:stop])
            for window in range(len(reaches)):
                first, last = reaches[window]
                if first <= min(down, right) and max(down, right) <= last:
                    for y in range(top, bottom):
                        for x in range(left, stop):
                            if mean[y, x] > score[window, y, x]:
                                score[window, y, x] = mean[y, x]
                                position[window, y, x] = (y + down) * width + x + right


@numba.njit(nogil=True, cache=True)
def _box(values, radius, mean):
    """The mean over a square around each place, as far as there are values."""
    height, width = values.shape
    across = np.zeros((height, width), np.float32)
    for y in range(height):
        for step in range(-radius, radius + 1):
            first, last = max(0, -step), min(width, width - step)
            if first < last:
                _add(across[y, first:last], values[y, first + step : last + step])
    columns = np.empty(width, np.float32)
    for x in range(width):
        columns[x] = min(width, x + radius + 1) - max(0, x - radius)
    for y in range(height):
        mean[y] = 0
        first, last = max(0, y - radius), min(height, y + radius + 1)
        for row in range(first, last):
            _add(mean[y], across[row])
        for x in range(width):
            mean[y, x] /= columns[x] * (last - first)


@numba.njit(nogil=True, cache=True)
def _weighted(values, around, weights, mean):
    """The weighted mean over the places around each, as far as there are values."""
    height, width = values.shape
    norm = np.empty(width, np.float32)
    for y in range(height):
        mean[y] = 0
        norm[:] = 0
        for tap in range(len(around)):
            row, step = y + around[tap, 0], around[tap, 1]
            first, last = max(0, -step), min(width, width - step)
            if 0 <= row < height and first < last:
                _gather(
                    mean[y, first:last],
                    norm[first:last],
                    weights[tap, y, first:last],
                    values[row, first + step : last + step],
                )
        for x in range(width):
            mean[y, x] /= norm[x]


@numba.njit(nogil=True, cache=True)
def _add(total, more):
    for x in range(total.shape[0]):
        total[x] += more[x]


@numba.njit(nogil=True, cache=True)
def _gather(total, norm, weights, values):
    for x in range(total.shape[0]):
        total[x] += weights[x] * values[x]
        norm[x] += weights[x]
