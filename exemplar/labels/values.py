"""The values of a label map, each once: what a map of millions of pixels is decided by.

Between `drawn` and `known`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exemplar.labels.drawn import Drawn

WIDEST = 1 << 17
"""Range of numbers up to which counting is faster than sorting."""


class Values(NamedTuple):
    """What tells the pixels of a map apart, in rising order.

    Attributes:
        numbers: (N,) i64, none if the map has colours only.
        colours: (N,) i64 as 0xRRGGBB, none if it has no colours.
        counts: (N,) pixels of each.
        at: (P,) the value of each pixel that is drawn.
        drawn: (H, W), which are; the others are transparent.
    """

    numbers: NDArray[np.int64] | None
    colours: NDArray[np.int64] | None
    counts: NDArray[np.int64]
    at: NDArray[np.intp]
    drawn: NDArray[np.bool_]

    def spread(self, of_each: NDArray, elsewhere: int | bool) -> NDArray:
        """What each value has, (N,), as a map (H, W); another value where nothing is drawn."""
        if self.drawn.all():
            return of_each[self.at].reshape(self.drawn.shape)
        made = np.full(self.drawn.shape, elsewhere, of_each.dtype)
        made[self.drawn] = of_each[self.at]
        return made


def distinct_values(found: Drawn) -> Values:
    """The values of a map: by its numbers if it has any, for a number has one colour."""
    drawn = np.ones(found.size, bool) if found.transparent is None else ~found.transparent
    codes = found.ids if found.ids is not None else found.colours
    assert codes is not None
    codes = codes[drawn]
    if not codes.size:
        none = np.zeros(0, np.int64)
        return Values(none, none, none, none, drawn)
    if int(codes.max()) - int(codes.min()) < WIDEST:
        low = int(codes.min())
        counts = np.bincount(codes - low)
        own = np.flatnonzero(counts)
        table = np.zeros(len(counts), np.intp)
        table[own] = np.arange(len(own))
        at, counts, distinct = table[codes - low], counts[own], own + low
    else:
        distinct, at, counts = np.unique(codes, return_inverse=True, return_counts=True)
    if found.ids is None:
        return Values(None, distinct, counts, at, drawn)
    colours = None
    if found.colours is not None:
        colours = np.zeros(len(distinct), np.int64)
        colours[at] = found.colours[drawn]
    return Values(distinct, colours, counts, at, drawn)


def places(codes: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each code among the known ones, −1 where it is none."""
    order = np.argsort(known, kind="stable")
    at = np.minimum(np.searchsorted(known[order], codes), len(known) - 1)
    return np.where(known[order][at] == codes, order[at], -1)


def per_cent(share: float) -> str:
    """A share of the pixels for a message, such as `61%`, `0.4%` or `less than 0.1%`."""
    if 0 < share < 0.001:
        return "less than 0.1%"
    return f"{share:.0%}" if share >= 0.1 or share == 0 else f"{share:.1%}"
