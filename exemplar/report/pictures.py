"""Arrays made visible: conditions, sources, spectra and labelled sheets.

Everything here takes stored arrays and returns u8 (H, W, 3) pictures; the page and the command
line write them as PNG.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from exemplar.labels.colours import label_palette
from exemplar.report.palettes import CORNERS, EXEMPLARS, OTHER, Colour

PAPER: Colour = (255, 255, 255)
INK: Colour = (40, 40, 40)
TINT = 0.6
LUMA = (0.299, 0.587, 0.114)


def condition_picture(kind: str, values: np.ndarray, side: int = 96) -> np.ndarray:
    """A condition as a picture.

    Args:
        kind: `lowres`, `edges`, `normals` or `labels`.
        values: one image's array: lowres u8 (h, w, 3), enlarged in blocks; edges (H, W) in [0, 1],
            drawn dark on white; normals (H, W, 3) in [-1, 1], drawn as RGB; labels u8 (H, W).
        side: the height a low-resolution image is enlarged to, as nearly as whole blocks allow.

    Returns:
        u8 (H, W, 3).

    Raises:
        ValueError: the kind is unknown or the array has another shape than its kind.
    """
    shapes = {"lowres": 3, "edges": 2, "normals": 3, "labels": 2}
    if kind not in shapes:
        raise ValueError(f"no picture for the condition {kind!r}; expected one of {list(shapes)}")
    values = np.asarray(values)
    if values.ndim != shapes[kind] or (values.ndim == 3 and values.shape[2] != 3):
        form = "(H, W, 3)" if shapes[kind] == 3 else "(H, W)"
        raise ValueError(f"{kind}: expected an array {form}, got {values.shape}")
    if kind == "lowres":
        factor = max(1, side // values.shape[0])
        return values.astype(np.uint8).repeat(factor, 0).repeat(factor, 1)
    if kind == "labels":
        return label_palette()[values.astype(np.uint8)]
    if kind == "edges":
        grey = 1 - np.clip(np.nan_to_num(values.astype(np.float32)), 0, 1)
        return np.rint(255 * grey).astype(np.uint8)[..., None].repeat(3, -1)
    shifted = np.nan_to_num(values.astype(np.float32)) / 2 + 0.5
    return np.rint(255 * np.clip(shifted, 0, 1)).astype(np.uint8)


def tinted(image: np.ndarray, colour: np.ndarray | Colour) -> np.ndarray:
    """An image's grey values washed in colour.

    Args:
        image: u8 (H, W, 3).
        colour: one colour, or one for each pixel, (H, W, 3).

    Returns:
        u8 (H, W, 3): 0.4 of the grey value and 0.6 of the colour.
    """
    grey = (image.astype(np.float64) @ np.asarray(LUMA))[..., None]
    return np.rint((1 - TINT) * grey + TINT * np.asarray(colour, np.float64)).astype(np.uint8)


def source_picture(image: np.ndarray, source: np.ndarray, ids: Sequence[int]) -> np.ndarray:
    """A composed image, each pixel coloured by the exemplar that it was copied from.

    Args:
        image: u8 (H, W, 3).
        source: i32 (H, W, 3): exemplar row, y, x.
        ids: the exemplar rows that get a colour of their own, at most eight; others are grey.

    Returns:
        u8 (H, W, 3).
    """
    colours = np.broadcast_to(np.asarray(OTHER), (*source.shape[:2], 3)).copy()
    for colour, row in zip(EXEMPLARS, ids, strict=False):
        colours[source[..., 0] == row] = colour
    return tinted(image, colours)


def used_picture(exemplar: np.ndarray, source: np.ndarray, row: int, colour: Colour) -> np.ndarray:
    """An exemplar with the pixels that were copied from it coloured, and the rest pale grey.

    Args:
        exemplar: u8 (H, W, 3).
        source: i32 (H', W', 3) of the composed image.
        row: the exemplar's row in `source`.
        colour: its colour.

    Returns:
        u8 (H, W, 3).
    """
    used = np.zeros(exemplar.shape[:2], bool)
    y, x = source[source[..., 0] == row][:, 1:].T
    used[y, x] = True
    pale = tinted(exemplar, PAPER)
    return np.where(used[..., None], tinted(exemplar, colour), pale)


def correspondence_picture(
    image: np.ndarray, source: np.ndarray, exemplar_images: np.ndarray, ids: Sequence[int]
) -> np.ndarray:
    """The composed image amid its most used exemplars, as in Figure 5 of the PixelNN paper.

    One or two exemplars stand beside it instead, on the left and on the right.

    Args:
        image: u8 (H, W, 3), the composed image; in the middle, each pixel in its exemplar's colour.
        source: i32 (H, W, 3): exemplar row, y, x.
        exemplar_images: u8 (E, H, W, 3), the most used first; up to eight are drawn around it, each
            framed in its colour, with the pixels copied from it in that colour.
        ids: the E exemplars' rows in `source`.

    Returns:
        u8, three tiles by three; of up to two exemplars one row, with a tile for each of them.

    Raises:
        ValueError: as many images as ids are needed, all of the composed image's size.
    """
    if len(exemplar_images) != len(ids) or exemplar_images.shape[1:] != image.shape:
        raise ValueError(
            f"expected {len(ids)} exemplar images of {image.shape}, got {exemplar_images.shape}"
        )
    height, width = image.shape[:2]
    frame, gap = max(2, height // 32), max(2, height // 24)
    step_y, step_x = height + 2 * frame + gap, width + 2 * frame + gap
    sheet = np.full((3 * step_y - gap, 3 * step_x - gap, 3), 255, np.uint8)
    # Corners first: so few exemplars still surround the image.
    around = [(0, 0), (0, 2), (2, 0), (2, 2), (0, 1), (2, 1), (1, 0), (1, 2)]
    around = around if len(ids) > 2 else [(1, 0), (1, 2)]
    tiles = [((1, 1), OTHER, source_picture(image, source, ids[: len(EXEMPLARS)]))]
    for place, colour, exemplar, row in zip(around, EXEMPLARS, exemplar_images, ids, strict=False):
        tiles.append((place, colour, used_picture(exemplar, source, row, colour)))
    for (down, across), colour, tile in tiles:
        y, x = down * step_y, across * step_x
        sheet[y : y + height + 2 * frame, x : x + width + 2 * frame] = colour
        sheet[y + frame : y + frame + height, x + frame : x + frame + width] = tile
    if len(ids) > 2:
        return sheet
    left, right = (0 if ids else step_x), (3 if len(ids) > 1 else 2) * step_x - gap
    return sheet[step_y : 2 * step_y - gap, left:right]


def position_picture(source: np.ndarray, height: int, width: int) -> np.ndarray:
    """The place in its exemplar that each pixel was copied from, as a colour.

    A place's colour blends four corner colours; squares of an eighth of the image alternate in
    lightness, so that a bent grid shows how the exemplar was bent.

    Args:
        source: i32 (H, W, 3): exemplar row, y, x; row −1 is drawn white.
        height: the exemplars' height.
        width: the exemplars' width.

    Returns:
        u8 (H, W, 3).
    """
    y = source[..., 1].astype(np.float64)
    x = source[..., 2].astype(np.float64)
    v, u = (y / max(height - 1, 1))[..., None], (x / max(width - 1, 1))[..., None]
    top_left, top_right, bottom_left, bottom_right = (np.asarray(c, np.float64) for c in CORNERS)
    top, bottom = top_left * (1 - u) + top_right * u, bottom_left * (1 - u) + bottom_right * u
    square = (y * 8 // height + x * 8 // width) % 2
    colour = (top * (1 - v) + bottom * v) * np.where(square == 1, 0.72, 1.0)[..., None]
    colour[source[..., 0] < 0] = PAPER
    return np.rint(colour).astype(np.uint8)


def identity_source(height: int, width: int) -> np.ndarray:
    """The source (i32 (H, W, 3), row 0) of an image in which every pixel stays in its place."""
    y, x = np.mgrid[:height, :width]
    return np.stack([np.zeros_like(y), y, x], axis=-1).astype(np.int32)


def fourier_picture(image: np.ndarray, floor: float = -1.0, ceiling: float = 2.5) -> np.ndarray:
    """The magnitude of an image's Fourier transform, zero frequency in the middle.

    Args:
        image: u8 (H, W, 3).
        floor: the decimal logarithm of the amplitude (of grey values in [0, 1], summed over the
            pixels) that is drawn black; the same for all images, so that they compare.
        ceiling: that of what is drawn white.

    Returns:
        u8 (H, W, 3), grey.
    """
    grey = (image.astype(np.float64) / 255) @ np.asarray(LUMA)
    height, width = grey.shape
    # A window tapering to the border keeps the frame itself out of the spectrum.
    window = np.outer(np.hanning(height), np.hanning(width))
    magnitude = np.abs(np.fft.fftshift(np.fft.fft2((grey - grey.mean()) * window)))
    level = (np.log10(np.maximum(magnitude, 10.0**floor)) - floor) / (ceiling - floor)
    return np.rint(255 * np.clip(level, 0, 1)).astype(np.uint8)[..., None].repeat(3, -1)


def contact_sheet(
    images: Sequence[np.ndarray], captions: Sequence[str], columns: int
) -> np.ndarray:
    """Images in rows on a white sheet, a caption under each.

    Args:
        images: u8 (H, W, 3), of any sizes; smaller ones are enlarged in whole steps.
        captions: one for each image; may be empty.
        columns: images in a row.

    Returns:
        u8, the sheet.

    Raises:
        ValueError: there is no image, a caption is missing, or `columns` is not positive.
    """
    if not images or len(images) != len(captions) or columns < 1:
        raise ValueError(
            f"a contact sheet needs images, a caption for each and a positive number of columns; "
            f"got {len(images)} images, {len(captions)} captions, {columns} columns"
        )
    height = max(image.shape[0] for image in images)
    width = max(image.shape[1] for image in images)
    size, gap = max(9, height // 9), max(2, height // 16)
    line = size + gap + gap // 2 if any(captions) else gap
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    extent = (columns * (width + gap) + gap, rows * (height + line) + gap)
    sheet = Image.new("RGB", extent, PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size)
    for index, (image, caption) in enumerate(zip(images, captions, strict=True)):
        factor = max(1, min(height // image.shape[0], width // image.shape[1]))
        tile = Image.fromarray(np.ascontiguousarray(image.repeat(factor, 0).repeat(factor, 1)))
        x = gap + (index % columns) * (width + gap)
        y = gap + (index // columns) * (height + line)
        sheet.paste(tile, (x, y))
        pen.text((x + width / 2, y + height + gap // 2), caption, INK, font, anchor="ma")
    return np.asarray(sheet)
