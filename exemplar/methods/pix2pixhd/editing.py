"""Editing: change classes, choose styles, and let everything else be as it was.

The end of the way: a layout, its looks and an edit (`wishes`) in, an image out. Source: pix2pixHD,
section 4.3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt

from exemplar.methods.pix2pixhd.encoding import Objects, objects_of
from exemplar.methods.pix2pixhd.layouts import Layout
from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.methods.pix2pixhd.sampling import Looks, drawn_looks, keys, synthesise
from exemplar.methods.pix2pixhd.styles import Styles
from exemplar.methods.pix2pixhd.wishes import Edit, EditError, Key, problems_of, relabelled


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
    if problems := problems_of(model.classes, styles, layout, edit):
        raise EditError("\n".join(problems))
    wanted = {key: edit.style_of(key) for key in keys(objects)}
    chosen = {key: style for key, style in wanted.items() if style is not None}
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
