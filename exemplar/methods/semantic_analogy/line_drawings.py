"""Sketch to image: edges of a photograph, and drawings of lines, as label maps of two classes.

Figure 12 of the paper: the condition is an edge map. The source's edges are found in it; a target
is a drawing of any ink on any paper, or another photograph, whose edges are found.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2gray
from skimage.feature import canny
from skimage.morphology import dilation, disk, skeletonize

from exemplar.data.drawings import BlankPage, lines_of
from exemplar.data.inputs import BadPhoto
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
HALF = 0.5
"""Strength from which ink is on a line."""


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


def target_labels(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The lines of a drawing, or the edges of a photograph.

    Args:
        image: (H, W, 3) u8.

    Returns:
        (H, W) u8: 1 on a line, 0 elsewhere.

    Raises:
        BlankPage: it has neither.
    """
    try:
        return drawing_labels(image)
    except BlankPage:
        raise
    except BadPhoto:
        return edge_labels(image)


def is_drawing(image: NDArray[np.uint8]) -> bool:
    """Whether an image has lines on an even ground, and is no photograph.

    Args:
        image: (H, W, 3) u8.
    """
    try:
        lines_of(image)
    except BadPhoto:
        return False
    return True


def drawing_labels(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The lines of a drawing.

    Args:
        image: (H, W, 3) u8.

    Returns:
        (H, W) u8: 1 on a line, as thick as `edge_labels` makes them, 0 elsewhere.

    Raises:
        BlankPage: it has no lines.
        BadPhoto: it is a photograph.
    """
    lines = skeletonize(lines_of(image) > HALF)
    if lines.shape != image.shape[:2]:  # a large page, looked at in a smaller size
        size = image.shape[1], image.shape[0]
        lines = np.asarray(Image.fromarray(lines).resize(size, Image.Resampling.NEAREST))
    return _thick(lines)


def _thick(lines: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Lines one pixel wide, as strokes."""
    radius = max(1, round(STROKE * max(lines.shape)))
    return dilation(lines, disk(radius)).astype(np.uint8)
