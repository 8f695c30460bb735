"""Lines of drawings as people make them: on paper of any colour, in any ink, or photographed.

Between a decoded picture and the edge map that networks know, 1 on a line and 0 on the ground: the
ground is found, lines are what differs from it, and they are kept while the page is made smaller.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import (
    distance_transform_edt,
    generate_binary_structure,
    grey_dilation,
)
from skimage.measure import label as label_regions
from skimage.morphology import skeletonize

from exemplar.data.fit import DEFAULT, Fit, shaped
from exemplar.data.grounds import ground_of
from exemplar.data.inputs import BadPhoto

Ink = NDArray[np.float32]

LARGE = 1600
"""Pixels of the longer side at which larger pages are looked at."""
LEAST_GROUND = 128
"""Levels between a ground and full ink, at least: less would make noise of it."""
NOISE, MOST_NOISE, MOST_WRONG = 0.995, 0.2, 0.15
"""Quantile of what is on the wrong side of the ground, up to which contrast is noise; how much this
is at most, and of a drawing at most."""
FAINT, NOISES = 0.06, 1.8
"""Contrast of a line, at least: of the most there can be, and in that of the noise."""
SPECK, LITTLE = 0.005, 0.03
"""Pixels of a speck, and those of lines of which a page is blank, in longer sides."""
FULL = 90
"""Percentile of the lines' contrast that becomes a full line."""
LINE = 0.25
"""Strength from which ink is a line."""
SEEN, FILLED, LEAST_FILLED = 192, 0.025, 2
"""Pixels of the longer side at which filled areas are looked for, and the radius of a disk that no
line covers, in shares of the shorter side and in pixels."""
FULL_TONE, MOST_SHADED = 0.9, 0.02
"""Strength of ink in areas that are not shaded, and the share of a drawing that is, at most."""
MAP_GROUND, ONE_TONE = 240, 0.75
"""Median from which a picture has a white ground, and share of its ink that has one tone where all
lines are drawn with one pen."""


class BlankPage(BadPhoto):
    """A page has no lines."""


def drawing_map(image: NDArray[np.uint8], size: tuple[int, int], how: Fit = DEFAULT) -> Ink:
    """A drawing as an edge map.

    Grey maps on white that have the wanted size already, such as this project writes, keep their
    levels.

    Args:
        image: (H, W, 3) u8: darker lines on a lighter ground, or the other way round.
        size: (H', W') of the map.
        how: the page gets this shape; margins are ground.

    Returns:
        (H', W') float32 in [0, 1], 1 on a line.

    Raises:
        BlankPage: it has no lines.
        BadPhoto: it is a photograph.
    """
    if image.shape[:2] == size and _is_map(image):
        return (255 - image.mean(-1, dtype=np.float32)) / 255
    return reduced(shaped(lines_of(image), size, how), size)


def lines_of(image: NDArray[np.uint8]) -> Ink:
    """The ink of a drawing.

    Args:
        image: (H, W, 3) u8: darker lines on a lighter ground, or the other way round.

    Returns:
        (h, w) float32: 0 on the ground, 1 where there is most ink; of pages of more than `LARGE`
        pixels on the longer side, a whole number of times smaller.

    Raises:
        BlankPage: it has no lines.
        BadPhoto: it is a photograph.
    """
    contrast, noise, wrong = _contrast(image)
    lines = contrast > max(FAINT, NOISES * noise)
    longer = max(lines.shape)
    if _without_specks(lines, SPECK * longer).sum() < LITTLE * longer:
        raise BlankPage("expected a drawing, but the page is blank: no lines stand out from it")
    full = float(np.percentile(contrast[lines], FULL))
    ink = np.clip((contrast - noise) / (full - noise), 0, 1)
    shaded = _shaded(ink)
    if wrong > MOST_WRONG or shaded > MOST_SHADED:
        raise BadPhoto(
            "expected a drawing, lines on an even ground, but the picture has areas of many tones, "
            "as photographs have"
        )
    return ink


def reduced(ink: Ink, size: tuple[int, int]) -> Ink:
    """Ink at another size, its lines kept.

    A line thinner than a pixel of the result is first made as wide, around its middle, so that it
    does not fade; then each pixel has the mean of what it covers (the nearest where it is
    enlarged). Lines that are wide enough stay as they are.

    Args:
        ink: (h, w) in [0, 1].
        size: (H, W) of the result.

    Returns:
        (H, W) float32 in [0, 1].
    """
    scale = max(ink.shape[0] / size[0], ink.shape[1] / size[1])
    if scale > 1:
        ink = np.maximum(ink, _strokes(ink, scale))
    image = Image.fromarray(np.ascontiguousarray(ink, np.float32))
    small = image.resize((size[1], size[0]), Image.Resampling.BOX)
    return np.clip(np.asarray(small), 0, 1)


