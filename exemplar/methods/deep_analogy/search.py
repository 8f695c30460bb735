"""One level of Algorithm 1: what is compared there, and both fields, searched."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from exemplar.matching import field as fields
from exemplar.matching.field import Field, Pair
from exemplar.methods.deep_analogy.energy import described, match_pair, softening
from exemplar.methods.deep_analogy.reconstruction import Places, size_of
from exemplar.methods.deep_analogy.settings import AnalogySettings, TextureSettings
from exemplar.methods.deep_analogy.texture import (
    cues,
    expected_places,
    latent_colours,
    own_colours,
    own_places,
)

PATCHES = (5, 5, 3, 3, 3)
"""Sides of the patches compared, by level, fine to coarse (section 4.2)."""
RADII = (4, 4, 6, 6, 6)
"""Of the random search, by level, fine to coarse (section 4.4); without a start all is searched."""


def search_level(
    maps: list[list[Tensor]],
    latent: list[Tensor],
    places: list[Places] | None,
    level: int,
    settings: AnalogySettings,
    near: int | None = None,
) -> list[Places]:
    """Both fields of a level (section 4.2).

    Args:
        maps: of A and of B′, the image (1, 3, H, W) and its maps, levels 0 to n.
        latent: the maps of A′ and of B at this level.
        places: the fields to start from, rows and columns (H, W) of this level; None: the level
            is searched whole.
        level: from 1.
        settings: how.
        near: the radius of the random search where there is a start; None: that of `RADII`.

    Returns:
        The fields of A and of B′.
    """
    pairs = level_pairs(maps, latent, places, level, settings)
    if places is None:
        found = [_start(pair, settings, side) for side, pair in enumerate(pairs)]
        radius = max(max(size_of(side[level])) for side in maps)
    else:
        found = [fields.start(pair, *at) for pair, at in zip(pairs, places, strict=True)]
        radius = RADII[level - 1] if near is None else near
    return _searched(pairs, found, radius, settings, level)


def level_pairs(
    maps: list[list[Tensor]], latent: list[Tensor], places: list[Places] | None,
    level: int, settings: AnalogySettings,
) -> list[Pair]:  # fmt: skip
    """What is matched at a level, for both directions (Eq. 2 or 3)."""
    own = [maps[0][level], maps[1][level]]
    # Where nothing is expected yet, flat places would only be drawn to other flat places.
    epsilon = softening(own, settings.texture.floor if places is not None else 0.0)
    queries, keys = _cues(maps, places, level, settings.texture)
    pairs = []
    for side, other in ((0, 1), (1, 0)):
        # A and A′ against B and B′; in the other direction B′ and B against A′ and A.
        query = [
            described(own[side], epsilon, queries[side][0]),
            described(latent[side], epsilon, queries[side][1]),
        ]
        key = [
            described(latent[other], epsilon, keys[other][1]),
            described(own[other], epsilon, keys[other][0]),
        ]
        if settings.directions == "single":
            query, key = query[1:], key[1:]
        pairs.append(match_pair(query, key, PATCHES[level - 1]))
    return pairs


Cues = list[tuple[Tensor | None, Tensor | None]]


def _cues(
    maps: list[list[Tensor]], places: list[Places] | None, level: int, texture: TextureSettings
) -> tuple[Cues, Cues]:
    """What tells flat places apart, of each side's own and latent image: as queries, and as keys.

    At the coarsest level nothing is expected yet, and colours of A and B′ are not comparable.
    """
    if places is None or not texture.floor:
        return [(None, None)] * 2, [(None, None)] * 2
    sizes = [size_of(side[level]) for side in maps]
    colours = [own_colours(side[0], size) for side, size in zip(maps, sizes, strict=True)]
    queries: Cues = []
    keys: Cues = []
    for side in (0, 1):
        brought = latent_colours(colours[1 - side], places[side])
        expected = expected_places(places[side], sizes[1 - side])
        here = own_places(sizes[side], brought.device)
        for found, at in ((queries, expected), (keys, here)):
            found.append(
                (
                    cues(colours[side], at, texture.colour, texture.smoothness),
                    cues(brought, at, texture.colour, texture.smoothness),
                )
            )
    return queries, keys


def _searched(
    pairs: list[Pair], found: list[Field], radius: int, settings: AnalogySettings, level: int
) -> list[Places]:
    """Both directions' fields, improved; side by side where there are threads for it."""

    def search(side: int) -> Places:
        seed = settings.seed * 16 + level * 2 + side
        best = fields.improve(pairs[side], found[side], settings.iterations, radius, seed)
        return best.y, best.x

    cpu = found[0].score.device.type == "cpu"
    with ThreadPoolExecutor(min(settings.threads, 2) if cpu else 1) as pool:
        return list(pool.map(search, (0, 1)))


def _start(pair: Pair, settings: AnalogySettings, side: int) -> Field:
    """The field that the coarsest level starts from."""
    if settings.start == "identity":
        return fields.identity(pair)
    draw = torch.Generator().manual_seed(settings.seed * 2 + side)
    shape = pair.query.shape[:2]
    y, x = (
        torch.randint(length, shape, generator=draw, dtype=torch.int32).to(pair.query.device)
        for length in pair.keys.shape[:2]
    )
    return fields.start(pair, y, x)
