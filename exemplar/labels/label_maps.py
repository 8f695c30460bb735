"""Label maps of a run as classes: the source's map says which there are, targets are read by it.

Fourth in its way of the data, after `drawn`. Source and targets may be files of different kinds.
All that is wrong is noted and told together, before anything is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from exemplar.data.problems import Problems
from exemplar.labels.colours import GREY, colour_of, distinct_colours, hexadecimal, packed, unpacked
from exemplar.labels.drawn import Drawn
from exemplar.labels.palette import Entry, Palette, listed
from exemplar.labels.snapping import (
    MOST,
    RARE,
    apart,
    cleaned,
    frequent,
    smoothed,
    snapped,
    solid,
)
from exemplar.labels.values import places

LEVELS = 256  # of grey
SHOWN = 12  # classes that a message spells out
MUCH = 0.25
"""Share of a map's pixels with colours of classes, from which these are no chance."""


def source_classes(
    found: Drawn,
    where: str,
    entries: Sequence[Entry],
    snap: int | None,
    problems: Problems,
) -> tuple[NDArray[np.uint8], Palette] | None:
    """The classes of a run: those of the source's label map.

    Args:
        found: the map.
        where: it is from, for messages.
        entries: what the user calls classes.
        snap: of inexact colours, so many classes are made: of the most frequent ones; 0: of those
            that `entries` name, or if it names none, of all frequent ones. None: colours are
            exact.
        problems: gets a line if it cannot be used.

    Returns:
        (H, W) u8 places in the palette, and the palette, without classes that no pixel has; none
        if it cannot be used.
    """
    values, inverse, counts = np.unique(found.codes, return_inverse=True, return_counts=True)
    labels = inverse.reshape(found.size)
    if snap is not None and found.colours is not None:
        colours = unpacked(np.unique(found.colours))
        named = [entry.colour for entry in entries if entry.colour is not None]
        pixels = unpacked(found.colours)
        if snap == 0 and named:
            chosen = np.array(named, np.uint8)
        else:
            chosen = colours[frequent(colours, _counts(found.colours), min(snap, MOST) or None)]
            if snap == 0:
                areas = solid(snapped(pixels, chosen), len(chosen))
                chosen = chosen[areas] if areas.any() else chosen
        shares = np.bincount(snapped(pixels, chosen).ravel(), minlength=len(chosen)) / labels.size
        # What is left of a class on a few pixels is a blend of others.
        chosen = chosen[shares >= min(RARE, shares.max())]
        palette = Palette(_names(packed(chosen), None, entries), chosen)
        return snapped(pixels, chosen), palette
    if smoothed(counts) or (found.inexact and snap is None and not apart(_shown(found, values))):
        problems.append(_told_smoothed(found, where, values, counts))
        return None
    # Numbers keep their order; colours without numbers come the most frequent first.
    ids = None
    order = np.arange(len(values))
    if found.ids is not None:
        first = np.unique(found.codes, return_index=True)[1]
        numbers = found.ids.ravel()[first]
        order = np.argsort(numbers, kind="stable")
        ids = tuple(int(number) for number in numbers[order])
    else:
        order = np.argsort(-counts, kind="stable")
    place = np.empty(len(values), np.uint8)
    place[order] = np.arange(len(values))
    values = values[order]
    colours = unpacked(values) if found.coloured else distinct_colours(len(values))
    codes = values if found.coloured else None
    palette = Palette(_names(codes, ids, entries), colours, ids, found.coloured)
    return place[labels], palette


def target_classes(
    found: Drawn,
    where: str,
    palette: Palette,
    entries: Sequence[Entry],
    mapping: Mapping[str, int],
    problems: Problems,
) -> NDArray[np.uint8] | None:
    """A target's label map by the classes of the source.

    Args:
        found: the map, its colours exact.
        where: it is from, for messages.
        palette: the source's classes.
        entries: what the user calls classes, also such as the source lacks.
        mapping: a class of the target, by its colour, number or name → the place that it gets.
        problems: gets a line if it has classes that the source lacks.

    Returns:
        (H, W) u8 places in the palette, none if it has others.
    """
    labels = _by_best(found, palette)
    for text, place in mapping.items():
        labels[class_mask(text, found, palette, entries)] = place
    lacking = labels < 0
    if lacking.any():
        problems.append(_told_lacking(found, where, palette, entries, lacking))
        return None
    return labels.astype(np.uint8)


def exact(found: Drawn, palette: Palette, entries: Sequence[Entry]) -> Drawn:
    """A target's map whose colours or grey levels are not exact, in those of the classes.

    Args:
        found: the map.
        palette: the source's classes.
        entries: what the user calls classes.

    Returns:
        A map of exact ones, see `snapping.cleaned`; as it is, if it has no colours.
    """
    if found.colours is None:
        return found
    pixels = unpacked(found.colours)
    if palette.coloured:
        named = [entry.colour for entry in entries if entry.colour is not None]
        others = np.array(named, np.uint8) if named else None
        made = cleaned(pixels, palette.colours, others)
        return Drawn(packed(made), None, coloured=True)
    levels = [number for number in palette.ids or () if number < LEVELS]
    if not levels:
        return found
    made = cleaned(pixels, unpacked(np.array(levels) * GREY))
    return Drawn(packed(made), made[..., 0].astype(np.int64), coloured=False)


