"""Label maps by classes that are known beforehand: those of a domain, or of a trained network.

After `drawn` in the way of the data, beside `label_maps`, by which a map says itself which classes
there are. A map may be of numbers or of colours; where both could be meant, and differ, that is
told, and no class is ever taken for another without a word.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exemplar.data.inputs import BadPhoto
from exemplar.data.problems import Problems
from exemplar.labels.colours import hexadecimal, packed, unpacked
from exemplar.labels.drawn import Drawn, read_map
from exemplar.labels.encoding import IGNORE
from exemplar.labels.known import NO_CLASS, Known, disagreement, listed, unclear, unknown
from exemplar.labels.shares import counted, said_of_map, unlabelled
from exemplar.labels.snapping import FEW, NEAR, RARE, foreign, smoothed, snapped_near
from exemplar.labels.values import Values, distinct_values, per_cent, places

BLACK_WHITE = (0, 255)
MOST_KNOWN = 0.5
"""Share of the pixels near colours of classes, from which a map was drawn in these."""
MUCH = 0.05
"""Share of the pixels with colours of classes, from which these may not be passed over."""
ENDS = 32
"""Grey levels from black and from white within which a smoothed mask is either."""
MOST_TONES = 0.9
"""Share of its pixels that are either, at least."""
FEWEST = 4
"""Levels that a smoothed mask has at least; fewer are numbers."""


class UnlikeClasses(BadPhoto):
    """A map whose colours are not those of classes.

    Attributes:
        near: the share of its pixels that are near one, from 0 to 1.
    """

    def __init__(self, text: str, near: float) -> None:
        super().__init__(text)
        self.near = near


class Recognised(NamedTuple):
    """A map by known classes.

    Attributes:
        labels: (H, W) u8, places of classes; `IGNORE` where there is none.
        way: how classes were told: `number`, `colour`, `black and white`, `grey level`.
        notes: what a user should know, in sentences.
        numbers: (H, W) i64 of the file, where classes were told by them.
    """

    labels: NDArray[np.uint8]
    way: str
    notes: tuple[str, ...] = ()
    numbers: NDArray[np.int64] | None = None


def read_known(path: Path, known: Known, problems: Problems) -> Recognised | None:
    """Reads a map by known classes.

    Args:
        path: an image file of any kind that `drawn.read_map` reads.
        known: the classes.
        problems: gets a line if it cannot be used, as when most of it has no class.

    Returns:
        The map, none if it cannot be used.
    """
    found = read_map(path, problems)
    if found is None:
        return None
    try:
        made = recognised(found, known)
    except BadPhoto as error:
        problems.append(f"{path}: {error}")
        return None
    if wrong := unlabelled(counted(made.labels, len(known.names))):
        problems.append(f"{path}: {wrong}; {known.remedy}")
        return None
    return made._replace(numbers=found.ids) if made.way == "number" else made


def said_of(path: Path, found: Recognised, known: Known) -> list[str]:
    """How a file was understood, in lines for its user: classes with their shares, and notes."""
    counts = counted(found.labels, len(known.names))
    line = said_of_map(str(path), found.labels.shape, found.way, known.names, counts)
    return [line, *(f"note: {path}: {note}" for note in found.notes)]


def recognised(found: Drawn, known: Known, masked: bool | None = None) -> Recognised:
    """A map by known classes.

    Where its colours are those of classes and its numbers are too, but of others, colours decide:
    programs that write an image anew keep colours, and number a palette as they like.

    Args:
        found: the map.
        known: the classes.
        masked: whether 0 and 255 are two classes, black and white, rather than a number and what is
            ignored; None: if the map has nothing else.

    Raises:
        BadPhoto: it has pixels of no class, or it cannot be said which class is meant.
    """
    values = distinct_values(found)
    if not values.counts.size:  # transparent everywhere
        return Recognised(np.full(found.size, IGNORE, np.uint8), "number")
    by_number, by_colour = _by_number(values, known), _by_colour(values, found, known)
    numbered = by_number is not None and bool((by_number >= 0).all())
    coloured = by_colour is not None and bool((by_colour >= 0).all())
    if by_colour is not None and coloured:
        notes = ()
        if by_number is not None and (by_number != by_colour).any():
            notes = (disagreement(values, by_number, by_colour, known),)
        way = "colour" if notes or by_number is None else "number"
        return _made(values, by_colour, way, notes)
    mask = _mask(values, found, known, masked, numbered)
    if mask is not None:
        return mask
    by_level = _by_level(values, known)
    if by_level is not None:
        return _by_grey_levels(values, by_level, by_number, numbered, known)
    if by_number is not None and numbered:
        if by_colour is not None and _conflict(values, by_number, by_colour):
            raise BadPhoto(unclear(values, by_number, by_colour, known))
        if found.inexact and len(values.counts) > 1:
            raise BadPhoto(
                "is saved in a format such as JPEG, which changes numbers, so that pixels at edges "
                "would be of classes that nobody drew; save the original map as PNG"
            )
        return _made(values, by_number, "number")
    return _snapped(values, found, known, by_number)


def _made(
    values: Values, by: NDArray[np.int64], way: str, notes: tuple[str, ...] = ()
) -> Recognised:
    return Recognised(values.spread(by.astype(np.uint8), IGNORE), way, notes)


def _by_number(values: Values, known: Known) -> NDArray[np.int64] | None:
    """Each value's place by its number, `IGNORE` where it has none, −1 where it is unknown."""
    if values.numbers is None:
        return None
    found = places(values.numbers, np.array(known.numbers))
    return np.where(np.isin(values.numbers, known.ignore), IGNORE, found)