def _is_map(image: NDArray[np.uint8]) -> bool:
    """Whether levels of a picture mean what they say: soft grey lines on white, not of one tone."""
    dark = 255 - image.mean(-1, dtype=np.float32)
    if np.ptp(image, axis=-1).max() > 0 or np.median(dark) > 255 - MAP_GROUND:
        return False
    full = dark.max()
    if full < 255 * FAINT:
        return False
    one_tone = (dark > 0.85 * full).sum() >= ONE_TONE * (dark > LINE * full).sum()
    return not one_tone or full > 250


def _strokes(ink: Ink, width: float) -> Ink:
    """The middles of thinner lines, drawn anew with a pen of a width, as strong as each line was.

    Args:
        ink: (h, w) in [0, 1].
        width: in pixels.
    """
    lines = _without_specks(ink > LINE, width / 2)
    middle = skeletonize(lines)
    middle &= _widths(lines, middle) < width
    if not middle.any():
        return np.zeros_like(ink)
    away, nearest = distance_transform_edt(~middle, return_indices=True)
    cover = np.clip(width / 2 + 0.5 - away, 0, 1).astype(np.float32)
    return cover * ink[tuple(nearest)]


def _widths(lines: NDArray[np.bool_], middle: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How wide a line is at each pixel of its middle."""
    inside = _inside(lines)
    # A line of an even width has two middles, of which one was taken.
    beside = grey_dilation(np.where(middle, 0, inside), footprint=generate_binary_structure(2, 1))
    return 2 * inside - (beside < inside)


def _contrast(image: NDArray[np.uint8]) -> tuple[Ink, float, float]:
    """What is farther than the ground towards the ink, what of it is noise, and what is not ink.

    In [0, 1] each: for every pixel; of pixels without ink; beyond the ground, away from the ink.
    """
    stride = max(1, max(image.shape[:2]) // (LARGE // 2))
    dark = _is_dark(image[::stride, ::stride])
    page = _pooled(image, dark)
    ground = ground_of(page, dark)
    if not dark:
        page, ground = 255 - page, 255 - ground
    off = (ground - page) / np.maximum(ground, LEAST_GROUND)
    # Paper's noise is as strong on both sides of the ground, lines are on one; yet ink of another
    # colour than the paper may have more of one channel.
    beyond = np.maximum(-off.mean(-1), 0)
    side = np.where(beyond > 0, -off.min(-1), 0)
    noise, wrong = (float(np.quantile(each, NOISE)) for each in (side, beyond))
    return np.clip(off.max(-1), 0, 1), min(noise, MOST_NOISE), wrong


def _is_dark(page: NDArray[np.uint8]) -> bool:
    """Whether lines are darker than the ground: what differs from it more, and farther."""
    off = page - ground_of(page, dark=True)
    other = page - ground_of(page, dark=False)
    return bool(-np.minimum(off, 0).sum() >= np.maximum(other, 0).sum())


def _pooled(image: NDArray[np.uint8], dark: bool) -> NDArray[np.uint8]:
    """A large page made smaller by whole numbers, each block its darkest or lightest levels.

    Not its mean, so that the thinnest lines are kept.
    """
    times = -(-max(image.shape[:2]) // LARGE)
    if times == 1:
        return image
    height, width = (side // times * times for side in image.shape[:2])
    rows = image[:height, :width].reshape(height // times, times, width, 3)
    most = np.min if dark else np.max
    return most(most(rows, axis=1).reshape(height // times, width // times, times, 3), axis=2)


def _inside(area: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How far each pixel is from what is no part of an area, beyond the picture too."""
    return np.asarray(distance_transform_edt(np.pad(area, 1)))[1:-1, 1:-1]


def _without_specks(lines: NDArray[np.bool_], least: float) -> NDArray[np.bool_]:
    """Lines without those of fewer pixels."""
    numbers = np.asarray(label_regions(lines, connectivity=2))
    kept = np.bincount(numbers.ravel()) >= least
    kept[0] = False
    return kept[numbers]


def _shaded(ink: Ink) -> float:
    """Share of the page that lies within filled areas and has a tone between ground and ink."""
    scale = max(1.0, max(ink.shape) / SEEN)
    size = max(1, round(ink.shape[0] / scale)), max(1, round(ink.shape[1] / scale))
    small = np.asarray(Image.fromarray(ink).resize((size[1], size[0]), Image.Resampling.BOX))
    # No line is so wide that its middle is in it.
    inside = _inside(small > LINE) > max(FILLED * min(size), LEAST_FILLED)
    return float((inside & (small < FULL_TONE)).mean())
