"""Requests of users: label maps and wishes in, edited images as PNG files out.

Everything is read and checked before any network runs. Below the command line, above `editing`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.conditions.files import InputError, open_image
from exemplar.methods.pix2pixhd.editing import (
    Edit,
    Edited,
    EditError,
    edited,
    parse_edit,
    problems_of,
)
from exemplar.methods.pix2pixhd.encoding import objects_of
from exemplar.methods.pix2pixhd.layouts import IGNORE, Layout, layout_files, read_layouts
from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.methods.pix2pixhd.sampling import NO_STYLE, drawn_looks, seen_looks
from exemplar.methods.pix2pixhd.styles import Styles
from exemplar.store.files import written

MARGIN = 1 / 12
"""Of the shorter side: how far around what is edited other pixels may change."""


@dataclass(frozen=True)
class Request:
    """What a user asks for.

    Attributes:
        labels: a label map, or a folder of them.
        instances: an instance map, or a folder of as many; None where every class is one.
        relabel: `FROM=TO`.
        styles: `INSTANCE=K`.
        ignore: labels that are no class.
        photograph: of the layout, whose looks are to be kept; without it, styles are drawn.
        count: images of each layout.
        seed: of the styles that are drawn.
    """

    labels: Path
    instances: Path | None = None
    relabel: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    ignore: tuple[int, ...] = ()
    photograph: Path | None = None
    count: int = 1
    seed: int = 0


def answer(model: Pix2pixHD, styles: Styles, request: Request, out: Path) -> list[Path]:
    """Makes the images that are asked for.

    Of each layout and sample, `<layout>-<sample>.png`; if it is edited, what it was before as
    `<layout>-<sample>-before.png`; and beside them `<layout>-objects.csv`, a line an object:
    instance, class, area in pixels, how many styles its class has, and its style in each sample.

    Args:
        model: in evaluation mode.
        styles: of the model's encoder.
        request: what to make.
        out: a folder; files of the same names are replaced.

    Returns:
        The images, without those from before.

    Raises:
        LayoutError: maps cannot be read or do not fit.
        InputError: the photograph cannot be read, or has not the layout's size.
        EditError: wishes cannot be read, or no layout can meet them.
    """
    edit = parse_edit(request.relabel, request.styles, model.classes)
    labels, instances = layout_files(request.labels, request.instances)
    layouts = read_layouts(labels, instances, len(model.classes), request.ignore)
    edits = _edits_of(model, styles, layouts, edit)
    photograph = _photograph(request.photograph, layouts)
    made = []
    for layout, own in zip(layouts, edits, strict=True):
        done = [
            _sample(model, styles, layout, own, photograph, request.seed, number)
            for number in range(1 if photograph is not None else request.count)
        ]
        for number, each in enumerate(done):
            path = out / f"{layout.name}-{number}.png"
            _save(path, each.after)
            if each.changed.any():
                _save(out / f"{layout.name}-{number}-before.png", each.before)
            made.append(path)
        with written(out / f"{layout.name}-objects.csv") as partial:
            _table(model, styles, done).to_csv(partial, index=False)
    return made


def _edits_of(model: Pix2pixHD, styles: Styles, layouts: list[Layout], edit: Edit) -> list[Edit]:
    """The part of an edit that each layout can have; a wish that none can meet is an error."""
    if len(layouts) == 1:
        edits = [edit]
    else:
        labels = [set(np.unique(each.labels).tolist()) for each in layouts]
        numbers = [set(np.unique(each.instances).tolist()) for each in layouts]
        lost = [
            f"relabel {model.classes[label]}: none of the {len(layouts)} layouts has it"
            for label in edit.relabel
            if not any(label in own for own in labels)
        ] + [
            f"style of instance {number}: none of the {len(layouts)} layouts has it"
            for number in edit.styles
            if not any(number in own for own in numbers)
        ]
        if lost:
            raise EditError("\n".join(lost))
        edits = [
            replace(
                edit,
                relabel={k: v for k, v in edit.relabel.items() if k in own},
                styles={k: v for k, v in edit.styles.items() if k in present},
            )
            for own, present in zip(labels, numbers, strict=True)
        ]
    pairs = zip(layouts, edits, strict=True)
    problems = [line for layout, own in pairs for line in problems_of(model, styles, layout, own)]
    if problems:
        raise EditError("\n".join(problems))
    return edits


def _photograph(path: Path | None, layouts: list[Layout]) -> np.ndarray | None:
    """(H, W, 3) u8, of the only layout's size."""
    if path is None:
        return None
    if len(layouts) > 1:
        raise InputError(f"{path}: a photograph is of one layout, got {len(layouts)} label maps")
    image = np.array(open_image(path).convert("RGB"))
    height, width = layouts[0].labels.shape
    if image.shape[:2] != (height, width):
        raise InputError(
            f"{path}: expected {width}×{height} as its label map, "
            f"got {image.shape[1]}×{image.shape[0]}"
        )
    return image


def _sample(
    model: Pix2pixHD,
    styles: Styles,
    layout: Layout,
    edit: Edit,
    photograph: np.ndarray | None,
    seed: int,
    number: int,
) -> Edited:
    objects = objects_of(layout.labels, layout.instances)
    looks = drawn_looks(objects, styles, seed, number)
    if photograph is not None:
        looks = seen_looks(model, photograph, objects)
    margin = MARGIN * min(layout.labels.shape)
    return edited(model, styles, layout, looks, edit, margin, seed, number)


def _table(model: Pix2pixHD, styles: Styles, done: list[Edited]) -> pd.DataFrame:
    """What a user needs to choose styles by."""
    layout = done[0].layout
    objects = objects_of(layout.labels, layout.instances)
    names = dict(enumerate(model.classes)) | {IGNORE: ""}
    columns: dict[str, object] = {
        "instance": objects.instances,
        "class": [names[label] for label in objects.labels.tolist()],
        "area": objects.areas,
        "styles": [len(styles.of(label)) for label in objects.labels.tolist()],
    }
    for number, each in enumerate(done):
        numbers = pd.Series(each.looks.styles, dtype="Int64")
        columns[f"style-{number}"] = numbers.mask(numbers == NO_STYLE)
    return pd.DataFrame(columns)


def _save(path: Path, image: np.ndarray) -> None:
    with written(path) as partial:
        Image.fromarray(image).save(partial, format="PNG")
