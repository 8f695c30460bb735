"""Which training images a sample is nearest to, so that memorisation is seen, not guessed.

An unconditional model has no sources to name. What can be said of a sample is how near it comes to
training images: in the latent space, and by how it looks. Samples that come much nearer than
training images come to each other are copies.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import faiss
import numpy as np

BLOCK_BYTES = 64 << 20
"""Of the features of training images that are held, and of differences of features."""


class Neighbours(NamedTuple):
    """What is nearest, nearest first.

    Attributes:
        rows: (n, K) i32.
        distances: (n, K) f32, Euclidean.
    """

    rows: np.ndarray
    distances: np.ndarray


def nearest(
    queries: np.ndarray,
    training: Iterable[tuple[np.ndarray, np.ndarray]],
    count: int,
    own: np.ndarray | None = None,
) -> Neighbours:
    """The nearest of training images' features, which are seen a block at a time.

    Distances are exact: FAISS's, which lose digits where features are nearly equal, only choose.

    Args:
        queries: (n, P) float32.
        training: rows (b,), in ascending order over all blocks, and features (b, P) float32.
        count: K; fewer are found of fewer training images.
        own: (n,) the row of each query itself, which is not its neighbour; −1 for none.

    Returns:
        Rows and distances; of equal distances the lower row first.
    """
    own = np.full(len(queries), -1) if own is None else own
    queries = np.ascontiguousarray(queries, np.float32)
    best = Neighbours(
        np.empty((len(queries), 0), np.int32), np.empty((len(queries), 0), np.float32)
    )
    for rows, features in training:
        rows = np.asarray(rows, np.int32)
        features = np.ascontiguousarray(features, np.float32)
        squares, places = faiss.knn(queries, features, min(count + 1, len(rows)))
        # No more than what may be among the nearest: of later blocks, hardly any.
        worst = best.distances[:, -1:] if best.rows.shape[1] == count else np.inf
        hopeful = squares <= np.square(worst) * 1.001 + 1e-4 * np.square(features).sum(1).max()
        found = np.concatenate([best.rows, rows[places]], 1)
        exact = _distances(queries, features, places, hopeful)
        distances = np.concatenate([best.distances, exact], 1)
        distances[found == own[:, None]] = np.inf
        order = np.lexsort([found, distances])[:, :count]
        best = Neighbours(*(np.take_along_axis(values, order, 1) for values in (found, distances)))
    # What is left of a query itself is last: there are no more images than asked for.
    kept = int(np.isfinite(best.distances).sum(1).min()) if best.rows.size else 0
    return Neighbours(best.rows[:, :kept], best.distances[:, :kept])


def _distances(
    queries: np.ndarray, features: np.ndarray, places: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """Distances (n, k) of each query to the features at its places; infinite if not wanted."""
    out = np.full(places.shape, np.inf, np.float32)
    pairs = np.argwhere(wanted)
    step = max(1, BLOCK_BYTES // (4 * queries.shape[1]))
    for start in range(0, len(pairs), step):
        query, column = pairs[start : start + step].T
        difference = features[places[query, column]] - queries[query]
        out[query, column] = np.sqrt(np.einsum("np,np->n", difference, difference))
    return out


def nearest_codes(
    codes: np.ndarray,
    training: np.ndarray,
    rows: np.ndarray,
    count: int,
    own: np.ndarray | None = None,
) -> Neighbours:
    """The training images whose codes are nearest.

    Args:
        codes: (n, d) float32, of unit length.
        training: (N, d) float32, likewise.
        rows: (N,) what they are called in the answer, in any order.
        count: K; fewer are found of fewer training images.
        own: as for `nearest`.

    Returns:
        Rows and distances, from 0 to 2.
    """
    order = np.argsort(rows, kind="stable")
    step = max(64, BLOCK_BYTES // (4 * codes.shape[1]))
    parts = [order[start : start + step] for start in range(0, len(order), step)]
    return nearest(codes, ((rows[part], training[part]) for part in parts), count, own)


def percentiles(distances: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """How usual it is to be so near: for each distance, the share of others below or at it.

    Args:
        distances: (n,) of samples to their nearest training images.
        reference: (m,) of training images to their nearest others, m at least 1.

    Returns:
        (n,) in [0, 1]. Near 0, a sample is nearer than training images are to each other: a copy.
        Near 1, hardly any training image is so unlike all others.

    >>> percentiles(np.array([0.0, 2.0, 9.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    array([0. , 0.5, 1. ])
    """
    return np.searchsorted(np.sort(reference), distances, side="right") / len(reference)
