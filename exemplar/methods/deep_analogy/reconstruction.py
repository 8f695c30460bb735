"""Ways to bring an image's features to another's structure, one level finer than its field.

Section 4.2: warping the finer level's features by the enlarged field loses structure that the
coarser level had, so the paper finds features whose coarser level is the warped one. The others
are cheaper; `docs/analogy.md` has what each is worth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from exemplar.features.pyramid import Pyramid
from exemplar.matching.field import enlarged
from exemplar.matching.voting import vote
from exemplar.methods.deep_analogy.deconvolution import deconvolve
from exemplar.methods.deep_analogy.inverse import Inverse
from exemplar.methods.deep_analogy.settings import Reconstruction

VOTES = 1
"""Features are averaged over 3×3 overlapping copies, as released."""

Size = tuple[int, int]
Places = tuple[Tensor, Tensor]


class Given(NamedTuple):
    """What is known when features of level `level` − 1 are wanted.

    Attributes:
        pyramid: the network.
        maps: the other image, (1, 3, H', W'), and its maps, levels 0 to n.
        sizes: (H, W) of this image and of its maps, levels 0 to n.
        places: rows and columns (H, W) int32 in the other image's map that this one's match.
        level: of `places`.
    """

    pyramid: Pyramid
    maps: list[Tensor]
    sizes: list[Size]
    places: Places
    level: int


def reconstruct(kind: Reconstruction, given: Given, inverse: Inverse | None = None) -> Tensor:
    """R of the level below: the other image's features, in the structure of this one.

    Args:
        kind: how.
        given: the field and what it leads to.
        inverse: the learned inverse of this pyramid; needed by `learned` alone.

    Returns:
        (1, C, H, W) of level `given.level` − 1.
    """
    ways: dict[Reconstruction, Callable[[Given], Tensor]] = {
        "voted": _voted,
        "reextracted": _reextracted,
        "deconvolution": _deconvolved,
        "deconvolution_from_noise": _deconvolved_from_noise,
    }
    if kind == "learned":
        assert inverse is not None
        return inverse(_brought(given, given.level), given.level, given.sizes[given.level - 1])
    return ways[kind](given)


def brought(
    maps: list[Tensor], sizes: list[Size], places: Places, level: int, to: int, votes: int = VOTES
) -> Tensor:
    """The other image's map of a level at most as coarse as the field, moved and voted.

    Args:
        maps: (1, C, H', W') of the other image, levels 0 to n.
        sizes: of this image, levels 0 to n.
        places: the field at `level`.
        level: its level.
        to: the level of the map wanted.
        votes: overlapping copies to each side that are averaged; with 0 the map is warped.

    Returns:
        (1, C, H, W).
    """
    y, x = finer(places, sizes, [size_of(each) for each in maps], level, to)
    return vote(maps[to][0].movedim(0, -1), y, x, votes).movedim(-1, 0)[None]


def finer(places: Places, sizes: list[Size], keys_sizes: list[Size], level: int, to: int) -> Places:
    """A field at a finer level: every pixel of a cell moves like the cell."""
    y, x = places
    for below in range(level - 1, to - 1, -1):
        scale = _stride(sizes, keys_sizes, below)
        y, x = enlarged(y, x, sizes[below], keys_sizes[below], scale, scale)
    return y, x


def size_of(values: Tensor) -> Size:
    """(H, W) of a map (1, C, H, W)."""
    return values.shape[-2], values.shape[-1]


def _stride(sizes: list[Size], keys_sizes: list[Size], below: int) -> tuple[float, float]:
    """Cells of level `below` for one of the next, the same in both images."""
    # The longest side tells it best: sizes are rounded, up or down, where a network pools.
    coarse, fine = max(
        (each[below + 1][axis], each[below][axis])
        for each in (sizes, keys_sizes)
        for axis in (0, 1)
    )
    stride = float(2 ** round(math.log2(fine / coarse)))
    return stride, stride


def _brought(given: Given, to: int, votes: int = VOTES) -> Tensor:
    return brought(given.maps, given.sizes, given.places, given.level, to, votes)


def _voted(given: Given) -> Tensor:
    """The finer level's own features, warped by the enlarged field and averaged."""
    return _brought(given, given.level - 1)


def _reextracted(given: Given) -> Tensor:
    """The features of the image that the field makes."""
    image = _brought(given, 0)
    with torch.no_grad():
        return given.pyramid.between(image, 0, given.level - 1)


def _deconvolved(given: Given) -> Tensor:
    """As released: features two levels down whose coarser level is the warped one (Eq. 5)."""
    target = _brought(given, given.level)
    low = given.level - 2
    found = deconvolve(target, given.pyramid, low, given.level, _brought(given, low))
    with torch.no_grad():
        return given.pyramid.between(found, low, given.level - 1)


def _deconvolved_from_noise(given: Given) -> Tensor:
    """As in the paper (Eq. 5): features one level down, from random ones as large as the other's.

    The target is warped, pixel by pixel; only the released code averages overlapping copies.
    """
    low = given.level - 1
    like = given.maps[low]
    draw = torch.Generator().manual_seed(given.level)
    noise = torch.rand((1, like.shape[1], *given.sizes[low]), generator=draw)
    start = noise.to(like.device) * like.mean() * 2
    target = _brought(given, given.level, votes=0)
    return deconvolve(target, given.pyramid, low, given.level, start)
