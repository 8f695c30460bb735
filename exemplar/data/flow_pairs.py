"""Pairs of images with the true flow from one to the other: Middlebury's, and rendered heads.

Source: Baker et al., A Database and Evaluation Methodology for Optical Flow, 2011.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from exemplar.data.image_pairs import PairsError, PairsSettings, read_image
from exemplar.data.inputs import BadPhoto, told
from exemplar.data.rendered_pairs import RenderedPairsSettings, head_pairs, true_places
from exemplar.settings import near
from exemplar.store import layout
from exemplar.store.flow import FlowError, flow_of, read_flow
from exemplar.store.items import matches

# Where frames and flows lie below the root: as the archives unpack into one folder, or each into a
# folder of its own name.
FRAMES = (
    "other-data", "other-color-twoframes/other-data", "other-color-allframes/other-data",
    "eval-data", "eval-color-twoframes/eval-data", "eval-color-allframes/eval-data",
)  # fmt: skip
FLOWS = ("other-gt-flow", "other-gt-flow/other-gt-flow")


class MiddleburySettings(PairsSettings):
    """Middlebury's two frames, below `other-data` and perhaps `eval-data`, which has no flow."""

    kind: Literal["middlebury"] = "middlebury"
    root: Path  # a folder, relative to the project's root or absolute
    only: list[str] = Field(default_factory=lambda: ["*"], min_length=1)
    """Names of scenes, or globs on them."""
    analogy: dict[str, Any] = Field(
        default_factory=lambda: {"strength": "aligned", "working_side": 640}
    )
    """As published for views of one scene (section 5, category I), and at their full size: from a
    field that was enlarged, fine detail is not rebuilt."""


FlowSet = Annotated[RenderedPairsSettings | MiddleburySettings, Field(discriminator="kind")]


class FlowPair(NamedTuple):
    """Two images and what is known of their correspondence.

    Attributes:
        name: of the pair in its set.
        a: (H, W, 3) u8.
        b_prime: (H', W', 3) u8.
        flow: (H, W, 2) float32, x and y from A to B′, NaN where unknown; None if nowhere known.
        surfaces: of rendered heads the places (H, W, 3) float32 on the canonical head of both.
    """

    name: str
    a: np.ndarray
    b_prime: np.ndarray
    flow: np.ndarray | None
    surfaces: tuple[np.ndarray, np.ndarray] | None = None


def flow_pairs(settings: FlowSet) -> list[FlowPair]:
    """All pairs of a set.

    Args:
        settings: of the set.

    Returns:
        The pairs, in a fixed order, with distinct names.

    Raises:
        PairsError: files are missing, damaged, or do not fit each other; all are listed.
        StoreError: the rendered domain has not been prepared.
    """
    if isinstance(settings, MiddleburySettings):
        return _middlebury(settings)
    found = []
    for pair in head_pairs(settings, layout.images("rendered"), layout.items("rendered")):
        surfaces = (pair.surface_a, pair.surface_b)
        flow = flow_of(true_places(*surfaces, settings.within))
        flow = None if np.isnan(flow).all() else flow
        found.append(FlowPair(pair.name, pair.a, pair.b_prime, flow, surfaces))
    return found


def _middlebury(settings: MiddleburySettings) -> list[FlowPair]:
    """The scenes of all folders of frames, by name."""
    folders = [settings.root / part for part in FRAMES if (settings.root / part).is_dir()]
    scenes = {
        path.name: path
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".")
    }
    how = (
        "Unpack the colour archives of two frames and the ground truth of the Middlebury flow "
        "benchmark there, or set another root in params.yaml"
    )
    if not scenes:
        raise PairsError(
            f"{settings.root}: expected folders of scenes with frame10.png and frame11.png, below "
            f"{FRAMES[0]} or {FRAMES[3]}, but there are none. {how}"
        )
    problems = [
        f"only: no scene is called {pattern!r}; there are {', '.join(sorted(scenes))}"
        f"{near(pattern, scenes)}"
        for pattern in settings.only
        if not matches(pattern, scenes).any()
    ]
    names = sorted(scenes)
    wanted = np.any([matches(pattern, names) for pattern in settings.only], axis=0)
    found = []
    for name in itertools.compress(names, wanted):
        pair, wrong = _scene(settings.root, scenes[name])
        problems += wrong
        found += [pair] if pair else []
    if problems:
        raise PairsError(told(settings.root, problems, how))
    return found


def _scene(root: Path, folder: Path) -> tuple[FlowPair | None, list[str]]:
    """One pair, or what is wrong with it."""
    problems, frames = [], []
    for name in ("frame10.png", "frame11.png"):
        try:
            frames.append(read_image(folder / name))
        except BadPhoto as error:
            problems.append(f"{folder / name}: {error}")
    if problems:
        return None, problems
    a, b_prime = frames
    if a.shape != b_prime.shape:
        sizes = f"{a.shape[1]}×{a.shape[0]} and {b_prime.shape[1]}×{b_prime.shape[0]}"
        return None, [f"{folder}: expected two frames of one size, got {sizes}"]
    files = [
        root / part / folder.name / name
        for part in FLOWS
        for name in ("flow10.flo", "flow10.flo.xz")
    ]
    path = next((file for file in files if file.is_file()), None)
    # Of the scenes of `eval-data`, and of some others, no flow is published.
    flow = None
    try:
        flow = None if path is None else read_flow(path, (a.shape[0], a.shape[1]))
    except FlowError as error:
        problems.append(str(error))
    if flow is not None and np.isnan(flow).all():
        problems.append(f"{path}: expected a flow that is known somewhere, got none")
    return FlowPair(folder.name, a, b_prime, flow), problems
