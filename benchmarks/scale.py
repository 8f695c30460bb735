"""How work grows with workers, and a query's time with the library.

    python -m benchmarks.scale

Makes its own photographs, networks and libraries in temporary folders, which for a while take
8 GB; some eight minutes on two cores.
"""

from __future__ import annotations

import time

import torch

from benchmarks.query import growth
from benchmarks.random_domain import CONDITION, DOMAIN, random_domain
from benchmarks.record import Figure, report, speed_up
from exemplar.methods.pixelnn.rows import build_features
from exemplar.store import layout
from exemplar.store.cluster import local_workers
from exemplar.store.files import content_hash, remove

COUNT, DIMENSIONS, WIDTH = 2048, 64, 32


def main() -> None:
    """Measures, prints, writes reports/benchmarks/scale.json."""
    torch.set_num_threads(1)  # as a query of the pipeline
    report("scale", [growth(many=100_032, few=1024), workers()])


def workers() -> Figure:
    """Two worker processes of one thread each against one, each from its start to its end."""
    seconds, hashes = {}, set()
    with random_domain(COUNT, DIMENSIONS, WIDTH):
        for count in (1, 2):
            start = time.perf_counter()
            with local_workers(count) as address:
                build_features(DOMAIN, CONDITION, address)
            seconds[count] = time.perf_counter() - start
            store = layout.features(DOMAIN, CONDITION)
            hashes.add(content_hash(store))
            remove(store)
    if len(hashes) > 1:
        raise AssertionError("two workers made another feature store than one")
    reference = f"one such worker on the same {COUNT} images, with networks of width {WIDTH}"
    return speed_up("two_workers_vs_one", seconds[2], reference, seconds[1])


if __name__ == "__main__":
    main()
