"""A library of any size to query: real stores and a real index, little of it distinct on disk.

Scene features differ from exemplar to exemplar; photographs and descriptors are one shard's, linked
under every shard's name, so a hundred thousand exemplars fit where a hundred would.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import yaml
import zarr

from exemplar.features.look import LENGTH
from exemplar.matching.index import build_index, save_index
from exemplar.store import layout
from exemplar.store.arrays import SHARD, array, create_array, create_group, open_group, write_rows
from exemplar.store.items import write_items

DOMAIN, CONDITION = "random", "edges"
SCENE = 4608  # the default's


@contextmanager
def library(count: int, side: int = 96, dimensions: int = 64) -> Iterator[Path]:
    """Makes everything that a query reads, in a folder that is then left.

    Args:
        count: exemplars; a multiple of 64. Image 0 is a test image besides.
        side: of the images, in pixels.
        dimensions: of the descriptors.

    Yields:
        The folder, which is the current one as long as the block lasts.
    """
    rng = np.random.default_rng(0)
    with TemporaryDirectory() as folder, chdir(folder):
        Path("params.yaml").write_text(yaml.safe_dump({"removed": {}}))
        items = pd.DataFrame({"id": [f"{row:06d}" for row in range(count)]})
        items["split"] = ["test"] + ["train"] * (count - 1)
        for name in ("category", "source", "sha256", "licence"):
            items[name] = ""
        items["width"] = items["height"] = side
        write_items(layout.items(DOMAIN), items)

        photographs = rng.integers(0, 256, (SHARD, side, side, 3), dtype=np.uint8)
        descriptors = rng.standard_normal((SHARD, side, side, dimensions), dtype=np.float32)
        descriptors /= np.linalg.norm(descriptors, axis=-1, keepdims=True)
        repeated(layout.images(DOMAIN), {"image": photographs}, count)
        features = layout.features(DOMAIN, CONDITION)
        described = {
            "regressed": photographs[::-1].copy(),
            "descriptor": descriptors.astype(np.float16),
            "look": rng.random((SHARD, LENGTH), dtype=np.float32),
        }
        repeated(features, described, count)
        scene = create_array(
            zarr.open_group(str(features), mode="r+"), "scene", (count, SCENE), "float32"
        )
        kinds = rng.standard_normal((64, SCENE), dtype=np.float32)
        for start in range(0, count, SHARD):
            rows = kinds[rng.integers(0, len(kinds), min(SHARD, count - start))]
            values = rows + 0.5 * rng.standard_normal(rows.shape, dtype=np.float32)
            values /= np.linalg.norm(values, axis=1, keepdims=True)
            write_rows(scene, start, values)
        stored = array(open_group(features, "scene"), "scene")
        save_index(layout.index(DOMAIN, CONDITION), build_index(stored, np.arange(1, count)))
        yield Path(folder)


def repeated(path: Path, arrays: dict[str, np.ndarray], count: int) -> None:
    """A group whose shards all are one shard's files."""
    group = create_group(path)
    for name, values in arrays.items():
        write_rows(create_array(group, name, values.shape, values.dtype), 0, values)
        described = json.loads((path / name / "zarr.json").read_text())
        described["shape"][0] = count
        (path / name / "zarr.json").write_text(json.dumps(described))
        chunks = path / name / "c"
        for shard in range(1, count // SHARD):
            for file in (chunks / "0").rglob("*"):
                target = chunks / str(shard) / file.relative_to(chunks / "0")
                if file.is_file():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    os.link(file, target)
