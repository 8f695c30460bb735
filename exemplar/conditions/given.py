"""A user's inputs: from a file of any kind to a condition, or a photograph, of a network's size.

Above the conditions themselves, which networks are trained on. Every reader notes what is wrong and
goes on, so that all problems of all files are told together.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from exemplar.conditions import lowres
from exemplar.conditions.normal_maps import normals_of
from exemplar.data.drawings import drawing_map
from exemplar.data.fit import WHITE, Fit, fitted, shaped, told
from exemplar.data.inputs import BadPhoto
from exemplar.data.pictures import read_picture, read_stored
from exemplar.data.problems import Problems
from exemplar.labels.encoding import IGNORE
from exemplar.labels.known import Known
from exemplar.labels.recognition import read_known, said_of

PHOTOGRAPHS = "for a photograph, add --photographs"


class Given(NamedTuple):
    """An input that has been read.

    Attributes:
        values: as the condition is stored, or a photograph, u8 (H, W, 3).
        notes: what a user should know of how it was read, each beginning with its file.
    """

    values: NDArray
    notes: tuple[str, ...] = ()


Read = Callable[[Path, tuple[int, int], Known, Fit, Problems], Given | None]
"""A file, (H, W) of the result, classes, how it is fitted, problems → the condition."""


def read_condition(
    condition: str,
    path: Path,
    size: tuple[int, int],
    known: Known,
    how: Fit,
    problems: Problems,
) -> Given | None:
    """Reads a file that is a condition itself.

    Args:
        condition: what it is.
        path: the file.
        size: (H, W) of the networks' images.
        known: the classes of label maps, and their numbers and colours.
        how: it gets the shape of the networks' images.
        problems: gets a line if it cannot be used.

    Returns:
        Edges (H, W) f16 in [0, 1], 1 on a line; normals (H, W, 3) f16, unit; a small image
        (12, 12, 3) u8; or labels (H, W) u8, places of
        classes, 255 where a pixel has none. None if it cannot be used.
    """
    return READERS[condition](path, size, known, how, problems)


def read_photograph(
    path: Path, size: tuple[int, int], how: Fit, problems: Problems, option: str = ""
) -> Given | None:
    """Reads a photograph.

    Args:
        path: the file.
        size: (H, W) of the networks' images.
        how: it gets their shape; margins are white.
        problems: gets a line if it cannot be used.
        option: by which it was given, with a space after it.

    Returns:
        u8 (H, W, 3), none if it cannot be used.
    """
    own: Problems = []
    picture = read_picture(path, own)
    problems += [f"{option}{problem}" for problem in own]
    if picture is None:
        return None
    image = fitted(Image.fromarray(picture.image), size, how)
    return Given(np.asarray(image), _shape(path, picture.image.shape, size, how, option))


def _edges(
    path: Path, size: tuple[int, int], known: Known, how: Fit, problems: Problems
) -> Given | None:
    """A drawing of dark lines on a light ground, or of light ones on a dark one."""
    picture = read_picture(path, problems)
    if picture is None:
        return None
    try:
        lines = drawing_map(picture.image, size, how)
    except BadPhoto as error:
        problems.append(f"{path}: {error}; {PHOTOGRAPHS}")
        return None
    return Given(lines.astype(np.float16), _shape(path, picture.image.shape, size, how))


def _normals(
    path: Path, size: tuple[int, int], known: Known, how: Fit, problems: Problems
) -> Given | None:
    """A normal map of any convention that can be told from it."""
    image = read_stored(path, problems, "a normal map")
    if image is None:
        return None
    try:
        normals, notes = normals_of(image, size, how)
    except BadPhoto as error:
        problems.append(f"{path}: {error}; {PHOTOGRAPHS}")
        return None
    shape = _shape(path, (image.height, image.width), size, how)
    return Given(normals.astype(np.float16), (*shape, *(f"{path}: {note}" for note in notes)))


def _lowres(
    path: Path, size: tuple[int, int], known: Known, how: Fit, problems: Problems
) -> Given | None:
    """A small image, or a larger one, reduced by the means of blocks."""
    picture = read_picture(path, problems)
    if picture is None:
        return None
    image = Image.fromarray(shaped(picture.image, size, how, WHITE))
    small = image.resize((lowres.SIDE, lowres.SIDE), Image.Resampling.BOX)
    return Given(np.asarray(small), _shape(path, picture.image.shape, size, how))


def _labels(
    path: Path, size: tuple[int, int], known: Known, how: Fit, problems: Problems
) -> Given | None:
    """Numbers of classes, or their colours; margins have none."""
    found = read_known(path, known, problems)
    if found is None:
        return None
    image = fitted(Image.fromarray(found.labels), size, how, Image.Resampling.NEAREST, IGNORE)
    said = (line.removeprefix("note: ") for line in said_of(path, found, known))
    return Given(np.asarray(image), (*_shape(path, found.labels.shape, size, how), *said))


def _shape(
    path: Path, shape: tuple[int, ...], size: tuple[int, int], how: Fit, option: str = ""
) -> tuple[str, ...]:
    """What fitting did to a file, if anything."""
    done = told((shape[0], shape[1]), size, how)
    return (f"{option}{path}: {done}",) if done else ()


READERS: dict[str, Read] = {
    "lowres": _lowres, "edges": _edges, "normals": _normals, "labels": _labels
}  # fmt: skip
