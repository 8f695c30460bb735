"""The size at which the GAN learns and paints large images, and their layouts with them.

Between what a user gave and the method.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exemplar.methods.semantic_analogy.labelled_images import (
    Size,
    resized_image,
    resized_labels,
)
from exemplar.methods.semantic_analogy.source import SMALLEST_SIDE, Source


def worked_size(size: Size, side: int) -> Size:
    """The size (H, W) at which an image is worked on.

    Args:
        size: (H, W) of the image, of at least `SMALLEST_SIDE` a side.
        side: pixels of the longer side, at most, as long as the shorter one keeps `SMALLEST_SIDE`.
    """
    factor = min(1.0, max(side / max(size), SMALLEST_SIDE / min(size)))
    return round(size[0] * factor), round(size[1] * factor)


def source_at(source: Source, side: int) -> Source:
    """A source made smaller, if it is larger: means of colours, and the most frequent class."""
    size = worked_size((source.labels.shape[0], source.labels.shape[1]), side)
    labels = resized_labels(source.labels, size)
    return Source(resized_image(source.image, size), labels, source.classes)


def target_at(labels: NDArray[np.uint8], source: Source) -> NDArray[np.uint8]:
    """A target's labels at the size of a source that was made smaller."""
    size = source.labels.shape[0], source.labels.shape[1]
    return resized_labels(labels, size)
