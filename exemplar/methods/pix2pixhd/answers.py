"""Images of users' requests, as PNG files beside a table of their objects.

The end of the way: what `requests` has checked and `editing` makes, written.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.methods.pix2pixhd.editing import Edited, edited
from exemplar.methods.pix2pixhd.encoding import Objects, objects_of
from exemplar.methods.pix2pixhd.layouts import IGNORE
from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.methods.pix2pixhd.requests import Checked, Request, check
from exemplar.methods.pix2pixhd.sampling import NO_STYLE, Looks, drawn_looks, seen_looks
from exemplar.methods.pix2pixhd.styles import Styles
from exemplar.store.files import written

MARGIN = 1 / 12
"""Of the shorter side: how far around what is edited other pixels may change."""


def answer(model: Pix2pixHD, styles: Styles, request: Request, out: Path) -> list[Path]:
    """Makes the images that are asked for.

    Of each layout and sample, `<layout>-<sample>.png`; if it is edited, what it was before as
    `<layout>-<sample>-before.png`; and beside them `<layout>-objects.csv`, a line an object:
    instance, class, area in pixels, how many styles its class has, and its style in each sample.
    Where all styles of an object are asked for, they are `<layout>-<sample>-style-<K>.png`.

    Args:
        model: in evaluation mode.
        styles: of the model's encoder.
        request: what to make.
        out: a folder; files of the same names are replaced.

    Returns:
        The images, without those from before.

    Raises:
        RequestError: the request cannot be met; nothing was made.
    """
    checked = check(request, model.classes, styles)
    for line in checked.said:
        print(line, file=sys.stderr, flush=True)
    # Looks of a photograph are the same each time.
    count = 1 if checked.photograph is not None else request.count
    made = []
    for place, layout in enumerate(checked.layouts):
        edits = {"": checked.edits[place]}
        if checked.choices:
            edits = {f"-style-{style}": each for style, each in enumerate(checked.choices)}
        objects = objects_of(layout.labels, layout.instances)
        margin, done = MARGIN * min(layout.labels.shape), []
        for number in range(count):
            looks = _looks(model, styles, objects, checked, request.seed, number)
            for ending, edit in edits.items():
                each = edited(model, styles, layout, looks, edit, margin, request.seed, number)
                made.append(_save(out / f"{layout.name}-{number}{ending}.png", each.after))
                before = out / f"{layout.name}-{number}-before.png"
                if not ending and each.changed.any():
                    _save(before, each.before)
                elif not ending:
                    before.unlink(missing_ok=True)  # of another request
                done.append((f"style-{number}{ending}", each))
        with written(out / f"{layout.name}-objects.csv") as partial:
            _table(model, styles, done).to_csv(partial, index=False)
    return made


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


def _save(path: Path, image: np.ndarray) -> Path:
    with written(path) as partial:
        Image.fromarray(image).save(partial, format="PNG")
    return path
