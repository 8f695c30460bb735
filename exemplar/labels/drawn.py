"""Label maps as files have them: palette images, grey numbers or RGB colours.

Third in its way of the data, after `data.pictures`; `label_maps` makes classes of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from exemplar.data.inputs import BadPhoto
from exemplar.data.pictures import file_bytes
from exemplar.data.pixels import NUMBERS, stored
from exemplar.data.problems import Problems
from exemplar.labels.palette import packed

GREY = 0x010101


class Drawn(NamedTuple):
    """A label map as it was drawn.

    Attributes:
        colours: (H, W) i64 as 0xRRGGBB; none if a file has numbers that are no grey levels, or a
            palette in which two of its numbers have one colour.
        ids: (H, W) i64 numbers; none if it has colours only.
        coloured: its colours say more than its numbers do.
    """

    colours: NDArray[np.int64] | None
    ids: NDArray[np.int64] | None
    coloured: bool

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        values = self.colours if self.colours is not None else self.ids
        assert values is not None
        return values.shape[0], values.shape[1]

    @property
    def codes(self) -> NDArray[np.int64]:
        """What tells its classes apart, (H, W)."""
        values = self.colours if self.coloured else self.ids
        assert values is not None
        return values


def read_map(path: Path, problems: Problems) -> Drawn | None:
    """Reads a label map of any kind.

    Args:
        path: an image file with a palette, of grey levels of up to 32 bits, or of colours; what is
            transparent is taken for white.
        problems: gets a line if it cannot be used.

    Returns:
        The map, none if it cannot be used.
    """
    data = file_bytes(path, problems, "a label map")
    if data is None:
        return None
    try:
        return drawn(stored(data))
    except BadPhoto as error:
        problems.append(f"{path}: {error}")
        return None


def drawn(image: Image.Image) -> Drawn:
    """What a label map says.

    Args:
        image: of any mode, its values unchanged.

    Raises:
        BadPhoto: it has floating-point or negative values.
    """
    if image.mode == "P":
        ids = np.asarray(image).astype(np.int64)
        # Of a palette with transparency too, the colours are those that paint programs show.
        table = np.asarray(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        used = np.unique(ids)
        if used[-1] < len(table):
            codes = packed(table[used])
            if len(np.unique(codes)) == len(used):
                return Drawn(packed(table[ids]), ids, bool((np.ptp(table[used], axis=1) > 0).any()))
        return Drawn(None, ids, coloured=False)
    if image.mode in NUMBERS:
        # Black and white are 0 and 255, as in every other kind of file.
        ids = np.asarray(image.convert("L") if image.mode == "1" else image).astype(np.int64)
        if ids.min() < 0:
            raise BadPhoto(f"expected numbers from 0, got {ids.min()}; number the classes anew")
        return Drawn(ids * GREY if ids.max() < 256 else None, ids, coloured=False)
    if image.mode == "F":
        raise BadPhoto("floating-point pixels; save whole numbers or colours")
    if image.has_transparency_data:
        over = Image.new("RGBA", image.size, "white")
        over.alpha_composite(image.convert("RGBA"))
        image = over
    colours = np.asarray(image.convert("RGB"))
    if (np.ptp(colours, axis=-1) == 0).all():
        ids = colours[..., 0].astype(np.int64)
        return Drawn(ids * GREY, ids, coloured=False)
    return Drawn(packed(colours), None, coloured=True)
