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
from exemplar.methods.pixelnn.library import Library, to_unit, working_set
from exemplar.methods.pixelnn.schedule import (
    Schedule,
    candidates,
    exemplars_needed,
    windows_of,
)
from exemplar.settings import Settings


class CandidatesSettings(Settings):
    """The section `candidates` of `params.yaml`."""

    schedule: Schedule = "released"
    composition: Composition = "matched"
    residual: Residual = "rgb"
    matching: MatchingSettings = MatchingSettings()
    device: str = "cpu"
    """Where pixels are matched and candidates composed: `cpu` or `cuda`."""
    threads: int = Field(default=1, ge=1)
    """CPU threads; part of the settings because sums depend on it in the last bits."""
    workers: int = Field(default=1, ge=1)
    """Processes that share the inputs, of so many threads each; results do not depend on it."""


def synthesise(
    library: Library,
    regressed: np.ndarray,
    descriptor: np.ndarray,
    scene: np.ndarray,
    settings: CandidatesSettings,
    allowed: np.ndarray | None = None,
) -> Composed:
    """All PixelNN candidates of one input.

    Args:
        library: the exemplars.
        regressed: f(x) of the input, (H, W, 3) u8.
        descriptor: of the input, (H, W, D) f16.
        scene: of the input, (G,) f32.
        settings: schedule and composition.
        allowed: rows of the exemplars that may be used; all by default.

    Returns:
        One image and its sources for every member of the schedule.

    Raises:
        SearchError: too few exemplars are allowed for the schedule.
    """
    members = candidates(settings.schedule)
    count = exemplars_needed(members)
    rows = nearest(library.exemplars, scene[None], count, allowed)[0]
    exemplars = working_set(library, rows)
    query = to_unit(torch.from_numpy(descriptor).to(exemplars.device))
    matches = match(query, exemplars, windows_of(members), settings.matching)
    residual = _residuals(library, rows, settings.residual)
    image = torch.from_numpy(regressed).to(exemplars.device)
    return compose(image, residual, rows, matches, members, settings.composition)


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
    residual = _residuals(library, rows, settings.residual)
    return compose_global(torch.from_numpy(regressed).to(residual.device), residual, rows)


def _residuals(library: Library, rows: np.ndarray, kind: Residual) -> Tensor:
    return residuals(library.kept["image"].rows(rows), library.kept["regressed"].rows(rows), kind)
