"""Label maps → the photographs that are laid out like them, without any network.

Source: ours; whole label maps are compared as PixelNN's whole images are (section 3).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from exemplar.features.look import looks
from exemplar.methods.pixelnn.whole.candidates import Asked, Photo
from exemplar.methods.pixelnn.whole.choice import Pick, Ranked, nearest_first
from exemplar.methods.pixelnn.whole.photographs import Photographs
from exemplar.methods.pixelnn.whole.settings import WholeSettings
from exemplar.patches.levels import Guides, Size, fitted, shares_of
from exemplar.patches.recolouring import GRID

CELLS = 32
"""Of the longer side, in which the shares of classes are compared."""


class ByLabels:
    """A domain's exemplars as label maps find them; an input is a map (H, W) u8 without gaps.

    Args:
        photographs: of the domain, with their maps.
        rows: (n,) of exemplars.
        settings: how much rare classes count.

    Attributes:
        weights: (C,) how much the share of each class counts.
    """

    def __init__(
        self, photographs: Photographs, rows: NDArray[np.int64], settings: WholeSettings
    ) -> None:
        self._photographs, self._rows, self._settings = photographs, rows, settings
        self._cells: Size = fitted(photographs.size, CELLS)
        self._shares = np.stack([self._of(each) for each in photographs.stored_labels(rows)])
        self.weights = weights_of(self._shares.mean((0, 1), dtype=np.float64), settings.rare)

    @property
    def grid(self) -> Size:
        """Rows and columns of colour maps."""
        return fitted(self._photographs.size, GRID)

    @property
    def guides_size(self) -> Size:
        """Rows and columns of maps: those of pictures."""
        return self._photographs.size

    def ranked(self, given: NDArray[np.uint8], count: int) -> Ranked:
        """The exemplars laid out most like a map, best first; see `choice`."""
        picks: list[Pick] = []
        apart = []
        for mirrored in (False, True) if self._settings.mirrored else (False,):
            found = self._apart(self._of(self._photographs.mirror(given) if mirrored else given))
            if mirrored:
                cells = found.reshape(len(found), *self._cells)
                found = cells[:, :, ::-1].reshape(found.shape)
            apart.append(found)
            picks += [Pick(int(row), mirrored) for row in self._rows]
        every = np.concatenate(apart)
        first = nearest_first(picks, every.mean(1), count)
        chosen = [picks[place] for place in first]
        images = self._photographs.stored([pick.row for pick in chosen])
        turned = [
            image[:, ::-1] if pick.mirrored else image
            for image, pick in zip(images, chosen, strict=True)
        ]
        return Ranked(chosen, every[first], looks(np.stack(turned)))

    def photo(self, pick: Pick) -> Photo:
        """An exemplar with its label map as its guide."""
        labels = self._photographs.labels(pick.row)
        guides = Guides(self._photographs.mirror(labels) if pick.mirrored else labels)
        return Photo(pick, self._photographs.image(pick.row), guides)

    def asked(self, given: NDArray[np.uint8]) -> Asked:
        """What pictures of a map are to show."""
        weights = tuple(self.weights.tolist())
        ground = ground_of(given, self._photographs.classes)
        return Asked(Guides(given), self._photographs.size, weights, ground)

    def _of(self, labels: NDArray[np.uint8]) -> NDArray[np.float16]:
        """(cells, C) shares."""
        count = len(self._photographs.classes)
        shares = shares_of(labels, count, self._cells).numpy()
        return shares.reshape(count, -1).T.astype(np.float16)

    def _apart(self, shares: NDArray[np.float16]) -> NDArray[np.float32]:
        squares = np.square(self.weights, dtype=np.float32)
        wanted = shares.astype(np.float32)
        return np.stack(
            [
                (np.square(each.astype(np.float32) - wanted) * squares).sum(1)
                for each in self._shares
            ]
        )

    def coherent(self, given: NDArray[np.uint8], leader: Pick, rank: int) -> None:
        """There is none: label maps need no regressor, and so have no coherent candidates."""


def weights_of(shares: NDArray[np.floating], rare: float) -> NDArray[np.float32]:
    """How much each class counts: the more the rarer it is, from 1 to `rare`.

    Args:
        shares: (C,) of all exemplars' pixels.
        rare: of a class with a hundredth of the share of the most common one, and of rarer ones.
    """
    ratio = np.clip(shares / max(float(shares.max()), 1e-9), 0.01, 1)
    return np.asarray(1 + (rare - 1) * -np.log10(ratio) / 2, np.float32)


def ground_of(labels: NDArray[np.uint8], names: Sequence[str]) -> int | None:
    """The class of the ground: the one named so, else that of most of the border if it is most."""
    for name in ("background", "ground"):
        if name in names:
            return list(names).index(name)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    counts = np.bincount(border)
    most = int(counts.argmax())
    return most if counts[most] * 2 > len(border) else None
