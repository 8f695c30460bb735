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
from exemplar.labels.colours import GREY, packed

OPAQUE = 128
"""Of alpha, from which on a pixel is drawn."""


class Drawn(NamedTuple):
    """A label map as it was drawn.

    Attributes:
        colours: (H, W) i64 as 0xRRGGBB; none if a file has numbers that are no grey levels, or a
            palette in which two of its numbers have one colour.
        ids: (H, W) i64 numbers; none if it has colours only.
        coloured: its colours say more than its numbers do.
        inexact: it was compressed so that values near edges are those of no class.
        transparent: (H, W), where nothing was drawn; none if there is no such place.
    """

    colours: NDArray[np.int64] | None
    ids: NDArray[np.int64] | None
    coloured: bool
    inexact: bool = False
    transparent: NDArray[np.bool_] | None = None

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
            transparent is white, and said to be transparent.
        problems: gets a line if it cannot be used.

    Returns:
        The map, none if it cannot be used.
    """
    data = file_bytes(path, problems, "a label map")
    if data is None:
        return None
    try:
        return of_file(data)
    except BadPhoto as error:
        problems.append(f"{path}: {error}")
        return None


def of_file(data: bytes) -> Drawn:
    """What a file of a label map says.

    Args:
        data: a whole file.

    Raises:
        BadPhoto: it is no image, is truncated or too large, or has floating-point or negative
            values.
    """
    image = stored(data)
    return drawn(image)._replace(inexact=_compressed(data, image))


def _compressed(data: bytes, image: Image.Image) -> bool:
    """Whether a file is of a format that changes values."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return b"VP8L" not in data[:64]
    starts = (b"\xff\xd8\xff", b"\x00\x00\x00\x0cjP", b"\xff\x4f\xff\x51")  # JPEG and JPEG 2000
    return (
        data.startswith(starts)
        or data[4:12] in (b"ftypavif", b"ftypavis")
        or image.info.get("compression") == "jpeg"  # within TIFF
    )


def drawn(image: Image.Image) -> Drawn:
    """What a label map says.

    Args:
        image: of any mode, its values unchanged.

    Raises:
        BadPhoto: it has floating-point or negative values.
    """
    clear = _transparent(image)
    if image.mode == "P":
        ids = np.asarray(image).astype(np.int64)
        # Of a palette with transparency too, the colours are those that paint programs show.
        table = np.asarray(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        used = np.unique(ids)
        if used[-1] < len(table):
            codes = packed(table[used])
            if len(np.unique(codes)) == len(used):
                coloured = bool((np.ptp(table[used], axis=1) > 0).any())
                return Drawn(packed(table[ids]), ids, coloured, transparent=clear)
        return Drawn(None, ids, coloured=False, transparent=clear)
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
        return Drawn(ids * GREY, ids, coloured=False, transparent=clear)
    return Drawn(packed(colours), None, coloured=True, transparent=clear)


def _transparent(image: Image.Image) -> NDArray[np.bool_] | None:
    """Where an image is more transparent than not, (H, W)."""
    if not image.has_transparency_data or (image.mode in NUMBERS and image.mode != "P"):
        return None
    clear = np.asarray(image.convert("RGBA"))[..., 3] < OPAQUE
    return clear if clear.any() else None