def _by_colour(values: Values, found: Drawn, known: Known) -> NDArray[np.int64] | None:
    """Each value's place by its colour, −1 where it is unknown; none where colours say nothing."""
    if values.colours is None or known.colours is None or not (known.given or found.coloured):
        return None
    codes, own = known.codes
    found_at = places(values.colours, codes)
    return np.where(found_at < 0, -1, own[found_at])


def _by_level(values: Values, known: Known) -> NDArray[np.int64] | None:
    """Places by the grey levels of a palette whose numbers are others; none if they are no way."""
    if values.numbers is None or values.colours is None:
        return None
    levels = values.colours & 255
    grey = (packed(np.repeat(levels[:, None], 3, 1)) == values.colours).all()
    if not grey or (levels == values.numbers).all():
        return None
    found = places(levels, np.array(known.numbers))
    return found if (found >= 0).all() else None


def _by_grey_levels(
    values: Values,
    by_level: NDArray[np.int64],
    by_number: NDArray[np.int64] | None,
    numbered: bool,
    known: Known,
) -> Recognised:
    """A map with a grey palette, whose places and whose levels both are numbers of classes."""
    if by_number is not None and numbered and (by_number != by_level).any():
        raise BadPhoto(
            f"{disagreement(values, by_number, by_level, known, 'grey levels')}, and it cannot be "
            "said which are meant; save it as a grey image whose levels are the numbers of classes"
        )
    note = "its palette is grey, and its levels, not its places, were taken for numbers of classes"
    return _made(values, by_level, "grey level", () if numbered else (note,))


def _mask(
    values: Values, found: Drawn, known: Known, masked: bool | None, numbered: bool
) -> Recognised | None:
    """A mask of black and white as two classes by rank; none if it is none."""
    numbers = values.numbers
    if len(known.names) != 2 or numbers is None or BLACK_WHITE[1] in known.numbers:
        return None
    low, high = np.argsort(known.numbers).tolist()
    said = f"black is {known.names[low]}, white is {known.names[high]}"
    if masked is None:
        masked = numbers.tolist() == list(BLACK_WHITE)
    if masked and np.isin(numbers, BLACK_WHITE).all():
        note = f"masks of 0 and 255 were taken for the two classes: {said}"
        return _made(values, np.where(numbers == 0, low, high), "black and white", (note,))
    share = values.counts / values.counts.sum()
    black, white = numbers <= ENDS, (numbers >= BLACK_WHITE[1] - ENDS) & (numbers < 256)
    sure = masked and found.inexact  # others are masks, and this one was compressed
    between = found.inexact or not (black | white).all()
    both = min(share[black].sum(), share[white].sum()) > 0
    few = len(numbers) < FEWEST or bool(np.isin(numbers[numbers > 0], known.numbers).any())
    few &= not found.inexact
    if not sure and (numbered or few or not between or not both):
        return None
    if share[black | white].sum() < MOST_TONES:
        return None
    other = 1 - share[np.isin(numbers, BLACK_WHITE)].sum()
    note = (
        f"a mask that was smoothed or compressed: {said}, and the {per_cent(other)} of its pixels "
        "that are neither took the nearer one"
    )
    return _made(values, np.where(numbers < 128, low, high), "black and white", (note,))


