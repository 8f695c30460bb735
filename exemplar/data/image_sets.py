"""Sets of many small images in few files → `images.zarr`, `items.parquet`, `rejected.csv`.

The files are read whole (a byte a value), checked together before anything is written, and stored
shard by shard. Unlike photographs, such sets are taken as they were published: equal images, of
which some have a few, all stay.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.data import cifar10, digits, idx
from exemplar.data.image_set_settings import DigitsSettings, ImageSets
from exemplar.data.ingest import check_rejections, code_hash, write_rejections
from exemplar.data.inputs import DomainError, Rejection, Stack
from exemplar.data.settings import PrepareSettings
from exemplar.data.splits import NOTHING, Needed, assign, need_enough, within_limit
from exemplar.store.files import content_hash
from exemplar.store.items import SPLITS, write_items
from exemplar.store.shards import fill_group

KINDS = {"idx": idx, "digits": digits, "cifar10": cifar10}
SHARD = 512  # images: they are small


def prepare_image_set(
    out: Path, settings: ImageSets, common: PrepareSettings, needed: Needed = NOTHING
) -> None:
    """Makes a domain of a set's images.

    Args:
        out: the domain's folder; its three files are replaced, `rejected.csv` with what the limits
            left out.
        settings: of the domain.
        common: of all domains; the size of images is the domain's own.
        needed: the fewest images of each split.

    Raises:
        DomainError: files are missing, damaged, or do not belong together, or too few are
            left. Nothing was written then.
    """
    stacks = KINDS[settings.kind].stacks(settings)
    images = np.concatenate([stack.images for stack in stacks])
    items = table(stacks, settings)
    items["split"] = divided(items, settings, common.seed)
    keep = within_limit(
        items["sha256"].tolist(), items["split"].tolist(), settings.limit, common.seed
    )
    left_out = [
        Rejection(source, f"left out: {split} has as many as its limit asks for", bad=False)
        for source, split, kept in zip(items["source"], items["split"], keep, strict=True)
        if not kept
    ]
    rows = np.flatnonzero(keep)
    split = items["split"].map(SPLITS.index).to_numpy()
    rows = rows[np.argsort(split[rows], kind="stable")]  # train before val before test
    size = settings.size or images.shape[1]
    need_enough(out.name, items["split"].iloc[rows], needed)

    def produce(part: slice) -> dict[str, np.ndarray]:
        return {"image": coloured(images[rows[part]], size)}

    write_rejections(out / "rejected.csv", left_out)
    check_rejections(left_out, len(rows), common.rejected_limit, out / "rejected.csv")
    write_items(out / "items.parquet", items.iloc[rows])
    contents = content_hash(images.tobytes(), rows.tobytes())
    fill_group(
        out / "images.zarr",
        {"image": ((size, size, 3), "uint8")},
        len(rows),
        produce,
        {},
        [settings.model_dump(mode="json"), code_hash(), contents],
        SHARD,
        ("exemplar/data",),
    )


def table(stacks: list[Stack], settings: ImageSets) -> pd.DataFrame:
    """The rows of `items.parquet` for all images of all files, in the files' order.

    `source` is the file and the image's number in it, `sha256` of the image's own bytes, `width`
    and `height` as in the file.
    """
    names = KINDS[settings.kind].names(settings)
    parts = []
    for stack in stacks:
        count, height, width = stack.images.shape[:3]
        labels = [""] * count if stack.labels is None else [names[n] for n in stack.labels]
        parts.append(
            pd.DataFrame(
                {
                    "id": [f"{stack.name}-{stack.first + n:05d}" for n in range(count)],
                    "split": stack.split,
                    "category": labels,
                    "source": [f"{stack.source}#{n}" for n in range(count)],
                    "sha256": [hashlib.sha256(i.tobytes()).hexdigest() for i in stack.images],
                    "licence": settings.licence,
                    "width": width,
                    "height": height,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def divided(items: pd.DataFrame, settings: ImageSets, seed: int) -> list[str]:
    """The split of each image: the set's own, with the last training images as val, or by content.

    Args:
        items: from `table`.
        settings: of the domain.
        seed: of the order by which a set without splits of its own is divided.

    Raises:
        DomainError: none would be left to train on.
    """
    splits = items["split"].tolist()
    if isinstance(settings, DigitsSettings):
        return assign(items["sha256"].tolist(), splits, settings.splits, seed)
    train = [row for row, split in enumerate(splits) if split == "train"]
    if settings.val >= len(train):
        raise DomainError(
            f"{settings.root}: val takes {settings.val} of {len(train)} training images, so that "
            "none is left to train on; lower it in params.yaml"
        )
    for row in train[len(train) - settings.val :]:
        splits[row] = "val"
    return splits


def coloured(images: np.ndarray, size: int) -> np.ndarray:
    """Images at a size, grey ones with three equal channels.

    Args:
        images: (N, S, S) or (N, S, S, 3) u8.
        size: pixels a side.

    Returns:
        (N, size, size, 3) u8.
    """
    if images.shape[1] != size:
        # Enlarged by Lanczos' filter, strokes would have echoes on a black ground.
        method = Image.Resampling.LANCZOS if images.shape[1] > size else Image.Resampling.BICUBIC
        images = np.stack(
            [np.asarray(Image.fromarray(image).resize((size, size), method)) for image in images]
        )
    return images if images.ndim == 4 else np.repeat(images[..., None], 3, -1)
