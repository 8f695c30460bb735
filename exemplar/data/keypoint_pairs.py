"""Pairs of images whose keypoints belong together: PF-WILLOW, PASCAL3D+, and rendered heads.

PF-WILLOW is published as folders of one category each, with `NAME.png` and `NAME.mat`, whose
`pts_coord` has ten keypoints (x in row 0, y in row 1, counted from 1). Source: Ham et al., Proposal
Flow, 2016.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field
from scipy.io import loadmat

from exemplar.data.image_pairs import PairsError, PairsSettings, chosen, read_image
from exemplar.data.inputs import BadPhoto, told
from exemplar.data.pascal3d import Pascal3dSettings, cut_objects
from exemplar.data.rendered_pairs import (
    RenderedPairsSettings,
    head_pairs,
    spread_points,
    true_places,
)
from exemplar.metrics.keypoints import Extent
from exemplar.settings import near
from exemplar.store import layout
from exemplar.store.items import matches


class RenderedKeypointsSettings(RenderedPairsSettings):
    """Points of rendered heads that both images of a pair show."""

    points: int = Field(default=10, ge=2)
    """Of each pair, at most."""
    extent: Extent = "keypoints"


class PfWillowSettings(PairsSettings):
    """The Proposal Flow WILLOW data set."""

    kind: Literal["pf_willow"] = "pf_willow"
    root: Path  # a folder, relative to the project's root or absolute
    only: list[str] = Field(default_factory=lambda: ["*"], min_length=1)
    """Globs on categories; their brackets are taken as they are."""
    pairs: int | None = Field(default=None, ge=1)
    """Of each category at most, drawn at random, each judged both ways; null: all, 45 of ten
    images, so 90 as published."""
    seed: int = 0
    extent: Extent = "keypoints"


KeypointSet = Annotated[
    RenderedKeypointsSettings | PfWillowSettings | Pascal3dSettings, Field(discriminator="kind")
]


class KeypointPair(NamedTuple):
    """Two images and points that belong together.

    Attributes:
        category: what both show.
        name: of the pair in its category.
        a: (H, W, 3) u8.
        b_prime: (H', W', 3) u8.
        points_a: (K, 2) float64 rows and columns in A, from 0, at the pixels' centres.
        points_b: (K, 2) float64 of the same points in B′.
        both_ways: whether B′'s points are to be found in A, too.
    """

    category: str
    name: str
    a: np.ndarray
    b_prime: np.ndarray
    points_a: np.ndarray
    points_b: np.ndarray
    both_ways: bool = True


class Marked(NamedTuple):
    """An image and its keypoints (K, 2), rows and columns."""

    name: str
    image: np.ndarray
    points: np.ndarray


def keypoint_pairs(settings: KeypointSet) -> list[KeypointPair]:
    """All pairs of a set.

    Args:
        settings: of the set.

    Returns:
        The pairs by category, in a fixed order; the same for the same seed.

    Raises:
        PairsError: files are missing, damaged, or do not fit each other; all are listed.
        StoreError: the rendered domain has not been prepared.
    """
    if isinstance(settings, PfWillowSettings):
        return _willow(settings)
    if isinstance(settings, Pascal3dSettings):
        return [
            KeypointPair(a.category, f"{a.name}-{b.name}", a.image, b.image, in_a, in_b, False)
            for a, b, in_a, in_b in cut_objects(settings)
        ]
    return _rendered(settings)


def _rendered(settings: RenderedKeypointsSettings) -> list[KeypointPair]:
    """Heads, with points that lie apart."""
    draw = np.random.default_rng(settings.seed)
    found = []
    for pair in head_pairs(settings, layout.images("rendered"), layout.items("rendered")):
        places = true_places(pair.surface_a, pair.surface_b, settings.within)
        points_a, points_b = spread_points(places, settings.points, draw)
        # Heads seen from opposite sides have no point in common, and say nothing.
        if len(points_a) > 1 and np.ptp(points_b, axis=0).max() > 0:
            found.append(KeypointPair("heads", pair.name, pair.a, pair.b_prime, points_a, points_b))
    if not found:
        raise PairsError(
            f"{layout.images('rendered')}: no two of the pairs' heads show the same points; ask "
            "for more pairs, or a larger `within`, in params.yaml"
        )
    return found


def _willow(settings: PfWillowSettings) -> list[KeypointPair]:
    """Pairs of each category's images."""
    root = settings.root
    how = "Unpack PF-WILLOW there, or set another root in params.yaml"
    folders = [path for path in sorted(root.glob("*")) if path.is_dir() and any(path.glob("*.mat"))]
    if not folders:
        raise PairsError(
            f"{root}: expected a folder for each category, with NAME.png and NAME.mat, but there "
            f"are none. {how}"
        )
    names = [folder.name for folder in folders]
    problems = [
        f"only: no category is called {pattern!r}; there are {', '.join(names)}"
        f"{near(pattern, names)}"
        for pattern in settings.only
        if not matches(pattern, names).any()
    ]
    draw = np.random.default_rng(settings.seed)
    found: list[KeypointPair] = []
    wanted = np.any([matches(pattern, names) for pattern in settings.only], axis=0)
    for folder in itertools.compress(folders, wanted):
        images, wrong = _annotated(folder)
        problems += wrong
        if len(images) < 2 and not wrong:
            problems.append(f"{folder}: expected two images at least, got {len(images)}")
        pairs = list(itertools.combinations(images, 2))
        for place in chosen(len(pairs), settings.pairs, draw):
            a, b = pairs[place]
            name = f"{a.name}-{b.name}"
            found.append(KeypointPair(folder.name, name, a.image, b.image, a.points, b.points))
    if problems:
        raise PairsError(told(root, problems, how))
    return found


def _annotated(folder: Path) -> tuple[list[Marked], list[str]]:
    """The images of a category, and what is wrong with the others."""
    found, problems = [], []
    for path in sorted(folder.glob("*.mat")):
        try:
            image = read_image(path.with_suffix(".png"))
        except BadPhoto as error:
            problems.append(f"{path.with_suffix('.png')}: {error}")
            continue
        try:
            coordinates = np.asarray(loadmat(path)["pts_coord"], np.float64)
        except Exception as error:  # a reader that is fed noise may raise anything
            problems.append(f"{path}: expected a MATLAB file with pts_coord: {error}")
            continue
        if coordinates.ndim != 2 or coordinates.shape[0] != 2 or coordinates.shape[1] < 2:
            problems.append(f"{path}: expected pts_coord (2, K), x and y, got {coordinates.shape}")
            continue
        points = coordinates[::-1].T - 1  # MATLAB counts from 1
        if not np.isfinite(points).all() or (points < -1).any() or (points > image.shape[:2]).any():
            (x0, y0), (x1, y1) = coordinates.min(1), coordinates.max(1)
            problems.append(
                f"{path}: expected keypoints within the image of {image.shape[1]}×"
                f"{image.shape[0]}, got x {x0:.1f} to {x1:.1f}, y {y0:.1f} to {y1:.1f}"
            )
            continue
        if found and len(points) != len(found[0].points):
            problems.append(
                f"{path}: expected {len(found[0].points)} keypoints, as those before, got "
                f"{len(points)}"
            )
            continue
        found.append(Marked(path.stem, image, points))
    return found, problems
