"""How fast feature stores are built, and in how much memory.

    python -m benchmarks.features

Makes its own photographs and networks in a temporary folder; takes some four minutes on two
cores.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from benchmarks.random_domain import CONDITION, DOMAIN, SIDE, random_domain
from benchmarks.record import Figure, best_times, cost, report
from exemplar.features.pixelnet import batches
from exemplar.measured import peak_memory
from exemplar.methods.pixelnn.describe import describe_images
from exemplar.methods.pixelnn.rows import Rows, build_features, open_rows
from exemplar.store import layout
from exemplar.store.arrays import read_slice
from exemplar.store.files import remove

COUNT, FEW = 1024, 128
DIMENSIONS = 64


def main() -> None:
    """Measures, prints, writes reports/benchmarks/features.json."""
    figures = [speed(), memory()]
    print(f"{COUNT} images of {SIDE}×{SIDE}, D = {DIMENSIONS}, one thread for the networks")
    report("features", figures)


def speed() -> Figure:
    """A whole build, from files to files, against the networks on what is in memory already."""
    with random_domain(COUNT, DIMENSIONS):
        rows = open_rows(DOMAIN, CONDITION)
        stored = read_slice(rows.stored, slice(0, COUNT))

        def build() -> None:
            remove(layout.features(DOMAIN, CONDITION))
            build_features(DOMAIN, CONDITION)

        times = best_times(2, compute=lambda: compute(rows, stored), build=build)
    return Figure(
        name="building_vs_compute",
        value=COUNT / times["build"],
        unit="images/s",
        reference="regressor, backbone and projection alone, nothing read or written",
        reference_value=COUNT / times["compute"],
        ratio=times["compute"] / times["build"],
    )


def compute(rows: Rows, stored: np.ndarray) -> None:
    """The networks' work, its results dropped."""
    for _, places in batches(len(stored)):
        regressed = rows.regressor(stored[places], (SIDE, SIDE))
        describe_images(rows.backbone, rows.projection, regressed, rows.settings)


def memory() -> Figure:
    """The peak of a build of many images against that of one of few."""
    peaks = {}
    for count in (FEW, COUNT):  # a process of its own each: a peak does not go down
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            peaks[count] = process.submit(peak, count).result()
    reference = f"the same for {FEW} images instead of {COUNT}"
    return cost("building_memory", peaks[COUNT], reference, peaks[FEW], "MB")


def peak(count: int) -> float:
    """The most memory this process ever had, in MB, when it has built a store."""
    with random_domain(count, DIMENSIONS):
        build_features(DOMAIN, CONDITION)
    return peak_memory()


if __name__ == "__main__":
    main()
