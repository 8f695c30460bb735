"""Label maps with some photographs → `images.zarr`, `items.parquet`, `rejected.csv` of a domain.

All layouts are looked at before the first is written, and every problem is told; like `ingest`, it
goes on where it was interrupted.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from exemplar.data.cityscapes import LayoutArrays, LayoutFiles, inputs, read
from exemplar.data.ingest import check_rejections, code_hash, write_rejections
from exemplar.data.inputs import BadPhoto, DomainError, Rejection
from exemplar.data.layout_settings import CityscapesSettings
from exemplar.data.settings import PrepareSettings
from exemplar.data.splits import NOTHING, Needed, need_enough
from exemplar.data.workers import OrderedMap, ordered_map
from exemplar.store.items import write_items
from exemplar.store.shards import fill_group

SHARD = 8  # layouts: they may be large

Task = tuple[LayoutFiles, CityscapesSettings]
Good = tuple[LayoutFiles, tuple[int, int, str]]
"""A layout with its label map's width and height, and the hash of its files."""


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
        DomainError: the data set is not there, too many layouts are bad, or there are too few, or
            none to learn from.
    """
    layouts, rejections = inputs(settings)
    with ordered_map(common.workers) as each:
        good, fallen = _examined(layouts, settings, each)
        rejections += fallen
        write_rejections(out / "rejected.csv", rejections)
        check_rejections(rejections, len(good), common.rejected_limit, out / "rejected.csv")
        if not any(files.split == "train" for files, _ in good):
            raise DomainError(
                f"{settings.root}: no layout of train_label has its photograph in train_img, so "
                "there is nothing to learn from"
            )
        need_enough(out.name, [files.split for files, _ in good], needed)
        write_items(out / "items.parquet", _table(good, settings))
        found = [[asdict(files), list(facts)] for files, facts in good]
        fill_group(
            out / "images.zarr",
            _arrays(settings),
            len(good),
            partial(_produced, good, settings, each),
            {"classes": list(settings.numbers())},
            [settings.model_dump(mode="json"), code_hash(), found],
            SHARD,
            ("exemplar/data",),
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
    good: list[Good], settings: CityscapesSettings, each: OrderedMap, part: slice
) -> dict[str, np.ndarray]:
    """The arrays of some layouts.

    Raises:
        DomainError: a file is another than when it was examined.
    """
    made = list(each(_read, [(files, settings) for files, _ in good[part]]))
    for (files, (*_, sha256)), arrays in zip(good[part], made, strict=True):
        if arrays.sha256 != sha256:
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
    layouts: list[LayoutFiles], settings: CityscapesSettings, each: OrderedMap
) -> tuple[list[Good], list[Rejection]]:
    """The layouts that can be used, and why the others cannot."""
    good: list[Good] = []
    rejections: list[Rejection] = []
    seen = each(_facts, [(files, settings) for files in layouts])
    for files, found in zip(layouts, seen, strict=True):
        if isinstance(found, str):
            rejections.append(Rejection(files.label, found))
        else:
            good.append((files, found))
    return good, rejections


def _facts(task: Task) -> tuple[int, int, str] | str:
    """A layout's width, height and hash, or what is wrong with it."""
    try:
        arrays = read(*task)
    except BadPhoto as error:
        return str(error)
    return arrays.width, arrays.height, arrays.sha256


def _read(task: Task) -> LayoutArrays:
    return read(*task)


def _table(good: list[Good], settings: CityscapesSettings) -> pd.DataFrame:
    """The rows of `items.parquet`; `source` is the photograph, or the label map without one."""
    names = [files.name for files, _ in good]
    return pd.DataFrame(
        {
            "id": [
                f"{files.split}-{files.name}" if names.count(files.name) > 1 else files.name
                for files, _ in good
            ],
            "split": [files.split for files, _ in good],
            "category": "",
            "source": [files.img or files.label for files, _ in good],
            "sha256": [sha256 for _, (*_, sha256) in good],
            "licence": settings.licence,
            "width": [width for _, (width, *_) in good],
            "height": [height for _, (_, height, _) in good],
        }
    )
