"""Nearest patches of a labelled image: described in few dimensions, searched within their class.

Below `patches`. The whole of a small image is searched, with distances normalised so that every
patch of the source is used; larger ones by random search and propagation (`matching.field`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from exemplar.matching import field as fields
from exemplar.matching.windows import WHOLE

SAMPLE = 8192
"""Patches, evenly spread, that the principal directions are learned from."""
BLOCK = 2048
"""Patches of the target compared at a time with all of the source."""
APART = 64.0
"""Added to the squared distance of patches of other classes; that of all colours is at most 1."""
ROUNDS, RADIUS = 2, 8
"""Of the random search, around a match that was found at the next coarser level."""


Places = tuple[Tensor, Tensor]
"""Rows and columns in the source, (H, W) int32, that the target's pixels match."""


class Described(NamedTuple):
    """The patches of an image.

    Attributes:
        values: (H, W, D) float32; the squared distance of two is the mean squared difference of
            their patches, as far as the directions kept show it.
        classes: (H, W) int64, of the patches' central pixels.
        basis: (D, C, P, P), the principal directions.
        mean: (D,), what is taken off.
    """

    values: Tensor
    classes: Tensor
    basis: Tensor
    mean: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.classes.shape[0], self.classes.shape[1]

    def beside(self, more: Tensor) -> Described:
        """With more values (H, W, E) for each patch."""
        return self._replace(values=torch.cat([self.values, more], dim=-1))


def describe(
    maps: Tensor, classes: Tensor, patch: int, dimensions: int, like: Described | None = None
) -> Described:
    """The patches around all pixels in their principal directions.

    Args:
        maps: (H, W, C) float32; beyond its border they go on as at it.
        classes: (H, W) int64.
        patch: the side P of a patch, odd.
        dimensions: how many directions are kept at most.
        like: whose directions are used; none: those of these patches.

    Returns:
        The patches' descriptions.
    """
    planes = functional.pad(maps.permute(2, 0, 1)[None], [patch // 2] * 4, mode="replicate")
    if like is None:
        basis, mean = _principal(planes, patch, dimensions)
    else:
        basis, mean = like.basis, like.mean
    found = functional.conv2d(planes, basis)[0] - mean[:, None, None]
    return Described(found.permute(1, 2, 0).contiguous(), classes, basis, mean)


def _principal(planes: Tensor, patch: int, dimensions: int) -> tuple[Tensor, Tensor]:
    """The leading directions (D, C, P, P) of patches, and these patches' mean in them (D,)."""
    channels = planes.shape[1]
    side = max(1, math.isqrt(planes.shape[-1] * planes.shape[-2] // SAMPLE))
    sample = functional.unfold(planes, patch, stride=side)[0].T
    mean = sample.mean(0)
    # In float64: directions must not depend on how sums are divided among threads.
    centred = (sample - mean).double()
    _, directions = torch.linalg.eigh(centred.T @ centred)
    kept = directions[:, -dimensions:].float()
    basis = kept.T.reshape(-1, channels, patch, patch) / patch
    return basis, (mean @ kept) / patch


def search_whole(query: Described, known: Described, alpha: float) -> Places:
    """For every patch of the target the nearest of its class in the whole source, all being used.

    The distance to a patch of the source is divided by α + its own distance to the nearest patch of
    the target. Source: Granot et al., 2022, Eq. 2. A class that the source lacks at this size is
    looked for among all patches.

    Args:
        query: the target's patches.
        known: the source's.
        alpha: α; the smaller, the more the source's patches are all used.

    Returns:
        Rows and columns in the source, (H, W) int32.
    """
    found = torch.empty(query.classes.numel(), dtype=torch.int64, device=query.values.device)
    classes, keys_classes = query.classes.flatten(), known.classes.flatten()
    queries, keys = query.values.flatten(0, 1), known.values.flatten(0, 1)
    for which in classes.unique().tolist():
        asking = torch.nonzero(classes == which)[:, 0]
        among = torch.nonzero(keys_classes == which)[:, 0]
        if not len(among):
            among = torch.arange(len(keys), device=keys.device)
        found[asking] = among[_nearest(queries[asking], keys[among], alpha)]
    y, x = found // known.size[1], found % known.size[1]
    return y.reshape(query.size).int(), x.reshape(query.size).int()


def _nearest(queries: Tensor, keys: Tensor, alpha: float) -> Tensor:
    """The place among `keys` of the normalised nearest of each of `queries`."""
    least = torch.full((len(keys),), torch.inf, device=keys.device)
    for some in queries.split(BLOCK):
        least = torch.minimum(least, _distances(some, keys).amin(0))
    return torch.cat(
        [(_distances(some, keys) / (alpha + least)).argmin(1) for some in queries.split(BLOCK)]
    )


def _distances(queries: Tensor, keys: Tensor) -> Tensor:
    """Squared, (Q, K)."""
    squares = queries.square().sum(1)[:, None] + keys.square().sum(1)
    return (squares - 2 * queries @ keys.T).clamp_min(0)


def search_field(
    query: Described,
    known: Described,
    found: Places,
    seed: int,
) -> Places:
    """Improves a field by random search and propagation.

    A squared distance is a product, but for the query's own square, which all its matches share:
    of (2 q, 1) and (k, −|k|²); so the fields of `matching` serve. Classes are signs of ±1 in as
    many further dimensions as it takes to number them.

    Args:
        query: the target's patches.
        known: the source's.
        found: rows and columns to begin from; a match of the right class is never given up for one
            of another.
        seed: of the random search.

    Returns:
        Rows and columns in the source, (H, W) int32.
    """
    bits = max(1, int(max(query.classes.max(), known.classes.max())).bit_length())
    signs = APART / 2 * _signs(query.classes, bits), _signs(known.classes, bits)
    ones = torch.ones_like(query.values[..., :1])
    squares = known.values.square().sum(-1, keepdim=True)
    pair = fields.pair(
        torch.cat([2 * query.values, ones, signs[0]], dim=-1).contiguous(),
        torch.cat([known.values, -squares, signs[1]], dim=-1).contiguous(),
        WHOLE,
    )
    best = fields.improve(pair, fields.start(pair, found[0], found[1]), ROUNDS, RADIUS, seed)
    return best.y, best.x


def within_class(found: Places, classes: Tensor, keys_classes: Tensor) -> Places:
    """Moves matches of another class to the nearest place in the source of the pixel's own.

    Args:
        found: rows and columns in the source.
        classes: (H, W) int64, the target's.
        keys_classes: (H', W') int64, the source's.

    Returns:
        Rows and columns; unchanged where the source has no place of the class.
    """
    rows, columns = (places.cpu().numpy().copy() for places in found)
    wanted, there = classes.cpu().numpy(), keys_classes.cpu().numpy()
    wrong = there[rows, columns] != wanted
    for which in np.intersect1d(wanted[wrong], there):
        nearest = ndimage.distance_transform_edt(
            there != which, return_distances=False, return_indices=True
        )
        assert isinstance(nearest, np.ndarray)
        at = wrong & (wanted == which)
        rows[at], columns[at] = nearest[:, rows[at], columns[at]]
    device = found[0].device
    return torch.from_numpy(rows).to(device), torch.from_numpy(columns).to(device)


def _signs(classes: Tensor, bits: int) -> Tensor:
    """(H, W, bits), −1 and 1, another row for each class."""
    places = torch.arange(bits, device=classes.device)
    return ((classes[..., None] >> places) & 1).float() * 2 - 1
