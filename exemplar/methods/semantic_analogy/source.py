"""What Semantic Image Analogy is made from: a labelled source; and what it makes of it.

First in its way of the data: every method takes a `Source` and a target's labels, and gives a
`Layout`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SMALLEST_SIDE = 32
"""Pixels of an image's shorter side, at least."""


class Source(NamedTuple):
    """An image and which class each of its pixels is.

    Attributes:
        image: (H, W, 3) u8 RGB, I_source.
        labels: (H, W) u8, places in `classes`, P_source.
        classes: their names.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    classes: tuple[str, ...]


class Layout(NamedTuple):
    """An image in a target's layout.

    Attributes:
        image: (H', W', 3) u8 RGB, I_target.
        places: (H', W', 2) i32, the row and column of the source that each pixel matches; none if
            the method has no sources.
        votes: each pixel is the mean of the copies that the matches of (2 votes + 1)² pixels
            around propose (`matching.voting`); 0 is the match's own colour.
    """

    image: NDArray[np.uint8]
    places: NDArray[np.int32] | None = None
    votes: int = 0
