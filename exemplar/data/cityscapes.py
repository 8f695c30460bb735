"""Kind `cityscapes`: label maps, instance maps, and photographs of some or all of them.

Lists the layouts of a folder and turns one into arrays; `layouts` checks them all and writes the
store. Source: pix2pixHD's data set, Wang et al., CVPR 2018.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from exemplar.data.crops import nearest
from exemplar.data.inputs import BadPhoto, DomainError, Listing, Rejection
from exemplar.data.layout_settings import CityscapesSettings
from exemplar.data.photo_files import image_files
from exemplar.data.pixels import decode, numbers
from exemplar.labels.agreement import palette_of
from exemplar.labels.domains import known_of
from exemplar.labels.drawn import Drawn, of_file
from exemplar.labels.instances import said_of_instances, short
from exemplar.labels.known import Known
from exemplar.labels.masks import are_masks
from exemplar.labels.recognition import Recognised, recognised
from exemplar.labels.shares import counted
from exemplar.store.items import SPLITS

SUFFIXES = {"label": "_gtFine_labelIds", "inst": "_gtFine_instanceIds", "img": "_leftImg8bit"}

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
        labels: (H, W) u8, classes or 255.
        instances: (H, W) u16; the labels where there is no instance map.
        width: of the label map in pixels.
        height: the same.
        sha256: of all files.
        counts: (C + 1,) pixels of each class in `labels`, at the end those without one.
        way: how the label map was read, see `labels.recognition.Recognised`.
        notes: what a user should know of it, in sentences.
        palette: the colour of each number of a map with a coloured palette, if it is read by
            numbers.
    """

    image: np.ndarray
    labels: np.ndarray
    instances: np.ndarray
    width: int
    height: int
    sha256: str
    counts: np.ndarray
    way: str
    notes: tuple[str, ...]
    palette: dict[int, int]


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


def masked_all(layouts: Iterable[LayoutFiles], settings: CityscapesSettings) -> bool:
    """Whether the label maps are masks, see `labels.masks.are_masks`."""
    return are_masks((settings.root / files.label for files in layouts), known_of(settings))


def read(
    files: LayoutFiles, settings: CityscapesSettings, masked: bool | None = None
) -> LayoutArrays:
    """Reads a layout and brings it to the domain's size.

    Of each the largest central part of the size's proportions is used. Photographs are averaged;
    of maps, the pixel in the middle of what each covers is taken, as numbers have no mean.

    Args:
        files: one layout's.
        settings: of the domain.
        masked: whether all maps are masks of 0 and 255, see `masked_all`.

    Raises:
        BadPhoto: a file cannot be read, is of another size than its label map, an instance map has
            colours in place of numbers, or labels have no class. All problems together.
    """
    problems: list[str] = []
    drawn = _read(settings.root / files.label, of_file, problems)
    instances = _read(settings.root / files.inst, numbers, problems) if files.inst else None
    photograph = _read(settings.root / files.img, decode, problems) if files.img else None
    sizes: dict[str, tuple[int, ...]] = {}
    if instances is not None:
        sizes["instance map"] = instances.shape
    if photograph is not None:
        sizes["photograph"] = (photograph.height, photograph.width)
    for what, size in sizes.items():
        if drawn is not None and size != drawn.size:
            problems.append(f"its {what} is {_said(size)}, its label map {_said(drawn.size)}")
    known = known_of(settings)
    found = None if drawn is None else _recognised(drawn, known, masked, problems)
    if problems or drawn is None or found is None:
        raise BadPhoto("; ".join(problems))
    box = central(drawn.size, settings.size)
    image = np.zeros((*settings.size, 3), np.uint8)
    if photograph is not None:
        size = (settings.size[1], settings.size[0])
        image = np.array(photograph.resize(size, Image.Resampling.LANCZOS, box))
    notes = found.notes
    if instances is not None:
        notes += said_of_instances(instances, found.labels)
    shrunk = nearest(found.labels, box, settings.size)
    owners = shrunk if instances is None else nearest(instances, box, settings.size)
    given = [settings.root / path for path in (files.label, files.inst, files.img) if path]
    digest = hashlib.sha256(b"".join(hashlib.sha256(p.read_bytes()).digest() for p in given))
    height, width = drawn.size
    return LayoutArrays(
        image, shrunk, short(owners), width, height, digest.hexdigest(),
        counted(shrunk, len(known.names)), found.way, notes, palette_of(drawn, found),
    )  # fmt: skip


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


def _recognised(
    drawn: Drawn, known: Known, masked: bool | None, problems: list[str]
) -> Recognised | None:
    try:
        return recognised(drawn, known, masked)
    except BadPhoto as error:
        problems.append(str(error))
        return None


def central(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest part of a size's proportions: left, top, right, bottom."""
    scale = min(shape[0] / size[0], shape[1] / size[1])
    height, width = size[0] * scale, size[1] * scale
    top, left = (shape[0] - height) / 2, (shape[1] - width) / 2
    return left, top, left + width, top + height


def _said(size: tuple[int, ...]) -> str:
    return f"{size[1]}×{size[0]}"
