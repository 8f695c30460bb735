"""Pictures from matches, to the byte: a pixel is the mean of overlapping copies.

After the search; and whoever has a picture's sources makes it anew (`rederive`). Each pixel's
match, moved along, proposes a source for its neighbours too; all proposals that lie in picture and
exemplar weigh the same, and these weights add up to one. Source: the averaging of overlapping
patches in bidirectional similarity, Simakov et al., 2008, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from exemplar.patches.exemplars import Exemplar
from exemplar.patches.rows import over_rows


def vote(pixels: Tensor, sizes: Tensor, match: Tensor, votes: int) -> Tensor:
    """The picture that matches make.

    Args:
        pixels: (N, 3) u8, the exemplars' one after another.
        sizes: (E, 3) int64: where an exemplar's pixels begin, its rows and columns.
        match: (H, W, 3) int32: exemplar, row, column.
        votes: v; the copies of the matches of (2v + 1)² pixels around are averaged.

    Returns:
        (H, W, 3) u8; halves are rounded up.
    """
    if pixels.device.type != "cpu":
        return _vote_by_copies(pixels, sizes, match, votes)
    out = np.empty(tuple(match.shape), np.uint8)
    over_rows(
        _vote, *out.shape[:2], pixels.numpy(), sizes.numpy(), match.contiguous().numpy(), votes, out
    )
    return torch.from_numpy(out)


def rederive(
    source: NDArray[np.int32], exemplars: Sequence[Exemplar], votes: int
) -> NDArray[np.uint8]:
    """The picture that has these sources: the same bytes as when it was composed.

    Args:
        source: (H, W, 3) int32: exemplar, row and column in the photograph itself.
        exemplars: those it was composed of, with their colours.
        votes: with which it was.

    Returns:
        (H, W, 3) u8.
    """
    side = max(source.shape[:2])
    used = {int(place) for place in np.unique(source[..., 0])}
    images = [
        exemplar.used(side) if place in used else np.zeros((0, 0, 3), np.uint8)
        for place, exemplar in enumerate(exemplars)
    ]
    starts = np.cumsum([0, *(image.shape[0] * image.shape[1] for image in images)])
    sizes = [(start, *image.shape[:2]) for start, image in zip(starts, images, strict=False)]
    pixels = torch.from_numpy(np.concatenate([image.reshape(-1, 3) for image in images]))
    match = torch.from_numpy(to_matches(source, exemplars))
    return vote(pixels, torch.tensor(sizes), match, votes).numpy()


def to_sources(
    match: NDArray[np.int32], exemplars: Sequence[Exemplar], side: int
) -> NDArray[np.int32]:
    """Matches in exemplars as they are used → places in the photographs themselves.

    Args:
        match: (H, W, 3) int32: exemplar, row, column.
        exemplars: in their order.
        side: the longest side of the picture.
    """
    own, there = _sizes(exemplars, side)
    which = match[..., 0]
    places = match[..., 1:].astype(np.int64)
    columns = there[which, 1] - 1 - places[..., 1]
    places[..., 1] = np.where(_mirrored(exemplars)[which], columns, places[..., 1])
    found = (2 * places + 1) * own[which] // (2 * there[which])
    return np.concatenate([which[..., None], found], axis=-1).astype(np.int32)


def to_matches(source: NDArray[np.int32], exemplars: Sequence[Exemplar]) -> NDArray[np.int32]:
    """What `to_sources` made sources of: exemplars are never enlarged, so nothing was lost."""
    own, there = _sizes(exemplars, max(source.shape[:2]))
    which = source[..., 0]
    places = (2 * source[..., 1:].astype(np.int64) + 1) * there[which] // (2 * own[which])
    columns = there[which, 1] - 1 - places[..., 1]
    places[..., 1] = np.where(_mirrored(exemplars)[which], columns, places[..., 1])
    return np.concatenate([which[..., None], places], axis=-1).astype(np.int32)


def shares(
    source: NDArray[np.int32], exemplars: Sequence[Exemplar], votes: int
) -> NDArray[np.float64]:
    """How much of a picture each exemplar gave.

    Args:
        source: (H, W, 3) int32, as `rederive`.
        exemplars: those it was composed of.
        votes: with which it was.

    Returns:
        (E,), adding up to one.
    """
    _, there = _sizes(exemplars, max(source.shape[:2]))
    given = np.zeros((source.shape[0], len(exemplars)))
    match = to_matches(source, exemplars)
    over_rows(_given, *source.shape[:2], there, match, votes, given)
    total = given.sum(0)
    return total / total.sum()


def _sizes(exemplars: Sequence[Exemplar], side: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    own = np.array([exemplar.image.shape[:2] for exemplar in exemplars], np.int64)
    return own, np.array([exemplar.used_size(side) for exemplar in exemplars], np.int64)


def _mirrored(exemplars: Sequence[Exemplar]) -> NDArray[np.bool_]:
    return np.array([exemplar.mirrored for exemplar in exemplars], bool)


def _vote_by_copies(pixels: Tensor, sizes: Tensor, match: Tensor, votes: int) -> Tensor:
    """`vote` on any device, a whole picture of copies at a time; the reference of the loops."""
    height, width = match.shape[:2]
    total = torch.zeros(height, width, 3, dtype=torch.int32, device=pixels.device)
    voters = torch.zeros(height, width, 1, dtype=torch.int32, device=pixels.device)
    planes = torch.nn.functional.pad(match, (0, 0, votes, votes, votes, votes), value=-1)
    for down in range(-votes, votes + 1):
        for right in range(-votes, votes + 1):
            top, left = votes + down, votes + right
            moved = planes[top : top + height, left : left + width].long()
            which, y, x = moved[..., 0], moved[..., 1] - down, moved[..., 2] - right
            size = sizes[which.clamp_min(0)]
            inside = (which >= 0) & (y >= 0) & (x >= 0) & (y < size[..., 1]) & (x < size[..., 2])
            at = torch.where(inside, size[..., 0] + y * size[..., 2] + x, 0)
            total += pixels[at].int() * inside[..., None]
            voters += inside[..., None]
    return ((2 * total + voters) // (2 * voters)).to(torch.uint8)


@numba.njit(nogil=True, cache=True)
def _vote(first, last, pixels, sizes, match, votes, out):
    height, width, _ = match.shape
    for row in range(first, last):
        for column in range(width):
            red, green, blue, voters = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
            for other in range(max(0, row - votes), min(height, row + votes + 1)):
                for beside in range(max(0, column - votes), min(width, column + votes + 1)):
                    exemplar = match[other, beside, 0]
                    y = match[other, beside, 1] + row - other
                    x = match[other, beside, 2] + column - beside
                    if 0 <= y < sizes[exemplar, 1] and 0 <= x < sizes[exemplar, 2]:
                        at = sizes[exemplar, 0] + y * sizes[exemplar, 2] + x
                        red += pixels[at, 0]
                        green += pixels[at, 1]
                        blue += pixels[at, 2]
                        voters += 1
            # A pixel's own copy is always there.
            out[row, column, 0] = (2 * red + voters) // (2 * voters)
            out[row, column, 1] = (2 * green + voters) // (2 * voters)
            out[row, column, 2] = (2 * blue + voters) // (2 * voters)


@numba.njit(nogil=True, cache=True)
def _given(first, last, sizes, match, votes, given):
    """The pixels (H, E) that each exemplar gave to each row."""
    height, width, _ = match.shape
    counts = np.zeros(len(sizes), np.int64)
    for row in range(first, last):
        for column in range(width):
            counts[:] = 0
            for other in range(max(0, row - votes), min(height, row + votes + 1)):
                for beside in range(max(0, column - votes), min(width, column + votes + 1)):
                    exemplar = match[other, beside, 0]
                    y = match[other, beside, 1] + row - other
                    x = match[other, beside, 2] + column - beside
                    if 0 <= y < sizes[exemplar, 0] and 0 <= x < sizes[exemplar, 1]:
                        counts[exemplar] += 1
            given[row] += counts / counts.sum()
