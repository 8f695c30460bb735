"""Classes that are known beforehand, and what is said of maps that do not fit them.

A domain or a trained network has classes; `recognition` reads maps by them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exemplar.labels.colours import hexadecimal, label_palette, packed, unpacked
from exemplar.labels.encoding import IGNORE
from exemplar.labels.snapping import smoothed
from exemplar.labels.values import Values, per_cent

NO_CLASS = 0x000000
"""The colour of pixels without a class, unless a class has it."""
SHOWN = 12
"""Numbers and colours that a message spells out."""


class Known(NamedTuple):
    """Classes that maps are read by.

    Attributes:
        names: of each.
        numbers: that stand for them, one each.
        ignore: numbers of pixels that have no class.
        colours: (C, 3) u8 that stand for them, no two alike; none if only numbers do.
        given: the user has named the colours; otherwise they are those that maps are shown in, and
            mean something only where a map has them.
        remedy: what to do about numbers and colours that have no class.
    """

    names: tuple[str, ...]
    numbers: tuple[int, ...]
    ignore: tuple[int, ...] = (IGNORE,)
    colours: NDArray[np.uint8] | None = None
    given: bool = False
    remedy: str = "relabel them"

    @property
    def codes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Colours (K,) as 0xRRGGBB, and the place of each; `NO_CLASS` too, if no class has it."""
        assert self.colours is not None
        codes, own = packed(self.colours), np.arange(len(self.colours))
        if NO_CLASS in codes:
            return codes, own
        return np.append(codes, NO_CLASS), np.append(own, IGNORE)


def called(number: int) -> str:
    """The name of a class of which only the number is known."""
    return f"class {number}"


def shown_colours(numbers: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """The colours in which maps of these numbers are shown; none if two are alike."""
    if not numbers or max(numbers) >= len(label_palette()):
        return None
    colours = label_palette()[list(numbers)]
    return colours if len(np.unique(packed(colours))) == len(numbers) else None


def unknown(
    values: Values, known: Known, by_number: NDArray[np.int64] | None, inexact: bool
) -> str:
    """What is said of a map with pixels of no class."""
    total = values.counts.sum()
    if by_number is None:
        assert values.colours is not None
        order = np.argsort(-values.counts, kind="stable")
        colours, parts = unpacked(values.colours[order]), values.counts[order] / total
        shares = [
            f"{hexadecimal(colour)} ({per_cent(share)})"
            for colour, share in zip(colours, parts, strict=True)
        ]
        expected = "expected one number a pixel (a grey or palette image of 8, 16 or 32 bits)"
        if known.colours is not None:
            own = zip(known.colours, known.names, strict=True)
            classes = listed([f"{hexadecimal(colour)} {name}" for colour, name in own])
            expected += f", or the colours of the classes, {classes}"
        many = "; is it a photograph?" if smoothed(values.counts) else ""
        return (
            f"{expected}; got mode RGB with {len(shares)} colours, {listed(shares)}{many}; "
            f"{known.remedy}"
        )
    assert values.numbers is not None
    wrong = by_number < 0
    plain = known.numbers == tuple(range(len(known.numbers)))
    expected = (
        f"0 to {len(known.numbers) - 1}"
        if plain
        else listed([str(n) for n in sorted(known.numbers)])
    )
    numbers = [str(number) for number in values.numbers[wrong].tolist()]
    parts = listed([per_cent(count / total) for count in values.counts[wrong]])
    place = values.spread(wrong, False)
    y, x = np.argwhere(place)[0]
    told = (
        f"labels {listed(numbers)} have no class; expected {expected}. They are at "
        f"{int(place.sum())} pixels, the first at row {y}, column {x} ({parts} of all)"
    )
    if known.names[0] != called(known.numbers[0]):
        own = zip(known.numbers, known.names, strict=True)
        told += f"; classes are {listed([f'{number} {name}' for number, name in own])}"
    if plain and values.numbers[0] == 1 and values.numbers[wrong].tolist() == [len(known.names)]:
        told += "; its numbers seem to begin at 1, those of the classes begin at 0"
    if inexact or smoothed(values.counts):
        told += "; it seems to be smoothed or compressed, or a photograph: save the map as PNG"
    return f"{told}; {known.remedy}"


def disagreement(
    values: Values, by_number: NDArray, by_other: NDArray, known: Known, what: str = "colours"
) -> str:
    """Which classes numbers and colours disagree on."""
    assert values.numbers is not None
    assert values.colours is not None
    names = dict(enumerate(known.names)) | {IGNORE: "no class", -1: "no class"}
    said = [
        f"{number} ({hexadecimal(unpacked(colour))}) is {names[int(one)]} by its number and "
        f"{names[int(other)]} by its {'colour' if what == 'colours' else 'grey level'}"
        for number, colour, one, other in zip(
            values.numbers.tolist(), values.colours, by_number, by_other, strict=True
        )
        if one != other and other >= 0
    ]
    decided = "; its colours decide" if what == "colours" and (by_other >= 0).all() else ""
    return f"its numbers and {what} disagree: {listed(said)}{decided}"


def unclear(values: Values, by_number: NDArray, by_colour: NDArray, known: Known) -> str:
    """What is said where neither colours nor numbers can be believed."""
    assert values.colours is not None
    others = [hexadecimal(colour) for colour in unpacked(values.colours[by_colour < 0])]
    return (
        f"{disagreement(values, by_number, by_colour, known)}, but {listed(others)} have no "
        "class; save it with the palette that it had, or as a grey image of numbers"
    )


def listed(said: list[str]) -> str:
    """Some things for a message, as many as can be read."""
    more = f" and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
    return ", ".join(said[:SHOWN]) + more
