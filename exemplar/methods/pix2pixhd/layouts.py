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

from exemplar.data.pictures import SUFFIXES, read_numbers
from exemplar.labels.encoding import IGNORE
from exemplar.labels.folders import divided
from exemplar.labels.instances import said_of_instances
from exemplar.labels.known import Known, called, shown_colours
from exemplar.labels.recognition import Recognised, read_known, said_of

SHOWN = 20  # values of a report that are spelt out
REMEDY = "relabel them, or name them as labels to ignore"


class LayoutError(ValueError):
    """Layouts cannot be used; the message lists every problem of every file."""


@dataclass(frozen=True)
class Layout:
    """What an image is to show.

    Attributes:
        name: the label map's file name without its suffix.
        labels: (H, W) u8, classes; `IGNORE` where there is none.
        instances: (H, W) i64, the object that each pixel belongs to, as it was numbered in the
            file; the labels' numbers where there is no instance map.
        mapped: whether there is an instance map; where there is none, every class is one object.
        said: how the label map was understood, in lines for its user.
    """

    name: str
    labels: np.ndarray
    instances: np.ndarray
    mapped: bool = True
    said: tuple[str, ...] = ()


def read_layouts(
    labels: Sequence[Path],
    instances: Sequence[Path] | None,
    classes: int,
    ignore: Sequence[int] = (),
    numbers: Sequence[int] = (),
    known: Known | None = None,
) -> list[Layout]:
    """Reads label maps, and the instance map of each if there are any.

    Args:
        labels: images of any kind that `labels.recognition` reads; their names differ.
        instances: as many, in the same order, of 8, 16 or 32 bits; values are numbers, whatever
            they are, of the objects. None: every class is one object.
        classes: how many there are.
        ignore: labels that are no class.
        numbers: of the classes in label maps; none where they are 0, 1, ….
        known: the classes' names, and the numbers and colours that stand for them, in place of
            `ignore` and `numbers`.

    Returns:
        One layout a label map.

    Raises:
        LayoutError: files are missing or unreadable, have labels or colours without a class, no
            class for most pixels, or label and instance maps are of unequal number or size. All
            problems together.
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
            read_numbers(path, problems)
        instances = None
    known = known or _plain(classes, tuple(ignore), tuple(numbers))
    layouts = []
    for number, path in enumerate(labels):
        found = read_known(path, known, problems)
        given = None
        if instances is not None:
            given = _read_instances(instances[number], path, found, problems)
        if found is not None:
            owners = _numbered(found, known) if given is None else given
            said, mapped = said_of(path, found, known), instances is not None
            if given is not None and instances is not None and given.shape == found.labels.shape:
                notes = said_of_instances(given, found.labels)
                said += [f"note: {instances[number]}: {note}" for note in notes]
            layouts.append(Layout(path.stem, found.labels, owners, mapped, tuple(said)))
    if problems:
        raise LayoutError(report(problems))
    return layouts


def _read_instances(
    path: Path, labels: Path, found: Recognised | None, problems: list[str]
) -> np.ndarray | None:
    """The instance map of a label map, i64; notes what is wrong with it."""
    given = read_numbers(path, problems)
    if given is None:
        return None
    if found is not None and given.shape != found.labels.shape:
        problems.append(
            f"{path}: expected {_size(found.labels)} as its label map {labels}, got {_size(given)}"
        )
    if given.min() < 0:
        problems.append(f"{path}: expected numbers of objects from 0, got {given.min()}")
    return given


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
    found, _ = divided(path)
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
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return f"{count} with the layouts:\n  " + "\n  ".join(problems)


def _plain(classes: int, ignore: tuple[int, ...], numbers: tuple[int, ...]) -> Known:
    """Classes of which only the numbers are known."""
    own = numbers or tuple(range(classes))
    names = tuple(called(number) for number in own)
    return Known(names, own, ignore, shown_colours(own), remedy=REMEDY)


def _numbered(found: Recognised, known: Known) -> np.ndarray:
    """The numbers of a label map, i64: the file's, or where it has colours those of its classes."""
    if found.numbers is not None:
        return found.numbers
    table = np.full(IGNORE + 1, IGNORE, np.int64)
    table[: len(known.numbers)] = known.numbers
    return table[found.labels]


def _size(values: np.ndarray) -> str:
    return f"{values.shape[1]}×{values.shape[0]}"
