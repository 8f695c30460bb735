"""Kind `cityscapes`: label maps, instance maps, and photographs of some or all of them.

Lists the layouts of a folder and turns one into arrays; `layouts` checks them all and writes the
store. Source: pix2pixHD's data set, Wang et al., CVPR 2018.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from exemplar.data.inputs import BadPhoto, DomainError, Listing, Rejection
from exemplar.data.layout_settings import CityscapesSettings
from exemplar.data.photo_files import image_files
from exemplar.data.pixels import decode, numbers
from exemplar.store.items import SPLITS

IGNORE = 255  # as in all stores: a pixel without a class
SUFFIXES = {"label": "_gtFine_labelIds", "inst": "_gtFine_instanceIds", "img": "_leftImg8bit"}
SHOWN = 10  # numbers in a message

Decoded = TypeVar("Decoded")


@dataclass(frozen=True)
class LayoutFiles:
    """The files of one layout, as paths below the root.

    Attributes:
        name: what the files' names have in common.
        split: train, val or test.
        label: the label map.
        inst: the instance map, if there are any.
        img: the photograph, if there is one.
    """

    name: str
    split: str
    label: str
    inst: str | None = None
    img: str | None = None


@dataclass(frozen=True)
class LayoutArrays:
    """What a layout becomes.

    Attributes:
        image: (H, W, 3) u8, black where there is no photograph.
        labels: (H, W) u8, classes or `IGNORE`.
        instances: (H, W) u16; the labels where there is no instance map.
        width: of the label map in pixels.
        height: the same.
        sha256: of all files.
    """

    image: np.ndarray
    labels: np.ndarray
    instances: np.ndarray
    width: int
    height: int
    sha256: str


def inputs(settings: CityscapesSettings) -> tuple[list[LayoutFiles], list[Rejection]]:
    """Every layout, the training layouts first, and the files that belong to none.

    A training layout without its photograph is left out: nothing can be learned from it. A test
    layout needs none.

    Raises:
        DomainError: there are no training layouts.
    """
    root, listing, found = settings.root, Listing(), []
    if not (root / "train_label").is_dir():
        raise DomainError(
            f"{root / 'train_label'}: expected a folder of label maps, but there is none; beside "
            "it train_img with the photographs, train_inst with instance maps if there are any, "
            "and the same of val and test. Copy or link the data set there, or set another root "
            "in params.yaml"
        )
    for split in SPLITS:
        files = {part: _named(root, f"{split}_{part}", part, listing) for part in SUFFIXES}
        for part in ("inst", "img"):
            for name in sorted(files[part].keys() - files["label"].keys()):
                listing.reject(files[part][name], f"no label map {name} in {split}_label")
        for name, label in sorted(files["label"].items()):
            inst, img = files["inst"].get(name), files["img"].get(name)
            if files["inst"] and inst is None:
                listing.reject(label, f"no instance map {name} in {split}_inst, others have one")
            elif split == "train" and img is None:
                reason = f"left out: no photograph {name} in {split}_img to learn from"
                listing.reject(label, reason, bad=False)
            else:
                found.append(LayoutFiles(name, split, label, inst, img))
    return found, listing.rejections


def read(files: LayoutFiles, settings: CityscapesSettings) -> LayoutArrays:
    """Reads a layout and brings it to the domain's size.

    Of each the largest central part of the size's proportions is used. Photographs are averaged;
    of maps, the pixel in the middle of what each covers is taken, as numbers have no mean.

    Args:
        files: one layout's.
        settings: of the domain.

    Raises:
        BadPhoto: a file cannot be read, is of another size than its label map, holds colours in
            place of numbers, or labels without a class. All problems together.
    """
    problems: list[str] = []
    maps = {"label map": _read(settings.root / files.label, numbers, problems)}
    if files.inst:
        maps["instance map"] = _read(settings.root / files.inst, numbers, problems)
    photograph = _read(settings.root / files.img, decode, problems) if files.img else None
    labels = maps["label map"]
    sizes = {what: values.shape for what, values in maps.items() if values is not None}
    if photograph is not None:
        sizes["photograph"] = (photograph.height, photograph.width)
    for what, size in sizes.items():
        if labels is not None and size != labels.shape:
            problems.append(f"its {what} is {_said(size)}, its label map {_said(labels.shape)}")
    classes = None if labels is None else _classes(labels, settings, problems)
    if problems or labels is None or classes is None:
        raise BadPhoto("; ".join(problems))
    instances = maps.get("instance map")
    chosen = _middles(labels.shape, settings.size)
    image = np.zeros((*settings.size, 3), np.uint8)
    if photograph is not None:
        box = _central(labels.shape, settings.size)
        size = (settings.size[1], settings.size[0])
        image = np.array(photograph.resize(size, Image.Resampling.LANCZOS, box))
    shrunk = classes[chosen]
    owners = shrunk if instances is None else instances[chosen]
    given = [settings.root / path for path in (files.label, files.inst, files.img) if path]
    digest = hashlib.sha256(b"".join(hashlib.sha256(p.read_bytes()).digest() for p in given))
    height, width = labels.shape
    return LayoutArrays(image, shrunk, _short(owners), width, height, digest.hexdigest())


def _named(root: Path, folder: str, part: str, listing: Listing) -> dict[str, str]:
    """The files of a folder by what they share with those of the others; none if it is not there.

    Of two with one name the second falls out.
    """
    found: dict[str, str] = {}
    if not (root / folder).is_dir():
        return found
    for source in image_files(root, folder, listing):
        name = Path(source).stem.removesuffix(SUFFIXES[part])
        if name in found:
            listing.reject(source, f"has the same name as {found[name]}")
        else:
            found[name] = source
    return found


def _read(path: Path, decoder: Callable[[bytes], Decoded], problems: list[str]) -> Decoded | None:
    """A decoded file, none if it cannot be read."""
    try:
        return decoder(path.read_bytes())
    except (BadPhoto, OSError) as error:
        problems.append(f"{path.parent.name}/{path.name}: {error}")
        return None


def _classes(
    labels: np.ndarray, settings: CityscapesSettings, problems: list[str]
) -> np.ndarray | None:
    """Numbers of label maps as places among the classes, (H, W) u8."""
    places = {number: place for place, number in enumerate(settings.numbers().values())}
    places |= dict.fromkeys(settings.ignore, IGNORE)
    lowest = int(labels.min())
    counts = np.bincount((labels - lowest).ravel())  # many times as fast as np.unique
    found = (np.flatnonzero(counts) + lowest).tolist()
    unknown = [number for number in found if number not in places]
    if unknown:
        shown = ", ".join(map(str, unknown[:SHOWN])) + (", …" if len(unknown) > SHOWN else "")
        problems.append(f"labels {shown} have no class; name them in classes or in ignore")
        return None
    table = np.full(len(counts), IGNORE, np.uint8)
    for number in found:
        table[number - lowest] = places[number]
    return table[labels - lowest]


def _central(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest part of a size's proportions: left, top, right, bottom."""
    scale = min(shape[0] / size[0], shape[1] / size[1])
    height, width = size[0] * scale, size[1] * scale
    top, left = (shape[0] - height) / 2, (shape[1] - width) / 2
    return left, top, left + width, top + height


def _middles(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The rows and columns of a map that a smaller (or larger) one takes."""
    left, top, right, bottom = _central(shape, size)
    rows = top + (np.arange(size[0]) + 0.5) * (bottom - top) / size[0]
    columns = left + (np.arange(size[1]) + 0.5) * (right - left) / size[1]
    y = rows.astype(np.int64).clip(0, shape[0] - 1)
    x = columns.astype(np.int64).clip(0, shape[1] - 1)
    return y[:, None], x[None]


def _short(instances: np.ndarray) -> np.ndarray:
    """Instance numbers as u16; those that do not fit are numbered anew, in their order."""
    if instances.min() < 0 or instances.max() > np.iinfo(np.uint16).max:
        instances = np.unique(instances, return_inverse=True)[1].reshape(instances.shape)
    return instances.astype(np.uint16)


def _said(size: tuple[int, ...]) -> str:
    return f"{size[1]}×{size[0]}"
