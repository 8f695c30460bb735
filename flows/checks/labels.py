"""The label maps of the domains in use: a few of each are read, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from exemplar.data import labelled, pairs
from exemplar.data.cityscapes import inputs, masked_all, read
from exemplar.data.inputs import BadPhoto, DomainError, Photo, Picture
from exemplar.data.layout_settings import CityscapesSettings
from exemplar.data.photo_settings import LabelledSettings, PairsSettings, PhotoSettings
from exemplar.data.pixels import decode
from exemplar.labels.known import listed
from exemplar.labels.shares import absent, shares, unlabelled
from exemplar.settings import SettingsError, section
from flows.checks.finding import Finding, ok, problem, warning

MODELS = {"cityscapes": CityscapesSettings, "pairs": PairsSettings, "labelled": LabelledSettings}
FEW = 8
"""Label maps of a domain that are read, spread over all of them."""
SIDE = 96
"""Pixels a side at which classes are counted."""

Each = TypeVar("Each")
Own = TypeVar("Own", bound=PhotoSettings)


class Looked(NamedTuple):
    """What a few label maps of a domain say.

    Attributes:
        names: of all classes.
        spared: those that need no pixels.
        all_of_them: how many there are to learn from.
        wrong: of each that cannot be used, its file and what is wrong.
        counts: (C + 1,) pixels of the classes in each of the others.
    """

    names: tuple[str, ...]
    spared: tuple[str, ...]
    all_of_them: int
    wrong: list[str]
    counts: list[NDArray[np.int64]]


def label_domains(params: dict[str, Any]) -> Iterator[Finding]:
    """Checks a few label maps of each domain in use that is made of them."""
    run, domains = params.get("run"), params.get("domains")
    if not isinstance(run, dict) or not isinstance(domains, dict):
        return
    for name in run.get("domains") or []:
        own = domains.get(name)
        kind = own.get("kind") if isinstance(own, dict) else None
        if kind not in MODELS:
            continue
        try:
            settings = section(params, f"domains.{name}", MODELS[kind])
            if not settings.root.is_dir():  # told elsewhere
                continue
            if isinstance(settings, CityscapesSettings):
                yield from _said(name, _layouts(settings))
            elif isinstance(settings, LabelledSettings):
                yield from _said(name, _labelled(settings))
            elif isinstance(settings, PairsSettings) and settings.condition == "labels":
                yield from _said(name, _pairs(settings))
        except SettingsError:
            continue  # told elsewhere
        except DomainError as error:
            yield problem(f"labels of {name}", str(error), "see the message")


def _said(name: str, looked: Looked) -> Iterator[Finding]:
    """What a few label maps say, and what is wrong with them."""
    for wrong in looked.wrong:
        advice = f"mend it, or correct domains.{name} in params.yaml"
        yield problem(f"labels of {name}", wrong, advice)
    if not looked.counts:
        return
    total = np.sum(looked.counts, axis=0)
    number = f"{len(looked.counts)} of {looked.all_of_them} label maps"
    seen = f"{number}: {shares(looked.names, total)}"
    lost = [each for each in absent(looked.names, total) if each not in looked.spared]
    if wrong := unlabelled(total):
        yield problem(f"labels of {name}", f"{seen}; {wrong}", f"correct domains.{name}.classes")
    elif lost:
        advice = (
            f"see that domains.{name}.classes has the numbers or colours of the maps; a class that "
            f"no map has is an error unless it is spared by lacking: [{listed(lost)}]"
        )
        yield warning(f"labels of {name}", seen, advice)
    elif not looked.wrong:
        yield ok(f"labels of {name}", seen)


def _layouts(settings: CityscapesSettings) -> Looked:
    """A few maps of a domain of layouts."""
    learned = [files for files in inputs(settings)[0] if files.split == "train"]
    some, wrong, counts = _spread(learned), [], []
    masked = masked_all(some, settings)
    for files in some:
        try:
            counts.append(read(files, settings, masked).counts)
        except BadPhoto as error:
            wrong.append(f"{files.label}: {error}")
    return Looked(tuple(settings.numbers()), settings.spared(), len(learned), wrong, counts)


def _pairs(settings: PairsSettings) -> Looked:
    """A few maps of a domain of side-by-side files."""
    learned = [photo for photo in pairs.inputs(settings).photos if not photo.split]
    wrong, counts = _seen(learned, settings, pairs.picture)
    return Looked(tuple(settings.colours()), settings.spared(), len(learned), wrong, counts)


def _labelled(settings: LabelledSettings) -> Looked:
    """A few maps of a domain of photographs with label maps."""
    learned = [photo for photo in labelled.inputs(settings).photos if not photo.split]
    wrong, counts = _seen(learned, settings, labelled.picture)
    return Looked(settings.names(), settings.spared(), len(learned), wrong, counts)


def _seen(
    learned: Sequence[Photo],
    settings: Own,
    picture: Callable[[Image.Image, Photo, Own, int], Picture],
) -> tuple[list[str], list[NDArray[np.int64]]]:
    """What is wrong with a few files, and the pixels of each class in the others."""
    wrong, counts = [], []
    for photo in _spread(learned):
        try:
            image = decode((settings.root / photo.source).read_bytes())
            counts.append(np.array(picture(image, photo, settings, SIDE).counts, np.int64))
        except (BadPhoto, OSError) as error:
            wrong.append(f"{photo.source}: {error}")
    return wrong, counts


def _spread(found: Sequence[Each]) -> list[Each]:
    """A few, from all over."""
    places = np.unique(np.linspace(0, len(found) - 1, min(FEW, len(found))).round())
    return [found[int(place)] for place in places]
