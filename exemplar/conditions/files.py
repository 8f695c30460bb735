"""Opening a user's input."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError


class InputError(ValueError):
    """A user's file is not what the condition needs."""


def open_image(path: Path) -> Image.Image:
    """Opens an image, upright and fully decoded.

    Raises:
        InputError: the file is missing, is not an image, or is truncated.
    """
    try:
        image = Image.open(path)
        image.load()
        return ImageOps.exif_transpose(image)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: not a readable image ({error})") from error
