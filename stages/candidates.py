"""Stage `candidates`: features, index → candidates/{pixelnn,global}/<domain>-<condition>.zarr."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from exemplar.methods.pixelnn import schedule
from exemplar.methods.pixelnn.compose import Composed
from exemplar.methods.pixelnn.library import Library, open_library
from exemplar.methods.pixelnn.synthesis import (
    CandidatesSettings,
    synthesise,
    synthesise_global,
)
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import read_rows
from exemplar.store.files import content_hash
from exemplar.store.items import rows_of
from exemplar.store.shards import Workers, fill_group
from stages.arguments import cluster_of, domain_and_condition_of

Method = Literal["pixelnn", "global"]

SHARD = 4  # inputs a shard: each brings dozens of images


@dataclass(frozen=True)
class Synthesis:
    """Candidates of a domain's test images, by one method; called with some, it makes theirs.

    Attributes:
        library: the exemplars.
        rows: of the test images.
        members: of the schedule; the Global baseline has as many, if there are as many exemplars.
        method: PixelNN, or its baseline.
        settings: of the stage.
    """

    library: Library
    rows: np.ndarray
    members: list[schedule.Candidate]
    method: Method
    settings: CandidatesSettings

    def __call__(self, part: slice) -> dict[str, np.ndarray]:
        """Images and sources of the candidates of some test images."""
        rows = self.rows[part]
        regressed = read_rows(self.library.regressed, rows)
        scenes = read_rows(self.library.scene, rows)
        made = [
            self.one(int(row), f, scene)
            for row, f, scene in zip(rows, regressed, scenes, strict=True)
        ]
        return {name: np.stack([getattr(m, name) for m in made]) for name in ("image", "source")}

    def one(self, row: int, regressed: np.ndarray, scene: np.ndarray) -> Composed:
        """Of one."""
        if self.method == "global":
            count = len(self.members)
            return synthesise_global(self.library, regressed, scene, self.settings, count)
        descriptor = read_rows(self.library.descriptor, [row])[0]
        return synthesise(self.library, regressed, descriptor, scene, self.settings)


def open_synthesis(domain: str, condition: str, method: Method) -> Synthesis:
    """Opens everything that candidates are made from, in any process."""
    settings = section(load_params(), "candidates", CandidatesSettings)
    torch.set_num_threads(settings.threads)
    library = open_library(domain, condition, settings.device)
    members = schedule.candidates(settings.schedule)
    if method == "global":
        members = [schedule.Candidate(1, rank + 1, 1) for rank in range(len(members))]
        members = members[: len(library.exemplars.rows)]
    return Synthesis(library, rows_of(library.items, "test"), members, method, settings)


def main() -> None:
    """Synthesises every test image of a domain, by PixelNN and by its Global baseline."""
    domain, condition = domain_and_condition_of("candidates")
    # Both methods are made from the same files, which are large: looked at once.
    files = content_hash(
        layout.images(domain),
        layout.features(domain, condition),
        layout.index(domain, condition),
        layout.items(domain),
    )
    methods: tuple[Method, ...] = ("pixelnn", "global")
    for method in methods:
        made = open_synthesis(domain, condition, method)
        settings = made.settings
        shape = (len(made.members), *made.library.image.shape[1:])
        fill_group(
            layout.candidates(method, domain, condition),
            {"image": (shape, "uint8"), "source": (shape, "int32")},
            len(made.rows),
            made,
            {"rows": made.rows.tolist(), "candidates": [list(member) for member in made.members]},
            [
                files,
                made.library.exemplars.rows.tobytes(),
                settings.model_dump(mode="json", exclude={"workers"}),
            ],
            SHARD,
            workers=Workers(
                "stages.candidates:open_synthesis",
                (domain, condition, method),
                settings.workers,
                cluster_of(),
            ),
        )


if __name__ == "__main__":
    main()
