"""Sketch to image: edges of a photograph, and drawings of lines, as label maps of two classes.

Figure 12 of the paper: the condition is an edge map. The source's edges are found in it; a target
is a drawing, dark on light or light on dark, or another photograph, whose edges are found.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2gray
from skimage.feature import canny
from skimage.filters import threshold_otsu
from skimage.morphology import dilation, disk, skeletonize

from exemplar.labels.palette import Palette

PALETTE = Palette(("ground", "line"), np.array([[255, 255, 255], [0, 0, 0]], np.uint8), (0, 1))
"""Of edge maps."""

SIGMA = 0.006
"""Blur before edges are found, in shares of the longer side."""
LEAST_SIGMA = 1.0
LOW, HIGH = 0.7, 0.9
"""Shares of the pixels whose gradient is too weak for an edge, or for its beginning."""
STROKE = 0.004
"""Radius of a line, in shares of the longer side."""
TWO_TONES = 0.8
"""Share of the variance that lies between a drawing's two tones."""
MOST_LINES = 0.35
"""Share of a drawing's pixels that are lines, at most."""
GREY = 24  # levels between a grey pixel's channels


def edge_labels(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The edges of a photograph.

    Args:
        image: (H, W, 3) u8.

    Returns:
        (H, W) u8: 1 on a line, 0 elsewhere.
    """
    sigma = max(LEAST_SIGMA, SIGMA * max(image.shape[:2]))
    found = canny(
        rgb2gray(image), sigma, low_threshold=LOW, high_threshold=HIGH, use_quantiles=True
    )
    return _thick(found)


def is_drawing(image: NDArray[np.uint8]) -> bool:
    """Whether an image has lines of one tone on a ground of another, and no colours.

    Args:
        image: (H, W, 3) u8.
    """
    grey = image.mean(-1)
    if np.ptp(grey) == 0 or (np.ptp(image, axis=-1) <= GREY).mean() < 0.95:
        return False
    dark = grey <= threshold_otsu(grey)
    share = dark.mean()
    between = share * (1 - share) * (grey[dark].mean() - grey[~dark].mean()) ** 2
    return bool(between >= TWO_TONES * grey.var() and min(share, 1 - share) <= MOST_LINES)


def drawing_labels(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The lines of a drawing.

    Args:
        image: (H, W, 3) u8, for which `is_drawing`; lines are of the rarer tone.

    Returns:
        (H, W) u8: 1 on a line, as thick as `edge_labels` makes them, 0 elsewhere.
    """
    grey = image.mean(-1)
    dark = grey <= threshold_otsu(grey)
    return _thick(skeletonize(dark if dark.mean() <= 0.5 else ~dark))


def _thick(lines: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Lines one pixel wide, as strokes."""
    radius = max(1, round(STROKE * max(lines.shape)))
    return dilation(lines, disk(radius)).astype(np.uint8)
