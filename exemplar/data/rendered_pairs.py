"""Pairs of rendered heads, of which it is known exactly which pixel belongs to which.

Every foreground pixel of the rendered domain has a place on the canonical head. The pixel of
another head that shows the same place is its true match; where none is near enough, the place is
hidden there.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field
from scipy.spatial import KDTree

from exemplar.data.image_pairs import PairsError, PairsSettings
from exemplar.store.arrays import array, open_group, read_rows
from exemplar.store.items import read_items, rows_of


class RenderedPairsSettings(PairsSettings):
    """Pairs of heads of the split test; no head is in two of them if possible."""

    kind: Literal["rendered"] = "rendered"
    pairs: int = Field(default=4, ge=1)
    choose: Literal["alike", "random"] = "alike"
    """The pairs most alike in pose and size, for other views are not what the method is made for
    (section 7); or random ones."""
    seed: int = 0
    """Of random ones."""
    within: float = Field(default=0.05, gt=0)
    """Places on the canonical head no further apart are one; pixels of 96×96 are 0.04 apart."""


class HeadPair(NamedTuple):
    """Two heads.

    Attributes:
        name: their numbers in the domain, such as `6-17`.
        a: (H, W, 3) u8.
        b_prime: (H, W, 3) u8.
        surface_a: (H, W, 3) float32, each pixel's place on the canonical head, NaN on the ground.
        surface_b: (H, W, 3) float32.
    """

    name: str
    a: np.ndarray
    b_prime: np.ndarray
    surface_a: np.ndarray
    surface_b: np.ndarray


def head_pairs(settings: RenderedPairsSettings, images: Path, items: Path) -> list[HeadPair]:
    """Chooses pairs of single heads.

    Args:
        settings: of the set.
        images: the domain's `images.zarr`, with surfaces.
        items: the domain's `items.parquet`.

    Returns:
        The pairs, in the order they were chosen; the same for the same settings.

    Raises:
        PairsError: there are too few single heads in the split test.
        StoreError: the domain has not been prepared.
    """
    group = open_group(images, "image", "surface", "instances")
    rows = rows_of(read_items(items), "test")
    alone = [len(np.unique(one)) <= 2 for one in read_rows(array(group, "instances"), rows)]
    rows = rows[alone]
    if len(rows) < 2:
        raise PairsError(
            f"{images}: expected at least two images of single heads in the split test, got "
            f"{len(rows)}; give domains.rendered a larger `test` in params.yaml"
        )
    if settings.pairs > (most := len(rows) * (len(rows) - 1)):
        raise PairsError(
            f"{images}: expected at most {most} pairs, which {len(rows)} single heads of the split "
            f"test make, got {settings.pairs}; ask for fewer pairs, or give domains.rendered a "
            "larger `test` in params.yaml"
        )
    if settings.choose == "alike":
        drawn = _alike(read_rows(array(group, "surface"), rows), settings.pairs)
    else:
        drawn = _drawn(len(rows), settings.pairs, np.random.default_rng(settings.seed))
    found = []
    for one, other in rows[drawn].tolist():
        a, b_prime = read_rows(array(group, "image"), [one, other])
        surface_a, surface_b = read_rows(array(group, "surface"), [one, other]).astype(np.float32)
        found.append(HeadPair(f"{one}-{other}", a, b_prime, surface_a, surface_b))
    return found


def true_places(surface_a: np.ndarray, surface_b: np.ndarray, within: float) -> np.ndarray:
    """The pixel of B′ that shows the same place of the head as each pixel of A.

    Args:
        surface_a: (H, W, 3), NaN on the ground.
        surface_b: (H', W', 3), NaN on the ground.
        within: how far apart two places may be that count as one.

    Returns:
        (H, W, 2) float64 rows and columns in B′, whole numbers; NaN on the ground and where B′
        does not show the place.
    """
    there = np.argwhere(~np.isnan(surface_b).any(-1))
    found = np.full((*surface_a.shape[:2], 2), np.nan)
    seen = ~np.isnan(surface_a).any(-1)
    if not len(there) or not seen.any():
        return found
    tree = KDTree(surface_b[tuple(there.T)])
    distance, nearest = tree.query(surface_a[seen], distance_upper_bound=within)
    hit = np.isfinite(distance)
    places = np.full((len(hit), 2), np.nan)
    places[hit] = there[np.asarray(nearest)[hit]]
    found[seen] = places
    return found


def spread_points(
    places: np.ndarray, count: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints: pixels of A whose match is known, spread over it.

    The first is drawn at random, each further one is the farthest from those before.

    Args:
        places: (H, W, 2), from `true_places`.
        count: how many at most.
        generator: draws the first.

    Returns:
        Rows and columns (K, 2) float64 in A, and the same in B′; empty if no match is known.
    """
    known = np.argwhere(~np.isnan(places).any(-1)).astype(np.float64)
    if not len(known):
        return known, known
    taken = [int(generator.integers(len(known)))]
    distance = np.full(len(known), np.inf)
    while len(taken) < min(count, len(known)):
        apart = known - known[taken[-1]]
        distance = np.minimum(distance, np.hypot(apart[:, 0], apart[:, 1]))
        taken.append(int(distance.argmax()))
    points = known[taken]
    at = points.astype(int)
    return points, places[at[:, 0], at[:, 1]]


def _alike(surfaces: np.ndarray, pairs: int) -> np.ndarray:
    """The pairs (P, 2) whose places on the canonical head lie at the same pixels most nearly."""
    surfaces = surfaces.astype(np.float32)
    apart = []
    for one, other in combinations(range(len(surfaces)), 2):
        distance = np.linalg.norm(surfaces[one] - surfaces[other], axis=-1)
        seen = ~(np.isnan(surfaces[one]).any(-1) & np.isnan(surfaces[other]).any(-1))
        # Head on ground is as far apart as can be, as for the correspondence error.
        clipped = np.minimum(np.nan_to_num(distance[seen], nan=1.0), 1.0)
        apart.append((float(clipped.mean()) if seen.any() else 1.0, one, other))
    apart.sort()
    found: list[tuple[int, int]] = []
    left = [(one, other) for _, one, other in apart]
    left += [(other, one) for one, other in left]
    while len(found) < pairs:
        used: set[int] = set()
        for pair in left:
            if used.isdisjoint(pair):
                found.append(pair)
                used.update(pair)
        left = [pair for pair in left if pair not in found]
    return np.array(found[:pairs])


def _drawn(count: int, pairs: int, generator: np.random.Generator) -> np.ndarray:
    """Distinct pairs (P, 2) of places below `count`, shuffled anew when all have been used."""
    found: list[tuple[int, int]] = []
    while len(found) < pairs:
        order = generator.permutation(count)
        fresh = [(int(a), int(b)) for a, b in order[: count - count % 2].reshape(-1, 2)]
        found += [pair for pair in fresh if pair not in found]
    return np.array(found[:pairs])
