"""Images of users' requests, as PNG files beside a table of their objects.

The end of the way: what `requests` has checked and `editing` makes, written.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.methods.pix2pixhd.editing import Edited, edited
from exemplar.methods.pix2pixhd.encoding import Objects, objects_of
from exemplar.methods.pix2pixhd.layouts import IGNORE
from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.methods.pix2pixhd.requests import Checked, Request
from exemplar.methods.pix2pixhd.sampling import NO_STYLE, Looks, drawn_looks, seen_looks
from exemplar.methods.pix2pixhd.styles import Styles
from exemplar.methods.pix2pixhd.wishes import Edit

MARGIN = 1 / 12
"""Of the shorter side: how far around what is edited other pixels may change."""


def answer_files(checked: Checked, request: Request, place: int) -> frozenset[str]:
    """Names of all files that may be written of one layout.

    Args:
        checked: the request, read.
        request: what to make.
        place: of the layout among them.
    """
    name = checked.layouts[place].name
    samples = [f"{name}-{number}" for number in range(_count(checked, request))]
    endings = [*_edits(checked, place), *([] if checked.choices else ["-before"])]
    images = (f"{sample}{ending}.png" for sample in samples for ending in endings)
    return frozenset([f"{name}-objects.csv", *images])


def answer(
    model: Pix2pixHD,
    styles: Styles,
    request: Request,
    checked: Checked,
    place: int,
    folder: Path,
) -> list[str]:
    """Makes the images that are asked for of one layout.

    Of each sample, `<layout>-<sample>.png`; if it is edited, what it was before as
    `<layout>-<sample>-before.png`; and beside them `<layout>-objects.csv`, a line an object:
    instance, class, area in pixels, how many styles its class has, and its style in each sample.
    Where all styles of an object are asked for, they are `<layout>-<sample>-style-<K>.png`.

    Args:
        model: in evaluation mode.
        styles: of the model's encoder.
        request: what to make.
        checked: the same, read.
        place: of the layout among them.
        folder: exists and is empty.

    Returns:
        The names of the images, without those from before.
    """
    layout = checked.layouts[place]
    objects = objects_of(layout.labels, layout.instances)
    margin, made, done = MARGIN * min(layout.labels.shape), [], []
    for number in range(_count(checked, request)):
        looks = _looks(model, styles, objects, checked, request.seed, number)
        for ending, edit in _edits(checked, place).items():
            each = edited(model, styles, layout, looks, edit, margin, request.seed, number)
            made.append(f"{layout.name}-{number}{ending}.png")
            _save(folder / made[-1], each.after)
            if not ending and each.changed.any():
                _save(folder / f"{layout.name}-{number}-before.png", each.before)
            done.append((f"style-{number}{ending}", each))
    _table(model, styles, done).to_csv(folder / f"{layout.name}-objects.csv", index=False)
    return made


def _count(checked: Checked, request: Request) -> int:
    """Samples of each layout: looks of a photograph are the same each time."""
    return 1 if checked.photograph is not None else request.count


def _edits(checked: Checked, place: int) -> dict[str, Edit]:
    """The edits of a layout, each with how its files' names end."""
    if checked.choices:
        return {f"-style-{style}": each for style, each in enumerate(checked.choices)}
    return {"": checked.edits[place]}


def _looks(
    model: Pix2pixHD, styles: Styles, objects: Objects, checked: Checked, seed: int, number: int
) -> Looks:
    if checked.photograph is not None:
        return seen_looks(model, checked.photograph, objects)
    return drawn_looks(objects, styles, seed, number)


def _table(model: Pix2pixHD, styles: Styles, done: list[tuple[str, Edited]]) -> pd.DataFrame:
    """What a user needs to choose styles by."""
    layout = done[0][1].layout
    objects = objects_of(layout.labels, layout.instances)
    names = dict(enumerate(model.classes)) | {IGNORE: ""}
    columns: dict[str, object] = {
        "instance": objects.instances,
        "class": [names[label] for label in objects.labels.tolist()],
        "area": objects.areas,
        "styles": [len(styles.of(label)) for label in objects.labels.tolist()],
    }
    for name, each in done:
        numbers = pd.Series(each.looks.styles, dtype="Int64")
        columns[name] = numbers.mask(numbers == NO_STYLE)
    return pd.DataFrame(columns)


def _save(path: Path, image: np.ndarray) -> None:
    Image.fromarray(image).save(path, format="PNG")
