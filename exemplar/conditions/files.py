"""Opening a user's input."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from exemplar.data.pictures import read_stored


class InputError(ValueError):
    """A user's file is not what the condition needs."""


def open_image(path: Path) -> Image.Image:
    """Opens an image as it is stored, upright.

    Raises:
        InputError: the file is missing, is not an image, or is truncated.
    """
    problems: list[str] = []
    image = read_stored(path, problems, "an image")
    if image is None:
        raise InputError("\n".join(problems))
    return image
