"""Algorithm 1: both fields, coarse to fine, and the two images they make."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from exemplar.correspondence import Correspondence
from exemplar.features.pyramid import Pyramid
from exemplar.matching.field import enlarged
from exemplar.matching.voting import vote
from exemplar.methods.deep_analogy.blend import blend
from exemplar.methods.deep_analogy.inverse import Inverse
from exemplar.methods.deep_analogy.reconstruction import (
    Given,
    Places,
    Size,
    finer,
    reconstruct,
    size_of,
)
from exemplar.methods.deep_analogy.search import search_level
from exemplar.methods.deep_analogy.settings import WEIGHTS, AnalogySettings
from exemplar.methods.deep_analogy.start import LEVEL, RADIUS, at_level, in_mirror, voted
from exemplar.settings import SettingsError


class Analogy(NamedTuple):
    """Where the pixels of two images correspond, and what they look like in each other's look.

    Attributes:
        forward: (H, W, 2) int32, Φ_a→b: the row and column in B′ of each pixel of A.
        backward: (H', W', 2) int32, Φ_b→a: those in A of each pixel of B′.
        a_prime: (H, W, 3) u8, A′: A in the look of B′.
        b: (H', W', 3) u8, B: B′ in the look of A.
        working: (h, w) of A and of B′ when they were matched.
        seconds: by part: features, search-5 … search-1, reconstruction, result; those of all sizes
            at which the images were matched, together; votes, if they were asked for.
        mirrored: B′ was matched in a mirror. Fields and images are in its own pixels all the same,
            but matches of neighbours move along in the mirror, see `as_matched`.
    """

    forward: NDArray[np.int32]
    backward: NDArray[np.int32]
    a_prime: NDArray[np.uint8]
    b: NDArray[np.uint8]
    working: tuple[Size, Size]
    seconds: dict[str, float]
    mirrored: bool = False

    def as_matched(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Both fields in pixels of B′ as it was matched: in a mirror, or as they are."""
        if not self.mirrored:
            return self.forward, self.backward
        return in_mirror(self.forward, self.backward)


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
    for name, image in (("A", a), ("B′", b_prime)):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                f"{name}: expected u8 (H, W, 3), got {image.dtype} {tuple(image.shape)}"
            )
    if settings.reconstruction == "learned" and inverse is None:
        raise SettingsError(
            "the reconstruction `learned` needs the learned inverse of the backbone; run the "
            "stage `analogy_inverse`, or choose another reconstruction"
        )
    clock = _Clock()
    begun: Correspondence | None = None
    if settings.start == "votes" or settings.mirror != "never":
        with clock("votes"):
            begun = voted(a, b_prime, settings.device, settings.mirror)
    mirrored = begun is not None and begun.mirrored
    originals = [a, b_prime[:, ::-1].copy() if mirrored else b_prime]
    start = None
    if begun is not None and settings.start == "votes":
        start = in_mirror(begun.forward, begun.backward) if mirrored else begun[:2]
    images = [_working(image, settings, pyramid) for image in originals]
    places = _matched(images, pyramid, settings, inverse, clock, start)
    with clock("result"):
        working = (size_of(images[0]), size_of(images[1]))
        made = []
        for side in (0, 1):
            here, there = originals[side], originals[1 - side]
            full, keys_full = here.shape[:2], there.shape[:2]
            y, x = _resized(places[side], full, keys_full, working[side], working[1 - side])
            values = torch.from_numpy(there).to(settings.device).float()
            picture = vote(values, y, x, settings.final_patch // 2)
            field = torch.stack([y, x], dim=-1).cpu().numpy()
            made.append((field, picture.round().clamp(0, 255).byte().cpu().numpy()))
    (forward, a_prime), (backward, b) = made
    if mirrored:
        forward, backward = in_mirror(forward, backward)
        b = b[:, ::-1].copy()
    return Analogy(forward, backward, a_prime, b, working, clock.seconds, mirrored)


def _matched(
    images: list[Tensor],
    pyramid: Pyramid,
    settings: AnalogySettings,
    inverse: Inverse | None,
    clock: _Clock,
    start: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
) -> list[Places]:
    """The finest fields, of A and of B′.

    Large images are matched at half their size first, where a network sees whole things: it has
    learned from images of about 224 pixels. The coarsest level starts from there. Fields to start
    from come from whole images, too: with them nothing is halved, and levels coarser than what
    they say are left out.
    """
    halves = [_halved(image) for image in images]
    before: list[Places] | None = None
    coarse_to_fine = settings.levels == "coarse_to_fine"
    if start is None and coarse_to_fine and _worth_halving(images, halves, settings, pyramid):
        before = _matched(halves, pyramid, settings, inverse, clock, None)
    with clock("features"), torch.no_grad():
        maps = [[image, *pyramid(image)] for image in images]
    sizes = [[size_of(each) for each in side] for side in maps]
    coarsest = len(pyramid.layers) if coarse_to_fine else 1
    if start is not None:
        coarsest = min(coarsest, LEVEL)
    # Section 4.1: at the coarsest level A′ is like A, and B like B′.
    latent = [maps[0][coarsest], maps[1][coarsest]]
    places: list[Places] | None = None
    if before is not None:
        places = [
            _resized(before[side], sizes[side][coarsest], sizes[1 - side][coarsest],
                     size_of(halves[side]), size_of(halves[1 - side]))
            for side in (0, 1)
        ]  # fmt: skip
    if start is not None:
        places = [
            at_level(start[side], start[1 - side].shape[:2], sizes[side][coarsest],
                     sizes[1 - side][coarsest], settings.device)
            for side in (0, 1)
        ]  # fmt: skip
    near = None if start is None else RADIUS
    for level in range(coarsest, 0, -1):
        with clock(f"search-{level}"):
            places = search_level(maps, latent, places, level, settings, near)
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


def _worth_halving(
    images: list[Tensor], halves: list[Tensor], settings: AnalogySettings, pyramid: Pyramid
) -> bool:
    """Whether the larger image is large, and no half is too small for the network."""
    if settings.whole_side is None:
        return False
    larger = max(max(size_of(image)) for image in images)
    smaller = min(min(size_of(half)) for half in halves)
    return larger > settings.whole_side and smaller >= pyramid.smallest_side


def _halved(image: Tensor) -> Tensor:
    size = [(side + 1) // 2 for side in size_of(image)]
    return functional.interpolate(image, size, mode="area")


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


def _resized(places: Places, size: Size, keys_size: Size, old: Size, old_keys: Size) -> Places:
    """A field between images of sizes `old` and `old_keys`, for other sizes of both."""
    if size == old and keys_size == old_keys:
        return places
    scale = (size[0] / old[0], size[1] / old[1])
    keys_scale = (keys_size[0] / old_keys[0], keys_size[1] / old_keys[1])
    return enlarged(*places, size, keys_size, scale, keys_scale)


class _Clock:
    """Seconds spent in named parts."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - begun