def class_mask(
    text: str, found: Drawn, palette: Palette, entries: Sequence[Entry]
) -> NDArray[np.bool_]:
    """The pixels of a target's class, by its colour, its number, or a name.

    Args:
        text: how the class is called.
        found: the target's map.
        palette: the source's classes.
        entries: what the user calls classes.

    Returns:
        (H, W), nowhere true if the map has no such class.
    """
    names = [name.casefold() for name in palette.names]
    if text.casefold() in names:
        return _by_best(found, palette) == names.index(text.casefold())
    for entry in entries:
        if entry.name.casefold() == text.casefold():
            text = hexadecimal(entry.colour) if entry.colour is not None else str(entry.id)
    colour = colour_of(text)
    if colour is not None and found.colours is not None:
        return found.colours == packed(np.array(colour))
    if text.isdigit() and found.ids is not None:
        return found.ids == int(text)
    return np.zeros(found.size, bool)


def known_share(found: Drawn, palette: Palette) -> float:
    """The share of a map's pixels whose class the source has, from 0 to 1."""
    return float((_by_best(found, palette) >= 0).mean())


def _by_best(found: Drawn, palette: Palette) -> NDArray[np.int64]:
    """Places by colours or by numbers, whichever more pixels are known by; −1 where none is."""
    ways = []
    if found.colours is not None:
        ways.append(places(found.colours, packed(palette.colours)))
    if found.ids is not None and palette.ids is not None:
        ways.append(places(found.ids, np.array(palette.ids)))
    if not ways:
        return np.full(found.size, -1)
    if renumbered(found, palette):
        return ways[0]
    # Of equally good ways numbers go first. But a source of numbers that no palette image has room
    # for is written with places as numbers, in colours that then say what is meant.
    ours = found.coloured and len(ways) == 2 and bool((ways[0] >= 0).all())
    if not (found.coloured and palette.coloured) and not ours:
        ways.reverse()
    return max(ways, key=lambda places: int((places >= 0).sum()))


def renumbered(found: Drawn, palette: Palette) -> bool:
    """Whether a map's numbers are those of other classes than its colours, which then decide."""
    if found.colours is None or found.ids is None or palette.ids is None or not found.coloured:
        return False
    by_colour = places(found.colours, packed(palette.colours))
    by_number = places(found.ids, np.array(palette.ids))
    known = by_colour >= 0
    other = known & (by_number >= 0) & (by_number != by_colour)
    return bool(known.mean() >= MUCH and other.any())


def _names(
    colours: NDArray[np.int64] | None, ids: Sequence[int] | None, entries: Sequence[Entry]
) -> tuple[str, ...]:
    """What classes are called: as the user does, or else their colour or number."""
    by_colour = {packed(np.array(e.colour)).item(): e.name for e in entries if e.colour is not None}
    by_number = {e.id: e.name for e in entries if e.id is not None}
    if colours is not None:
        own = [hexadecimal(colour) for colour in unpacked(colours)]
        named = [by_colour.get(int(code)) for code in colours]
    else:
        own = [str(number) for number in ids or ()]
        named = [None] * len(own)
    if ids is not None:
        # A colour goes before a number: paint programs keep the former.
        named = [name or by_number.get(number) for name, number in zip(named, ids, strict=True)]
    return tuple(name or other for name, other in zip(named, own, strict=True))


def _shown(found: Drawn, values: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The colours or grey levels of a map's values, (N, 3)."""
    return unpacked(values if found.coloured else np.minimum(values, LEVELS - 1) * GREY)


def _counts(values: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(values, return_counts=True)[1]


def _told_smoothed(
    found: Drawn, where: str, values: NDArray[np.int64], counts: NDArray[np.int64]
) -> str:
    """What is said of a map with more classes than is sensible."""
    what = "colours" if found.coloured else "numbers"
    largest = np.sort(counts)[::-1]
    if not smoothed(counts):
        return (
            f"{where}: expected a label map with exact {what}, but it was saved in a format such "
            f"as JPEG, which makes {what} that nobody drew; save it as PNG, or give --snap, by "
            "which each pixel takes the nearest of the frequent colours"
        )
    told = (
        f"{where}: expected a label map of at most {MOST} classes with hard edges, got "
        f"{len(values)} {what}"
    )
    if found.colours is None:
        return f"{told}; give a map of classes, not of objects or depths"
    colours = unpacked(np.unique(found.colours))
    unlike = len(frequent(colours, _counts(found.colours)))
    share = largest[:unlike].sum() / largest.sum()
    return (
        f"{told}, the {unlike} most frequent of which cover {share:.1%}. If it is smoothed or "
        "compressed, save it as PNG without smoothing, or give --snap, by which each pixel takes "
        "the nearest of the frequent colours (--snap N: of N of them; with --palette FILE: of its "
        "colours). If it is a photograph and there is no label map, give the word clusters instead"
    )


def _told_lacking(
    found: Drawn,
    where: str,
    palette: Palette,
    entries: Sequence[Entry],
    lacking: NDArray[np.bool_],
) -> str:
    """What is said of a target with classes that the source lacks."""
    by_colour = found.colours is not None and (found.coloured or found.ids is None)
    codes = found.colours if by_colour else found.ids
    assert codes is not None
    values, counts = np.unique(codes[lacking], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    values = values[order]
    calls = _names(values if by_colour else None, None if by_colour else values.tolist(), entries)
    shares = [
        f"{call} ({count / codes.size:.1%})"
        for call, count in zip(calls, counts[order], strict=True)
    ]
    shown = ", ".join(shares[:SHOWN]) + (
        f" and {len(shares) - SHOWN} more" if len(shares) > SHOWN else ""
    )
    few = "is a class" if len(values) == 1 else f"are {len(values)} classes"
    advice = f"say which of the source's they are, such as --map '{calls[0]}={palette.names[0]}'"
    if smoothed(np.unique(codes, return_counts=True)[1]):
        advice = f"it seems to be smoothed or compressed: give --snap; or {advice}"
    return f"{where}: {shown} {few} that the source lacks; it has {listed(palette)}; {advice}"
