"""Votes of offsets: dense matches between two images that agree on how one is moved to the other.

Compares every cell of one grid with every cell of another, all at once, so grids are coarse: some
twenty cells a side. Each pair of cells that look alike votes for its offset, the place in the other
image relative to its own at some scale; pairs whose offsets many others share, and whose
neighbours' pairs are alike too, are matches. Nothing is drawn at random.
Sources: regularised Hough matching, Cho et al., Unsupervised Object Discovery and Localization in
the Wild, 2015, section 3; Min et al., Hyperpixel Flow, 2019, section 3.3; similarities that compete
in both directions, Rocco et al., Neighbourhood Consensus Networks, 2018, Eq. 4.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from exemplar.settings import Settings

Positive = Annotated[float, Field(gt=0)]

_LEAST = 1e-6  # added to weights, so that they never add up to 0


class OffsetSettings(Settings):
    """How cells vote; lengths are in cells."""

    sharpness: Positive = 25.0
    """β: how much the cells of an image compete for a match, exp(β · cosine)."""
    blur: Positive = 2.5
    """Standard deviation with which offsets are counted as equal."""
    support: Annotated[float, Field(ge=0)] = 1.0
    """Standard deviation of the neighbourhood whose pairs must be alike; 0: none."""
    scales: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.77, 1.0, 1.3)
    """How many times larger the other image may show things."""
    smoothing: Positive = 0.7
    """Standard deviation of the neighbourhood whose matches make up a pixel's."""


class Volume(NamedTuple):
    """How well every cell of one grid matches every cell of another.

    Attributes:
        score: (h, w, h', w') float32, at least 0, at the scale that is best for each pair.
        scale: (h, w, h', w') float32, that scale.
    """

    score: Tensor
    scale: Tensor


class Matches(NamedTuple):
    """The best match of each cell.

    Attributes:
        places: (h, w, 2) float32 rows and columns in the other grid, between cells.
        scale: (h, w) float32, how many times larger the other image shows the cell.
        confidence: (h, w) float32 in [0, 1], the share of the cell's scores in the 3×3 cells
            around its match.
    """

    places: Tensor
    scale: Tensor
    confidence: Tensor


def vote_offsets(query: Tensor, keys: Tensor, settings: OffsetSettings) -> Volume:
    """Compares two grids of descriptors and lets offsets vote.

    Args:
        query: (h, w, D) float32, unit length.
        keys: (h', w', D) float32, unit length, on the same device.
        settings: how.

    Returns:
        The scores; the same on every run.

    Raises:
        ValueError: the shapes do not fit.
    """
    if query.ndim != 3 or keys.ndim != 3 or query.shape[2] != keys.shape[2]:
        raise ValueError(
            f"expected descriptors (h, w, D) and (h', w', D), got {tuple(query.shape)} and "
            f"{tuple(keys.shape)}"
        )
    size, other = (query.shape[0], query.shape[1]), (keys.shape[0], keys.shape[1])
    likeness = _competing(query.flatten(0, 1) @ keys.flatten(0, 1).T, settings.sharpness)
    # Rows of both grids against columns of both: each step below works on either alone.
    planes = likeness.view(*size, *other).transpose(1, 2).reshape(size[0] * other[0], -1)
    best: Tensor | None = None
    scales = torch.empty_like(planes)
    for scale in settings.scales:
        score = _at_scale(planes, size, other, scale, settings)
        if best is None:
            best, scales = score, torch.full_like(planes, scale)
        else:
            better = score > best
            best, scales = torch.where(better, score, best), scales.masked_fill(better, scale)
    assert best is not None
    shape = (size[0], other[0], size[1], other[1])
    return Volume(*(each.view(shape).transpose(1, 2).contiguous() for each in (best, scales)))


def best_matches(volume: Volume) -> Matches:
    """The best match of each cell of the first grid, placed between cells by the scores around.

    Of equal scores the first in reading order is taken.
    """
    height, width, rows, columns = volume.score.shape
    flat = volume.score.flatten(2).flatten(0, 1)
    best = flat.argmax(1)
    around = _around(best, (rows, columns)) * flat
    mass = around.sum(1, keepdim=True).clamp_min(torch.finfo(flat.dtype).tiny)
    places = around @ _cells((rows, columns), flat.device) / mass
    # Without any score, as where descriptors are all zero, the cell itself stays the match.
    known = flat.amax(1, keepdim=True) > 0
    places = torch.where(known, places, _cells((rows, columns), flat.device)[best])
    scale = volume.scale.flatten(2).flatten(0, 1).gather(1, best[:, None])[:, 0]
    total = flat.sum(1).clamp_min(torch.finfo(flat.dtype).tiny)
    confidence = (around.sum(1) / total).clamp(0, 1)
    shape = (height, width)
    return Matches(places.view(*shape, 2), scale.view(shape), confidence.view(shape))


