"""Where two photographs correspond: a dense field each way, with nothing trained or downloaded.

EfficientNet-Lite2 describes cells of 16×16 pixels, offsets vote (`exemplar/matching/offsets.py`),
and each pixel goes where the matches around it say. Semantic: it finds the wheel of another car,
not the same pixel of the same car; Deep Image Analogy refines such a field.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from exemplar.features.efficientnet_lite2 import EfficientNetSettings, load_efficientnet
from exemplar.features.frozen import FrozenBackbone
from exemplar.matching.offsets import (
    Matches,
    OffsetSettings,
    Volume,
    best_matches,
    spread,
    strength,
    turned,
    vote_offsets,
)
from exemplar.settings import Settings

Image = NDArray[np.uint8]

STRIDE, COARSEST = 16, 32
LAYERS = {
    "block14": 2.0,
    "block15_expanded": 1.0,
    "block17_expanded": 1.0,
    "block18_expanded": 1.0,
    "block20_expanded": 1.0,
}
"""Maps that describe a cell, and how much each counts."""


class CorrespondSettings(Settings):
    """How two images are matched."""

    side: Annotated[int, Field(ge=64)] = 320
    """Pixels of the longer side at which images are compared."""
    offsets: OffsetSettings = OffsetSettings()
    mirror: Literal["never", "auto", "always"] = "never"
    """Whether the second image is compared in a mirror: `auto` where that fits so much better."""
    mirrored_from: Annotated[float, Field(gt=0)] = 1.3
    """With `auto`: how many times stronger the matches in the mirror are at least. A head turned
    the other way looks like its mirror image, but its left eye is its left eye."""
    device: str = "cpu"


class Correspondence(NamedTuple):
    """Where the pixels of two images are in one another.

    Attributes:
        forward: (H, W, 2) float32 row and column in B of each pixel of A, within B.
        backward: (H', W', 2) float32 those in A of each pixel of B.
        confidence: (H, W) float32 in [0, 1], of the forward field.
        confidence_back: (H', W') float32 in [0, 1], of the backward field.
        mirrored: B was compared in a mirror.
    """

    forward: NDArray[np.float32]
    backward: NDArray[np.float32]
    confidence: NDArray[np.float32]
    confidence_back: NDArray[np.float32]
    mirrored: bool

    def carry(self, points: ArrayLike) -> NDArray[np.float64]:
        """Points of A in B: rows and columns (K, 2), between pixels, (0, 0) the first's centre."""
        return _carried(points, self.forward)

    def carry_back(self, points: ArrayLike) -> NDArray[np.float64]:
        """Points of B in A, likewise."""
        return _carried(points, self.backward)

    def picture(self, a: ArrayLike, b: ArrayLike) -> Image:
        """Both images coloured by place, displacements, and lines between some points, u8."""
        from exemplar.report.analogy_pictures import correspondence_sheet

        forward, backward = (
            np.rint(field).astype(np.int32) for field in (self.forward, self.backward)
        )
        return correspondence_sheet(_image(a, "a"), _image(b, "b"), forward, backward)


def correspond(
    a: ArrayLike, b: ArrayLike, settings: CorrespondSettings | None = None
) -> Correspondence:
    """Finds each pixel of two images in the other one.

    Args:
        a: (H, W, 3) u8 RGB.
        b: (H', W', 3) u8 RGB, of any size, showing the same kind of thing.
        settings: how; the defaults were chosen on rendered heads and on cars (TSS).

    Returns:
        Both fields at the images' own sizes, the same on every run.

    Raises:
        ValueError: an image has another form, or is more than 32 times as long as wide.
        WeightsError: the network's package is missing or damaged.

    >>> import numpy as np
    >>> picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    >>> found = correspond(picture, picture)
    >>> found.forward.shape, found.carry([[32, 48]]).shape
    ((64, 96, 2), (1, 2))
    """
    settings = settings or CorrespondSettings()
    images = [_image(one, name) for one, name in ((a, "a"), (b, "b"))]
    volume, mirrored = _volume(images[0], images[1], settings)
    size, other = ((image.shape[0], image.shape[1]) for image in images)
    forward, sure = _field(best_matches(volume), size, other, settings)
    backward, sure_back = _field(best_matches(turned(volume)), other, size, settings)
    if mirrored:
        # The grid of B lay in a mirror: so do the places in it, and its own pixels.
        forward[..., 1] = other[1] - 1 - forward[..., 1]
        backward, sure_back = backward[:, ::-1].copy(), sure_back[:, ::-1].copy()
    return Correspondence(forward, backward, sure, sure_back, mirrored)


