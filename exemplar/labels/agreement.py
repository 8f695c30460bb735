"""Whether the palettes of many label maps agree: one that a program has numbered anew does not.

Beside `recognition`: where no colours are known, other maps say which number a colour has.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from exemplar.labels.colours import hexadecimal, unpacked
from exemplar.labels.drawn import Drawn
from exemplar.labels.recognition import Recognised


def palette_of(drawn: Drawn, found: Recognised) -> dict[int, int]:
    """The colour of each number, where colours say nothing unless other maps have them too."""
    if found.way != "number" or not drawn.coloured or drawn.ids is None or drawn.colours is None:
        return {}
    numbers, first = np.unique(drawn.ids, return_index=True)
    return dict(zip(numbers.tolist(), drawn.colours.ravel()[first].tolist(), strict=True))


def exchanged_palettes(palettes: Sequence[Mapping[int, int]]) -> dict[int, str]:
    """Maps in which a colour has another number than in most.

    Args:
        palettes: of each map, the colour 0xRRGGBB of each number; empty where colours say nothing.

    Returns:
        The place of each map that does not agree → what is wrong with it.
    """
    numbers: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for palette in palettes:
        for number, colour in palette.items():
            numbers[colour][number] += 1
    usual = {colour: counts.most_common(1)[0][0] for colour, counts in numbers.items()}
    wrong = {}
    for place, palette in enumerate(palettes):
        said = [
            f"{hexadecimal(unpacked(np.array(colour)))} is {number}, in others {usual[colour]}"
            for number, colour in palette.items()
            if number != usual[colour]
        ]
        if said:
            wrong[place] = (
                "its palette has other numbers than those of other maps, as if a program had "
                f"written it anew: {', '.join(said)}; save it with the palette that it had, or "
                "name each class's colour in colours"
            )
    return wrong
