"""The classes of a domain, as its settings name them, for `recognition`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from exemplar.data.layout_settings import CityscapesSettings
from exemplar.data.photo_settings import LabelledSettings, PairsSettings
from exemplar.labels.colours import Colour
from exemplar.labels.known import Known, shown_colours
from exemplar.settings import section

REMEDY = "name them in classes or in ignore"
COLOURED = "; of a map of colours, name that of each class in colours"
COLOURED_CLASSES = "; of a map of colours, classes may be names and their [red, green, blue]"


def known_of(settings: CityscapesSettings) -> Known:
    """The classes of a domain of label maps."""
    numbers = settings.numbers()
    own = tuple(numbers.values())
    if settings.colours is None:
        return _by_numbers(numbers, settings.ignore, COLOURED)
    colours = np.array([settings.colours[name] for name in numbers], np.uint8)
    return Known(tuple(numbers), own, settings.ignore, colours, given=True, remedy=REMEDY)


def known_of_labelled(settings: LabelledSettings) -> Known:
    """The classes of a domain of photographs with label maps."""
    colours = settings.colours()
    if colours is None:
        return _by_numbers(settings.numbers(), settings.ignore, COLOURED_CLASSES)
    return known_by_colours(colours, "name them in classes")


def _by_numbers(numbers: Mapping[str, int], ignore: tuple[int, ...], coloured: str) -> Known:
    """Classes that have no colours but those in which maps are shown."""
    own = tuple(numbers.values())
    return Known(tuple(numbers), own, ignore, shown_colours(own), remedy=REMEDY + coloured)


def known_of_pairs(settings: PairsSettings, remedy: str = "name them in classes") -> Known:
    """The classes of a domain of side-by-side files, whose maps have colours alone."""
    return known_by_colours(settings.colours(), remedy)


def known_by_colours(named: Mapping[str, Colour], remedy: str) -> Known:
    """Classes that are known by their colours alone.

    Args:
        named: the colour of each.
        remedy: see `Known`.
    """
    colours = np.array(list(named.values()), np.uint8)
    plain = tuple(range(len(named)))
    return Known(tuple(named), plain, colours=colours, given=True, remedy=remedy)


def known_in(
    params: dict[str, Any], domain: str, classes: Sequence[str], remedy: str = "relabel them"
) -> Known:
    """The classes by which a user's map for a domain is read.

    Args:
        params: of `params.yaml`.
        domain: a section of `domains`.
        classes: the names of those that were learned, in the order of their places.
        remedy: see `Known`.

    Returns:
        With the numbers and colours that the domain's own maps have; those of a domain that has no
        maps of its own are 0, 1, ….
    """
    own = params.get("domains", {}).get(domain, {})
    kind = own.get("kind") if isinstance(own, dict) else None
    plain = tuple(range(len(classes)))
    if kind in ("cityscapes", "labelled"):
        known = (
            known_of(section(params, f"domains.{domain}", CityscapesSettings))
            if kind == "cityscapes"
            else known_of_labelled(section(params, f"domains.{domain}", LabelledSettings))
        )
        if set(known.names) >= set(classes):
            at = [known.names.index(name) for name in classes]
            colours = None if known.colours is None else known.colours[at]
            numbers = tuple(known.numbers[place] for place in at)
            return Known(tuple(classes), numbers, known.ignore, colours, known.given, remedy)
    if kind == "pairs":
        named = section(params, f"domains.{domain}", PairsSettings).colours()
        if set(named) >= set(classes):
            return known_by_colours({name: named[name] for name in classes}, remedy)
    return Known(tuple(classes), plain, colours=shown_colours(plain), remedy=remedy)
