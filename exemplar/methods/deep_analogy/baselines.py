"""What Deep Image Analogy is compared with: votes of offsets, PatchMatch, dense flow, no motion.

Each gives both fields and A′, made of pixels of B′. Sources: Barnes et al., PatchMatch, 2009 (its
energy is the sum of squared differences of colours over 7×7 patches); Zach et al., A Duality Based
Approach for Realtime TV-L1 Optical Flow, 2007; Liao et al., 2017, section 5.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from scipy.ndimage import map_coordinates
from skimage.color import rgb2gray
from skimage.registration import optical_flow_tvl1
from skimage.transform import resize
from torch import Tensor

from exemplar.correspondence import CorrespondSettings, correspond
from exemplar.matching import field as fields
from exemplar.matching.support import Support, taps
from exemplar.matching.voting import vote
from exemplar.matching.windows import WHOLE
from exemplar.settings import Settings

Image = NDArray[np.uint8]
Places = NDArray[np.float32]


class PatchMatchSettings(Settings):
    """How colours are matched; as published by default."""

    patch: int = Field(default=7, ge=1)
    """The side of the patches compared, in pixels, odd."""
    iterations: int = Field(default=5, ge=1)
    votes: int = Field(default=2, ge=0)
    """Of A′ the matches of so many pixels to each side are averaged, as of Deep Image Analogy."""
    seed: int = Field(default=0, ge=0)

    @field_validator("patch")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("a patch lies around its pixel, so its side is odd")
        return value


class FlowSettings(Settings):
    """Of the dense flow (`skimage.registration.optical_flow_tvl1`)."""

    attachment: int = Field(default=15, ge=1)
    """How closely colours are followed; the smaller, the smoother the flow."""
    warps: int = Field(default=5, ge=1)
    """At each of its scales."""


class Correspondence(NamedTuple):
    """Where the pixels of two images correspond.

    Attributes:
        forward: (H, W, 2) float32, the row and column in B′ of each pixel of A; within B′.
        backward: (H', W', 2) float32, those in A of each pixel of B′.
        a_prime: (H, W, 3) u8, A rebuilt of pixels of B′.
    """

    forward: Places
    backward: Places
    a_prime: Image


def identity(a: Image, b_prime: Image) -> Correspondence:
    """Every pixel matches the same place, as a share of the images' sides."""
    forward = _same_places(a.shape, b_prime.shape)
    backward = _same_places(b_prime.shape, a.shape)
    return Correspondence(forward, backward, sampled(b_prime, forward))


def patchmatch(
    a: Image,
    b_prime: Image,
    settings: PatchMatchSettings,
    device: str = "cpu",
    threads: int = 1,
) -> Correspondence:
    """PatchMatch on colours, from random fields, over the whole image.

    Args:
        a: (H, W, 3) u8.
        b_prime: (H', W', 3) u8.
        settings: how.
        device: where the search runs.
        threads: with two, both directions are searched side by side.
    """
    images = [torch.from_numpy(image).to(device) for image in (a, b_prime)]

    def search(side: int) -> tuple[Tensor, Tensor]:
        here, there = images[side], images[1 - side]
        size = (here.shape[0], here.shape[1])
        around = taps(Support(settings.patch // 2), size, here.device)
        pair = fields.pair(*_differences(here, there), WHOLE, around)
        draw = torch.Generator().manual_seed(2 * settings.seed + side)
        y, x = (torch.randint(n, size, generator=draw).to(device) for n in there.shape[:2])
        radius = max(there.shape[:2])
        found = fields.start(pair, y, x)
        found = fields.improve(pair, found, settings.iterations, radius, 2 * settings.seed + side)
        return found.y, found.x

    with ThreadPoolExecutor(min(threads, 2) if device == "cpu" else 1) as pool:
        forward, backward = pool.map(search, (0, 1))
    a_prime = vote(images[1].float(), *forward, settings.votes)
    there, back = (
        torch.stack(field, dim=-1).float().cpu().numpy() for field in (forward, backward)
    )
    return Correspondence(there, back, a_prime.round().clamp(0, 255).byte().cpu().numpy())


def optical_flow(a: Image, b_prime: Image, settings: FlowSettings) -> Correspondence:
    """TV-L1 flow of the images' luminance, in both directions.

    B′ is brought to the size of A first, for the flow; fields and A′ refer to B′ as it is.

    Args:
        a: (H, W, 3) u8.
        b_prime: (H', W', 3) u8.
        settings: how.
    """
    forward = _flow(a, b_prime, settings)
    return Correspondence(forward, _flow(b_prime, a, settings), sampled(b_prime, forward))


def offset_votes(a: Image, b_prime: Image, device: str = "cpu") -> Correspondence:
    """Votes of offsets by a network that has seen photographs; see `exemplar/correspondence.py`.

    Args:
        a: (H, W, 3) u8.
        b_prime: (H', W', 3) u8.
        device: where the network runs.

    Raises:
        WeightsError: the network's package is missing or damaged.
    """
    found = correspond(a, b_prime, CorrespondSettings(device=device))
    return Correspondence(found.forward, found.backward, sampled(b_prime, found.forward))


def _differences(here: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
    """Descriptors (H, W, 5) whose product is the negative squared difference of colours.

    −‖x − y‖² = 2 x·y − ‖y‖² − ‖x‖², so the search for the largest mean product over patches is the
    search for the least energy.
    """
    x, y = here.float() / 255 - 0.5, there.float() / 255 - 0.5
    one, other = torch.ones_like(x[..., :1]), torch.ones_like(y[..., :1])
    query = torch.cat([2 * x, -one, -x.square().sum(-1, keepdim=True)], dim=-1)
    keys = torch.cat([y, y.square().sum(-1, keepdim=True), other], dim=-1)
    return query.contiguous(), keys.contiguous()


def _flow(here: Image, there: Image, settings: FlowSettings) -> Places:
    """The places of one image's pixels in the other."""
    first, second = (rgb2gray(image).astype(np.float32) for image in (here, there))
    if first.shape != second.shape:
        second = np.float32(resize(second, first.shape, order=1, anti_aliasing=True))
    moved = optical_flow_tvl1(
        first, second, attachment=settings.attachment, num_warp=settings.warps
    )
    scale = np.divide(there.shape[:2], here.shape[:2])
    places = np.moveaxis(np.indices(first.shape) + moved, 0, -1)
    # Centres of pixels lie half a pixel within them, whatever the size.
    return _within((places + 0.5) * scale - 0.5, there.shape)


def _same_places(shape: tuple[int, ...], other: tuple[int, ...]) -> Places:
    """The pixel of the other image at each pixel's place."""
    scale = np.divide(other[:2], shape[:2])
    own = np.moveaxis(np.indices(shape[:2]), 0, -1)
    return _within(np.floor((own + 0.5) * scale), other)


def _within(places: NDArray[np.float64], shape: tuple[int, ...]) -> Places:
    return places.clip(0, np.array(shape[:2]) - 1).astype(np.float32)


def sampled(image: Image, places: Places) -> Image:
    """The colours at places between pixels, linearly interpolated.

    Args:
        image: (H', W', 3) u8.
        places: (H, W, 2) rows and columns within it.

    Returns:
        (H, W, 3) u8.
    """
    planes = [
        map_coordinates(image[..., channel].astype(np.float32), np.moveaxis(places, -1, 0), order=1)
        for channel in range(3)
    ]
    return np.rint(np.stack(planes, -1)).clip(0, 255).astype(np.uint8)
