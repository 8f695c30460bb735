"""Composition: copying the exemplars' residuals into the regressed image, with sources.

Everything is integer arithmetic on bytes, so equal matches give equal pictures.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from exemplar.matching.voting import NO_SOURCE, copies
from exemplar.matching.windows import Matches
from exemplar.methods.pixelnn.followers import Cast
from exemplar.methods.pixelnn.schedule import Candidate, windows_of
from exemplar.methods.pixelnn.seamless import seamless

Composition = Literal["matched", "weighted", "voted", "seamless"]
Residual = Literal["rgb", "luma"]


class Composed(NamedTuple):
    """Candidates and where their pixels come from.

    Attributes:
        image: (C, H, W, 3) u8.
        source: (C, H, W, 3) int32: exemplar row, y, x of the pixel's match; `NO_SOURCE` where it
            has none of its own. A `matched` pixel is a copy by Eq. 3, f(x) + y − f(x_k), of its
            source; a `voted` one the mean of the copies that `voting.copies` derives from its
            neighbourhood's sources; a `seamless` one a copy whose level was moved until it meets
            its neighbours. Of all of them `report.attribution` says what was added to the sources
            themselves, so that both are the picture to the byte.
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
    cast: Cast,
    matches: Matches,
    members: list[Candidate],
    composition: Composition = "matched",
    votes: int = 0,
    anchor: float = 0.1,
) -> Composed:
    """All candidates for one input, on the device of the matches.

    Args:
        regressed: f(x) of the input, (H, W, 3) u8.
        residual: of the exemplars, (R, H, W, 3) int16, from `residuals`.
        cast: the exemplars, and which of them each candidate draws on.
        matches: for the same exemplars and the windows of `windows_of(members)`.
        members: the candidates to make.
        composition: `matched` copies each pixel's residual from its best match (Eq. 3);
            `voted` averages the copies that the matches around a pixel propose for it;
            `seamless` joins the copies so that neighbours differ as their sources do;
            `weighted` averages the K exemplars' residuals at the query's own pixel, weighted by
            their best similarity in the window (what the authors' code computes).
        votes: v of `voted`: the matches of (2v + 1)² pixels around count.
        anchor: of `seamless`.

    Returns:
        Images and sources, one per member.
    """
    device = regressed.device
    shape = (len(members), *regressed.shape)
    image = torch.empty(shape, dtype=torch.uint8, device=device)
    source = torch.empty(shape, dtype=torch.int32, device=device)
    ids = torch.from_numpy(np.asarray(cast.rows, np.int32)).to(device)
    windows = windows_of(members)
    # Members of equal K are made together: few operations, which is what counts on a GPU.
    for neighbours in sorted({member.neighbours for member in members}):
        chosen = [i for i, member in enumerate(members) if member.neighbours == neighbours]
        ranks = torch.tensor([cast.members[i] for i in chosen], device=device)
        window = torch.tensor([windows.index(members[i].window) for i in chosen], device=device)
        score = matches.score[ranks, window[:, None]]
        if composition == "weighted":
            added, made = _weighted(residual, ids, score, ranks)
        else:
            place = _best(matches, score, ranks, window)
            if composition == "seamless":
                shown, lost = regressed.cpu().numpy(), residual.cpu().numpy()
                joined = torch.from_numpy(seamless(shown, lost, place.cpu().numpy(), anchor))
                added = joined.to(device).short() - regressed.short()
            else:
                added = _voted(residual, place, votes if composition == "voted" else 0)
            made = torch.cat([ids[place[..., :1]], place[..., 1:].int()], -1)
        at = torch.tensor(chosen, device=device)
        image[at] = (regressed.short() + added).clamp(0, 255).byte()
        source[at] = made
    return Composed(image.cpu().numpy(), source.cpu().numpy())


def _best(matches: Matches, score: Tensor, ranks: Tensor, window: Tensor) -> Tensor:
    """The best match among K exemplars (M, K): its place among them, y, x, (M, H, W, 3) int64."""
    _, _, height, width = score.shape
    best = score.max(1).indices
    rank = ranks.gather(1, best.flatten(1)).view_as(best)
    y = torch.arange(height, device=best.device)[:, None]
    x = torch.arange(width, device=best.device)[None]
    position = matches.position[rank, window[:, None, None], y, x]
    return torch.stack([rank, position // width, position % width], -1)


def _voted(residual: Tensor, place: Tensor, votes: int) -> Tensor:
    """Eq. 3: the residual of the match; the mean of overlapping ones, rounded half up."""
    if votes == 0:
        return residual[place[..., 0], place[..., 1], place[..., 2]]
    height, width = place.shape[1:3]
    # Looked up by one index in a list of all pixels, whose last one stands for those beyond.
    pixels = torch.cat([residual.reshape(-1, 3), residual.new_zeros(1, 3)])
    total = torch.zeros(place.shape, dtype=torch.int16, device=place.device)
    count = torch.zeros_like(total[..., :1])
    for moved, inside in copies(place.int(), votes):
        at = (moved[..., 0] * height + moved[..., 1]) * width + moved[..., 2]
        total += pixels[at.where(inside, len(pixels) - 1)]
        count += inside[..., None]
    total, count = total.int(), count.int()
    return (2 * total + count).div(2 * count, rounding_mode="floor").short()


def _weighted(
    residual: Tensor, rows: Tensor, score: Tensor, ranks: Tensor
) -> tuple[Tensor, Tensor]:
    """The released average, (M, H, W, 3); a source exists only where K is 1."""
    weight = score.clamp(min=0).double()
    total = weight.sum(1, keepdim=True)
    neighbours = ranks.shape[1]
    weight = torch.where(total > 0, weight / total, 1 / neighbours)
    added = (residual[ranks] * weight[..., None]).sum(1).round().short()
    source = torch.full(added.shape, NO_SOURCE, dtype=torch.int32, device=added.device)
    if neighbours == 1:
        height, width = added.shape[1:3]
        source[..., 0] = rows[ranks[:, 0]][:, None, None]
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
