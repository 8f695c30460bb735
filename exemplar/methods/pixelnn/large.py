"""Candidates and photographs of a domain at one size, that of pictures for people or less.

Stands between the stores and `metrics.detail`: coherent candidates, as small as what networks see,
are enlarged, whole ones are reduced, and photographs are read from their files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from exemplar.methods.pixelnn.outputs import Outputs
from exemplar.methods.pixelnn.whole.photographs import Photographs
from exemplar.methods.pixelnn.whole.settings import WholeSettings
from exemplar.metrics.detail import Chosen, Detail
from exemplar.metrics.detail_columns import PAIR
from exemplar.patches.levels import Size, scaled
from exemplar.settings import section


class Large:
    """Opens a domain's photographs at one size.

    Attributes:
        size: rows and columns.
    """

    def __init__(self, domain: str, params: dict[str, Any], side: int) -> None:
        """Reads no photograph yet.

        Args:
            domain: whose.
            params: of `params.yaml`.
            side: pixels of the longer side, at most as many as pictures have.

        Raises:
            StoreError: the domain's stores are missing or damaged.
        """
        # As large as pictures, though less is wanted: rendered ones are kept at that size.
        self._photographs = Photographs(domain, params, section(params, "whole", WholeSettings))
        own = max(self._photographs.size)
        self.size: Size = scaled(self._photographs.size, min(side, own) / own)

    def photograph(self, row: int) -> np.ndarray:
        """(H, W, 3) u8."""
        return at_size(self._photographs.image(row), self.size)

    def chosen(self, outputs: Outputs, place: int, method: str, drawn: Sequence[int]) -> Chosen:
        """Some of a method's candidates of a test image, as `metrics.detail` takes them."""
        images, ranking = outputs.pictures(method, place), outputs.ranking(method, place)
        assert ranking is not None
        best = at_size(images[ranking.few[0]], self.size)[None]
        return Chosen(best, np.stack([at_size(images[one], self.size) for one in drawn]))


def at_size(image: np.ndarray, size: Size) -> np.ndarray:
    """A picture (h, w, 3) u8 at another size: Lanczos where it shrinks, bicubic where it grows."""
    shrinks = size[0] < image.shape[0]
    by = Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
    return np.array(Image.fromarray(image).resize((size[1], size[0]), by))


def examine(
    detail: Detail, outputs: Outputs, large: Large, ids: list[str], train: np.ndarray, judged: int
) -> None:
    """Shows all test images, and photographs to compare with.

    Args:
        detail: takes them in.
        outputs: the candidates.
        large: the photographs.
        ids: of the domain's images, by row.
        train: rows of the photographs that may be compared with.
        judged: how many test images are judged beside their photographs, evenly chosen.
    """
    total = len(outputs.rows)
    asked = {(2 * i + 1) * total // (2 * judged) for i in range(judged)}  # all, if it is as many
    for place, row in enumerate(outputs.rows.tolist()):
        made = {}
        for method in PAIR:
            drawn = detail.drawn(ids[row], outputs.count(method))
            made[method] = large.chosen(outputs, place, method, drawn)
        detail.add(ids[row], made, large.photograph(row) if place in asked else None)
    for row in detail.chosen(train).tolist():
        detail.add_photograph(large.photograph(row))
