"""Who judges layouts: a network that sees a source's classes.

For rendered heads the estimators; else a network that is trained, on a labelled domain or on
side-by-side files, or, where the source is all there is, on the source itself, varied.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from exemplar.data.pictures import pictures_in
from exemplar.data.problems import Problems, raise_all
from exemplar.estimators import load_estimators
from exemplar.features.espnet import ESPNetSettings, load_espnet
from exemplar.methods.semantic_analogy.labelled_images import (
    NO_CLASS,
    LabelMap,
    central_part,
    read_shown,
    resized_image,
    resized_labels,
)
from exemplar.methods.semantic_analogy.source_settings import (
    LabelledDomain,
    PairFile,
    PairsFolder,
    SourceSettings,
)
from exemplar.methods.semantic_analogy.sources import NamedSource
from exemplar.metrics.independence import most_independent, shared
from exemplar.metrics.segmenters import (
    IGNORE,
    EstimatorsJudge,
    PartsSegmenter,
    Segmenter,
    TrainedJudge,
    train_segmenter,
    translation,
)
from exemplar.settings import Settings
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, name_list, open_group, read_rows
from exemplar.store.items import read_items, rows_of

DOMAIN = "rendered"  # whose heads are the sources that these judges see all classes of
MOST = 400  # training images of a domain that are held in memory


class SemanticEvaluateSettings(Settings):
    """The section `semantic_evaluate` of `params.yaml`."""

    trained: TrainedJudge = TrainedJudge()
    """How a judge is trained where none is named and the estimators do not see all classes."""
    judge_side: int = Field(default=128, ge=32)
    """Pixels to which smaller images are enlarged for judges that have learned from larger ones."""
    threads: int = Field(default=1, ge=1)


class Enlarging:
    """A judge that is shown small images enlarged, for it has learned from larger ones.

    Args:
        judge: that sees classes.
        side: pixels that an image's longer side is enlarged to, if it has fewer.
    """

    def __init__(self, judge: Segmenter, side: int) -> None:
        self.identity, self.classes = judge.identity, judge.classes
        self.judge, self.side = judge, side

    def __call__(self, images: Tensor) -> Tensor:
        """As `Segmenter`: of the pixels that an image's pixel became, the most frequent class."""
        height, width = images.shape[-2:]
        factor = self.side / max(height, width)
        if factor <= 1:
            return self.judge(images)
        size = (round(height * factor), round(width * factor))
        shown = functional.interpolate(images, size, mode="bicubic").clamp(0, 1)
        seen = self.judge(shown).numpy()
        small = [resized_labels(each, (height, width)) for each in seen]
        return torch.from_numpy(np.stack(small))


def judge_of(
    given: NamedSource, settings: SourceSettings, trained: TrainedJudge, side: int, folder: Path
) -> Segmenter:
    """The network that judges what is made of a source.

    Args:
        given: the source.
        settings: may name the judge, and what it learns from.
        trained: how one is trained if none is named and the estimators do not see all classes.
        side: pixels to which images are enlarged for a judge that was not trained at their size.
        folder: for checkpoints; a training that was interrupted goes on.

    Returns:
        The judge; a trained one is named after what it learned from, `pixelnet@<source>` if that
        is the source alone.

    Raises:
        StoreError: it sees none of the source's classes.
    """
    classes = given.source.classes
    chosen = settings.judge
    if chosen is None:
        known = layout.ESTIMATORS.is_file() and settings.learned_from is None
        seen = set(load_estimators(layout.ESTIMATORS).parts) if known else set()
        chosen = EstimatorsJudge() if seen >= set(classes) else trained
    if isinstance(chosen, TrainedJudge):
        images, labels, data = _learned_from(given, settings)
        return train_segmenter(images, labels, classes, chosen, folder, data)
    judge = (
        load_espnet(chosen)
        if isinstance(chosen, ESPNetSettings)
        else PartsSegmenter(load_estimators(layout.ESTIMATORS))
    )
    if not set(judge.classes) & set(classes):
        raise StoreError(
            f"sources.{given.name}.judge: {judge.identity} sees none of the source's classes "
            f"({', '.join(classes)}) but {', '.join(judge.classes)}; name another judge in "
            "params.yaml, or none, and one is trained"
        )
    return Enlarging(judge, side)


