"""Images with their label maps as settings name them, and both at the size that is worked at.

Second in the way of the evaluation's data, before `sources`. Whatever is wrong is noted, and told
together with all else.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from exemplar.data.crops import central_square
from exemplar.data.inputs import BadPhoto
from exemplar.data.named_images import Named, StoredImage, read_named_image
from exemplar.data.pairs import label_map
from exemplar.data.pictures import Picture, read_picture
from exemplar.data.problems import Problems
from exemplar.labels.domains import known_by_colours
from exemplar.labels.drawn import read_map
from exemplar.labels.edits import filled
from exemplar.labels.encoding import IGNORE
from exemplar.labels.known import Known, shown_colours
from exemplar.labels.label_maps import source_classes
from exemplar.labels.recognition import read_known
from exemplar.labels.values import per_cent
from exemplar.methods.semantic_analogy.source_settings import LabelFile, PairFile, Shown
from exemplar.store import layout
from exemplar.store.arrays import array, name_list, open_group, read_rows
from exemplar.store.items import read_items

Size = tuple[int, int]
NO_CLASS = "no class"
"""What pixels without a class are called where they are many."""
FEW = 0.05
"""Share of the pixels up to which those without a class are few."""


class LabelMap(NamedTuple):
    """A label map and its classes.

    Attributes:
        labels: (H, W) u8, places in `classes`.
        classes: names.
        notes: what a user should know of how it was read, in sentences.
    """

    labels: NDArray[np.uint8]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_shown(
    shown: Shown, where: str, problems: Problems
) -> tuple[Picture, LabelMap | None] | None:
    """Reads an image, and the labels that it brings.

    Args:
        shown: a file, an image of a domain, a bundled one, or a side-by-side file.
        where: it is named, for messages.
        problems: gets a line for what is wrong.

    Returns:
        The image, and its labels if it is of a labelled domain or a side-by-side file; none if it
        cannot be used.
    """
    if isinstance(shown, PairFile):
        return _pair(shown, problems)
    picture = read_named_image(shown, where, problems)
    if picture is None:
        return None
    return picture, _stored_labels(shown, picture)


def _pair(shown: PairFile, problems: Problems) -> tuple[Picture, LabelMap] | None:
    """The central squares of both halves."""
    whole = read_picture(shown.pair, problems)
    if whole is None:
        return None
    height, width = whole.image.shape[:2]
    if width % 2:
        problems.append(
            f"{shown.pair}: expected two halves of equal width, got {width}×{height} pixels"
        )
        return None
    halves = [whole.image[:, : width // 2], whole.image[:, width // 2 :]]
    photograph, drawn = halves if shown.photo_left else halves[::-1]
    left, top, right, bottom = central_square(width // 2, height)
    here = slice(top, bottom), slice(left, right)
    known = known_by_colours(shown.colours(), "name them in classes")
    try:
        found = label_map(Image.fromarray(drawn[here]), known)
    except BadPhoto as error:
        problems.append(f"{shown.pair}: {error}")
        return None
    image = np.ascontiguousarray(photograph[here])
    made = completed(LabelMap(found.labels, known.names), str(shown.pair))
    return Picture(whole.source, image, whole.sha256), made


def _stored_labels(named: Named, picture: Picture) -> LabelMap | None:
    """The labels of an image of a domain, if the domain has any."""
    if not isinstance(named, StoredImage):
        return None
    group = open_group(layout.images(named.domain))
    if "labels" not in group or "classes" not in group.attrs:
        return None
    rows = np.flatnonzero(
        (read_items(layout.items(named.domain))["id"] == picture.source).to_numpy()
    )
    labels = read_rows(array(group, "labels"), rows)[0]
    where = f"{named.domain} {named.id}"
    return completed(LabelMap(labels, name_list(group, "classes")), where)


def read_label_file(given: LabelFile, size: Size | None, problems: Problems) -> LabelMap | None:
    """Reads a label map of any kind, as `exemplar layout` and `exemplar edit` do.

    Args:
        given: the file, and perhaps what its numbers mean.
        size: (H, W) of the image that it labels; any if none.
        problems: gets a line for what is wrong.

    Returns:
        The map; of classes that are given, those that occur and those that do not; none if it
        cannot be used.
    """
    made = _of_unknown(given.file, problems) if given.classes is None else None
    if given.classes is not None:
        numbers = tuple(given.classes.values())
        ignore = () if IGNORE in numbers else (IGNORE,)
        remedy = "name each number's class under classes:"
        known = Known(tuple(given.classes), numbers, ignore, shown_colours(numbers), remedy=remedy)
        found = read_known(given.file, known, problems)
        if found is not None:
            notes = tuple(f"{given.file}: {note}" for note in found.notes)
            made = completed(LabelMap(found.labels, known.names, notes), str(given.file))
    if made is not None and size is not None and made.labels.shape != size:
        problems.append(
            f"{given.file}: expected {size[1]}×{size[0]} pixels as its image, got "
            f"{made.labels.shape[1]}×{made.labels.shape[0]}"
        )
        return None
    return made


def _of_unknown(path: Path, problems: Problems) -> LabelMap | None:
    """A map whose classes nobody has named: they are called by their numbers, or else colours."""
    drawn = read_map(path, problems)
    found = None if drawn is None else source_classes(drawn, str(path), (), None, problems)
    if found is None:
        return None
    labels, palette = found
    numbers = palette.ids
    names = palette.names if numbers is None else tuple(str(number) for number in numbers)
    return LabelMap(labels, names)


def completed(found: LabelMap, where: str) -> LabelMap:
    """A map in which every pixel has a class, for methods that find a place for each.

    Args:
        found: a map, `IGNORE` where pixels have no class.
        where: it is from, for notes.

    Returns:
        Where few pixels have none, they get the nearest one; many are a class of their own, after
        all others, called `NO_CLASS`.
    """
    none = found.labels == IGNORE
    share = per_cent(none.mean())
    if not none.any():
        return found
    if none.mean() < FEW:
        note = f"{where}: the {share} of its pixels that have no class got the nearest one"
        return LabelMap(filled(found.labels, none, ~none), found.classes, (*found.notes, note))
    note = f"{where}: the {share} of its pixels that have no class are one, called {NO_CLASS}"
    labels = np.where(none, len(found.classes), found.labels).astype(np.uint8)
    return LabelMap(labels, (*found.classes, NO_CLASS), (*found.notes, note))


def working_size(size: Size, side: int) -> Size:
    """A size (H, W) made so small that its longer side has at most so many pixels."""
    factor = min(1.0, side / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def central_part(values: NDArray, size: Size) -> NDArray:
    """The largest part (h, w, …) around the middle that has the proportions of a size."""
    height, width = values.shape[:2]
    factor = min(height / size[0], width / size[1])
    rows, columns = min(height, round(factor * size[0])), min(width, round(factor * size[1]))
    rows, columns = max(1, rows), max(1, columns)
    top, left = (height - rows) // 2, (width - columns) // 2
    return values[top : top + rows, left : left + columns]


def resized_image(image: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """A u8 (H, W, 3) image at another size (h, w): means where it shrinks."""
    if image.shape[:2] == size:
        return image
    by = Image.Resampling.BOX if image.shape[0] > size[0] else Image.Resampling.BICUBIC
    made = Image.fromarray(np.ascontiguousarray(image)).resize((size[1], size[0]), by)
    return np.array(made)


def resized_labels(labels: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """A u8 (H, W) map at another size (h, w): the most frequent label of what a pixel covers."""
    if labels.shape == size:
        return labels
    best = np.full(size, -1, np.float32)
    made = np.zeros(size, np.uint8)
    for place in np.unique(labels):
        here = Image.fromarray((labels == place).astype(np.float32))
        share = np.asarray(here.resize((size[1], size[0]), Image.Resampling.BOX))
        made[share > best] = place
        best = np.maximum(best, share)
    return made
