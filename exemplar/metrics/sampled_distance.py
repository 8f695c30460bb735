"""How far candidates are from photographs as a whole, on the features of a large network.

Such a network costs more than all the rest of the evaluation, so it looks at a few candidates of
each test image, drawn with the seed. Of so few images only the kernel distance (KID) can be read;
the Fréchet distance stays empty below two images a feature. The columns bear the name of the
network, for neither number means anything without it.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from math import isfinite

import numpy as np
from pydantic import Field

from exemplar.metrics.embedding import Embedding, PooledFeatures
from exemplar.metrics.frechet import frechet_distance
from exemplar.metrics.kernel_distance import (
    kernel_difference_interval,
    kernel_distance,
    kernel_interval,
)
from exemplar.metrics.sampled_columns import FD, FEATURES, HIGH, KID, LOW
from exemplar.settings import Settings


class SampledSettings(Settings):
    """How closely EfficientNet-Lite2 looks."""

    side: int = Field(default=128, ge=32)
    """Pixels a side that images are brought to; it was trained at 260."""
    candidates: int = Field(default=8, ge=1)
    """Of each test image, drawn with the seed."""
    photographs: int = Field(default=400, ge=2)
    """Of those that candidates are compared with, drawn with the seed."""


class SampledDistances:
    """Features of photographs and of a few candidates of each test image, by method."""

    def __init__(self, settings: SampledSettings, seed: int, see: Embedding | None = None) -> None:
        """Starts with no images.

        Args:
            settings: how many images the network sees, and how large.
            seed: of the draws and of the intervals.
            see: the network, EfficientNet-Lite2 by default.

        Raises:
            WeightsError: the package that has its weights is missing or damaged.
        """
        self._see = see or PooledFeatures(settings.side)
        self._settings, self._seed = settings, seed
        self._made: defaultdict[str, list[np.ndarray]] = defaultdict(list)
        self._photographs: list[np.ndarray] = []

    @property
    def name(self) -> str:
        """The features in a table: the network, and how many images it saw."""
        photographs = sum(map(len, self._photographs))
        return (
            f"{self._see.name}, of {photographs:,} photographs and {self._settings.candidates} "
            "candidates of each test image"
        )

    def chosen(self, rows: np.ndarray) -> np.ndarray:
        """Those of some photographs' rows that are looked at, in order."""
        generator = np.random.default_rng(self._seed)
        return np.sort(generator.permutation(rows)[: self._settings.photographs])

    def add(self, method: str, image_id: str, images: np.ndarray) -> None:
        """Looks at some of a method's candidates of one image.

        Args:
            method: which.
            image_id: not yet taken in for this method; with the seed it decides the draw, which is
                the same for all methods with as many candidates.
            images: (C, H, W, 3) u8, all of them.
        """
        generator = np.random.default_rng([self._seed, zlib.crc32(image_id.encode())])
        chosen = generator.permutation(len(images))[: self._settings.candidates]
        self._made[method].append(self._see(images[np.sort(chosen)]))

    def add_photographs(self, images: np.ndarray) -> None:
        """Looks at photographs, (n, H, W, 3) u8."""
        self._photographs.append(self._see(images))

    def of(self, method: str) -> dict[str, float | str]:
        """A method's values of `sampled_columns`, without those that are undefined."""
        photographs, made = np.concatenate(self._photographs), self._stacked(method)
        low, high = kernel_interval(photographs, made, self._seed)
        found = {
            FD: frechet_distance(photographs, made.reshape(-1, made.shape[-1])),
            KID: kernel_distance(photographs, made),
            LOW: low,
            HIGH: high,
        }
        known: dict[str, float | str] = {k: v for k, v in found.items() if isfinite(v)}
        return known | ({FEATURES: self.name} if known else {})

    def difference(self, one: str, other: str) -> tuple[float, float]:
        """The interval of other's KID less one's, over test images."""
        photographs = np.concatenate(self._photographs)
        both = (self._stacked(method) for method in (one, other))
        return kernel_difference_interval(photographs, *both, seed=self._seed)

    def _stacked(self, method: str) -> np.ndarray:
        """(I, C, M)."""
        return np.stack(self._made[method])
