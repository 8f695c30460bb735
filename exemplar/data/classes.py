"""Which classes come with a domain of photographs, and what is said of them.

Beside `ingest`, which has looked at every file and has written nothing yet.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from exemplar.data.inputs import DomainError, Photo, told
from exemplar.data.photo_settings import LabelledSettings, PairsSettings, Photos
from exemplar.data.scan import Finding
from exemplar.labels.agreement import exchanged_palettes
from exemplar.labels.shares import said_in_notes, said_of_split, unlearnable
from exemplar.labels.sides import MIRRORED
from exemplar.store.items import SPLITS


class Given(NamedTuple):
    """What a domain's files say beside their photographs.

    Attributes:
        arrays: their types, by names; all are of the photographs' size.
        classes: the names of those that labels have; none without labels.
        mirrored: pairs of them that are named.
        spared: those that need no pixels.
    """

    arrays: dict[str, str]
    classes: tuple[str, ...] = ()
    mirrored: tuple[tuple[str, str], ...] | None = None
    spared: tuple[str, ...] = ()

    @property
    def attributes(self) -> dict[str, list]:
        """Of the store."""
        found: dict[str, list] = {"classes": list(self.classes)} if self.classes else {}
        if self.mirrored is not None:
            found[MIRRORED] = [list(pair) for pair in self.mirrored]
        return found


def given_by(settings: Photos) -> Given:
    """What there is beside the photographs of a domain."""
    if isinstance(settings, LabelledSettings):
        arrays = {"labels": "uint8"}
        arrays |= {} if settings.instances is None else {"instances": "uint16"}
        return Given(arrays, settings.names(), settings.mirrored, settings.spared())
    if not isinstance(settings, PairsSettings):
        return Given({})
    if settings.condition == "edges":
        return Given({"edges": "float16"})
    names = tuple(settings.colours())
    return Given({"labels": "uint8"}, names, settings.mirrored, settings.spared())


def without_exchanged(findings: Sequence[Finding]) -> list[Finding]:
    """Findings, of which those whose palette is numbered unlike most others have a reason."""
    wrong = exchanged_palettes([dict(finding.palette) for finding in findings])
    return [
        replace(finding, reason=finding.reason or wrong[place]) if place in wrong else finding
        for place, finding in enumerate(findings)
    ]


def tell_classes(good: Sequence[tuple[Photo, Finding, str]], settings: Photos) -> None:
    """Says which classes were recognised; tells what cannot be learned.

    Args:
        good: the photographs that are used, what was found, and their splits.
        settings: of the domain.

    Raises:
        DomainError: a class has no pixels to learn from, or too many pixels have no class.
    """
    given = given_by(settings)
    if not given.classes:
        return
    for split in SPLITS:
        some = [finding for _, finding, own in good if own == split]
        if some:
            ways, counts = [each.way for each in some], [each.counts for each in some]
            print(said_of_split(split, ways, given.classes, counts), file=sys.stderr)
    for line in said_in_notes((photo.source, finding.notes) for photo, finding, _ in good):
        print(line, file=sys.stderr)
    learned = [finding.counts for _, finding, own in good if own == "train"]
    if not learned:
        return
    if wrong := unlearnable(given.classes, np.sum(learned, axis=0), given.spared):
        raise DomainError(told(settings.root, wrong, "Then run the stage again"))
