"""The label maps of the domains in use: a few of each are read, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from exemplar.data.cityscapes import LayoutFiles, are_masks, inputs, read
from exemplar.data.inputs import BadPhoto, DomainError
from exemplar.data.layout_settings import CityscapesSettings
from exemplar.labels.shares import shares, unlabelled
from exemplar.settings import SettingsError, section
from flows.checks.finding import Finding, ok, problem

FEW = 8
"""Layouts of a domain that are read, spread over all of them."""


def label_domains(params: dict[str, Any]) -> Iterator[Finding]:
    """Checks a few label maps of each domain in use that is made of them."""
    run, domains = params.get("run"), params.get("domains")
    if not isinstance(run, dict) or not isinstance(domains, dict):
        return
    for name in run.get("domains") or []:
        own = domains.get(name)
        if not isinstance(own, dict) or own.get("kind") != "cityscapes":
            continue
        try:
            settings = section(params, f"domains.{name}", CityscapesSettings)
            if settings.root.is_dir():  # told elsewhere
                yield from _maps(name, settings)
        except SettingsError:
            continue  # told elsewhere
        except DomainError as error:
            yield problem(f"labels of {name}", str(error), "see the message")


def _maps(name: str, settings: CityscapesSettings) -> Iterator[Finding]:
    """What a few label maps say, and what is wrong with them."""
    layouts, _ = inputs(settings)
    learned = [files for files in layouts if files.split == "train"]
    places = np.unique(np.linspace(0, len(learned) - 1, min(FEW, len(learned))).round())
    some = [learned[int(place)] for place in places]
    masked, counts, sound = are_masks(some, settings), [], True
    for files in some:
        found = _counts(files, settings, masked)
        if isinstance(found, str):
            sound = False
            advice = f"mend it, or correct domains.{name} in params.yaml"
            yield problem(f"labels of {name}", f"{files.label}: {found}", advice)
        else:
            counts.append(found)
    if not counts:
        return
    total = np.sum(counts, axis=0)
    seen = f"{len(counts)} of {len(learned)} label maps: {shares(list(settings.numbers()), total)}"
    if wrong := unlabelled(total):
        yield problem(f"labels of {name}", f"{seen}; {wrong}", f"correct domains.{name}.classes")
    elif sound:
        yield ok(f"labels of {name}", seen)


def _counts(files: LayoutFiles, settings: CityscapesSettings, masked: bool) -> np.ndarray | str:
    """The pixels of each class in a layout, or what is wrong with it."""
    try:
        return read(files, settings, masked).counts
    except BadPhoto as error:
        return str(error)
