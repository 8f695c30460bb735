"""PixelNN from regressed images and descriptors to candidates with sources."""

from __future__ import annotations

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from exemplar.matching.engine import MatchingSettings, match
from exemplar.matching.images import nearest
from exemplar.methods.pixelnn.compose import (
    Composed,
    Composition,
    Residual,
    compose,
    compose_global,
    residuals,
)
from exemplar.methods.pixelnn.followers import cast
from exemplar.methods.pixelnn.library import Library, to_unit, working_set
from exemplar.methods.pixelnn.schedule import Schedule, candidates, windows_of
from exemplar.settings import Settings


class CandidatesSettings(Settings):
    """The sections `candidates` and `coherent` of `params.yaml`."""

    schedule: Schedule = "released"
    composition: Composition = "matched"
    votes: int = Field(default=2, ge=1, le=5)
    """Of `voted`: a pixel is the mean of the copies of so many pixels to each side, (2v + 1)²."""
    anchor: float = Field(default=0.1, gt=0)
    """Of `seamless`: how strongly the picture is held to the copies (`seamless.seamless`)."""
    residual: Residual = "rgb"
    matching: MatchingSettings = MatchingSettings()
    likeness: float = Field(default=0, ge=0)
    """How much the looks of photographs count beside what they show when a leading exemplar's
    followers are chosen (`followers`); 0 takes the next nearest, as published."""
    near: int = Field(default=60, ge=1)
    """Among how many of the nearest exemplars followers are chosen."""
    device: str = "cpu"
    """Where pixels are matched and candidates composed: `cpu` or `cuda`."""
    threads: int = Field(default=1, ge=1)
    """CPU threads; part of the settings because sums depend on it in the last bits."""
    workers: int = Field(default=1, ge=1)
    """Processes that share the inputs, of so many threads each; results do not depend on it."""

    @property
    def effective_votes(self) -> int:
        """The v by which each pixel's sources follow from the matches; 0 but for `voted`."""
        return self.votes if self.composition == "voted" else 0


def synthesise(
    library: Library,
    regressed: np.ndarray,
    descriptor: np.ndarray,
    scene: np.ndarray,
    settings: CandidatesSettings,
    look: np.ndarray | None = None,
) -> Composed:
    """All PixelNN candidates of one input.

    Args:
        library: the exemplars.
        regressed: f(x) of the input, (H, W, 3) u8.
        descriptor: of the input, (H, W, D) f16.
        scene: of the input, (G,) f32.
        settings: schedule, matching and composition.
        look: (L,) float32, what exemplars after the leading one are to look like, if `likeness`
            is set; the leader's own look by default.

    Returns:
        One image and its sources for every member of the schedule.

    Raises:
        SearchError: there are too few exemplars for the schedule.
    """
    members = candidates(settings.schedule)
    chosen = cast(
        library.exemplars, scene, library.look, members, settings.likeness, settings.near, look
    )
    exemplars = working_set(library, chosen.rows)
    query = to_unit(torch.from_numpy(descriptor).to(exemplars.device))
    image = torch.from_numpy(regressed).to(exemplars.device)
    matches = match(query, exemplars, windows_of(members), settings.matching, image / 255)
    residual = residuals_of(library, chosen.rows, settings.residual)
    return compose(
        image,
        residual,
        chosen,
        matches,
        members,
        settings.composition,
        settings.votes,
        settings.anchor,
    )


def synthesise_global(
    library: Library,
    regressed: np.ndarray,
    scene: np.ndarray,
    settings: CandidatesSettings,
    count: int,
) -> Composed:
    """The Global baseline (Eq. 2, K = 1) with each of the nearest exemplars.

    Args:
        library: the exemplars.
        regressed: f(x) of the input, (H, W, 3) u8.
        scene: of the input, (G,) f32.
        settings: which residual.
        count: how many exemplars.

    Returns:
        One image and its sources for each exemplar, nearest first.
    """
    rows = nearest(library.exemplars, scene[None], count)[0]
    residual = residuals_of(library, rows, settings.residual)
    return compose_global(torch.from_numpy(regressed).to(residual.device), residual, rows)


def residuals_of(library: Library, rows: np.ndarray, kind: Residual) -> Tensor:
    """What regression lost of some exemplars, (R, H, W, 3) int16, on the library's device.

    Args:
        library: the exemplars.
        rows: (R,) which.
        kind: of the residual.
    """
    return residuals(library.kept["image"].rows(rows), library.kept["regressed"].rows(rows), kind)
