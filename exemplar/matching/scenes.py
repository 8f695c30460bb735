"""Scene features: one vector an image, read from the feature store and compared by cosine.

The whole-image index is built from them; subsets of the exemplars are searched in them directly.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import zarr
from torch import Tensor

from exemplar.store.arrays import read_rows

HELD_BYTES = 1 << 27
"""Features are held in memory and compared one and all up to this size: 7,281 of the default's."""

SPAN = 256  # rows of the store looked at together: more read no faster and leave memory in pieces


class SearchError(ValueError):
    """The exemplars cannot be searched as asked."""


def features_of(scene: zarr.Array, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Goes through the scene features of some images in contiguous slices of the store.

    Args:
        scene: (N, G) float32.
        rows: (n,) int64, ascending, in 0 … N − 1.

    Yields:
        At most 256 of the rows, and their features (…, G) float32 of unit length.

    Raises:
        SearchError: features are not finite; the message names the store and the rows.
    """
    edges = np.searchsorted(rows, np.arange(0, scene.shape[0] + SPAN, SPAN))
    for start, stop in pairwise(edges):
        part = rows[start:stop]
        if not len(part):
            continue
        span = np.arange(part[0], part[-1] + 1)
        # One row by itself takes as long as four in a slice, or as the others of its chunk.
        if len(span) <= 4 * len(part) * scene.chunks[0]:
            values = read_rows(scene, span)[part - part[0]]
        else:
            values = read_rows(scene, part)
        bad = part[~np.isfinite(values).all(axis=1)].tolist()
        if bad:
            raise SearchError(
                f"{scene.store_path}: values that are not finite in rows {bad}; the store is "
                "damaged: remove it and run `exemplar reproduce`"
            )
        yield part, unit(values)


def unit(features: np.ndarray) -> np.ndarray:
    """Rows of unit length, contiguous float32."""
    features = np.ascontiguousarray(features, dtype=np.float32)
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)


def cosines(features: Tensor, queries: Tensor) -> np.ndarray:
    """The cosine of every feature with every query.

    Computed in double precision and then rounded, so that equal features have equal cosines
    wherever they stand, and neither the device nor the slices of the store decide an order.

    Args:
        features: (n, G) float32 of unit length.
        queries: (B, G) float32 of unit length, on the same device.

    Returns:
        (n, B) float32.
    """
    return (features.double() @ queries.double().T).float().cpu().numpy()


def ranked(scores: np.ndarray) -> np.ndarray:
    """The places (n, B) of scores (n, B) along the first axis, best first, equal ones in order."""
    return np.argsort(-scores, axis=0, kind="stable")
