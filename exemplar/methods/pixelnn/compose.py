"""Composition: copying the exemplars' residuals into the regressed image, with sources.

Everything is integer arithmetic on bytes, so equal matches give equal pictures.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from exemplar.matching.windows import Matches
from exemplar.methods.pixelnn.schedule import Candidate, windows_of

Composition = Literal["matched", "weighted"]
Residual = Literal["rgb", "luma"]
NO_SOURCE = -1


class Composed(NamedTuple):
    """Candidates and where their pixels come from.

    Attributes:
        image: (C, H, W, 3) u8.
        source: (C, H, W, 3) int32: exemplar row, y, x; `NO_SOURCE` where a pixel has no single one.
    """

    image: np.ndarray
    source: np.ndarray


def residuals(photographs: Tensor, regressed: Tensor, kind: Residual) -> Tensor:
    """What regression lost, y − f(x), of each exemplar.

    Args:
        photographs: y, (R, H, W, 3) u8.
        regressed: f(x), (R, H, W, 3) u8.
        kind: `rgb`, or `luma`: only the Y of YCbCr (BT.601), the same for all three channels.

    Returns:
        (R, H, W, 3) int16.
    """
    difference = photographs.short() - regressed.short()
    if kind == "luma":
        # In thousandths, so that rounding is the same on every device.
        weights = torch.tensor([299, 587, 114], dtype=torch.int32, device=difference.device)
        luma = (difference * weights).sum(-1, keepdim=True)
        difference = (
            ((2 * luma + 1000).div(2000, rounding_mode="floor")).short().expand_as(difference)
        )
    return difference


def compose(
    regressed: Tensor,
    residual: Tensor,
    rows: np.ndarray,
    matches: Matches,
    members: list[Candidate],
    composition: Composition = "matched",
) -> Composed:
    """All candidates for one input, on the device of the matches.

    Args:
        regressed: f(x) of the input, (H, W, 3) u8.
        residual: of the ranked exemplars, (R, H, W, 3) int16, from `residuals`.
        rows: (R,) the exemplars' rows.
        matches: for the same exemplars and the windows of `windows_of(members)`.
        members: the candidates to make.
        composition: `matched` copies each pixel's residual from its best match (Eq. 3);
            `weighted` averages the K exemplars' residuals at the query's own pixel, weighted by
            their best similarity in the window (what the authors' code computes).

    Returns:
        Images and sources, one per member.
    """
    make = _matched if composition == "matched" else _weighted
    shape = (len(members), *regressed.shape)
    image = torch.empty(shape, dtype=torch.uint8, device=regressed.device)
    source = torch.empty(shape, dtype=torch.int32, device=regressed.device)
    ids = torch.from_numpy(np.asarray(rows, np.int32)).to(regressed.device)
    windows = windows_of(members)
    # Members of equal K are made together: few operations, which is what counts on a GPU.
    for neighbours in sorted({member.neighbours for member in members}):
        chosen = [i for i, member in enumerate(members) if member.neighbours == neighbours]
        places = torch.tensor(
            [(members[i].first - 1, windows.index(members[i].window)) for i in chosen],
            device=regressed.device,
        )
        added, made = make(residual, ids, matches, neighbours, *places.T)
        at = torch.tensor(chosen, device=regressed.device)
        image[at] = (regressed.short() + added).clamp(0, 255).byte()
        source[at] = made
    return Composed(image.cpu().numpy(), source.cpu().numpy())


def _matched(
    residual: Tensor, rows: Tensor, matches: Matches, neighbours: int, first: Tensor, window: Tensor
) -> tuple[Tensor, Tensor]:
    """Eq. 3: the residual of the best match among K exemplars, (M, H, W, 3), and its source."""
    best = matches.score.unfold(0, neighbours, 1)[first, window].max(-1).indices
    rank = first[:, None, None] + best
    _, height, width = best.shape
    y = torch.arange(height, device=best.device)[:, None]
    x = torch.arange(width, device=best.device)[None]
    place = matches.position[rank, window[:, None, None], y, x]
    from_y, from_x = place // width, place % width
    source = torch.stack([rows[rank], from_y.int(), from_x.int()], -1)
    return residual[rank, from_y, from_x], source


def _weighted(
    residual: Tensor, rows: Tensor, matches: Matches, neighbours: int, first: Tensor, window: Tensor
) -> tuple[Tensor, Tensor]:
    """The released average, (M, H, W, 3); a source exists only where K is 1."""
    weight = matches.score.unfold(0, neighbours, 1)[first, window].clamp(min=0).double()
    total = weight.sum(-1, keepdim=True)
    weight = torch.where(total > 0, weight / total, 1 / neighbours)
    spread = residual.unfold(0, neighbours, 1)[first]
    added = (spread * weight[..., None, :]).sum(-1).round().short()
    source = torch.full(added.shape, NO_SOURCE, dtype=torch.int32, device=added.device)
    if neighbours == 1:
        height, width = added.shape[1:3]
        source[..., 0] = rows[first][:, None, None]
        source[..., 1] = torch.arange(height, device=added.device)[:, None]
        source[..., 2] = torch.arange(width, device=added.device)
    return added, source


def compose_global(regressed: Tensor, residual: Tensor, rows: np.ndarray) -> Composed:
    """Eq. 2: each exemplar's whole residual added to the regressed image.

    Args:
        regressed: f(x) of the input, (H, W, 3) u8.
        residual: (C, H, W, 3) int16, of C ranked exemplars.
        rows: (C,) their rows.

    Returns:
        One candidate an exemplar.
    """
    count, height, width, _ = residual.shape
    image = (regressed.short() + residual).clamp(0, 255).byte().cpu().numpy()
    y, x = np.indices((height, width), dtype=np.int32)
    place = np.broadcast_to(np.stack([y, x], -1), (count, height, width, 2))
    row = np.broadcast_to(rows.astype(np.int32)[:, None, None, None], (count, height, width, 1))
    return Composed(image, np.concatenate([row, place], -1))