def tones(found: Drawn) -> set[int]:
    """The numbers of a map; of one that was compressed, 0 and 255 for those that are near."""
    numbers = distinct_values(found).numbers
    if numbers is None:
        return set()
    if found.inexact:
        numbers = numbers[(numbers <= ENDS) | (numbers >= BLACK_WHITE[1] - ENDS)]
        numbers = np.where(numbers <= ENDS, 0, BLACK_WHITE[1])
    return set(numbers.tolist())


def _conflict(values: Values, by_number: NDArray, by_colour: NDArray) -> bool:
    """Whether colours are those of classes, and some of others than their numbers."""
    seen = (by_colour >= 0) & (by_colour != IGNORE)  # black is in many palettes
    share = values.counts[seen].sum() / values.counts.sum()
    return bool(share >= MUCH and (by_number[seen] != by_colour[seen]).any())


def _snapped(
    values: Values, found: Drawn, known: Known, by_number: NDArray[np.int64] | None
) -> Recognised:
    """A map whose colours are nearly those of classes; tells what is wrong with any other."""
    if values.colours is None or known.colours is None or not (known.given or found.coloured):
        raise BadPhoto(unknown(values, known, by_number, found.inexact))
    codes, own = known.codes
    colours = unpacked(values.colours).astype(np.int64)
    away = np.full(len(colours), np.inf)
    for colour in unpacked(codes).astype(np.int64):
        away = np.minimum(away, np.linalg.norm(colours - colour, axis=1))
    near = values.counts[away < NEAR].sum() / values.counts.sum()
    exact = values.counts[away == 0].sum() / values.counts.sum()
    many = len(values.counts) > len(codes) + FEW
    inexact = found.inexact or many or smoothed(values.counts)
    if near < MOST_KNOWN or not inexact:
        raise UnlikeClasses(unknown(values, known, by_number, found.inexact), near)
    assert found.colours is not None
    pixels = unpacked(found.colours)
    void = own[-1] == IGNORE
    others, parts = foreign(pixels, known.colours)
    black = void & (np.linalg.norm(others.astype(np.float64), axis=-1) < NEAR)
    _refuse_foreign(others[~black], parts[~black], known)
    # Compression makes some black between other colours, which nobody drew.
    drawn_black = values.counts[values.colours == NO_CLASS].sum() >= RARE * values.counts.sum()
    if void and not (drawn_black or black.any()):
        codes, own = codes[:-1], own[:-1]
    at, lost = snapped_near(pixels, unpacked(codes))
    labels = np.where(lost, IGNORE, own[at])
    if found.transparent is not None:
        labels[found.transparent] = IGNORE
    note = (
        f"is smoothed or compressed: {per_cent(1 - exact)} of its pixels have no class's very "
        "colour, and took the nearest class around them"
    )
    if lost.any():
        note += f", but for {per_cent(lost.mean())} that have no class, as none is near"
    return Recognised(labels.astype(np.uint8), "colour", (note,))


def _refuse_foreign(colours: NDArray[np.uint8], parts: NDArray[np.float64], known: Known) -> None:
    """Refuses a map with areas in colours (N, 3) that no class has.

    Raises:
        BadPhoto: there are some.
    """
    if not len(colours):
        return
    shares = zip(colours, parts.tolist(), strict=True)
    said = listed([f"{hexadecimal(colour)} ({per_cent(share)})" for colour, share in shares])
    raise BadPhoto(
        f"is smoothed or compressed, and beside its classes' colours has {said}, which have no "
        f"class; {known.remedy}"
    )
