"""Rendered heads → `images.zarr`, `items.parquet`, `rejected.csv` of a domain."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from exemplar.data.ingest import code_hash, write_rejections
from exemplar.data.rendered import PARTS, RenderedSettings, Rendering, render
from exemplar.data.settings import PrepareSettings
from exemplar.data.splits import NOTHING, Needed, need_enough
from exemplar.data.workers import ordered_map
from exemplar.store.files import workplace, written
from exemplar.store.items import write_items
from exemplar.store.shards import fill_group

LICENCE = "CC0-1.0"


def prepare_rendered(
    out: Path, settings: RenderedSettings, common: PrepareSettings, needed: Needed = NOTHING
) -> None:
    """Makes the rendered domain: train, val and test by index, with everything that is known.

    Args:
        out: the domain's folder; its three files are replaced. Nothing is ever rejected.
        settings: of the domain.
        common: of all domains.
        needed: the fewest images of each split.

    Raises:
        DomainError: a split is to have fewer.
    """
    size = settings.size or common.image_size
    splits = [split for split in ("train", "val", "test") for _ in range(getattr(settings, split))]
    need_enough(out.name, splits, needed)
    arrays: dict[str, tuple[tuple[int, ...], str]] = {
        "image": ((size, size, 3), "uint8"),
        "normals": ((size, size, 3), "float16"),
        "labels": ((size, size), "uint8"),
        "instances": ((size, size), "uint16"),
        "surface": ((size, size, 3), "float16"),
        "edges": ((size, size), "float16"),
    }
    seed = {"seed": common.seed, "size": size}
    inputs = [settings.model_dump(mode="json"), seed, code_hash()]
    with workplace(f"prepare/{out.name}", *inputs) as folder, ordered_map(common.workers) as each:

        def produce(part: slice) -> dict[str, np.ndarray]:
            tasks = [(index, settings, size, common.seed) for index in range(part.start, part.stop)]
            made = list(each(_rendered, tasks))
            known = [[m.category, hashlib.sha256(m.image.tobytes()).hexdigest()] for m in made]
            with written(folder / f"known-{part.start:08d}.json") as partial:
                partial.write_text(json.dumps(known))
            return {name: np.stack([getattr(m, name) for m in made]) for name in arrays}

        attributes = {"classes": list(PARTS)}
        path, code = out / "images.zarr", ("exemplar/data",)
        fill_group(path, arrays, len(splits), produce, attributes, inputs, sources=code)
        known = [
            entry
            for path in sorted(folder.glob("known-*.json"))
            for entry in json.loads(path.read_text())
        ]
        write_items(out / "items.parquet", _table(splits, known, size))
        write_rejections(out / "rejected.csv", [])


def _rendered(task: tuple[int, RenderedSettings, int, int]) -> Rendering:
    return render(*task)


def _table(splits: list[str], known: list[list[str]], size: int) -> pd.DataFrame:
    """The rows of `items.parquet`; `sha256` is of the image's pixels, since there is no file."""
    return pd.DataFrame(
        {
            "id": [f"rendered-{index:05d}" for index in range(len(splits))],
            "split": splits,
            "category": [category for category, _ in known],
            "source": [f"rendered:{index}" for index in range(len(splits))],
            "sha256": [sha256 for _, sha256 in known],
            "licence": LICENCE,
            "width": size,
            "height": size,
        }
    )
