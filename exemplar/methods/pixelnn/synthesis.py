"""PixelNN from regressed images and descriptors to candidates with sources."""

from __future__ import annotations

from dataclasses import dataclass

import faiss
import numpy as np
import pandas as pd
import torch
import zarr
from pydantic import Field
from torch import Tensor

from exemplar.matching.images import nearest
from exemplar.matching.windows import match
from exemplar.methods.pixelnn.compose import (
    Composed,
    Composition,
    Residual,
    compose,
    compose_global,
    residuals,
)
from exemplar.methods.pixelnn.schedule import (
    Schedule,
    candidates,
    exemplars_needed,
    windows_of,
)
from exemplar.settings import Settings
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows
from exemplar.store.items import read_items


class CandidatesSettings(Settings):
    """The section `candidates` of `params.yaml`."""

    schedule: Schedule = "released"
    composition: Composition = "matched"
    residual: Residual = "rgb"
    threads: int = Field(default=1, ge=1)
    """CPU threads; part of the settings because sums depend on it in the last bits."""


@dataclass(frozen=True)
class Library:
    """The exemplars of a domain, seen through one condition; arrays are read when needed.

    Attributes:
        items: row i describes image i.
        image: (N, H, W, 3) u8, the photographs y.
        regressed: (N, H, W, 3) u8, f(x).
        descriptor: (N, H, W, D) f16.
        scene: (N, G) f32.
        index: of the training images.
    """

    items: pd.DataFrame
    image: zarr.Array
    regressed: zarr.Array
    descriptor: zarr.Array
    scene: zarr.Array
    index: faiss.IndexIDMap


def open_library(domain: str, condition: str, index: faiss.IndexIDMap) -> Library:
    """Opens the stores that the stages made.

    Raises:
        StoreError: a store is missing; the message names the command that makes it.
    """
    features = open_group(layout.features(domain, condition), "regressed", "descriptor", "scene")
    return Library(
        items=read_items(layout.items(domain)),
        image=array(open_group(layout.images(domain), "image"), "image"),
        regressed=array(features, "regressed"),
        descriptor=array(features, "descriptor"),
        scene=array(features, "scene"),
        index=index,
    )


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
    rows = nearest(library.index, scene[None], count, allowed)[0]
    matches = match(
        _channels_first(descriptor[None])[0],
        _channels_first(read_rows(library.descriptor, rows)),
        windows_of(members),
    )
    residual = _residuals(library, rows, settings.residual)
    return compose(regressed, residual, rows, matches, members, settings.composition)


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
    rows = nearest(library.index, scene[None], count)[0]
    return compose_global(regressed, _residuals(library, rows, settings.residual), rows)


def _residuals(library: Library, rows: np.ndarray, kind: Residual) -> np.ndarray:
    return residuals(read_rows(library.image, rows), read_rows(library.regressed, rows), kind)


def _channels_first(descriptors: np.ndarray) -> Tensor:
    """(R, H, W, D) f16 → (R, D, H, W) float32, unit length again after rounding."""
    x = torch.from_numpy(descriptors.astype(np.float32)).permute(0, 3, 1, 2)
    return torch.nn.functional.normalize(x, dim=1)
