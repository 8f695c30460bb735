"""Edits as a user writes them: `move:CLASS:dx,dy`, `resize:CLASS:factor`, `remove:CLASS[:WITH]`.

From text to a target's label map; `edits` does the work.
"""

from __future__ import annotations

import math
import re

import numpy as np

from exemplar.labels.edits import (
    Labels,
    Region,
    moved,
    numbered_regions,
    removed,
    resized,
)
from exemplar.labels.palette import Palette, listed, place_of

FORMS = "move:CLASS:dx,dy, resize:CLASS:factor or remove:CLASS[:WITH]"
NEXT = ";"
"""Between edits that make one target."""
AND = "+"
"""Between classes that are edited together."""
REGION = "@"
"""Before the number of a region of a class, 1 the largest."""
DISTANCE = re.compile(r"[+-]?\d+(\.\d+)?%?")


class WishError(ValueError):
    """An edit cannot be made; the text says why."""


def edited(labels: Labels, palette: Palette, text: str) -> Labels:
    """A target of the source's labels.

    Args:
        labels: (H, W) u8 places in the palette.
        palette: the source's classes.
        text: edits, with semicolons between them, done one after the other. CLASS is a name, a
            colour, a number, or one of these with `@1` for its largest connected region, `@2` for
            the next; several together have `+` between them. Distances are pixels to the right
            and down, or per cent of the width and height with `%`.

    Returns:
        (H, W) u8.

    Raises:
        WishError: the edit cannot be read, there is no such class or region, or it cannot be made.
    """
    for wish in text.split(NEXT):
        try:
            labels = _done(labels, palette, wish.strip())
        except WishError:
            raise
        except ValueError as error:
            raise WishError(f"{wish.strip()!r}: {error}") from error
    return labels


def target_name(text: str) -> str:
    """A folder's name for what some edits make."""
    return re.sub(r"[^\w.%+-]+", "-", text.replace("#", "")).strip("-.")


def _done(labels: Labels, palette: Palette, wish: str) -> Labels:
    """One edit."""
    kind, *rest = wish.split(":")
    if kind == "remove" and len(rest) in (1, 2):
        other = _place(rest[1], palette, wish) if len(rest) == 2 else None
        return removed(labels, _region(labels, palette, rest[0], wish), other)
    if kind == "resize" and len(rest) == 2:
        return resized(labels, _region(labels, palette, rest[0], wish), _factor(rest[1], wish))
    if kind == "move" and len(rest) == 2 and rest[1].count(",") == 1:
        height, width = labels.shape
        right, down = rest[1].split(",")
        by = (_distance(down, height, wish), _distance(right, width, wish))
        return moved(labels, _region(labels, palette, rest[0], wish), by)
    raise WishError(f"{wish!r}: expected {FORMS}")


def _region(labels: Labels, palette: Palette, text: str, wish: str) -> Region:
    """The pixels of a class, of one of its regions, or of several of these together."""
    if AND in text and place_of(text, palette) is None:
        parts = [_region(labels, palette, part.strip(), wish) for part in text.split(AND)]
        return np.logical_or.reduce(parts)
    name, found, number = text.rpartition(REGION)
    if not found or not number.isdigit() or place_of(text, palette) is not None:
        name, number = text, ""
    place = _place(name, palette, wish)
    here = np.asarray(labels == place)
    if not here.any():
        raise WishError(f"{wish!r}: no pixel of the map is {name}")
    if not number:
        return here
    parts, sizes = numbered_regions(labels, place)
    if not 1 <= int(number) <= len(sizes):
        raise WishError(f"{wish!r}: {name} has {len(sizes)} regions; choose @1 to @{len(sizes)}")
    return parts == int(number)


def _place(text: str, palette: Palette, wish: str) -> int:
    place = place_of(text, palette)
    if place is None:
        raise WishError(f"{wish!r}: the source has no class {text!r}; it has {listed(palette)}")
    return place


def _distance(text: str, side: int, wish: str) -> int:
    """Pixels, of a distance in pixels or per cent of a side."""
    text = text.strip()
    if not DISTANCE.fullmatch(text):
        raise WishError(
            f"{wish!r}: expected a distance in pixels, such as -12, or of the side, such as 10%, "
            f"got {text!r}"
        )
    return round(float(text[:-1]) / 100 * side) if text.endswith("%") else round(float(text))


def _factor(text: str, wish: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not 0 < factor < math.inf:
        raise WishError(f"{wish!r}: expected a factor above 0, such as 1.5, got {text!r}")
    return factor
