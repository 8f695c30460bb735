"""Samples beside their nearest training images, read from the stores of `glann_samples`.

What is memorised is near to a training image; how near is usual, training images and held-out ones
tell, whose own nearest training images lie in stores beside the samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import zarr

from exemplar.report.glann import (
    SERIES,
    Closeness,
    Neighbours,
    Others,
    closeness,
    image_tile,
)
from exemplar.report.tiles import Tile
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows, read_slice

Space = Literal["latent", "perceptual"]

SPACES: dict[Space, tuple[str, str]] = {
    "latent": ("latent space", "distance of codes on the unit sphere"),
    "perceptual": ("perceptual space", "distance of features"),
}


class Kinship:
    """GLANN's samples and their nearest training images.

    Args:
        domain: of `run.sampled`.
        seed: of the training.
        items: the table of the domain's images.
        photographs: all of them, (N, H, W, 3) u8.
        count: nearest training images that are shown of each sample, at most.
        side: pixels; larger pictures are made smaller.

    Raises:
        StoreError: a store or an array is missing.
    """

    def __init__(
        self, domain: str, seed: int, items: pd.DataFrame, photographs: zarr.Array, count: int,
        side: int,
    ) -> None:  # fmt: skip
        self.domain, self.items, self.photographs = domain, items, photographs
        self.count, self.side = count, side
        folder = layout.samples(domain, seed)
        self.samples = opened(folder / "glann.zarr", "image", *SPACES)
        self.others = {"training": opened(folder / "training.zarr", "", *SPACES)}
        if (folder / "held_out.zarr").exists():  # there may be no held-out images
            self.others["held_out"] = opened(folder / "held_out.zarr", "", "perceptual")

    @property
    def features(self) -> str:
        """What is compared in perceptual space."""
        return str(self.samples.attrs["perceptual_features"])

    def first(self, count: int) -> list[Neighbours]:
        """The first samples."""
        return [self._row(place) for place in range(len(self._nearest("perceptual")))[:count]]

    def closest(self, count: int) -> list[Neighbours]:
        """Of all samples those that are nearest to a training image, the nearest first."""
        order = np.argsort(self._nearest("perceptual"), kind="stable")
        return [self._row(place) for place in order[:count].tolist()]

    def closeness(self) -> list[Closeness]:
        """How near all samples come to training images, in each space."""
        return [
            closeness(
                self._nearest(space), self._others(space), said, across, f"{self.domain}-{space}"
            )
            for space, (said, across) in SPACES.items()
        ]

    def _row(self, place: int) -> Neighbours:
        image = read_rows(array(self.samples, "image"), [place])[0]
        measure = self._others("perceptual")[-1]
        nearer = float((measure.distances > self._nearest("perceptual")[place]).mean())
        return Neighbours(
            image_tile(
                image, self.side, f"sample {place}", f"nearer than {nearer:.0%} of {measure.name}"
            ),
            self._tiles(place, "latent"),
            self._tiles(place, "perceptual"),
        )

    def _tiles(self, place: int, space: Space) -> list[Tile]:
        rows, distances = (
            read_rows(array(self.samples, name), [place])[0][: self.count]
            for name in (f"nearest_{space}", f"nearest_{space}_distance")
        )
        return [
            image_tile(image, self.side, str(self.items["id"].iloc[row]), f"{distance:.3g}")
            for image, row, distance in zip(
                read_rows(self.photographs, rows), rows.tolist(), distances, strict=True
            )
        ]

    def _nearest(self, space: Space) -> np.ndarray:
        return nearest(self.samples, space)

    def _others(self, space: Space) -> Sequence[Others]:
        """What samples are compared with; held-out images, which are as new as they, last."""
        names = {
            "training": ("training images", "the nearest other", SERIES["training"]),
            "held_out": ("held-out images", "the nearest training image", "regressor"),
        }
        return [
            Others(*names[name], nearest(group, space))
            for name, group in self.others.items()
            if f"nearest_{space}_distance" in group
        ]


def opened(path: Path, image: str, *spaces: Space) -> zarr.Group:
    """A store with nearest training images."""
    near = [f"nearest_{space}{of}" for space in spaces for of in ("", "_distance")]
    return open_group(path, *([image] if image else []), *near)


def nearest(group: zarr.Group, space: Space) -> np.ndarray:
    """(n,) distances to the nearest training image."""
    distances = array(group, f"nearest_{space}_distance")
    return read_slice(distances, slice(0, distances.shape[0]))[:, 0]
