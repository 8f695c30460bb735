"""Exemplars: photographs with what guides matches, and how they are used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exemplar.patches.levels import Guides, Size, fitted, reduced
from exemplar.patches.recolouring import ColourMap, recoloured


class Exemplar(NamedTuple):
    """A photograph that pictures are made of.

    Attributes:
        image: (H, W, 3) u8 RGB, of any size.
        guides: of the photograph as it is used: where it is mirrored, so are they.
        side: its longest side in pixels where it is used, at most its own; none: that of the
            pictures.
        mirrored: whether it is used mirrored; sources are told in the photograph itself.
        colours: how its colours are changed, of the photograph as it is used; none: not.
    """

    image: NDArray[np.uint8]
    guides: Guides = Guides()
    side: int | None = None
    mirrored: bool = False
    colours: ColourMap | None = None

    def used_size(self, side: int) -> Size:
        """Rows and columns at which it is used in pictures of a longest side."""
        own = self.image.shape[0], self.image.shape[1]
        return fitted(own, self.side or side)

    def used(self, side: int) -> NDArray[np.uint8]:
        """The photograph as it is used in pictures of a longest side: (h, w, 3) u8."""
        image = reduced(self.image, self.used_size(side))
        if self.mirrored:
            image = np.ascontiguousarray(image[:, ::-1])
        return image if self.colours is None else recoloured(image, self.colours)


def class_count(exemplars: Sequence[Exemplar]) -> int:
    """One more than the highest class of any."""
    highest = [int(e.guides.labels.max()) for e in exemplars if e.guides.labels is not None]
    return 1 + max(highest) if highest else 0


def value_range(exemplars: Sequence[Exemplar]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The least and the largest value (G,) of each channel of guides."""
    values = [e.guides.values for e in exemplars if e.guides.values is not None]
    if not values:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    low = np.min([each.min((0, 1)) for each in values], 0)
    high = np.max([each.max((0, 1)) for each in values], 0)
    return low.astype(np.float32), high.astype(np.float32)


def check(exemplars: Sequence[Exemplar], label_weights: Sequence[float] | None) -> None:
    """Raises one error with all that is wrong with the exemplars."""
    if not exemplars:
        raise ValueError("a picture needs an exemplar, got none")
    wrong = []
    channels = {_channels(exemplar.guides) for exemplar in exemplars}
    if len(channels) > 1:
        wrong.append(f"all need labels or none, and equally many guides; got {sorted(channels)}")
    for place, (image, guides, *_) in enumerate(exemplars):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            wrong.append(
                f"exemplar {place}: expected (H, W, 3) uint8, got {image.shape} {image.dtype}"
            )
        for name, array, dims in (("labels", guides.labels, 2), ("values", guides.values, 3)):
            if array is not None and array.ndim != dims:
                wrong.append(f"exemplar {place}: {name} need {dims} dimensions, got {array.shape}")
    if label_weights is not None and len(label_weights) < class_count(exemplars):
        wrong.append(f"{len(label_weights)} label weights for {class_count(exemplars)} classes")
    if wrong:
        raise ValueError("; ".join(wrong))


def _channels(guides: Guides) -> tuple[bool, int]:
    return guides.labels is not None, 0 if guides.values is None else guides.values.shape[2]
