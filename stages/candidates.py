"""Stage `candidates`: features, index → candidates/{pixelnn,global}/<domain>-<condition>.zarr."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from exemplar.matching.images import load_index
from exemplar.methods.pixelnn import schedule
from exemplar.methods.pixelnn.compose import Composed
from exemplar.methods.pixelnn.synthesis import (
    CandidatesSettings,
    open_library,
    synthesise,
    synthesise_global,
)
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import fill_group, read_rows
from exemplar.store.items import rows_of
from stages.arguments import domain_and_condition_of

Maker = Callable[[int, np.ndarray, np.ndarray], Composed]

SHARD = 4  # inputs a shard: each brings dozens of images


def main() -> None:
    """Synthesises every test image of a domain, by PixelNN and by its Global baseline."""
    domain, condition = domain_and_condition_of("candidates")
    settings = section(load_params(), "candidates", CandidatesSettings)
    torch.set_num_threads(settings.threads)
    index_path = layout.index(domain, condition)
    library = open_library(domain, condition, load_index(index_path))
    rows = rows_of(library.items, "test")
    members = schedule.candidates(settings.schedule)
    inputs = [
        layout.features(domain, condition),
        index_path,
        layout.items(domain),
        settings.model_dump(),
    ]

    def pixelnn(row: int, regressed: np.ndarray, scene: np.ndarray) -> Composed:
        descriptor = read_rows(library.descriptor, [row])[0]
        return synthesise(library, regressed, descriptor, scene, settings)

    # As many as PixelNN has, if there are as many exemplars.
    ranks = [schedule.Candidate(1, rank + 1, 1) for rank in range(len(members))]
    ranks = ranks[: library.index.ntotal]

    def whole(row: int, regressed: np.ndarray, scene: np.ndarray) -> Composed:
        return synthesise_global(library, regressed, scene, settings, len(ranks))

    for method, make, described in (("pixelnn", pixelnn, members), ("global", whole, ranks)):

        def produce(part: slice, make: Maker = make) -> dict[str, np.ndarray]:
            chosen = rows[part]
            regressed = read_rows(library.regressed, chosen)
            scenes = read_rows(library.scene, chosen)
            made = [
                make(int(row), f, scene)
                for row, f, scene in zip(chosen, regressed, scenes, strict=True)
            ]
            return {
                "image": np.stack([m.image for m in made]),
                "source": np.stack([m.source for m in made]),
            }

        height, width = library.image.shape[1:3]
        shape = (len(described), height, width, 3)
        fill_group(
            layout.candidates(method, domain, condition),
            {"image": (shape, "uint8"), "source": (shape, "int32")},
            len(rows),
            produce,
            {"rows": rows.tolist(), "candidates": [list(member) for member in described]},
            inputs,
            SHARD,
        )


if __name__ == "__main__":
    main()
