"""PixelNN for a user's own inputs: from files to candidates, with chosen exemplars only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image, ImageOps

from exemplar import conditions
from exemplar.conditions.files import InputError, open_image
from exemplar.conditions.sources import ConditionsSettings, edge_network, extract
from exemplar.estimators import load_estimators
from exemplar.features.backbone import load_backbone
from exemplar.features.projection import load_projection, require_backbone
from exemplar.matching.images import ids, load_index
from exemplar.methods.pixelnn import schedule
from exemplar.methods.pixelnn.compose import Composed
from exemplar.methods.pixelnn.describe import FeaturesSettings, describe_images
from exemplar.methods.pixelnn.regressor import load_regressor
from exemplar.methods.pixelnn.synthesis import (
    CandidatesSettings,
    Library,
    open_library,
    synthesise,
)
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import name_list, open_group


@dataclass(frozen=True)
class Synthesis:
    """What was made of one input.

    Attributes:
        path: the input's file.
        condition: as it is stored.
        regressed: f(x), (H, W, 3) u8.
        composed: the candidates and their sources.
    """

    path: Path
    condition: np.ndarray
    regressed: np.ndarray
    composed: Composed


def allowed_rows(
    items: pd.DataFrame, rows: np.ndarray, only: list[str], exclude: list[str]
) -> np.ndarray:
    """The exemplars a user allows.

    Args:
        items: the domain's items.
        rows: the rows of the exemplars.
        only: globs on ids and categories; where there are some, an exemplar must match one.
        exclude: globs; an exemplar that matches one is not used.

    Returns:
        Rows, ascending.

    Raises:
        InputError: a glob matches no exemplar; all such globs are named.
    """
    names = items.iloc[rows][["id", "category"]].astype(str).to_numpy()
    idle = []

    def matching(globs: list[str]) -> np.ndarray:
        found = np.zeros(len(rows), bool)
        for glob in globs:
            hits = np.array([any(fnmatchcase(name, glob) for name in pair) for pair in names])
            if not hits.any():
                idle.append(glob)
            found |= hits
        return found

    chosen = matching(only) if only else np.ones(len(rows), bool)
    chosen &= ~matching(exclude)
    if idle:
        categories = sorted(set(names[:, 1]))
        raise InputError(
            f"no exemplar's id or category matches {', '.join(map(repr, idle))}; ids are like "
            f"{names[0, 0]!r}, categories are {', '.join(categories[:40])}"
        )
    return np.sort(rows[chosen])


def synthesise_files(
    paths: list[Path],
    domain: str,
    condition: str,
    only: list[str],
    exclude: list[str],
    photographs: bool = False,
) -> tuple[Library, Iterator[Synthesis]]:
    """Makes all candidates of a user's files.

    Args:
        paths: the inputs; each is the condition itself, or a photograph.
        domain: whose exemplars are used.
        condition: what the inputs are, or are turned into.
        only: globs on ids and categories of the exemplars to use.
        exclude: globs on those not to use.
        photographs: the inputs are photographs; the condition is extracted from them.

    Returns:
        The library, and an iterator that makes one input's candidates at a time.

    Raises:
        InputError: inputs cannot be read, or too few exemplars are allowed; nothing was made, and
            all problems are named.
    """
    params = load_params()
    settings = section(params, "candidates", CandidatesSettings)
    features = section(params, "features", FeaturesSettings)
    torch.set_num_threads(settings.threads)
    conditions.of(condition)
    section(params, f"domains.{domain}", dict)
    library = open_library(domain, condition, load_index(layout.index(domain, condition)))
    classes = list(name_list(open_group(layout.conditions(domain)), "classes"))
    size = (library.image.shape[1], library.image.shape[2])
    stored = _read_all(paths, domain, condition, size, classes, photographs)
    allowed = allowed_rows(library.items, np.sort(ids(library.index)), only, exclude)
    needed = schedule.exemplars_needed(schedule.candidates(settings.schedule))
    if len(allowed) < needed:
        raise InputError(
            f"--only and --exclude leave {len(allowed)} exemplars, the schedule "
            f"{settings.schedule!r} needs {needed}; allow more"
        )
    regressor = load_regressor(layout.regressor(domain, condition))
    backbone = load_backbone(features.backbone, layout.ESTIMATORS, torch.device("cpu"))
    projection = load_projection(layout.projection(domain, condition))
    require_backbone(projection, backbone)

    def made() -> Iterator[Synthesis]:
        for path, values in zip(paths, stored, strict=True):
            regressed = regressor(values[None], size)
            descriptor, scene = describe_images(backbone, projection, regressed, features)
            composed = synthesise(library, regressed[0], descriptor[0], scene[0], settings, allowed)
            yield Synthesis(path, values, regressed[0], composed)

    return library, made()


def _read_all(
    paths: list[Path],
    domain: str,
    condition: str,
    size: tuple[int, int],
    classes: list[str],
    photographs: bool,
) -> list[np.ndarray]:
    """Reads every input; all that cannot be read are reported together."""
    stored, problems = [], []
    for path in paths:
        try:
            if photographs:
                image = ImageOps.fit(
                    open_image(path).convert("RGB"), (size[1], size[0]), Image.Resampling.LANCZOS
                )
                stored.append(np.asarray(image))
            else:
                stored.append(conditions.of(condition).read(path, size, classes))
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError("\n".join(problems))
    if not photographs:
        return stored
    settings = section(load_params(), "conditions", ConditionsSettings)
    estimators = load_estimators(layout.ESTIMATORS)
    network, _ = edge_network(settings.edges, estimators)
    if condition == "labels" and classes != list(estimators.parts):
        raise InputError(
            f"the labels of {domain} were given with its images; no network sees them in a "
            "photograph: give a label map"
        )
    return list(extract(np.stack(stored), estimators, network)[condition])
