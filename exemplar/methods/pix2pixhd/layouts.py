"""Layouts, the inputs of pix2pixHD: label maps and instance maps, read and checked together.

First step of the way: files of users in, arrays that no network can fail on out. Nothing is
trained or synthesised before every file has been looked at; all problems come in one report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    """

    name: str
    labels: np.ndarray
    instances: np.ndarray


def read_layouts(
    labels: Sequence[Path],
    instances: Sequence[Path] | None,
    classes: int,
    ignore: Sequence[int] = (),
) -> list[Layout]:
    """Reads label maps, and the instance map of each if there are any.

    Args:
        labels: images of 8 or 16 bits whose values are class numbers.
        instances: as many, in the same order, of 8, 16 or 32 bits; values are numbers, whatever
            they are, of the objects. None: every class is one object.
        classes: how many there are; labels lie below.
        ignore: labels that are no class.

    Returns:
        One layout a label map.

    Raises:
        LayoutError: files are missing, unreadable or coloured, have labels without a class, or
            label and instance maps of unequal number or size. All problems together.
    """
    if not 1 <= classes <= IGNORE:
        raise LayoutError(f"expected 1 to {IGNORE} classes, got {classes}")
    if instances is not None and len(instances) != len(labels):
        raise LayoutError(
            f"expected an instance map for each label map, got {len(instances)} instance maps for "
            f"{len(labels)} label maps"
        )
    problems: list[str] = []
    layouts = []
    for number, path in enumerate(labels):
        found = _read_map(path, problems)
        given = None if instances is None else _read_map(instances[number], problems)
        if found is not None:
            checked = _checked_labels(found, path, classes, ignore, problems)
            if instances is None:
                given = found
            elif given is not None and given.shape != found.shape:
                problems.append(
                    f"{instances[number]}: expected {_size(found)} as its label map {path}, "
                    f"got {_size(given)}"
                )
            if given is not None:
                layouts.append(Layout(path.stem, checked, given))
    if problems:
        raise LayoutError(report(problems))
    return layouts


def layout_files(labels: Path, instances: Path | None) -> tuple[list[Path], list[Path] | None]:
    """The maps of two folders, matched by their order.

    Names need not be equal (`…_labelIds.png` and `…_instanceIds.png`), but there must be as many.

    Args:
        labels: a label map, or a folder of them.
        instances: an instance map, or a folder of them; None if there are none.

    Returns:
        The files of both, sorted by name.

    Raises:
        LayoutError: there are none, more of one than of the other, or label maps of one name.
    """
    found = _files(labels)
    names = [file.stem for file in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise LayoutError(
            f"{labels}: label maps need names of their own, as images are named for them; "
            f"more than one is called {', '.join(twice[:SHOWN])}"
        )
    if instances is None:
        return found, None
    others = _files(instances)
    if len(found) != len(others):
        raise LayoutError(
            f"expected as many instance maps as label maps, got {len(others)} in {instances} and "
            f"{len(found)} in {labels}; remove what is too many, or leave instances out"
        )
    return found, others


def report(problems: Sequence[str]) -> str:
    """One message for all problems."""
    more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return f"{count} with the layouts:\n  " + "\n  ".join([*problems[:SHOWN], *more])


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    if not found:
        raise LayoutError(f"{path}: expected maps ({', '.join(SUFFIXES)}), found none")
    return found


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
    found: np.ndarray, path: Path, classes: int, ignore: Sequence[int], problems: list[str]
) -> np.ndarray:
    """Labels as u8, with `IGNORE` for those that are to be ignored."""
    ignored = np.isin(found, list(ignore))
    wrong = ~ignored & ((found < 0) | (found >= classes))
    if wrong.any():
        values = np.unique(found[wrong]).tolist()
        listed = ", ".join(map(str, values[:SHOWN])) + (", …" if len(values) > SHOWN else "")
        y, x = np.argwhere(wrong)[0]
        problems.append(
            f"{path}: labels {listed} have no class; expected 0 to {classes - 1}. They are at "
            f"{int(wrong.sum())} pixels, the first at row {y}, column {x}; relabel them, or name "
            "them as labels to ignore"
        )
    return np.where(ignored | wrong, IGNORE, found).astype(np.uint8)


def _size(values: np.ndarray) -> str:
    return f"{values.shape[1]}×{values.shape[0]}"
