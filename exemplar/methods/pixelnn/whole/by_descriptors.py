"""f(x) and its descriptors → the photographs that show the same, and what guides each of them.

Source: the nearest whole images are PixelNN's, section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import zarr
from numpy.typing import NDArray

from exemplar.data.detail import cache_of
from exemplar.matching.images import nearest
from exemplar.matching.scenes import unit
from exemplar.methods.pixelnn.compose import Composed
from exemplar.methods.pixelnn.library import Library
from exemplar.methods.pixelnn.whole.candidates import Asked, Photo
from exemplar.methods.pixelnn.whole.choice import Pick, Ranked, nearest_first
from exemplar.methods.pixelnn.whole.guides import (
    DIRECTIONS,
    SPREAD,
    condition_planes,
    enlarged,
    mirrored,
)
from exemplar.methods.pixelnn.whole.photographs import Photographs
from exemplar.patches.levels import Guides, Size, fitted
from exemplar.patches.recolouring import GRID
from exemplar.store.arrays import read_rows

GUIDES_SIDE = 256
"""Pixels of the longer side of guides, at most: finer ones are not looked at."""
KEPT_BYTES = 256 << 20
"""Of exemplars' guides, kept between pictures."""
SAMPLE = 16
"""Exemplars by which the spread of descriptors is told."""


class Described(NamedTuple):
    """An input as it is searched.

    Attributes:
        descriptor: (H, W, D) of f(x).
        scene: (G,) of f(x).
        mirror: (G,) of f of the input in a mirror, if exemplars may be used mirrored.
        condition: as it is stored, or larger.
        coherent: makes the coherent candidates of the input.
    """

    descriptor: NDArray[np.floating]
    scene: NDArray[np.floating]
    mirror: NDArray[np.floating] | None
    condition: NDArray[Any]
    coherent: Callable[[], Composed]


class ByDescriptors:
    """A domain's exemplars, as whole pictures see them through their descriptors."""

    def __init__(
        self,
        library: Library,
        stored: zarr.Array,
        condition: str,
        photographs: Photographs,
        cells: int,
        weights: tuple[float, float] = (1.0, 1.0),
        classes: int = 0,
    ) -> None:
        """Looks at a few descriptors, for their spread.

        Args:
            library: the exemplars.
            stored: (N, …), the condition.
            condition: its name.
            photographs: at the size of pictures.
            cells: a side of the grid of scene features.
            weights: how much descriptors and the condition count beside colours.
            classes: how many classes labels have.
        """
        self._library, self._stored, self._condition = library, stored, condition
        self._photographs, self._cells, self._weights = photographs, cells, weights
        self._classes = classes
        self._guides = cache_of(KEPT_BYTES)
        rows = library.exemplars.rows
        sample = rows[:: max(1, len(rows) // SAMPLE)][:SAMPLE]
        seen = read_rows(library.descriptor, sample)[..., :DIRECTIONS].astype(np.float32)
        self._factor = SPREAD / max(float(seen.std((0, 1, 2)).mean()), 1e-6)

    @property
    def grid(self) -> Size:
        """Rows and columns of colour maps."""
        return fitted(self._photographs.stored_size, GRID)

    @property
    def guides_size(self) -> Size:
        """Rows and columns of guides."""
        return fitted(self._photographs.size, GUIDES_SIDE)

    def ranked(self, given: Described, count: int) -> Ranked:
        """The exemplars that show most nearly the same, best first; see `choice`."""
        count = min(count, len(self._library.exemplars.rows))
        picks: list[Pick] = []
        apart = []
        for turned, scene in enumerate((given.scene, given.mirror)):
            if scene is None:
                continue
            rows = nearest(self._library.exemplars, scene[None], count)[0]
            difference = unit(read_rows(self._library.scene, rows)) - unit(scene[None])
            squares = np.square(difference.reshape(len(rows), -1, self._cells, self._cells)).sum(1)
            if turned:
                squares = squares[:, :, ::-1]
            apart.append(squares.reshape(len(rows), -1))
            picks += [Pick(int(row), bool(turned)) for row in rows]
        every = np.concatenate(apart)
        first = nearest_first(picks, every.sum(1), count)
        chosen = [picks[place] for place in first]
        return Ranked(chosen, every[first], self._looks(chosen))

    def photo(self, pick: Pick) -> Photo:
        """An exemplar with its guides."""
        (descriptor,) = read_rows(self._library.descriptor, [pick.row])
        if pick.mirrored:
            descriptor = descriptor[:, ::-1]
        values = self._guides.get(pick)
        if values is None:
            (condition,) = read_rows(self._stored, [pick.row])
            if pick.mirrored:
                condition = mirrored(self._condition, condition, self._photographs.exchanged)
            self._guides[pick] = values = self._planes(descriptor, condition)
        parts = enlarged(descriptor[..., :DIRECTIONS].astype(np.float32), self.grid)
        return Photo(pick, self._photographs.image(pick.row), Guides(values=values), parts)

    def asked(self, given: Described) -> Asked:
        """What pictures of an input are to show."""
        guides = Guides(values=self._planes(given.descriptor, given.condition))
        return Asked(guides, self._photographs.size)

    def coherent(self, given: Described, leader: Pick, rank: int) -> NDArray[np.uint8]:
        """That which draws most on a leader; if none does, that of the same rank."""
        composed = given.coherent()
        drawn = (composed.source[..., 0] == leader.row).mean((1, 2))
        place = int(drawn.argmax()) if drawn.any() else (rank - 1) % len(composed.image)
        image = composed.image[place]
        return np.ascontiguousarray(image)

    def _planes(
        self, descriptor: NDArray[np.floating], condition: NDArray[Any]
    ) -> NDArray[np.float32]:
        size, (ours, theirs) = self.guides_size, self._weights
        leading = descriptor[..., :DIRECTIONS].astype(np.float32) * (self._factor * ours)
        planes = enlarged(leading, size)
        if not theirs:
            return planes
        more = condition_planes(self._condition, condition, size, self._classes) * theirs
        return np.concatenate([planes, more], axis=-1)

    def _looks(self, picks: list[Pick]) -> NDArray[np.float32]:
        """(n, L) looks of photographs as they are used."""
        looks = read_rows(self._library.look, [pick.row for pick in picks])
        side = int((looks.shape[1] // 5) ** 0.5)
        cells = looks.reshape(len(looks), side, side, -1)
        turned = [
            cell[:, ::-1] if pick.mirrored else cell
            for cell, pick in zip(cells, picks, strict=True)
        ]
        return np.stack(turned).reshape(looks.shape)
