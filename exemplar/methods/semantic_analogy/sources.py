"""The sources and targets that the methods are compared on: everything as arrays of one size.

Last in the way of the evaluation's data: `source_settings` names, `labelled_images` reads, and here
the targets of a source are made, numbered by its classes. All that is wrong is told together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exemplar.data.named_images import StoredImage
from exemplar.data.problems import Problems
from exemplar.features.pyramid import load_pyramid
from exemplar.labels.colours import distinct_colours
from exemplar.labels.palette import Palette
from exemplar.labels.wishes import WishError, edited
from exemplar.methods.semantic_analogy.labelled_images import (
    LabelMap,
    Size,
    central_part,
    read_label_file,
    read_shown,
    resized_image,
    resized_labels,
    working_size,
)
from exemplar.methods.semantic_analogy.posed_scenes import posed_scene
from exemplar.methods.semantic_analogy.settings import LayoutSettings
from exemplar.methods.semantic_analogy.source import SMALLEST_SIDE, Source
from exemplar.methods.semantic_analogy.source_settings import (
    IDENTITY,
    ClusterLabels,
    LabelFile,
    SourceSettings,
    TargetSettings,
)
from exemplar.settings import section
from exemplar.store import layout
from exemplar.store.weights import WeightsError


class NamedTarget(NamedTuple):
    """A layout that a source is brought into.

    Attributes:
        name: of the target.
        labels: (H, W) u8, places in the source's classes.
        photograph: (H, W, 3) u8 with this layout, of whatever look; none if there is none.
        truth: (H, W, 3) u8, the image that should come out, where it is known.
        edited: whether it is the source's own layout but for some regions.
    """

    name: str
    labels: NDArray[np.uint8]
    photograph: NDArray[np.uint8] | None = None
    truth: NDArray[np.uint8] | None = None
    edited: bool = False


class NamedSource(NamedTuple):
    """A source and its targets.

    Attributes:
        name: of the source.
        source: the image and its labels.
        targets: the source's own layout first.
        origin: where the image is from.
        licence: of it, if that is known.
        notes: what a user should know of how label maps were read, in sentences.
    """

    name: str
    source: Source
    targets: tuple[NamedTarget, ...]
    origin: str
    licence: str
    notes: tuple[str, ...] = ()

    def identity(self) -> list[Any]:
        """Everything as a value that tells it from others, in JSON."""
        arrays = [self.source.image, self.source.labels]
        names = [self.name, *self.source.classes]
        for target in self.targets:
            names.append(f"{target.name}{' edited' if target.edited else ''}")
            arrays += [target.labels, target.photograph, target.truth]
        digest = hashlib.sha256()
        for each in arrays:
            digest.update(b"none" if each is None else f"{each.shape}".encode() + each.tobytes())
        return [*names, digest.hexdigest()]


def read_source(
    name: str, settings: SourceSettings, params: dict[str, Any], problems: Problems
) -> NamedSource | None:
    """Reads a source and makes its targets.

    Args:
        name: of the source.
        settings: what it is made of.
        params: of `params.yaml`; of a rendered scene that is posed, how it was rendered.
        problems: gets a line for all that is wrong.

    Returns:
        Everything at the size of the source, which is at most `settings.side`; none if something is
        wrong.
    """
    known, where = len(problems), f"sources.{name}"
    read = read_shown(settings.image, where, problems)
    if read is None:
        return None
    picture, labelled = read
    clustered = None
    if isinstance(settings.labels, LabelFile):
        labelled = read_label_file(settings.labels, _size(picture.image), problems)
    elif isinstance(settings.labels, ClusterLabels):
        clustered = _clustered(picture.image, settings, params, where, problems)
        labelled = None if clustered is None else clustered.found
    elif labelled is None:
        problems.append(
            f"{where}: {picture.source} has no labels; name a file or clusters under labels:"
        )
    if labelled is None:
        return None
    size = working_size(_size(picture.image), settings.side)
    image = resized_image(picture.image, size)
    labels = resized_labels(labelled.labels, size)
    source = compact(image, LabelMap(labels, labelled.classes))
    if min(size) < SMALLEST_SIDE or len(source.classes) < 2:
        problems.append(
            f"{where}: expected at least {SMALLEST_SIDE} pixels a side and two classes, got "
            f"{size[1]}×{size[0]} and {', '.join(source.classes)}"
        )
        return None
    make = _Making(source, settings, params, clustered, list(labelled.notes))
    made = [NamedTarget(IDENTITY, source.labels, image, image)]
    for called, target in settings.targets.items():
        found = make.target(called, target, f"{where}.targets.{called}", problems)
        made += [] if found is None else [found]
    if len(problems) > known:
        return None
    notes = tuple(dict.fromkeys(make.notes))
    return NamedSource(name, source, tuple(made), picture.source, picture.licence, notes)


def compact(image: NDArray[np.uint8], given: LabelMap) -> Source:
    """A source whose classes are those that occur, in their order."""
    used, labels = np.unique(given.labels, return_inverse=True)
    classes = tuple(given.classes[place] for place in used)
    return Source(image, labels.reshape(given.labels.shape).astype(np.uint8), classes)


class _Clustered(NamedTuple):
    """Labels by clusters, and how another image (H, W, 3) gets them."""

    found: LabelMap
    assign: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def _clustered(
    image: NDArray[np.uint8],
    settings: SourceSettings,
    params: dict[str, Any],
    where: str,
    problems: Problems,
) -> _Clustered | None:
    """Labels of a photograph that has none, at the size that is worked at."""
    # Brings scikit-learn, which takes seconds that most sources need not wait.
    from exemplar.labels.clusters import assign, cluster, cluster_names

    assert isinstance(settings.labels, ClusterLabels)
    chosen: LayoutSettings = section(params, "layout", LayoutSettings)
    try:
        network = load_pyramid(chosen.gan.backbone, layout.ESTIMATORS)
    except WeightsError as error:
        problems.append(f"{where}.labels: clusters need a network: {error}")
        return None
    small = resized_image(image, working_size(_size(image), settings.side))
    labels, clusters = cluster(small, network, settings.labels.clusters, chosen.seed)
    names = cluster_names(int(labels.max()) + 1)
    return _Clustered(LabelMap(labels, names), lambda other: assign(other, network, clusters))


class _Making(NamedTuple):
    """What targets of a source are made from."""

    source: Source
    settings: SourceSettings
    params: dict[str, Any]
    clustered: _Clustered | None
    notes: list[str]

    def target(
        self, name: str, given: TargetSettings, where: str, problems: Problems
    ) -> NamedTarget | None:
        """One target, none if something is wrong."""
        if given.edit:
            palette = Palette(self.source.classes, distinct_colours(len(self.source.classes)))
            try:
                return NamedTarget(
                    name, edited(self.source.labels, palette, given.edit), edited=True
                )
            except WishError as error:
                problems.append(f"{where}.edit: {error}")
                return None
        size = _size(self.source.labels)
        truth, photograph = None, None
        if given.posed is not None:
            assert isinstance(self.settings.image, StoredImage)  # as the settings demand
            found = posed_scene(self.settings.image, given.posed, self.params, where, problems)
        else:
            found = self._image_and_labels(given, where, problems)
        if found is None:
            return None
        image, shown = found
        self.notes.extend(shown.notes)
        if image is not None:
            photograph = resized_image(central_part(image, size), size)
            truth = photograph if given.posed is not None else None
        labels = resized_labels(central_part(shown.labels, size), size)
        labelled = LabelMap(labels, shown.classes)
        numbered = _numbered(labelled, self.source, given.map, where, problems)
        return None if numbered is None else NamedTarget(name, numbered, photograph, truth)

    def _image_and_labels(
        self, given: TargetSettings, where: str, problems: Problems
    ) -> tuple[NDArray[np.uint8] | None, LabelMap] | None:
        """What a target's image or file brings."""
        image, own = None, None
        if given.image is not None:
            read = read_shown(given.image, where, problems)
            if read is None:
                return None
            image, own = read[0].image, read[1]
        if given.labels is not None:
            own = read_label_file(given.labels, None if image is None else _size(image), problems)
        elif image is not None and self.clustered is not None:
            size = _size(self.source.labels)
            image = resized_image(central_part(image, size), size)
            own = LabelMap(self.clustered.assign(image), self.clustered.found.classes)
        elif own is None:
            problems.append(f"{where}: the image has no labels; name a file under labels:")
        return None if own is None else (image, own)


def _numbered(
    given: LabelMap, source: Source, mapping: dict[str, str], where: str, problems: Problems
) -> NDArray[np.uint8] | None:
    """A target's labels as places in the source's classes, by their names."""
    known = len(problems)
    for one, other in mapping.items():
        if one not in given.classes or other not in source.classes:
            problems.append(
                f"{where}.map: expected one of {', '.join(given.classes)} and one of "
                f"{', '.join(source.classes)}, got {one}: {other}"
            )
    counts = np.bincount(given.labels.ravel(), minlength=len(given.classes))
    table, lacking = np.zeros(256, np.uint8), []
    for place, name in enumerate(given.classes):
        name = mapping.get(name, name)
        if name in source.classes:
            table[place] = source.classes.index(name)
        elif counts[place]:
            lacking.append(f"{name} ({counts[place] / given.labels.size:.1%})")
    if lacking and len(problems) == known:
        problems.append(
            f"{where}: the source lacks {', '.join(lacking)}; it has {', '.join(source.classes)}: "
            "say under map: which of these they are"
        )
    return table[given.labels] if len(problems) == known else None


def _size(values: NDArray) -> Size:
    return values.shape[0], values.shape[1]
