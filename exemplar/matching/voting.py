"""Overlapping copies: each pixel's match, moved along, proposes a source for its neighbours too.

A voted pixel is the mean of these copies, so its sources and their weights follow from the matches
alone. Source: the averaging of overlapping patches in bidirectional similarity, Simakov et al.,
2008, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator

import numba
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

NO_SOURCE = -1
"""In place of an exemplar's row where a pixel has no single source."""


def copies(
    source: Tensor, votes: int, size: tuple[int, int] | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """The sources that the matches around each pixel propose for it.

    Args:
        source: (…, H, W, 3) int: of each pixel's match the exemplar, y, x.
        votes: v; the matches of (2v + 1)² pixels around count. With 0 it is the pixel's own alone.
        size: (H', W') of the exemplars, if it is another than the pixels' own.

    Yields:
        For each displacement d the sources (…, H, W, 3), exemplar, y, x: that of the pixel at d,
        moved back by d; and (…, H, W) whether there is such a pixel in image and exemplar. All
        that are there weigh the same.
    """
    height, width = source.shape[-3:-1]
    rows, columns = size or (height, width)
    planes = functional.pad(source, (0, 0, votes, votes, votes, votes), value=NO_SOURCE)
    for down in range(-votes, votes + 1):
        for right in range(-votes, votes + 1):
            top, left = votes + down, votes + right
            moved = planes[..., top : top + height, left : left + width, :]
            moved = moved - moved.new_tensor([0, down, right])
            row, y, x = moved.unbind(-1)
            inside = (row >= 0) & (y >= 0) & (y < rows) & (x >= 0) & (x < columns)
            yield moved, inside


def credits(source: Tensor, votes: int) -> tuple[Tensor, Tensor]:
    """How much each exemplar gave, in pixels.

    Args:
        source: (H, W, 3) int, of one candidate.
        votes: v.

    Returns:
        Exemplars' rows (E,), ascending, and pixels (E,) float64, which add up to H · W; row
        `NO_SOURCE` for pixels without a source.
    """
    found = list(copies(source, votes))
    voters = torch.stack([inside for _, inside in found]).sum(0)
    rows, places = torch.unique(
        torch.cat([torch.stack([moved[..., 0] for moved, _ in found]).flatten(),
                   torch.tensor([NO_SOURCE])]),
        return_inverse=True,
    )  # fmt: skip
    weight = torch.stack([inside / voters.clamp_min(1) for _, inside in found]).double()
    given = torch.zeros(len(rows), dtype=torch.float64)
    given.index_add_(0, places[:-1], weight.flatten())
    given[rows == NO_SOURCE] = float((voters == 0).sum())
    some = given > 0
    return rows[some], given[some]


def vote(values: Tensor, y: Tensor, x: Tensor, votes: int) -> Tensor:
    """An exemplar's values brought to the places of the pixels that match them, and averaged.

    Args:
        values: (H', W', C) float32, the exemplar's: colours or features.
        y: (H, W) int32, the row in the exemplar that each pixel matches.
        x: (H, W) int32, its column.
        votes: v; the mean is over the copies of (2v + 1)² pixels around, of those there are; with
            0 the match's own value is taken: values are warped.

    Returns:
        (H, W, C) float32.
    """
    if values.device.type == "cpu":
        out = np.empty((*y.shape, values.shape[2]), np.float32)
        _vote(values.contiguous().numpy(), y.numpy(), x.numpy(), votes, out)
        return torch.from_numpy(out)
    return _vote_by_copies(values, y, x, votes)


def _vote_by_copies(values: Tensor, y: Tensor, x: Tensor, votes: int) -> Tensor:
    """`vote` on any device, a whole image of copies at a time; the reference of the loops."""
    total = torch.zeros(*y.shape, values.shape[2], device=values.device)
    voters = torch.zeros(y.shape, device=values.device)
    rows, columns = values.shape[:2]
    source = torch.stack([torch.zeros_like(y), y, x], dim=-1)
    for moved, inside in copies(source, votes, (rows, columns)):
        at = moved[..., 1].clamp(0, rows - 1).long(), moved[..., 2].clamp(0, columns - 1).long()
        total += values[at] * inside[..., None]
        voters += inside
    return total / voters[..., None]


@numba.njit(nogil=True, cache=True)
def _vote(values, y, x, votes, out):
    height, width = y.shape
    rows, columns, channels = values.shape
    for row in range(height):
        for column in range(width):
            total = out[row, column]
            total[:] = 0
            voters = 0
            for other in range(max(0, row - votes), min(height, row + votes + 1)):
                for beside in range(max(0, column - votes), min(width, column + votes + 1)):
                    at_y = y[other, beside] + row - other
                    at_x = x[other, beside] + column - beside
                    if 0 <= at_y < rows and 0 <= at_x < columns:
                        for channel in range(channels):
                            total[channel] += values[at_y, at_x, channel]
                        voters += 1
            # A pixel's own copy is always there.
            for channel in range(channels):
                total[channel] /= voters
