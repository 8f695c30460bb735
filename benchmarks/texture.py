"""How torn fields are where images have no texture: `python -m benchmarks.analogy --pairs DIR`.

The paper's failure case (section 7) is such a place: nothing there tells one match from another.
Measured are the published energy and ours, both with large images matched at half size first and
without that.
"""

from __future__ import annotations

from math import isnan, nan
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import uniform_filter
from skimage.color import rgb2gray

from benchmarks.record import Figure, cost
from exemplar.data.image_pairs import read_image
from exemplar.data.inputs import BadPhoto
from exemplar.features.pyramid import Pyramid
from exemplar.methods.deep_analogy.analogy import make_analogy
from exemplar.methods.deep_analogy.settings import AnalogySettings, TextureSettings

A_ENDS, B_PRIME_ENDS = "_A.png", "_BP.png"
PLAIN = 0.01  # of the range of grey levels, a pixel: less is no texture
AROUND = 5  # pixels a side that gradients are averaged over
APART = 2  # pixels between where a match is and where its neighbour's says it should be
UNHALVED = 4096  # a side that no image here reaches
_WARM = 64  # pixels a side of what is matched once before time is taken
_PUBLISHED = TextureSettings(floor=0)
REFERENCE = "published"
VARIANTS: dict[str, dict[str, Any]] = {
    REFERENCE: {"texture": _PUBLISHED, "whole_side": UNHALVED},
    "published_halved": {"texture": _PUBLISHED},
    "default_unhalved": {"whole_side": UNHALVED},
    "default": {},
}
"""What differs from the settings given. Where halves are, they are as these settings say."""


class NamedPair(NamedTuple):
    """Two images, their longer sides at most as asked.

    Attributes:
        name: of the files, without their endings, below the folder.
        a: (H, W, 3) u8.
        b_prime: (H', W', 3) u8.
    """

    name: str
    a: NDArray[np.uint8]
    b_prime: NDArray[np.uint8]


class Measured(NamedTuple):
    """What one way to match gives for one pair: the torn share, NaN if nothing is plain; time."""

    torn: float
    seconds: float


def plain(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where an image has no texture.

    The magnitude of the grey level's gradient (central differences), averaged over 5×5 pixels, is
    there at most 1 % of the range of the image's grey levels.

    Args:
        image: (H, W, 3) u8, H and W at least 2.

    Returns:
        (H, W).
    """
    grey = rgb2gray(image)
    magnitude = np.hypot(*np.gradient(grey))
    return uniform_filter(magnitude, AROUND) <= PLAIN * np.ptp(grey)


def torn(field: NDArray[np.int32], where: NDArray[np.bool_]) -> float:
    """The share of neighbouring pixels whose matches are no neighbours.

    A pixel's match should be where its left or upper neighbour's match is, one pixel further;
    neighbours are torn apart if it is more than 2 pixels from there.

    Args:
        field: (H, W, 2), the row and column of each pixel's match.
        where: (H, W); counted are neighbours that both lie there.

    Returns:
        From 0 to 1; NaN if there are none.
    """
    moved = field - np.moveaxis(np.indices(where.shape), 0, -1)
    down = np.diff(moved, axis=0), where[1:] & where[:-1]
    right = np.diff(moved, axis=1), where[:, 1:] & where[:, :-1]
    apart = [np.hypot(*np.moveaxis(step, -1, 0))[both] > APART for step, both in (down, right)]
    counted = np.concatenate(apart)
    return float(counted.mean()) if counted.size else nan


def read_pairs(folder: Path, side: int) -> list[NamedPair]:
    """All files NAME_A.png and NAME_BP.png below a folder, by name.

    Args:
        folder: searched with all folders in it.
        side: larger images are reduced to this longer side, in pixels.

    Raises:
        ValueError: there are none, or one lacks the other or cannot be read; all are told.
    """
    ends = {path: end for end in (A_ENDS, B_PRIME_ENDS) for path in folder.rglob(f"*{end}")}
    bases = {str(path).removesuffix(end) for path, end in ends.items()}
    found, problems = [], []
    for base in sorted(bases):
        images = []
        for path in (Path(base + A_ENDS), Path(base + B_PRIME_ENDS)):
            try:
                images.append(_reduced(read_image(path), side))
            except BadPhoto as error:
                problems.append(f"{path}: {error}")
        if len(images) == 2:
            name = Path(base).relative_to(folder).as_posix()
            found.append(NamedPair(name, images[0], images[1]))
    if not bases:
        problems.append(f"{folder}: expected files NAME{A_ENDS} and NAME{B_PRIME_ENDS} below it")
    if problems:
        raise ValueError("\n".join(problems))
    return found


def texture(pairs: list[NamedPair], pyramid: Pyramid, settings: AnalogySettings) -> list[Figure]:
    """Matches all pairs in all four ways, and prints a line for each pair.

    Args:
        pairs: as of `read_pairs`.
        pyramid: the features.
        settings: of the default; `working_side` no smaller than the images.

    Returns:
        Means over the pairs: shares over those that have plain places, and seconds.
    """
    ways = {name: settings.model_copy(update=change) for name, change in VARIANTS.items()}
    names = max(len(name) for name in ("pair", *(pair.name for pair in pairs)))
    print(f"Torn neighbours where A is plain, in %; ratio to `{REFERENCE}`; seconds")
    print(f"{'pair':<{names}}  plain" + "".join(f"{name:>23}" for name in ways))
    measured = []
    for pair in pairs:
        if not measured:
            for way in ways.values():
                small = [image[:_WARM, :_WARM] for image in (pair.a, pair.b_prime)]
                make_analogy(small[0], small[1], pyramid, way)
        where, row = plain(pair.a), {}
        for name, way in ways.items():
            made = make_analogy(pair.a, pair.b_prime, pyramid, way)
            row[name] = Measured(torn(made.forward, where), sum(made.seconds.values()))
        print(f"{pair.name:<{names}}  {100 * where.mean():4.0f}%{_line(row)}", flush=True)
        measured.append(row)
    means = {name: _mean([row[name] for row in measured]) for name in ways}
    print(f"{'mean':<{names}}       {_line(means)}")
    return _figures(means, len(pairs))


def _figures(means: dict[str, Measured], count: int) -> list[Figure]:
    """Those that have a reference: without plain or without torn places there are no shares."""
    said, of = f"the published energy, no halves, mean of {count}", means[REFERENCE]
    figures = []
    for name, mean in means.items():
        if of.torn > 0:
            figures.append(cost(f"torn_{name}", 100 * mean.torn, said, 100 * of.torn, "%"))
        figures.append(cost(f"seconds_{name}", mean.seconds, said, of.seconds))
    return figures


def _mean(of: list[Measured]) -> Measured:
    known = [each.torn for each in of if not isnan(each.torn)]
    seconds = float(np.mean([each.seconds for each in of]))
    return Measured(float(np.mean(known)) if known else nan, seconds)


def _line(row: dict[str, Measured]) -> str:
    reference = row[REFERENCE].torn
    cells = ""
    for share, seconds in row.values():
        shown = "–" if isnan(share) else f"{100 * share:.1f}"
        ratio = f"×{share / reference:.2f}" if reference > 0 else "–"
        cells += f"{shown:>8}{ratio:>7}{seconds:>7.1f}s"
    return cells


def _reduced(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    factor = side / max(height, width)
    if factor >= 1:
        return image
    # A narrow strip keeps the two pixels that a gradient takes.
    size = (max(2, round(width * factor)), max(2, round(height * factor)))
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
