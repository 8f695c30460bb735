"""Sums over many images, from which all the metrics of a table's row come.

Stands behind `selection`: memory does not grow with the number of images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exemplar.metrics.edges import EdgeCounts, average_precision, pooled
from exemplar.metrics.normals import WITHIN, NormalStatistics

_BINS = 180_000


class Pool:
    """One chosen candidate of each of many images.

    Angular errors are pooled over all pixels of all images, edge counts are summed before their
    average precision is taken, other measures are averaged over the images that have them.
    Everything is exact but the pooled median, which comes from a histogram and is within 0.001
    degrees.
    """

    def __init__(self) -> None:
        """Starts with no images."""
        self.images = 0
        self._pixels = 0
        self._total = 0.0
        self._squares = 0.0
        self._within = np.zeros(len(WITHIN), np.int64)
        self._histogram = np.zeros(_BINS, np.int64)
        self._counts: EdgeCounts | None = None
        self._sums: dict[str, tuple[float, int]] = {}

    def add(
        self, errors: NDArray[np.float32], counts: EdgeCounts, averaged: dict[str, float]
    ) -> None:
        """Takes in one image's chosen candidate.

        Args:
            errors: (P,), degrees.
            counts: of leading shape ().
            averaged: name → value, of the other measures that the image has.
        """
        self.images += 1
        self._pixels += errors.size
        self._total += float(errors.sum(dtype=np.float64))
        self._squares += float(np.square(errors, dtype=np.float64).sum())
        self._within += [int((errors < limit).sum()) for limit in WITHIN]
        bins = (errors * np.float32(_BINS / 180)).astype(np.int64)
        np.add.at(self._histogram, np.clip(bins, 0, _BINS - 1), 1)
        both = (counts,) if self._counts is None else (self._counts, counts)
        self._counts = pooled(EdgeCounts(*(np.stack(part) for part in zip(*both, strict=True))))
        for name, value in averaged.items():
            total, images = self._sums.get(name, (0.0, 0))
            self._sums[name] = (total + float(value), images + 1)

    def scores(self) -> dict[str, float]:
        """The `NormalStatistics`, `ap`, and the mean of each averaged measure.

        Raises:
            ValueError: no image was taken in.
        """
        if self._counts is None:
            raise ValueError("expected at least one image before the scores are asked for")
        normals = NormalStatistics(
            self._total / self._pixels,
            self._median(),
            float(np.sqrt(self._squares / self._pixels)),
            *(100.0 * self._within / self._pixels).tolist(),
        )
        averaged = {name: total / images for name, (total, images) in self._sums.items()}
        return {**normals._asdict(), "ap": float(average_precision(self._counts)), **averaged}

    def _median(self) -> float:
        """The mean of the middle two errors, each taken to be in the middle of its bin."""
        below = np.cumsum(self._histogram)
        middle = [(self._pixels - 1) // 2, self._pixels // 2]
        return float((np.searchsorted(below, middle, side="right") + 0.5).mean() * 180 / _BINS)
