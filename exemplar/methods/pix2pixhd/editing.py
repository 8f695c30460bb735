"""Editing: change classes, choose styles, and let everything else be as it was.

The end of the way, for users: requests in words, a layout and its looks in, an image out. Source:
pix2pixHD, section 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt

from exemplar.methods.pix2pixhd.encoding import Objects, objects_of
from exemplar.methods.pix2pixhd.layouts import Layout
from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.methods.pix2pixhd.sampling import (
    Key,
    Looks,
    drawn_looks,
    keys,
    synthesise,
)
from exemplar.methods.pix2pixhd.styles import Styles


class EditError(ValueError):
    """A request cannot be met; the message lists everything that is wrong with it."""


@dataclass(frozen=True)
class Edit:
    """What is to be changed.

    Attributes:
        relabel: class → the class it becomes; all at once, so two classes can be exchanged.
        styles: instance number → the number of a style, for all its objects.
    """

    relabel: dict[int, int] = field(default_factory=dict)
    styles: dict[int, int] = field(default_factory=dict)


class Edited(NamedTuple):
    """The image before and after an edit.

    Attributes:
        before: (H, W, 3) u8, of the layout as it was.
        after: (H, W, 3) u8.
        changed: (H, W) bool, the pixels of objects with another class or another look.
        layout: after the edit.
        looks: of the edited layout's objects.
    """

    before: np.ndarray
    after: np.ndarray
    changed: np.ndarray
    layout: Layout
    looks: Looks


def parse_edit(relabel: Sequence[str], styles: Sequence[str], classes: Sequence[str]) -> Edit:
    """Reads requests as they are written on a command line.

    Args:
        relabel: `FROM=TO`, each the name or the number of a class.
        styles: `INSTANCE=K`, numbers.
        classes: names.

    Returns:
        The edit.

    Raises:
        EditError: requests that cannot be read, or contradict each other; all of them.

    >>> parse_edit(["tree=1"], ["26001=3"], ["road", "building", "tree"])
    Edit(relabel={2: 1}, styles={26001: 3})
    """
    problems: list[str] = []
    edit = Edit()
    known = {name: number for number, name in enumerate(classes)}
    known |= {str(number): number for number in range(len(classes)) if str(number) not in known}
    for request in relabel:
        before, _, after = request.partition("=")
        unknown = [name for name in (before, after) if name not in known]
        if unknown:
            listed = ", ".join(f"{number} {name}" for number, name in enumerate(classes))
            problems.append(
                f"--relabel {request}: expected FROM=TO, got {', '.join(map(repr, unknown))}; "
                f"classes are {listed}"
            )
        else:
            _enter(edit.relabel, known[before], known[after], f"--relabel {request}", problems)
    for request in styles:
        instance, _, style = request.partition("=")
        if not (instance.removeprefix("-").isdecimal() and style.isdecimal()):
            problems.append(
                f"--style {request}: expected INSTANCE=K, an instance's number and a style's"
            )
        else:
            _enter(edit.styles, int(instance), int(style), f"--style {request}", problems)
    if problems:
        raise EditError("\n".join(problems))
    return edit


def _enter(table: dict[int, int], key: int, value: int, request: str, problems: list[str]) -> None:
    if table.setdefault(key, value) != value:
        problems.append(f"{request}: another request asks for {table[key]}; keep one of them")


def relabelled(layout: Layout, relabel: dict[int, int]) -> Layout:
    """The layout with other classes; its instances keep their numbers."""
    table = np.arange(256, dtype=np.uint8)
    for before, after in relabel.items():
        table[before] = after
    return Layout(layout.name, table[layout.labels], layout.instances)


def edited(
    model: Pix2pixHD,
    styles: Styles,
    layout: Layout,
    looks: Looks,
    edit: Edit,
    margin: float,
    seed: int = 0,
    sample: int = 0,
) -> Edited:
    """Makes the image before and after an edit.

    Objects that are not edited keep their features. As the generator normalises over the whole
    image, it would still shift their colours a little; so pixels further than the margin from
    anything that is edited are those of the image before, and within it one goes over into the
    other.

    Args:
        model: in evaluation mode.
        styles: of all classes.
        layout: before the edit.
        looks: of the objects of the layout, drawn or seen in a photograph.
        edit: what to change.
        margin: pixels; infinite to take the generator's image as it is.
        seed: of the styles of objects that are relabelled and for which none is chosen.
        sample: as for `drawn_looks`.

    Returns:
        Both images, and what was changed.

    Raises:
        EditError: the layout has no such class or instance, or a class no such style; all of it.
    """
    before = objects_of(layout.labels, layout.instances)
    after = relabelled(layout, edit.relabel)
    objects = objects_of(after.labels, after.instances)
    chosen = {key: edit.styles[key[0]] for key in keys(objects) if key[0] in edit.styles}
    if problems := problems_of(model, styles, layout, edit):
        raise EditError("\n".join(problems))
    now = _kept(before, looks, objects, drawn_looks(objects, styles, seed, sample, chosen), chosen)
    changed = (after.labels != layout.labels) | _look_changed(before, looks, objects, now)
    first = synthesise(model, layout.labels, before, looks)
    second = synthesise(model, after.labels, objects, now)
    return Edited(first, joined(first, second, changed, margin), changed, after, now)


def joined(before: np.ndarray, after: np.ndarray, changed: np.ndarray, margin: float) -> np.ndarray:
    """One image where pixels are changed, the other further than the margin from them.

    Args:
        before: (H, W, 3) u8.
        after: (H, W, 3) u8.
        changed: (H, W) bool.
        margin: pixels, over which the one goes over into the other.

    Returns:
        (H, W, 3) u8.
    """
    if not changed.any():
        return before
    if np.isinf(margin):
        return after
    distance = np.asarray(distance_transform_edt(~changed))
    share = np.clip(1 - distance / (margin + 1e-6), 0, 1)[..., None]
    mixed = share * after.astype(np.float64) + (1 - share) * before
    return mixed.round().astype(np.uint8)


def problems_of(model: Pix2pixHD, styles: Styles, layout: Layout, edit: Edit) -> list[str]:
    """Everything in which an edit does not fit a layout; nothing if it does.

    Args:
        model: not run.
        styles: of all classes.
        layout: before the edit.
        edit: what to change.

    Returns:
        A line a problem.
    """
    names = model.classes
    there = np.unique(layout.labels[layout.labels < len(names)]).tolist()
    problems = [
        f"relabel {names[label]}: {layout.name} has none; it has "
        + ", ".join(names[other] for other in there)
        for label in edit.relabel
        if label not in there
    ]
    instances = np.unique(layout.instances).tolist()
    shown = ", ".join(map(str, instances[:20])) + (", …" if len(instances) > 20 else "")
    problems += [
        f"style of instance {instance}: {layout.name} has no such instance; it has {shown}"
        for instance in edit.styles
        if instance not in instances
    ]
    if edit.styles and model.encoder is None:
        return [*problems, "the model was trained without an encoder, so there are no styles"]
    labels = relabelled(layout, edit.relabel).labels
    for instance, style in edit.styles.items():
        for label in np.unique(labels[layout.instances == instance]).tolist():
            count = len(styles.of(label))
            if style >= count:
                name = names[label] if label < len(names) else "pixels without a class"
                problems.append(
                    f"style {style} of instance {instance}: {name} has {count} styles, from 0"
                )
    return problems


def _kept(
    before: Objects, looks: Looks, objects: Objects, drawn: Looks, chosen: dict[Key, int]
) -> Looks:
    """The looks of objects that were there before, and those drawn for the others."""
    rows = {key: row for row, key in enumerate(keys(before))}
    features, numbers = drawn.features.copy(), drawn.styles.copy()
    for row, key in enumerate(keys(objects)):
        if key in rows and key not in chosen:
            features[row], numbers[row] = looks.features[rows[key]], looks.styles[rows[key]]
    return Looks(features, numbers)


def _look_changed(before: Objects, looks: Looks, objects: Objects, now: Looks) -> np.ndarray:
    """(H, W) bool: the pixels whose object has other features."""
    return (looks.features[before.index] != now.features[objects.index]).any(-1)