def turned(volume: Volume) -> Volume:
    """The same scores seen from the other grid."""
    return Volume(
        volume.score.permute(2, 3, 0, 1).contiguous(),
        1 / volume.scale.permute(2, 3, 0, 1).contiguous(),
    )


def strength(volume: Volume) -> float:
    """How well two grids match in all, to compare ways to lay one upon the other."""
    return float(volume.score.flatten(2).amax(2).sqrt().sum())


def spread(matches: Matches, y: Tensor, x: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """Places and confidence between cells: what the matches around say, each at its own scale.

    Args:
        matches: (h, w) of them.
        y: (H,) float32 rows of the grid.
        x: (W,) float32 columns of the grid.
        smoothing: standard deviation in cells of a Gaussian of the distance, which times the
            square of the confidence is a match's weight.

    Returns:
        Places (H, W, 2) and confidence (H, W), float32.
    """
    height, width = matches.confidence.shape
    device = matches.places.device
    rows, columns = torch.arange(height, device=device), torch.arange(width, device=device)
    down = _normal(y[:, None] - rows, smoothing)
    right = _normal(x[:, None] - columns, smoothing)
    # A match that its cell is sure of counts more, and one of no confidence next to nothing.
    sure = matches.confidence.square() + _LEAST
    total = down @ sure @ right.T

    def mean(values: Tensor) -> Tensor:
        return down @ (values * sure) @ right.T / total

    scale = mean(matches.scale)
    own = (rows[:, None].expand(height, width), columns[None].expand(height, width))
    places = [
        mean(matches.places[..., axis] - matches.scale * own[axis])
        + scale * (y[:, None] if axis == 0 else x[None])
        for axis in (0, 1)
    ]
    return torch.stack(places, -1), mean(matches.confidence)


def _competing(cosine: Tensor, sharpness: float) -> Tensor:
    """The geometric mean of each pair's shares among those of its row and of its column."""
    return (
        ((cosine * sharpness).log_softmax(1) + (cosine * sharpness).log_softmax(0)).mul(0.5).exp()
    )


def _at_scale(
    planes: Tensor, size: tuple[int, int], other: tuple[int, int], scale: float,
    settings: OffsetSettings,
) -> Tensor:  # fmt: skip
    """Scores at one scale, laid out as `planes`: (h · h', w · w')."""
    place = planes.device
    cast, read, near = zip(
        *(_along(size[axis], other[axis], scale, settings.blur, settings.support, place)
          for axis in (0, 1)),
        strict=True,
    )  # fmt: skip
    votes = cast[0].T @ planes @ cast[1]
    score = planes * (read[0] @ votes @ read[1].T)
    return near[0] @ score @ near[1].T if settings.support else score


@lru_cache(maxsize=64)
def _along(
    length: int, other: int, scale: float, blur: float, support: float, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """One axis of both grids: pairs (length · other) against bins of offsets, and other pairs.

    Returns:
        The weights with which pairs vote for bins and with which they read them, (P, B), and those
        with which a pair's neighbours support it, (P, P).
    """
    own = torch.arange(length, dtype=torch.float64) - (length - 1) / 2
    there = torch.arange(other, dtype=torch.float64) - (other - 1) / 2
    offset = (there[None] - scale * own[:, None]).flatten()
    reach = int(offset.abs().max().ceil()) + 1
    bins = torch.arange(-reach, reach + 1, dtype=torch.float64)
    apart = offset[:, None] - bins
    cast = _gaussian(apart, blur)
    read = (1 - apart.abs()).clamp_min(0)
    near = torch.zeros(0)
    if support:
        a = own.repeat_interleave(other)
        b = there.repeat(length)
        moved = b[:, None] + scale * (a[None] - a[:, None]) - b[None]
        near = _gaussian(a[None] - a[:, None], support) * (1 - moved.abs()).clamp_min(0)
        near = near / _gaussian(torch.arange(-64.0, 65.0), support).sum()
    return tuple(each.float().to(device) for each in (cast, read, near))  # type: ignore[return-value]


def _gaussian(distance: Tensor, deviation: float) -> Tensor:
    return torch.exp(-distance.square() / (2 * deviation**2))


def _normal(distance: Tensor, deviation: float) -> Tensor:
    """Gaussian weights (n, m) that add up to 1 in each row, however far all cells are."""
    return (-distance.square() / (2 * deviation**2)).softmax(1).float()


def _cells(size: tuple[int, int], device: torch.device) -> Tensor:
    """Rows and columns (h · w, 2) float32 of a grid's cells."""
    y, x = torch.meshgrid(*(torch.arange(n, device=device) for n in size), indexing="ij")
    return torch.stack([y.flatten(), x.flatten()], -1).float()


def _around(best: Tensor, size: tuple[int, int]) -> Tensor:
    """Which cells (n, h' · w') lie in the 3×3 around each of some, as 0 and 1."""
    cells = _cells(size, best.device)
    apart = (cells[None] - cells[best][:, None]).abs().amax(-1)
    return (apart <= 1).float()
