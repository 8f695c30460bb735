"""PASCAL3D+: objects cut out of photographs, and the keypoints that two of a category share.

The data set is read as it is published (release 1.1): `Images/<category>_pascal/NAME.jpg` and
`Annotations/<category>_pascal/NAME.mat`, of which `record.objects` have `class`, `bbox` and
`anchors`; an anchor has `location`, x and y counted from 1, and `status`, 1 if it is visible.
Source: Xiang et al., Beyond PASCAL: A Benchmark for 3D Object Detection in the Wild, 2014.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from pydantic import Field
from scipy.io import loadmat

from exemplar.data.image_pairs import PairsError, PairsSettings, read_image
from exemplar.data.inputs import BadPhoto, told
from exemplar.metrics.keypoints import Extent

Category = Literal[
    "aeroplane", "bicycle", "boat", "bottle", "bus", "car", "chair", "diningtable", "motorbike",
    "sofa", "train", "tvmonitor",
]  # fmt: skip
VISIBLE = 1
SMALLEST = 32  # pixels: the longer side of an object that is worth matching


class Pascal3dSettings(PairsSettings):
    """Random pairs of objects, as in Table 2 of Deep Image Analogy's paper."""

    kind: Literal["pascal3d"] = "pascal3d"
    root: Path  # the folder with Annotations and Images, relative to the project's root or absolute
    categories: list[Category] = Field(default_factory=lambda: list(get_args(Category)))
    pairs: int = Field(default=20, ge=1)
    """Of each category, as published."""
    common: int = Field(default=1, ge=1)
    """Keypoints, at least, that both objects of a pair show."""
    margin: float = Field(default=0.05, ge=0)
    """Around an object's box, as a share of its longer side."""
    seed: int = 0
    extent: Extent = "image"


class Cut(NamedTuple):
    """An object: its category, its name, and its pixels (H, W, 3) u8."""

    category: str
    name: str
    image: np.ndarray


class _Object(NamedTuple):
    """An annotated object: its image file, box (x0, y0, x1, y1), and anchors (x, y), all from 0."""

    name: str
    file: Path
    box: tuple[float, float, float, float]
    anchors: dict[str, tuple[float, float]]


def cut_objects(settings: Pascal3dSettings) -> Iterator[tuple[Cut, Cut, np.ndarray, np.ndarray]]:
    """Random pairs of each category, and the keypoints that both show.

    Args:
        settings: of the set.

    Returns:
        Two objects, and rows and columns (K, 2) float64 of their common keypoints in both.

    Raises:
        PairsError: files are missing or damaged, or a category has not enough pairs; all of them
            are listed.
    """
    root, problems = settings.root, []
    objects: dict[str, list[_Object]] = {}
    for category in settings.categories:
        objects[category], wrong = _annotated(root, category)
        problems += wrong
    draw = np.random.default_rng(settings.seed)
    found: list[tuple[str, _Object, _Object]] = []
    for category, these in objects.items():
        pairs = _pairs(these, settings, draw)
        found += [(category, a, b) for a, b in pairs]
        if these and len(pairs) < settings.pairs:
            problems.append(
                f"{category}: expected {settings.pairs} pairs of objects with {settings.common} "
                f"common keypoints at least, got {len(pairs)}"
            )
    problems += _unreadable({one.file for _, a, b in found for one in (a, b)})
    if problems:
        how = (
            "Unpack PASCAL3D+ (release 1.1) there, or set another root, other categories or fewer "
            "pairs in params.yaml"
        )
        raise PairsError(told(root, problems, how))
    return (_cut(category, a, b, settings.margin) for category, a, b in found)


def _pairs(
    objects: list[_Object], settings: Pascal3dSettings, draw: np.random.Generator
) -> list[tuple[_Object, _Object]]:
    """As many ordered pairs as wanted, of those that share keypoints."""
    found = []
    for place in draw.permutation(len(objects) ** 2):
        a, b = objects[place // len(objects)], objects[place % len(objects)]
        if a.name != b.name and len(a.anchors.keys() & b.anchors.keys()) >= settings.common:
            found.append((a, b))
        if len(found) == settings.pairs:
            break
    return found


def _annotated(root: Path, category: str) -> tuple[list[_Object], list[str]]:
    """The objects of a category with visible keypoints."""
    folder = root / "Annotations" / f"{category}_pascal"
    files = sorted(folder.glob("*.mat"))
    if not files:
        return [], [f"{folder}: expected annotations NAME.mat, but there are none"]
    found, problems = [], []
    for path in files:
        try:
            record = loadmat(path, squeeze_me=True, struct_as_record=False)["record"]
            file = root / "Images" / f"{category}_pascal" / str(record.filename)
            for number, one in enumerate(np.atleast_1d(record.objects)):
                if str(getattr(one, "class")) == category and (anchors := _anchors(one)):
                    x0, y0, x1, y1 = (float(v) - 1 for v in one.bbox)
                    if max(x1 - x0, y1 - y0) >= SMALLEST:
                        name = f"{path.stem}.{number}"
                        found.append(_Object(name, file, (x0, y0, x1, y1), anchors))
        except Exception as error:  # a reader that is fed noise may raise anything
            problems.append(f"{path}: expected an annotation of PASCAL3D+: {error!r}")
    return found, problems


def _anchors(one: Any) -> dict[str, tuple[float, float]]:
    """The visible keypoints of an object, x and y from 0."""
    anchors = getattr(one, "anchors", None)
    found = {}
    for name in getattr(anchors, "_fieldnames", ()):
        anchor = getattr(anchors, name)
        place = np.atleast_1d(getattr(anchor, "location", ()))
        if getattr(anchor, "status", None) == VISIBLE and place.shape == (2,):
            found[name] = (float(place[0]) - 1, float(place[1]) - 1)
    return found


def _unreadable(files: set[Path]) -> list[str]:
    problems = []
    for file in sorted(files):
        try:
            _image(file)
        except BadPhoto as error:
            problems.append(f"{file}: {error}")
    return problems


@lru_cache(maxsize=64)
def _image(file: Path) -> np.ndarray:
    return read_image(file)


def _cut(
    category: str, a: _Object, b: _Object, margin: float
) -> tuple[Cut, Cut, np.ndarray, np.ndarray]:
    """Both objects cut out, and their common keypoints in the cuts."""
    names = sorted(a.anchors.keys() & b.anchors.keys())
    cuts, points = [], []
    for one in (a, b):
        image = _image(one.file)
        x0, y0, x1, y1 = one.box
        room = margin * max(x1 - x0, y1 - y0)
        # The box is grown to hold all keypoints: some lie a little outside.
        xs, ys = zip(*(one.anchors[name] for name in names), strict=True)
        left, top = max(0, int(min(x0 - room, *xs))), max(0, int(min(y0 - room, *ys)))
        right, low = int(max(x1 + room, *xs)) + 1, int(max(y1 + room, *ys)) + 1
        cuts.append(Cut(category, one.name, image[top : low + 1, left : right + 1]))
        points.append(np.array([[y - top, x - left] for x, y in zip(xs, ys, strict=True)]))
    return cuts[0], cuts[1], points[0], points[1]
