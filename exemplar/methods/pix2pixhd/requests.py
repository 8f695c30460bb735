"""Requests of users: label maps and wishes, read and checked before any network runs.

Below the command line; `answers` makes the images. Everything that is wrong is told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from exemplar.data.pictures import read_picture
from exemplar.labels.folders import said_of_others
from exemplar.labels.known import Known
from exemplar.methods.pix2pixhd.layouts import (
    IGNORE,
    Layout,
    LayoutError,
    map_files,
    matched,
    read_layouts,
)
from exemplar.methods.pix2pixhd.styles import Styles
from exemplar.methods.pix2pixhd.wishes import (
    Edit,
    EditError,
    fitting,
    parse_edit,
    parse_target,
    problems_of,
    relabelled,
)

T = TypeVar("T")


class RequestError(ValueError):
    """A request cannot be met; the message lists everything that is wrong with it."""


@dataclass(frozen=True)
class Request:
    """What a user asks for.

    Attributes:
        labels: a label map, or a folder of them.
        instances: an instance map, or a folder of as many; None where every class is one.
        relabel: `FROM=TO` or `INSTANCE:FROM=TO`.
        styles: `INSTANCE=K` or `INSTANCE:CLASS=K`.
        choices: `INSTANCE` or `INSTANCE:CLASS`, of which every style is to be shown; empty: none.
        ignore: labels that are no class.
        numbers: of the classes in label maps and wishes; empty where they are 0, 1, ….
        known: the numbers and colours of the classes in label maps; None where only `numbers` and
            `ignore` say them.
        photograph: of the layout, whose looks are to be kept; without it, styles are drawn.
        count: images of each layout.
        seed: of the styles that are drawn.
    """

    labels: Path
    instances: Path | None = None
    relabel: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    choices: str = ""
    ignore: tuple[int, ...] = (IGNORE,)
    numbers: tuple[int, ...] = ()
    known: Known | None = None
    photograph: Path | None = None
    count: int = 1
    seed: int = 0


@dataclass(frozen=True)
class Checked:
    """A request whose files have been read and whose wishes can be met.

    Attributes:
        layouts: what the images are to show.
        edits: one a layout.
        choices: the only layout's edit, once for each style of the object that is to be shown in
            all of them; empty if none is.
        photograph: (H, W, 3) u8, of the only layout's size; or None.
        said: how the files were understood, in lines for their user.
    """

    layouts: list[Layout]
    edits: list[Edit]
    choices: list[Edit]
    photograph: np.ndarray | None
    said: list[str]


def check(request: Request, classes: Sequence[str], styles: Styles) -> Checked:
    """Reads everything that was asked for.

    Args:
        request: what to make.
        classes: of the model.
        styles: of its encoder; none at all without one.

    Returns:
        What is needed to make it.

    Raises:
        RequestError: maps or the photograph cannot be read or do not fit, wishes cannot be read,
            or no layout can meet them; every problem of every file and wish.
    """
    problems: list[str] = []
    numbers = request.numbers
    edit = parse_edit(request.relabel, request.styles, classes, problems, numbers)
    target = None
    if request.choices:
        asked = f"--choices {request.choices}: INSTANCE or INSTANCE:CLASS"
        target = parse_target(request.choices, classes, asked, problems, numbers)
    photograph = _photograph(request.photograph, problems)
    layouts = _tried(lambda: _layouts(request, len(classes)), problems) or []
    if request.photograph is not None and not len(styles.labels):
        problems.append(f"{request.photograph}: the model has no encoder, so it sees no looks")
    for option, given in (("--from", request.photograph), ("--choices", request.choices)):
        if given and len(layouts) > 1:
            problems.append(f"{option} {given}: is for one layout, got {len(layouts)} label maps")
    if photograph is not None and len(layouts) == 1:
        height, width = layouts[0].labels.shape
        if photograph.shape[:2] != (height, width):
            problems.append(
                f"{request.photograph}: expected {width}×{height} as its label map, "
                f"got {photograph.shape[1]}×{photograph.shape[0]}"
            )
    edits, choices = [], []
    if layouts:
        edits = _tried(lambda: fitting(layouts, edit, classes), problems) or []
        for layout, own in zip(layouts, edits, strict=False):
            problems += problems_of(classes, styles, layout, own)
        if target and len(layouts) == 1:
            choices = _choices(layouts[0], edit, target, classes, styles, problems)
    if problems:
        raise RequestError("\n".join(dict.fromkeys(problems)))  # one may be found twice
    said = said_of_others(request.labels)
    said += [line for layout in layouts for line in layout.said]
    return Checked(layouts, edits, choices, photograph, said)


def _tried(step: Callable[[], T], problems: list[str]) -> T | None:
    """What a step gives; none if it cannot, with what it says among the problems."""
    try:
        return step()
    except (LayoutError, EditError) as error:
        problems.append(str(error))
        return None


def _photograph(path: Path | None, problems: list[str]) -> np.ndarray | None:
    """(H, W, 3) u8; none if there is none, or it cannot be used."""
    picture = None if path is None else read_picture(path, problems)
    return None if picture is None else picture.image


def _layouts(request: Request, classes: int) -> list[Layout]:
    labels = map_files(request.labels)
    instances = None
    if request.instances is not None:
        instances = matched(labels, map_files(request.instances))
    known = request.known
    if known is not None and request.ignore != (IGNORE,):
        known = known._replace(ignore=request.ignore)
    return read_layouts(labels, instances, classes, request.ignore, request.numbers, known)


def _choices(
    layout: Layout,
    edit: Edit,
    target: tuple[int, int | None],
    classes: Sequence[str],
    styles: Styles,
    problems: list[str],
) -> list[Edit]:
    """The edit with each style that an object of one class can have."""
    instance, label = target
    after = relabelled(layout, edit.relabel)
    own = np.unique(after.labels[after.instances == instance]).tolist()
    known = [each for each in own if each < len(classes)]
    if label is None and len(known) == 1:
        label = known[0]
    if label is None and known:
        listed = ", ".join(f"{instance}:{classes[each]}" for each in known)
        problems.append(f"--choices {instance}: has several classes; choose one of {listed}")
        return []
    asked = replace(edit, styles={(instance, label): 0})
    problems += problems_of(classes, styles, layout, asked)
    count = 0 if label is None else len(styles.of(label))
    return [replace(edit, styles=edit.styles | {(instance, label): k}) for k in range(count)]
