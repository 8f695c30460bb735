"""A stage that fills a store in one of three ways, for the tests that kill it: `NAME`, then `WAY`.

It runs in a toy repository. Rows depend on `seed.txt` and take a while to compute.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from exemplar.store.shards import Workers, fill_group

SHARDS, SHARD = 12, 2
ARRAYS = {"x": ((40, 3), "float32"), "y": ((2,), "int32")}


def open_rows(seed: str, log: str) -> Callable[[slice], dict[str, np.ndarray]]:
    """Makes rows, and adds a line to a file for each shard it is asked for."""

    def make(part: slice) -> dict[str, np.ndarray]:
        with Path(log).open("a") as asked:
            asked.write(f"{part.start}\n")
        rows = [np.random.default_rng([len(seed), i]) for i in range(part.start, part.stop)]
        sums = [np.sort(row.random((80_000, 3)), axis=0)[::2_000] for row in rows]
        return {
            "x": np.stack(sums).astype(np.float32),
            "y": np.array([[i, len(seed)] for i in range(part.start, part.stop)], np.int32),
        }

    return make


def main(name: str, way: str) -> None:
    """Fills `NAME.zarr` here, with two workers, or on the cluster whose address is in a file."""
    seed = Path("seed.txt").read_text()
    given = (seed, str(Path("asked").absolute()))
    address = Path("address").read_text() if way == "cluster" and Path("address").exists() else None
    crew = Workers("tests.tasks.filling:open_rows", given, 1 if way == "here" else 2, address)
    if "ALONE" in os.environ:
        crew = None
    path, count = Path(f"{name}.zarr"), SHARDS * SHARD
    code = ("exemplar/store", "tests/tasks/filling.py")
    fill_group(path, ARRAYS, count, open_rows(*given), {}, [[seed]], SHARD, code, crew)


if __name__ == "__main__":
    main(*sys.argv[1:])
