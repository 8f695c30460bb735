"""What a user asks for, checked: pairs of images from a command line, a table or two folders.

Everything is looked at before anything is matched, and all that is wrong is told at once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, count, groupby
from pathlib import Path
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from exemplar.data.pictures import Picture, pictures_in, read_picture, spelled
from exemplar.data.problems import Problems
from exemplar.data.text_tables import read_table
from exemplar.methods.deep_analogy.inputs import Points, read_labels, read_points
from exemplar.methods.deep_analogy.settings import Strength

Mode = Literal["photo-to-style", "style-to-style", "style-to-photo", "photo-to-photo", "time-lapse"]
MODES: tuple[Mode, ...] = get_args(Mode)
REFINED: tuple[Mode, ...] = ("photo-to-photo", "time-lapse")
"""Both images are photographs: results keep their own detail (Eq. 7)."""

STRENGTHS: tuple[Strength, ...] = get_args(Strength)
NEEDED, OPTIONAL = ("a", "b"), ("name", "mode", "strength", "labels", "keypoints")
"""Columns of a table of pairs."""

FRAMES, ANIMATION, LAPSE = "frames", "time-lapse.png", "time-lapse.json"
"""What a time lapse has beside its pairs' folders: images, all of them as one, and a record."""

Loaded = TypeVar("Loaded")


@dataclass(frozen=True)
class Request:
    """A pair that is asked for.

    Attributes:
        a: A, the content.
        b: B′, the style or reference.
        name: of the folder below the one that is written to; empty: that one itself.
        mode: of the paper's applications, which.
        strength: instead of that of the settings.
        labels: a label map of A, to be carried to B′.
        keypoints: points of A as CSV, likewise.
    """

    a: Path
    b: Path
    name: str = ""
    mode: Mode = "photo-to-style"
    strength: Strength | None = None
    labels: Path | None = None
    keypoints: Path | None = None

    @property
    def files(self) -> list[Path]:
        """All that it is made from."""
        return [p for p in (self.a, self.b, self.labels, self.keypoints) if p is not None]


@dataclass(frozen=True)
class Given:
    """A pair that has been read.

    Attributes:
        a: A.
        b_prime: B′.
        mode: which of the applications.
        labels: (H, W) i64 of A, if there are any.
        points: of A, likewise.
    """

    a: Picture
    b_prime: Picture
    mode: Mode
    labels: NDArray[np.int64] | None = None
    points: Points | None = None


def read_batch(path: Path, request: Request, problems: Problems) -> list[Request]:
    """Reads a table of pairs.

    Args:
        path: a CSV file with the columns `a` and `b`, and perhaps those of `OPTIONAL`; paths are
            relative to its folder, and what a cell leaves empty is as in `request`.
        request: what holds for all pairs.
        problems: gets a line for all that is wrong in each row.

    Returns:
        The pairs whose rows make sense, with a name each.
    """
    table = read_table(path, NEEDED, OPTIONAL, problems)
    made: list[tuple[int, Request]] = []
    rows = [] if table is None else zip(table.index, table.to_dict("records"), strict=True)
    for line, cells in rows:
        cell = {str(key): str(value) for key, value in cells.items()}
        known = len(problems)
        where = f"{path}, line {line}"
        for column in NEEDED:
            if not cell[column]:
                problems.append(f"{where}: no {column}; name an image")
        modes = [mode for mode in MODES if mode != "time-lapse"]
        mode = _one_of(cell.get("mode") or request.mode, modes, f"{where}: mode", problems)
        strength = cell.get("strength")
        if strength:
            strength = _one_of(strength, STRENGTHS, f"{where}: strength", problems)
        name = cell.get("name") or _joined(Path(cell["a"]), Path(cell["b"]))
        if name.startswith(".") or re.search(r"[/\\\0]", name):
            problems.append(f"{where}: name: expected a folder's name, got {name!r}")
        if len(problems) > known:
            continue
        files = {
            column: spelled(path.parent / cell[column]) if cell.get(column) else None
            for column in ("labels", "keypoints")
        }
        pair = replace(
            request,
            a=spelled(path.parent / cell["a"]),
            b=spelled(path.parent / cell["b"]),
            name=name,
            mode=mode,
            strength=strength or request.strength,
            labels=files["labels"] or request.labels,
            keypoints=files["keypoints"] or request.keypoints,
        )
        made.append((line, pair))
    _names_differ(path, made, problems)
    return [pair for _, pair in made]


def series(request: Request, problems: Problems) -> list[Request]:
    """The pairs of a time lapse: an image and each one of a folder, in the order of their names.

    Args:
        request: either A or B′ is a folder; labels and points belong to A, which then is none.
        problems: gets a line for all that is wrong.

    Returns:
        The pairs, named by the image of the folder.
    """
    folders = [path for path in (request.a, request.b) if path.is_dir()]
    if len(folders) != 1:
        problems.append(
            f"time-lapse: expected an image and a folder of images, got {request.a} and "
            f"{request.b}; name a folder for one of them"
        )
        return []
    if request.a.is_dir() and (request.labels or request.keypoints):
        problems.append("time-lapse: labels and keypoints belong to one A, not to a folder of them")
    images = pictures_in(folders[0], problems)
    side = "a" if request.a.is_dir() else "b"
    return [
        replace(request, **{side: image, "name": name})
        for image, name in zip(images, _names(images), strict=True)
    ]


def read_pair(request: Request, problems: Problems) -> Given | None:
    """Reads all files of a pair.

    Args:
        request: the pair.
        problems: gets a line for all that is wrong with its files.

    Returns:
        The pair, none if something is wrong.
    """
    known = len(problems)
    a = read_picture(request.a, problems)
    b_prime = read_picture(request.b, problems)
    labels = points = None
    if a is not None:
        size = (a.image.shape[0], a.image.shape[1])
        if request.labels is not None:
            labels = read_labels(request.labels, size, problems)
        if request.keypoints is not None:
            points = read_points(request.keypoints, size, problems)
    if a is None or b_prime is None or len(problems) > known:
        return None
    return Given(a, b_prime, request.mode, labels, points)


def _one_of(value: str, allowed: Sequence[Loaded], where: str, problems: Problems) -> Loaded | None:
    """A value that is one of some; notes that it is none."""
    for one in allowed:
        if value == one:
            return one
    problems.append(f"{where}: expected one of {', '.join(map(str, allowed))}, got {value!r}")
    return None


def _joined(a: Path, b: Path) -> str:
    return f"{a.stem}-{b.stem}"


def _names(images: Sequence[Path]) -> list[str]:
    """A folder's name for each image of a folder: its own, as long as no two are alike."""
    stems = Counter(image.stem.casefold() for image in images)
    taken = {FRAMES, ANIMATION, LAPSE}
    names = []
    for image in images:
        own = [image.stem] if stems[image.stem.casefold()] == 1 else []
        proposed = chain(own, [image.name], (f"{image.name}-{again}" for again in count(2)))
        name = next(each for each in proposed if each.casefold() not in taken)
        taken.add(name.casefold())
        names.append(name)
    return names


def _names_differ(path: Path, made: list[tuple[int, Request]], problems: Problems) -> None:
    """Notes pairs that would be written to one folder."""
    # File systems may not tell upper case from lower.
    named = sorted((pair.name.casefold(), line, pair.name) for line, pair in made)
    for _, group in groupby(named, key=lambda entry: entry[0]):
        same = list(group)
        if len(same) > 1:
            lines = ", ".join(str(line) for _, line, _ in same)
            problems.append(
                f"{path}: lines {lines} have one name, {same[0][2]}; name them apart in a column "
                "`name`"
            )
