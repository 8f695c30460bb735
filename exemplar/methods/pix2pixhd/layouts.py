"""Layouts, the inputs of pix2pixHD: label maps and instance maps, read and checked together.

First step of the way: files of users in, arrays that no network can fail on out. Nothing is
trained or synthesised before every file has been looked at; all problems come in one report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np

from exemplar.conditions.files import InputError, open_image

IGNORE = 255
"""The label of pixels without a class; so there may be 255 classes."""

MAP_MODES = ("1", "L", "P", "I;16", "I;16L", "I;16B", "I;16N", "I")
SHOWN = 20  # problems and values of a report that are spelt out
SUFFIXES = (".png", ".tif", ".tiff", ".bmp")


class LayoutError(ValueError):
    """Layouts cannot be used; the message lists every problem of every file."""


@dataclass(frozen=True)
class Layout:
    """What an image is to show.

    Attributes:
        name: the label map's file name without its suffix.
        labels: (H, W) u8, classes; `IGNORE` where there is none.
        instances: (H, W) i64, the object that each pixel belongs to, as it was numbered in the
            file; the labels where there is no instance map.
        mapped: whether there is an instance map; where there is none, every class is one object.
    """

    name: str
    labels: np.ndarray
    instances: np.ndarray
    mapped: bool = True


def read_layouts(
    labels: Sequence[Path],
    instances: Sequence[Path] | None,
    classes: int,
    ignore: Sequence[int] = (),
    numbers: Sequence[int] = (),
) -> list[Layout]:
    """Reads label maps, and the instance map of each if there are any.

    Args:
        labels: images of 8 or 16 bits whose values are class numbers; their names differ.
        instances: as many, in the same order, of 8, 16 or 32 bits; values are numbers, whatever
            they are, of the objects. None: every class is one object.
        classes: how many there are.
        ignore: labels that are no class.
        numbers: of the classes in label maps; none where they are 0, 1, ….

    Returns:
        One layout a label map.

    Raises:
        LayoutError: files are missing, unreadable or coloured, have labels without a class, or
            label and instance maps of unequal number or size. All problems together.
    """
    if not 1 <= classes <= IGNORE:
        raise LayoutError(f"expected 1 to {IGNORE} classes, got {classes}")
    problems: list[str] = []
    names = [file.stem for file in labels]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        problems.append(
            "label maps need names of their own, as images are named for them; "
            f"more than one is called {', '.join(twice[:SHOWN])}"
        )
    if instances is not None and len(instances) != len(labels):
        problems.append(
            f"expected an instance map for each label map, got {len(instances)} instance maps for "
            f"{len(labels)} label maps; remove what is too many, or leave instances out"
        )
        for path in instances:  # they belong to nothing, but what is wrong in them is told
            _read_map(path, problems)
        instances = None
    layouts = []
    for number, path in enumerate(labels):
        found = _read_map(path, problems)
        given = None if instances is None else _read_map(instances[number], problems)
        if found is not None:
            checked = _checked_labels(found, path, numbers or range(classes), ignore, problems)
            if instances is None:
                given = found
            elif given is not None and given.shape != found.shape:
                problems.append(
                    f"{instances[number]}: expected {_size(found)} as its label map {path}, "
                    f"got {_size(given)}"
                )
            if given is not None:
                layouts.append(Layout(path.stem, checked, given, instances is not None))
    if problems:
        raise LayoutError(report(problems))
    return layouts


def map_files(path: Path) -> list[Path]:
    """The maps of a folder, or a map.

    Args:
        path: a map, or a folder of them.

    Returns:
        The files, sorted by name.

    Raises:
        LayoutError: the folder has none.
    """
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    if not found:
        raise LayoutError(f"{path}: expected maps ({', '.join(SUFFIXES)}), found none")
    return found


def matched(labels: Sequence[Path], instances: Sequence[Path]) -> list[Path]:
    """The instance maps in the order of their label maps.

    Maps belong together by the part of their names in which those of a folder differ:
    `a_labelIds.png` and `a_instanceIds.png`, `labels_07.png` and `07.tif`.

    Args:
        labels: label maps.
        instances: instance maps; if they are not as many, `read_layouts` says so.

    Returns:
        The instance maps.

    Raises:
        LayoutError: there are as many, but of other names.
    """
    own, others = _distinctive(labels), _distinctive(instances)
    if len(labels) != len(instances) or len(labels) == 1:
        return list(instances)
    places = dict(zip(others, instances, strict=True))
    if lost := [labels[place].name for place, name in enumerate(own) if name not in places]:
        listed = ", ".join(lost[:SHOWN]) + (", …" if lost[SHOWN:] else "")
        raise LayoutError(
            f"expected an instance map of a matching name for each label map, such as a_labels.png "
            f"and a_instances.png; found none for {listed}; rename them"
        )
    return [places[name] for name in own]


def _distinctive(paths: Sequence[Path]) -> list[str]:
    """Names without the beginning and the end that all of them share."""
    names = [path.stem for path in paths]
    beginning = _shared(names)
    ending = _shared([name[beginning:][::-1] for name in names])
    return [name[beginning : len(name) - ending] for name in names]


def _shared(names: list[str]) -> int:
    """With how many letters all names begin alike."""
    places = zip(*names, strict=False)  # as far as the shortest
    return sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, places))


def report(problems: Sequence[str]) -> str:
    """One message for all problems."""
    more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return f"{count} with the layouts:\n  " + "\n  ".join([*problems[:SHOWN], *more])


def _read_map(path: Path, problems: list[str]) -> np.ndarray | None:
    """A map's numbers, (H, W) i64, never scaled; none if it cannot be read."""
    try:
        image = open_image(path)
    except InputError as error:
        problems.append(str(error))
        return None
    if image.mode not in MAP_MODES:
        problems.append(
            f"{path}: expected one number a pixel (a grey or palette image of 8, 16 or 32 bits), "
            f"got mode {image.mode}; save class or instance numbers, not colours"
        )
        return None
    return np.asarray(image).astype(np.int64)


def _checked_labels(
    found: np.ndarray,
    path: Path,
    numbers: Sequence[int],
    ignore: Sequence[int],
    problems: list[str],
) -> np.ndarray:
    """Places of classes as u8, with `IGNORE` for labels that are to be ignored."""
    ignored = np.isin(found, list(ignore))
    wrong = ~ignored & ~np.isin(found, list(numbers))
    if wrong.any():
        values = np.unique(found[wrong]).tolist()
        plain = isinstance(numbers, range)
        expected = f"0 to {len(numbers) - 1}" if plain else _listed(sorted(numbers))
        y, x = np.argwhere(wrong)[0]
        problems.append(
            f"{path}: labels {_listed(values)} have no class; expected {expected}. They are at "
            f"{int(wrong.sum())} pixels, the first at row {y}, column {x}; relabel them, or name "
            "them as labels to ignore"
        )
    order = np.argsort(np.array(numbers))
    places = order[
        np.searchsorted(np.array(numbers)[order], np.where(ignored | wrong, min(numbers), found))
    ]
    return np.where(ignored | wrong, IGNORE, places).astype(np.uint8)


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values[:SHOWN])) + (", …" if len(values) > SHOWN else "")


def _size(values: np.ndarray) -> str:
    return f"{values.shape[1]}×{values.shape[0]}"
