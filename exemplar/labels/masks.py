"""Whether all label maps of a domain are masks, black and white: one map alone cannot say it.

Beside `recognition`, which is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from exemplar.data.inputs import BadPhoto
from exemplar.labels.drawn import of_file
from exemplar.labels.known import Known
from exemplar.labels.recognition import BLACK_WHITE, tones


def are_masks(paths: Iterable[Path], known: Known) -> bool:
    """Whether all label maps together have nothing but 0 and 255, and there are two classes.

    Only then are these two classes: beside other numbers, 255 says that a pixel has none.

    Args:
        paths: of the maps; those that cannot be read are told when they are.
        known: the classes.
    """
    if len(known.names) != 2 or BLACK_WHITE[1] in known.numbers:
        return False
    found = set[int]()
    for path in paths:
        try:
            drawn = of_file(path.read_bytes())
        except (BadPhoto, OSError):
            continue
        if drawn.ids is None:
            return False
        found |= tones(drawn)
        if not found <= set(BLACK_WHITE):
            return False
    return found == set(BLACK_WHITE)
