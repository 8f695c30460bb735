"""Left and right: which classes a mirror exchanges.

Of a mirrored face the right eye is where the left one was, so that whoever mirrors an image with
its labels must exchange their classes too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Pairs = Sequence[Sequence[str]]
"""Of classes that are exchanged."""

MIRRORED = "mirrored"
"""The attribute of a store with the pairs that a user has named; none: names say them."""

OTHER = {"left": "right", "right": "left", "l": "r", "r": "l"}
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^A-Za-z]+")


def exchanged(classes: Sequence[str], pairs: Pairs | None = None) -> NDArray[np.uint8]:
    """What labels become in a mirror.

    Args:
        classes: names, in the order of their places.
        pairs: of names that are exchanged; none: those that differ by left and right, or l and r,
            alone, such as `l_eye` and `r_eye`, `left ear` and `right ear`, `BrowLeft` and
            `BrowRight`.

    Returns:
        (256,) u8: for each label that of the other side, itself where there is none.

    >>> exchanged(["skin", "l_eye", "r_eye"])[:4].tolist()
    [0, 2, 1, 3]
    """
    table = np.arange(256, dtype=np.uint8)
    places = {name: place for place, name in enumerate(classes)}
    found = pairs if pairs is not None else sides(classes)
    for one, other in found:
        table[places[one]], table[places[other]] = places[other], places[one]
    return table


def sides(classes: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of classes whose names differ by the side alone, each pair once."""
    names = {_plain(_words(name)): name for name in reversed(classes)}
    found = []
    for name in classes:
        words = _words(name)
        for place, word in enumerate(words):
            other = OTHER.get(word.lower())
            there = other and names.get(_plain([*words[:place], other, *words[place + 1 :]]))
            if there and there != name and (there, name) not in found:
                found.append((name, there))
                break
    return found


def _words(name: str) -> list[str]:
    """A name's words and what is between them; `lefteye` has two as well."""
    words = WORD.findall(name)
    whole = name.lower()
    for side in ("left", "right"):
        if len(words) == 1 and whole != side and whole.startswith(side):
            return [side, whole.removeprefix(side)]
        if len(words) == 1 and whole != side and whole.endswith(side):
            return [whole.removesuffix(side), side]
    return words


def _plain(words: Sequence[str]) -> str:
    return "\0".join(words).lower()
