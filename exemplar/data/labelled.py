"""Kind `labelled`: photographs, and label maps of the same names in a folder beside theirs.

A photograph and its maps get one geometry, so that they still lie upon each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import Image

from exemplar.data.crops import (
    Region,
    central_square,
    cut,
    large_enough,
    nearest,
    square_with_margins,
)
from exemplar.data.inputs import BadPhoto, DomainError, Listing, Photo, Picture, told
from exemplar.data.photo_files import bytes_of, image_files
from exemplar.data.photo_settings import LabelledSettings
from exemplar.data.pixels import numbers
from exemplar.labels.agreement import palette_of
from exemplar.labels.domains import known_of_labelled
from exemplar.labels.drawn import Drawn, of_file
from exemplar.labels.encoding import IGNORE
from exemplar.labels.instances import said_of_instances, short
from exemplar.labels.masks import are_masks
from exemplar.labels.recognition import Recognised, recognised
from exemplar.labels.shares import counted
from exemplar.store.items import comparable

BELOW = ""

Decoded = TypeVar("Decoded")


def inputs(settings: LabelledSettings) -> Listing:
    """Every photograph with its maps, those of test first.

    First because of two equal photographs the first is kept: a test set stays whole.

    Raises:
        DomainError: a folder is missing; all that are missing are named.
    """
    listing = Listing()
    folders = settings.folders
    given = {"test": folders.test, "val": folders.val, "train": folders.train}
    own = {split: folder for split, folder in given.items() if folder is not None}
    _need_folders(own, settings)
    for split, folder in own.items():
        _join(split, folder, settings, listing)
    maps = (settings.root / photo.labels for photo in listing.photos)
    if are_masks(maps, known_of_labelled(settings)):
        listing.photos = [replace(photo, masked=True) for photo in listing.photos]
    return listing


def _parts(settings: LabelledSettings) -> dict[str, str]:
    """What there is of each photograph, and the subfolder that it lies in."""
    parts = {"photograph": settings.images, "label map": settings.masks}
    return parts | ({} if settings.instances is None else {"instance map": settings.instances})


def _need_folders(folders: dict[str, str], settings: LabelledSettings) -> None:
    """Sees that there are folders to read."""
    missing = [
        f"{below}: expected a folder of {part}s of {split}, but there is none"
        for split, folder in folders.items()
        for part, subfolder in _parts(settings).items()
        if not (settings.root / (below := _below(folder, subfolder))).is_dir()
    ]
    if missing:
        how = (
            "Copy or link the data set there, or name its folders under folders:, images: and "
            "masks: in params.yaml (for val and test, null divides train)"
        )
        raise DomainError(told(settings.root, missing, how))


def _below(folder: str, name: str) -> str:
    """A path in a folder, of which `.` is the root."""
    return (PurePosixPath(folder) / name).as_posix()


def _join(split: str, folder: str, settings: LabelledSettings, listing: Listing) -> None:
    """Lists the photographs of a split with their maps; rejects what has no counterpart."""
    within = {part: _below(folder, name) for part, name in _parts(settings).items()}
    files = {part: _by_name(settings, below, listing) for part, below in within.items()}
    photographs = files.pop("photograph")
    # Where another split has no folder of its own, it is taken out of train.
    fixed = "" if split == "train" else split
    for name, source in sorted(photographs.items()):
        lacking = [part for part, maps in files.items() if name not in maps]
        if lacking:
            said = [f"no {part} {name} in {within[part]}" for part in lacking]
            listing.reject(source, " and ".join(said))
            continue
        labels = files["label map"][name]
        instances = files["instance map"][name] if "instance map" in files else ""
        own = _below(folder, name)
        listing.photos.append(
            Photo(source, split=fixed, name=own, labels=labels, instances=instances)
        )
    for maps in files.values():
        for name in sorted(maps.keys() - photographs.keys()):
            listing.reject(maps[name], f"no photograph {name} in {within['photograph']}")


def _by_name(settings: LabelledSettings, folder: str, listing: Listing) -> dict[str, str]:
    """The images of a folder by their paths in it, without suffixes; of two alike the first."""
    found: dict[str, str] = {}
    for source in image_files(settings.root, folder, listing):
        path = PurePosixPath(source).relative_to(folder).with_suffix("")
        name = comparable(path.as_posix())
        if name in found:
            listing.reject(source, f"has the same name as {found[name]}")
        else:
            found[name] = source
    return found


def picture(image: Image.Image, photo: Photo, settings: LabelledSettings, size: int) -> Picture:
    """The photograph, its classes, and its instances if there are any.

    Of maps, the pixel in the middle of what each covers is taken, as numbers have no mean.

    Args:
        image: RGB, upright.
        photo: with the paths of its maps.
        settings: of the domain.
        size: pixels a side.

    Returns:
        `image` u8, `labels` (size, size) u8, places of classes or 255, and perhaps `instances`
        (size, size) u16.

    Raises:
        BadPhoto: a map cannot be read, is of another size, or has pixels of no class; or the
            photograph is too small. All problems of one photograph together.
    """
    problems = list[str]()
    maps = _maps(photo, settings, (image.height, image.width), problems)
    region, used = _region(image, settings)
    try:
        large_enough(*used, settings.min_side)
    except BadPhoto as error:
        problems.append(str(error))
    if problems or maps is None:
        raise BadPhoto("; ".join(problems))
    drawn, found, instances, sha256 = maps
    shape, notes = (size, size), found.notes
    labels = nearest(found.labels, region, shape, IGNORE)
    arrays = {"image": cut(image, region, shape), "labels": labels}
    if instances is not None:
        notes += said_of_instances(instances, found.labels)
        arrays["instances"] = nearest(short(instances), region, shape)
    counts = counted(labels, len(settings.names()))
    # Margins have no class, which is nobody's omission.
    counts[-1] -= nearest(np.zeros_like(found.labels), region, shape, 1).sum(dtype=np.int64)
    palette = tuple(palette_of(drawn, found).items())
    return Picture(arrays, *used, tuple(counts.tolist()), notes, region, found.way, palette, sha256)


class _Maps(NamedTuple):
    """What lies beside a photograph, and the hash of these files."""

    drawn: Drawn
    found: Recognised
    instances: np.ndarray | None
    sha256: str


def _maps(
    photo: Photo, settings: LabelledSettings, size: tuple[int, int], problems: list[str]
) -> _Maps | None:
    """Reads the maps of a photograph, which must have its size; none if they cannot be used."""
    digest = hashlib.sha256()

    def read(source: str, what: str, decoder: Callable[[bytes], Decoded]) -> Decoded | None:
        try:
            data = bytes_of(settings.root / source)
            digest.update(hashlib.sha256(data).digest())
            return decoder(data)
        except BadPhoto as error:
            problems.append(f"its {what} {source}: {error}")
            return None

    drawn = read(photo.labels, "label map", of_file)
    instances = read(photo.instances, "instance map", numbers) if photo.instances else None
    shapes: dict[str, tuple[int, ...]] = {}
    if drawn is not None:
        shapes["label map"] = drawn.size
    if instances is not None:
        shapes["instance map"] = instances.shape
    problems += [
        f"its {what} is {shape[1]}×{shape[0]}, the photograph {size[1]}×{size[0]}"
        for what, shape in shapes.items()
        if shape != size
    ]
    if drawn is None:
        return None
    try:
        found = recognised(drawn, known_of_labelled(settings), photo.masked)
    except BadPhoto as error:
        problems.append(f"its label map {photo.labels}: {error}")
        return None
    return _Maps(drawn, found, instances, digest.hexdigest())


def _region(image: Image.Image, settings: LabelledSettings) -> tuple[Region, tuple[int, int]]:
    """The square that is used, with its margins, and the size of what it has of the photograph."""
    if settings.fit == "pad":
        return square_with_margins(*image.size), image.size
    region = central_square(*image.size, settings.crop)
    side = region[2] - region[0]
    return region, (side, side)
