"""Feature stores for the tests of whole-image search, and the naive search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import zarr

from exemplar.store.arrays import array, open_group, write_group


def stored(folder: Path, features: np.ndarray) -> zarr.Array:
    """Features (N, G) as the array `scene` of a store."""
    number = len(list(folder.iterdir()))
    path = folder / f"features{number}.zarr"
    write_group(path, {"scene": features.astype(np.float32)})
    return array(open_group(path), "scene")


def clustered(seed: int, count: int, length: int, groups: int = 12) -> np.ndarray:
    """Features that lie in groups and vary in few directions, as those of photographs do."""
    rng = np.random.default_rng(seed)
    centres = np.maximum(rng.normal(size=(groups, length)), 0)
    noise = 0.4 * rng.normal(size=(count, length)) / (1 + np.arange(length) / 20)
    features = np.maximum(centres[rng.integers(groups, size=count)] + noise, 0.01)
    return features.astype(np.float32)


def naive(features: np.ndarray, rows: np.ndarray, query: np.ndarray, count: int) -> list[int]:
    """Sorts all cosines, each computed by itself; the lower of equal rows first."""
    unit = [x / np.sqrt(np.sum(x.astype(np.float64) ** 2)) for x in features]
    cosine = {int(row): round(float(np.dot(unit[row], query)), 9) for row in rows}
    scale = np.sqrt(np.sum(query.astype(np.float64) ** 2))
    return sorted(cosine, key=lambda row: (-cosine[row] / scale, row))[:count]
