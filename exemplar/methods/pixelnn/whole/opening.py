"""A domain, opened for whole pictures: its photographs, and what finds exemplars among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exemplar.features.projection import ProjectionSettings
from exemplar.matching.exemplars import exemplar_rows
from exemplar.matching.images import part_of
from exemplar.methods.pixelnn.compose import Composed
from exemplar.methods.pixelnn.describe import FeaturesSettings
from exemplar.methods.pixelnn.library import open_library
from exemplar.methods.pixelnn.queries import describer
from exemplar.methods.pixelnn.schedule import candidates, exemplars_needed
from exemplar.methods.pixelnn.synthesis import CandidatesSettings, synthesise
from exemplar.methods.pixelnn.whole.by_descriptors import ByDescriptors, Described
from exemplar.methods.pixelnn.whole.by_labels import ByLabels
from exemplar.methods.pixelnn.whole.candidates import Finder
from exemplar.methods.pixelnn.whole.guides import mirrored
from exemplar.methods.pixelnn.whole.photographs import Photographs, filled
from exemplar.methods.pixelnn.whole.settings import WholeSettings
from exemplar.settings import section
from exemplar.store import layout
from exemplar.store.arrays import array, name_list, open_group, read_rows


class Opened(NamedTuple):
    """A domain and condition, ready for inputs.

    Attributes:
        photographs: of the domain.
        finder: of exemplars.
        given: from a condition as it is stored, and the same larger (or as large), to what the
            finder takes.
        stored: from a row of the domain to its condition, both times; large label maps are read
            from their files.
        count: how many exemplars there are.
        settings: the section `whole`; `starts` without coherent candidates where there are none: of
            label maps, and of fewer exemplars than their schedule needs.
    """

    photographs: Photographs
    finder: Finder
    given: Callable[[NDArray[Any], NDArray[Any]], Any]
    stored: Callable[[int], tuple[NDArray[Any], NDArray[Any]]]
    count: int
    settings: WholeSettings


def open_whole(
    domain: str,
    condition: str,
    params: dict[str, Any],
    settings: WholeSettings,
    side: int | None = None,
    allowed: Callable[[Photographs, NDArray[np.int64]], NDArray[np.int64]] = lambda _, rows: rows,
) -> Opened:
    """Opens what a condition needs: for label maps the photographs alone, else also the networks.

    Args:
        domain: whose exemplars.
        condition: of inputs.
        params: of `params.yaml`.
        settings: the section `whole`.
        side: pixels of the longer side of pictures; by default as the settings say.
        allowed: chooses among the rows of exemplars.

    Raises:
        StoreError: stores are missing or damaged, or of other networks than there are.
    """
    photographs = Photographs(domain, params, settings, side)
    stored_size = photographs.stored_size
    if condition == "labels" and photographs.classes:
        rows = allowed(photographs, exemplar_rows(photographs.items, params, domain))
        finder = ByLabels(photographs, rows, settings)

        def of_row(row: int) -> tuple[NDArray[Any], NDArray[Any]]:
            labels = photographs.labels(row)
            return labels, labels

        settings = settings.model_copy(update={"starts": ("guides",)})
        return Opened(
            photographs, finder, lambda _, large: filled(large), of_row, len(rows), settings
        )

    features = section(params, "features", FeaturesSettings)
    described = section(params, "projection", ProjectionSettings)
    library = open_library(domain, condition, "cpu")
    rows = allowed(photographs, library.exemplars.rows)
    library = replace(library, exemplars=part_of(library.exemplars, rows))
    group = open_group(layout.conditions(domain), condition)
    stored = array(group, condition)
    describe = describer(domain, condition, stored_size, features, described)
    coherent = section(params, "coherent", CandidatesSettings)
    if len(rows) < exemplars_needed(candidates(coherent.schedule)):
        settings = settings.model_copy(update={"starts": ("guides",)})
    weights = settings.described, settings.conditioned
    classes = len(name_list(group, "classes")) if condition == "labels" else 0
    finder = ByDescriptors(
        library, stored, condition, photographs, features.scene_side, weights, classes
    )

    def given(small: NDArray[Any], large: NDArray[Any]) -> Described:
        regressed, descriptor, scene = describe(small)
        mirror = None
        if settings.mirrored:
            _, _, mirror = describe(mirrored(condition, small, photographs.exchanged))

        alone = Lock()

        @cache
        def made() -> Composed:
            return synthesise(library, regressed, descriptor, scene, coherent)

        def once() -> Composed:
            with alone:  # leaders ask side by side
                return made()

        return Described(descriptor, scene, mirror, large, once)

    def at(row: int) -> tuple[NDArray[Any], NDArray[Any]]:
        (values,) = read_rows(stored, [row])
        return values, values

    return Opened(photographs, finder, given, at, len(rows), settings)