def judges_of(
    given: NamedSource,
    settings: SourceSettings,
    own: SemanticEvaluateSettings,
    made: Mapping[str, str],
    folder: Path,
) -> list[tuple[Segmenter, str]]:
    """The judges of a source, the most independent first, each with what it shares with the images.

    Beside that of `judge_of` stands the network of the stage `judge`, if it sees all classes.

    Args:
        given: the source.
        settings: as for `judge_of`.
        own: how a judge is trained, and how large it sees images.
        made: which networks had a part in the images, as for `independence.shared`.
        folder: for checkpoints.

    Raises:
        StoreError: as `judge_of`.
    """
    judges = [judge_of(given, settings, own.trained, own.judge_side, folder)]
    if layout.JUDGE.is_file():
        other = PartsSegmenter(load_estimators(layout.JUDGE))
        if set(other.classes) >= set(given.source.classes):
            judges.insert(0, Enlarging(other, own.judge_side))
    shares = [shared(judge.identity, made, DOMAIN) for judge in judges]
    return [(judges[place], shares[place]) for place in most_independent(shares)]


def _learned_from(
    given: NamedSource, settings: SourceSettings
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], str]:
    """Images (N, H, W, 3), labels (N, H, W) as the source numbers them or 255, and their name."""
    source = given.source
    if settings.learned_from is None:
        return source.image[None], source.labels[None], given.name
    if isinstance(settings.learned_from, LabelledDomain):
        domain = settings.learned_from.domain
        read, data = _domain(domain), domain
    else:
        read = _pairs(settings.learned_from, settings)
        data = "/".join(settings.learned_from.folder.parts[-2:])  # `train` alone says little
    images, labels = [], []
    size = (source.labels.shape[0], source.labels.shape[1])
    for image, found in read:
        images.append(resized_image(central_part(image, size), size))
        cut = resized_labels(central_part(found.labels, size), size)
        table = translation(found.classes, source.classes)
        if NO_CLASS in source.classes:
            table[IGNORE] = source.classes.index(NO_CLASS)
        labels.append(table[cut])
    return np.stack(images), np.stack(labels), data


def _domain(domain: str) -> list[tuple[NDArray[np.uint8], LabelMap]]:
    """The first training images of a labelled domain."""
    group = open_group(layout.images(domain), "image", "labels")
    rows = rows_of(read_items(layout.items(domain)), "train")[:MOST]
    classes = name_list(group, "classes")
    images, labels = (read_rows(array(group, name), rows) for name in ("image", "labels"))
    return [(one, LabelMap(map_, classes)) for one, map_ in zip(images, labels, strict=True)]


def _pairs(
    given: PairsFolder, settings: SourceSettings
) -> list[tuple[NDArray[np.uint8], LabelMap]]:
    """The first files of a folder that are neither the source nor a target."""
    problems: Problems = []
    used = {shown.pair.resolve() for shown in _shown(settings) if isinstance(shown, PairFile)}
    files = [path for path in pictures_in(given.folder, problems) if path.resolve() not in used]
    read = []
    for path in files[: given.limit]:
        shown = PairFile(pair=path, classes=given.classes, photo_left=given.photo_left)
        found = read_shown(shown, str(path), problems)
        if found is not None and found[1] is not None:
            read.append((found[0].image, found[1]))
    if not read:
        problems.append(f"{given.folder}: expected side-by-side files to learn from, found none")
        raise_all(problems)
    return read  # what cannot be read is left out: a judge needs no single one of them


def _shown(settings: SourceSettings) -> list[object]:
    return [settings.image, *(target.image for target in settings.targets.values())]
