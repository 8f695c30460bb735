"""Algorithm 1: both fields, coarse to fine, and the two images they make."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from exemplar.features.pyramid import Pyramid
from exemplar.matching import field as fields
from exemplar.matching.field import Field, Pair, enlarged
from exemplar.matching.voting import vote
from exemplar.methods.deep_analogy.blend import blend
from exemplar.methods.deep_analogy.energy import described, match_pair, softening
from exemplar.methods.deep_analogy.inverse import Inverse
from exemplar.methods.deep_analogy.reconstruction import (
    Given,
    Places,
    Size,
    finer,
    reconstruct,
    size_of,
)
from exemplar.methods.deep_analogy.settings import WEIGHTS, AnalogySettings, TextureSettings
from exemplar.methods.deep_analogy.texture import (
    cues,
    expected_places,
    latent_colours,
    own_colours,
    own_places,
)

PATCHES = (5, 5, 3, 3, 3)
"""Sides of the patches compared, by level, fine to coarse (section 4.2)."""
RADII = (4, 4, 6, 6)
"""Of the random search, by level, fine to coarse (section 4.4); the coarsest is searched whole."""


class Analogy(NamedTuple):
    """Where the pixels of two images correspond, and what they look like in each other's look.

    Attributes:
        forward: (H, W, 2) int32, Φ_a→b: the row and column in B′ of each pixel of A.
        backward: (H', W', 2) int32, Φ_b→a: those in A of each pixel of B′.
        a_prime: (H, W, 3) u8, A′: A in the look of B′.
        b: (H', W', 3) u8, B: B′ in the look of A.
        working: (h, w) of A and of B′ when they were matched.
        seconds: by part: features, search-5 … search-1, reconstruction, result.
    """

    forward: NDArray[np.int32]
    backward: NDArray[np.int32]
    a_prime: NDArray[np.uint8]
    b: NDArray[np.uint8]
    working: tuple[Size, Size]
    seconds: dict[str, float]


def make_analogy(
    a: NDArray[np.uint8],
    b_prime: NDArray[np.uint8],
    pyramid: Pyramid,
    settings: AnalogySettings,
    inverse: Inverse | None = None,
) -> Analogy:
    """Matches two images with the same kind of content, and transfers each one's look.

    Args:
        a: (H, W, 3) u8 RGB, A.
        b_prime: (H', W', 3) u8 RGB, B′; of any size, in the same orientation.
        pyramid: the features that are compared.
        settings: how.
        inverse: the learned inverse of the pyramid, for that way to reconstruct.

    Returns:
        Fields and images at the sizes of `a` and `b_prime`.

    Raises:
        ValueError: an image has another form, the inverse is missing, or an image is so narrow
            that it has nothing to compare at the working size.
    """
    originals = [a, b_prime]
    for name, image in (("A", a), ("B′", b_prime)):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                f"{name}: expected u8 (H, W, 3), got {image.dtype} {tuple(image.shape)}"
            )
    if settings.reconstruction == "learned" and inverse is None:
        raise ValueError(
            "the reconstruction `learned` needs the learned inverse of the backbone; run the "
            "stage `analogy_inverse`, or choose another reconstruction"
        )
    clock = _Clock()
    images = [_working(image, settings, pyramid) for image in originals]
    with clock("features"), torch.no_grad():
        maps = [[image, *pyramid(image)] for image in images]
    places = _matched(maps, pyramid, settings, inverse, clock)
    with clock("result"):
        working = (size_of(images[0]), size_of(images[1]))
        made = []
        for side in (0, 1):
            here, there = originals[side], originals[1 - side]
            y, x = _full(places[side], here.shape, there.shape, working[side], working[1 - side])
            values = torch.from_numpy(there).to(settings.device).float()
            picture = vote(values, y, x, settings.final_patch // 2)
            field = torch.stack([y, x], dim=-1).cpu().numpy()
            made.append((field, picture.round().clamp(0, 255).byte().cpu().numpy()))
    (forward, a_prime), (backward, b) = made
    return Analogy(forward, backward, a_prime, b, working, clock.seconds)


def _matched(
    maps: list[list[Tensor]],
    pyramid: Pyramid,
    settings: AnalogySettings,
    inverse: Inverse | None,
    clock: _Clock,
) -> list[Places]:
    """The finest fields, of A and of B′."""
    sizes = [[size_of(each) for each in side] for side in maps]
    coarsest = len(pyramid.layers)
    if settings.levels == "independent":
        coarsest = 1
    # Section 4.1: at the coarsest level A′ is like A, and B like B′.
    latent = [maps[0][coarsest], maps[1][coarsest]]
    places: list[Places] | None = None
    for level in range(coarsest, 0, -1):
        with clock(f"search-{level}"):
            pairs = _pairs(maps, latent, places, level, settings)
            if places is None:
                found = [_start(pair, settings, side) for side, pair in enumerate(pairs)]
                radius = max(max(each[level]) for each in sizes)
            else:
                found = [fields.start(pair, *at) for pair, at in zip(pairs, places, strict=True)]
                radius = RADII[level - 1]
            places = _searched(pairs, found, radius, settings, level)
        if level > 1:
            with clock("reconstruction"):
                weight = WEIGHTS[settings.strength][level - 2]
                latent = []
                for side in (0, 1):
                    given = Given(pyramid, maps[1 - side], sizes[side], places[side], level)
                    made = reconstruct(settings.reconstruction, given, inverse)
                    latent.append(blend(maps[side][level - 1], made, weight, settings.blend))
            places = [
                finer(places[side], sizes[side], sizes[1 - side], level, level - 1)
                for side in (0, 1)
            ]
    assert places is not None
    return [finer(places[side], sizes[side], sizes[1 - side], 1, 0) for side in (0, 1)]


def _pairs(
    maps: list[list[Tensor]], latent: list[Tensor], places: list[Places] | None,
    level: int, settings: AnalogySettings,
) -> list[Pair]:  # fmt: skip
    """What is matched at a level, for both directions (Eq. 2 or 3)."""
    own = [maps[0][level], maps[1][level]]
    epsilon = softening(own, settings.texture.floor)
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


def _working(image: NDArray[np.uint8], settings: AnalogySettings, pyramid: Pyramid) -> Tensor:
    """An image (1, 3, h, w) in [0, 1] at the size at which it is matched."""
    values = torch.from_numpy(image).to(settings.device).float().movedim(-1, 0)[None] / 255
    height, width = size_of(values)
    longer, shorter = max(height, width), min(height, width)
    factor = min(1.0, settings.working_side / longer)
    # What is too small for the network is enlarged; a narrow strip grows beyond the working side.
    factor = max(factor, pyramid.smallest_side / shorter)
    if factor == 1:
        return values
    size = (round(height * factor), round(width * factor))
    return functional.interpolate(values, size, mode="bicubic", antialias=True).clamp(0, 1)


def _full(
    places: Places, shape: tuple[int, ...], keys_shape: tuple[int, ...], size: Size, keys_size: Size
) -> Places:
    """A field at the sizes of the given images."""
    full, keys_full = (shape[0], shape[1]), (keys_shape[0], keys_shape[1])
    if full == size and keys_full == keys_size:
        return places
    scale = (full[0] / size[0], full[1] / size[1])
    keys_scale = (keys_full[0] / keys_size[0], keys_full[1] / keys_size[1])
    return enlarged(*places, full, keys_full, scale, keys_scale)


class _Clock:
    """Seconds spent in named parts."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - begun
