"""Overlapping copies: each pixel's match, moved along, proposes a source for its neighbours too.

A pixel of a `voted` candidate is the mean of these copies, so its sources and their weights follow
from the matches alone. Source: the averaging of overlapping patches in bidirectional similarity,
Simakov et al., 2008, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

NO_SOURCE = -1
"""In place of an exemplar's row where a pixel has no single source."""


def copies(source: Tensor, votes: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The sources that the matches around each pixel propose for it.

    Args:
        source: (…, H, W, 3) int: of each pixel's match the exemplar, y, x.
        votes: v; the matches of (2v + 1)² pixels around count. With 0 it is the pixel's own alone.

    Yields:
        For each displacement d the sources (…, H, W, 3), exemplar, y, x: that of the pixel at d,
        moved back by d; and (…, H, W) whether there is such a pixel in image and exemplar. All
        that are there weigh the same.
    """
    height, width = source.shape[-3:-1]
    planes = functional.pad(source, (0, 0, votes, votes, votes, votes), value=NO_SOURCE)
    for down in range(-votes, votes + 1):
        for right in range(-votes, votes + 1):
            top, left = votes + down, votes + right
            moved = planes[..., top : top + height, left : left + width, :]
            moved = moved - moved.new_tensor([0, down, right])
            row, y, x = moved.unbind(-1)
            inside = (row >= 0) & (y >= 0) & (y < height) & (x >= 0) & (x < width)
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