def describe(image: Image, settings: CorrespondSettings, mirrored: bool = False) -> Tensor:
    """Unit descriptors (h, w, D) float32 of an image's cells, or of its mirror image's.

    Args:
        image: (H, W, 3) u8.
        settings: the side at which it is seen, and where.
        mirrored: left and right are exchanged first.
    """
    backbone = _backbone(settings.device)
    x = torch.tensor(image, device=settings.device)
    x = x.movedim(-1, 0)[None].float() / 255
    size = working_size((image.shape[0], image.shape[1]), settings.side)
    x = functional.interpolate(x, size, mode="bicubic", antialias=True).clamp(0, 1)
    with torch.inference_mode():
        maps = backbone(x.flip(-1) if mirrored else x)
    grid = ((size[0] - 1) // STRIDE + 1, (size[1] - 1) // STRIDE + 1)
    parts = []
    for name, values in zip(backbone.layers, maps, strict=True):
        values = functional.interpolate(values, grid, mode="bilinear", align_corners=True)
        parts.append(LAYERS[name] ** 0.5 * functional.normalize(values[0], dim=0))
    return functional.normalize(torch.cat(parts), dim=0).movedim(0, -1).contiguous()


def working_size(size: tuple[int, int], side: int) -> tuple[int, int]:
    """The height and width at which an image is described.

    One more than multiples of 32: there the network's padding is the same on both sides, so that
    cell i lies at pixel 16 i, from left as from right, and mirror images have mirrored maps.
    """
    longer = max(size)
    height, width = (max(2, round(n * side / longer / COARSEST)) * COARSEST + 1 for n in size)
    return height, width


def _volume(a: Image, b: Image, settings: CorrespondSettings) -> tuple[Volume, bool]:
    """The scores of all pairs of cells, and whether B's cells are those of its mirror image."""
    own = describe(a, settings)

    def scored(mirrored: bool) -> Volume:
        return vote_offsets(own, describe(b, settings, mirrored), settings.offsets)

    if settings.mirror != "auto":
        mirrored = settings.mirror == "always"
        return scored(mirrored), mirrored
    plain, turned_over = scored(False), scored(True)
    if strength(turned_over) > settings.mirrored_from * strength(plain):
        return turned_over, True
    return plain, False


def _field(
    matches: Matches, size: tuple[int, int], other: tuple[int, int], settings: CorrespondSettings
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Places in the other image, and confidence, of every pixel of an image."""
    device = matches.places.device
    seen = working_size(size, settings.side), working_size(other, settings.side)
    at = [
        ((torch.arange(n, device=device) + 0.5) * m / n - 0.5) / STRIDE
        for n, m in zip(size, seen[0], strict=True)
    ]
    places, confidence = spread(matches, at[0], at[1], settings.offsets.smoothing)
    for axis, (n, m) in enumerate(zip(other, seen[1], strict=True)):
        pixel = (places[..., axis] * STRIDE + 0.5) * n / m - 0.5
        places[..., axis] = pixel.clamp(0, n - 1)
    return places.cpu().numpy(), confidence.clamp(0, 1).cpu().numpy()


def _carried(points: ArrayLike, field: NDArray[np.float32]) -> NDArray[np.float64]:
    """Where a field leads from points between pixels, linearly interpolated."""
    points = np.asarray(points, np.float64).reshape(-1, 2)
    last = np.array(field.shape[:2]) - 1
    if len(points) and not ((points >= -0.5) & (points <= last + 0.5)).all():
        raise ValueError(
            f"expected points within {last[1] + 1}×{last[0] + 1} pixels, got {points.tolist()}"
        )
    points = points.clip(0, last)
    low = np.minimum(points.astype(np.int64), np.maximum(last - 1, 0))
    high, share = np.minimum(low + 1, last), points - low
    (y0, x0), (y1, x1), (v, u) = low.T, high.T, share.T[..., None]
    upper = (1 - u) * field[y0, x0] + u * field[y0, x1]
    return (1 - v) * upper + v * ((1 - u) * field[y1, x0] + u * field[y1, x1])


def _image(value: ArrayLike, name: str) -> Image:
    """An image that can be matched."""
    image = np.asarray(value)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(
            f"{name}: expected u8 (H, W, 3), got {image.dtype} {image.shape}; make it RGB first, "
            'as by Image.fromarray(…).convert("RGB")'
        )
    if max(image.shape[:2]) > COARSEST * min(image.shape[:2]):
        raise ValueError(
            f"{name}: expected an image at most {COARSEST} times as long as wide, got "
            f"{image.shape[1]}×{image.shape[0]}"
        )
    return image


@lru_cache(maxsize=2)
def _backbone(device: str) -> FrozenBackbone:
    """The network, loaded once."""
    return load_efficientnet(EfficientNetSettings(layers=tuple(LAYERS)), device)
