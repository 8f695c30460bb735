"""Composition: copying the exemplars' residuals into the regressed image, with sources.

Everything is integer arithmetic on bytes, so equal matches give equal pictures.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
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


def residuals(photographs: np.ndarray, regressed: np.ndarray, kind: Residual) -> np.ndarray:
    """What regression lost, y − f(x), of each exemplar.

    Args:
        photographs: y, (R, H, W, 3) u8.
        regressed: f(x), (R, H, W, 3) u8.
        kind: `rgb`, or `luma`: only the Y of YCbCr (BT.601), the same for all three channels.

    Returns:
        (R, H, W, 3) int16.
    """
    difference = photographs.astype(np.int16) - regressed.astype(np.int16)
    if kind == "luma":
        luma = np.rint(difference @ np.array([0.299, 0.587, 0.114])).astype(np.int16)
        difference = np.repeat(luma[..., None], 3, axis=-1)
    return difference


def compose(
    regressed: np.ndarray,
    residual: np.ndarray,
    rows: np.ndarray,
    matches: Matches,
    members: list[Candidate],
    composition: Composition = "matched",
) -> Composed:
    """All candidates for one input.

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
    windows = windows_of(members)
    height, width = regressed.shape[:2]
    image = np.empty((len(members), height, width, 3), np.uint8)
    source = np.empty((len(members), height, width, 3), np.int32)
    make = _matched if composition == "matched" else _weighted
    for index, member in enumerate(members):
        window = windows.index(member.window)
        score = matches.score[member.ranks, window]
        position = matches.position[member.ranks, window]
        added, source[index] = make(residual[member.ranks], rows[member.ranks], score, position)
        image[index] = np.clip(regressed.astype(np.int16) + added, 0, 255).astype(np.uint8)
    return Composed(image, source)


def _matched(
    residual: np.ndarray, rows: np.ndarray, score: Tensor, position: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Eq. 3: the residual of the best match among K exemplars, (H, W, 3), and its source."""
    best = score.max(0).indices
    place = position.gather(0, best[None])[0].cpu().numpy()
    rank = best.cpu().numpy()
    y, x = np.divmod(place, residual.shape[2])
    return residual[rank, y, x], np.stack([rows[rank], y, x], -1).astype(np.int32)


def _weighted(
    residual: np.ndarray, rows: np.ndarray, score: Tensor, position: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """The released average, (H, W, 3); a source exists only where K is 1."""
    weight = score.clamp(min=0).double().cpu().numpy()
    total = weight.sum(0)
    weight = np.where(total > 0, weight / np.where(total > 0, total, 1), 1 / len(weight))
    added = np.rint((residual * weight[..., None]).sum(0)).astype(np.int16)
    source = np.full(added.shape, NO_SOURCE, np.int32)
    if len(rows) == 1:
        y, x = np.indices(added.shape[:2])
        source = np.stack([np.full_like(y, rows[0]), y, x], -1).astype(np.int32)
    return added, source


def compose_global(regressed: np.ndarray, residual: np.ndarray, rows: np.ndarray) -> Composed:
    """Eq. 2: each exemplar's whole residual added to the regressed image.

    Args:
        regressed: f(x) of the input, (H, W, 3) u8.
        residual: (C, H, W, 3) int16, of C ranked exemplars.
        rows: (C,) their rows.

    Returns:
        One candidate an exemplar.
    """
    count, height, width, _ = residual.shape
    image = np.clip(regressed.astype(np.int16) + residual, 0, 255).astype(np.uint8)
    y, x = np.indices((height, width), dtype=np.int32)
    place = np.broadcast_to(np.stack([y, x], -1), (count, height, width, 2))
    row = np.broadcast_to(rows.astype(np.int32)[:, None, None, None], (count, height, width, 1))
    return Composed(image, np.concatenate([row, place], -1))
