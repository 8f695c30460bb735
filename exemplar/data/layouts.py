"""Label maps with some photographs → `images.zarr`, `items.parquet`, `rejected.csv` of a domain.

All layouts are looked at before the first is written, and every problem is told; like `ingest`, it
goes on where it was interrupted.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from exemplar.data.cityscapes import (
    LayoutArrays,
    LayoutFiles,
    central,
    inputs,
    masked_all,
    read,
)
from exemplar.data.ingest import check_rejections, code_hash, write_rejections
from exemplar.data.inputs import BadPhoto, DomainError, Rejection, told
from exemplar.data.layout_settings import CityscapesSettings
from exemplar.data.settings import PrepareSettings
from exemplar.data.splits import NOTHING, Needed, need_enough
from exemplar.data.workers import OrderedMap, ordered_map
from exemplar.labels.agreement import exchanged_palettes
from exemplar.labels.shares import said_in_notes, said_of_split, unlearnable
from exemplar.labels.sides import MIRRORED
from exemplar.store.items import SPLITS, box_columns, write_items
from exemplar.store.shards import fill_group

SHARD = 8  # layouts: they may be large

SHOWN = 10  # files that a line names

Task = tuple[LayoutFiles, CityscapesSettings, bool]


@dataclass(frozen=True)
class Facts:
    """What is known of a layout after looking at it.

    Attributes:
        width: of its label map in pixels.
        height: the same.
        sha256: of its files.
        counts: (C + 1) pixels of each class at the domain's size, at the end those without one.
        way: how its classes were told.
        notes: what a user should know of it.
        palette: the colour of each number, see `LayoutArrays`.
    """

    width: int
    height: int
    sha256: str
    counts: tuple[int, ...]
    way: str
    notes: tuple[str, ...]
    palette: dict[int, int]


Good = tuple[LayoutFiles, Facts]


def prepare_layouts(
    out: Path, settings: CityscapesSettings, common: PrepareSettings, needed: Needed = NOTHING
) -> None:
    """Makes a domain of label maps.

    `images.zarr` has `image`, `labels`, `instances`, and `photographed`: 1 where there is a
    photograph, 0 where there is none and `image` is black.

    Args:
        out: the domain's folder; its three files are replaced. `rejected.csv` is written even if
            the domain fails because of it.
        settings: of the domain.
        common: of all domains; the size of images is the domain's own.
        needed: the fewest images of each split.

    Raises:
        DomainError: the data set is not there, too many layouts are bad, there are too few or none
            to learn from, or a class has no pixels in those that there are.
    """
    layouts, rejections = inputs(settings)
    masked = masked_all(layouts, settings)
    with ordered_map(common.workers) as each:
        good, fallen = _examined(layouts, settings, masked, each)
        rejections += fallen
        write_rejections(out / "rejected.csv", rejections)
        check_rejections(rejections, len(good), common.rejected_limit, out / "rejected.csv")
        if not any(files.split == "train" for files, _ in good):
            raise DomainError(
                f"{settings.root}: no layout of train_label has its photograph in train_img, so "
                "there is nothing to learn from"
            )
        need_enough(out.name, [files.split for files, _ in good], needed)
        _tell(good, rejections, settings)
        write_items(out / "items.parquet", _table(good, settings, masked))
        found = [[asdict(files), facts.width, facts.height, facts.sha256] for files, facts in good]
        attributes: dict[str, list] = {"classes": list(settings.numbers())}
        if settings.mirrored is not None:
            attributes[MIRRORED] = [list(pair) for pair in settings.mirrored]
        fill_group(
            out / "images.zarr",
            _arrays(settings),
            len(good),
            partial(_produced, good, settings, masked, each),
            attributes,
            [settings.model_dump(mode="json"), code_hash(), found],
            SHARD,
            ("exemplar/data", "exemplar/labels"),
        )


def _arrays(settings: CityscapesSettings) -> dict[str, tuple[tuple[int, ...], str]]:
    """What is stored of each layout: shape and type."""
    height, width = settings.size
    return {
        "image": ((height, width, 3), "uint8"),
        "labels": ((height, width), "uint8"),
        "instances": ((height, width), "uint16"),
        "photographed": ((), "uint8"),
    }


def _produced(
    good: list[Good], settings: CityscapesSettings, masked: bool, each: OrderedMap, part: slice
) -> dict[str, np.ndarray]:
    """The arrays of some layouts.

    Raises:
        DomainError: a file is another than when it was examined.
    """
    made = list(each(_read, [(files, settings, masked) for files, _ in good[part]]))
    for (files, facts), arrays in zip(good[part], made, strict=True):
        if arrays.sha256 != facts.sha256:
            raise DomainError(
                f"{settings.root / files.label}: changed while the domain was being prepared; run "
                "the stage again"
            )
    known = [files.img is not None for files, _ in good[part]]
    return {
        "image": np.stack([arrays.image for arrays in made]),
        "labels": np.stack([arrays.labels for arrays in made]),
        "instances": np.stack([arrays.instances for arrays in made]),
        "photographed": np.array(known, np.uint8),
    }


def _examined(
    layouts: list[LayoutFiles], settings: CityscapesSettings, masked: bool, each: OrderedMap
) -> tuple[list[Good], list[Rejection]]:
    """The layouts that can be used, and why the others cannot."""
    good: list[Good] = []
    rejections: list[Rejection] = []
    seen = each(_facts, [(files, settings, masked) for files in layouts])
    for files, found in zip(layouts, seen, strict=True):
        if isinstance(found, str):
            rejections.append(Rejection(files.label, found))
        else:
            good.append((files, found))
    wrong = exchanged_palettes([facts.palette for _, facts in good])
    rejections += [Rejection(good[place][0].label, reason) for place, reason in wrong.items()]
    return [each for place, each in enumerate(good) if place not in wrong], rejections


def _tell(good: list[Good], rejections: list[Rejection], settings: CityscapesSettings) -> None:
    """Says how label maps were read, and which files were not; tells what cannot be learned.

    Raises:
        DomainError: a class has no pixels, or too many pixels have no class.
    """
    left = sorted(each.source for each in rejections if not each.bad)
    if left:
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        print(f"left out: {', '.join(left[:SHOWN])}{more}", file=sys.stderr)
    names = list(settings.numbers())
    for split in SPLITS:
        some = [facts for files, facts in good if files.split == split]
        if not some:
            continue
        ways, counts = [facts.way for facts in some], [facts.counts for facts in some]
        print(said_of_split(f"{split}_label", ways, names, counts), file=sys.stderr)
    for line in said_in_notes((files.label, facts.notes) for files, facts in good):
        print(line, file=sys.stderr)
    learned = [facts.counts for files, facts in good if files.split == "train" and files.img]
    if wrong := unlearnable(names, np.sum(learned, axis=0), settings.spared()):
        raise DomainError(told(settings.root / "train_label", wrong, "Then run the stage again"))


def _facts(task: Task) -> Facts | str:
    """What is known of a layout, or what is wrong with it."""
    try:
        arrays = read(*task)
    except BadPhoto as error:
        return str(error)
    counts = tuple(arrays.counts.tolist())
    return Facts(
        arrays.width, arrays.height, arrays.sha256, counts, arrays.way, arrays.notes, arrays.palette
    )


def _read(task: Task) -> LayoutArrays:
    return read(*task)


def _table(good: list[Good], settings: CityscapesSettings, masked: bool) -> pd.DataFrame:
    """The rows of `items.parquet`; `source` is the photograph, or the label map without one."""
    names = [files.name for files, _ in good]
    boxes = [central((facts.height, facts.width), settings.size) for _, facts in good]
    return pd.DataFrame(
        {
            "id": [
                f"{files.split}-{files.name}" if names.count(files.name) > 1 else files.name
                for files, _ in good
            ],
            "split": [files.split for files, _ in good],
            "category": "",
            "source": [files.img or files.label for files, _ in good],
            "sha256": [facts.sha256 for _, facts in good],
            "licence": settings.licence,
            "width": [facts.width for _, facts in good],
            "height": [facts.height for _, facts in good],
            "path": [files.img or "" for files, _ in good],
            "labels": [files.label for files, _ in good],
            "masked": masked,
            **box_columns(boxes),
        }
    )
