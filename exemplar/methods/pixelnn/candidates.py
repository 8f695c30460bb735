"""Candidates of a domain's images: features, index → candidates/<method>/<domain>-<condition>.zarr.

`pixelnn` is the published method and `global` its baseline; `coherent` has settings of its own and
a ranking (`coherent`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

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

Method = Literal["pixelnn", "global", "coherent"]
Arrays = dict[str, tuple[tuple[int, ...], str]]
"""The form of a store, as for `fill_group`."""

SHARD = 4  # inputs a shard: each brings dozens of images


@dataclass(frozen=True)
class Synthesis:
    """Candidates of some images of a domain, by one method; called with some, it makes theirs.

    Attributes:
        library: the exemplars.
        rows: of the images.
        members: of the schedule; the Global baseline has as many, if there are as many exemplars.
        method: which.
        settings: of the method.
    """

    library: Library
    rows: np.ndarray
    members: list[schedule.Candidate]
    method: Method
    settings: CandidatesSettings

    def __call__(self, part: slice) -> dict[str, np.ndarray]:
        """Images and sources of the candidates of some images."""
        return stacked([self.one(row)._asdict() for row in self.rows[part].tolist()])

    def one(self, row: int) -> Composed:
        """The candidates of one image."""
        (regressed,) = read_rows(self.library.regressed, [row])
        (scene,) = read_rows(self.library.scene, [row])
        if self.method == "global":
            count = len(self.members)
            return synthesise_global(self.library, regressed, scene, self.settings, count)
        (descriptor,) = read_rows(self.library.descriptor, [row])
        return synthesise(self.library, regressed, descriptor, scene, self.settings)

    @property
    def arrays(self) -> Arrays:
        """The form of the store."""
        shape = (len(self.members), *self.library.image.shape[1:])
        return {"image": (shape, "uint8"), "source": (shape, "int32")}


def stacked(values: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Some images' values as rows of arrays."""
    return {name: np.stack([each[name] for each in values]) for name in values[0]}


def open_synthesis(domain: str, condition: str, method: Method, split: str = "test") -> Synthesis:
    """Opens everything that candidates are made from, in any process.

    Args:
        domain: whose images and exemplars.
        condition: through which they are seen.
        method: by which settings.
        split: of the images.
    """
    name = "coherent" if method == "coherent" else "candidates"
    settings = section(load_params(), name, CandidatesSettings)
    torch.set_num_threads(settings.threads)
    library = open_library(domain, condition, settings.device)
    members = schedule.candidates(settings.schedule)
    if method == "global":
        members = [schedule.Candidate(1, rank + 1, 1) for rank in range(len(members))]
        members = members[: len(library.exemplars.rows)]
    return Synthesis(library, rows_of(library.items, split), members, method, settings)


class Maker(Protocol):
    """Makes the values of a store of candidates: a `Synthesis`, perhaps with more."""

    @property
    def arrays(self) -> Arrays:
        """The form of the store."""
        ...

    def __call__(self, part: slice) -> dict[str, np.ndarray]:
        """The values of some images."""
        ...


def files_hash(domain: str, condition: str) -> str:
    """The hash of the files that all methods' candidates are made from; these are large."""
    return content_hash(
        layout.images(domain),
        layout.features(domain, condition),
        layout.index(domain, condition),
        layout.items(domain),
    )


def fill_candidates(
    domain: str,
    condition: str,
    made: Synthesis,
    maker: Maker,
    opener: Callable[..., Maker],
    inputs: list[Path | str | dict[str, Any]],
    cluster: str | None = None,
) -> None:
    """Synthesises images and writes the store.

    Args:
        domain: whose images.
        condition: what they are synthesised from.
        made: the images, and the method.
        maker: makes the store's values from them.
        opener: a function of a module that opens the maker in another process, from the domain,
            the condition and the method.
        inputs: what the values depend on beside the settings, as for `content_hash`.
        cluster: the address of a Dask scheduler whose workers are to do it; by default this
            process, or as many as the settings say.

    Raises:
        StoreError: workers are not where the files are.
    """
    settings = made.settings
    by = settings.model_dump(mode="json", exclude={"workers"})
    fill_group(
        layout.candidates(made.method, domain, condition),
        maker.arrays,
        len(made.rows),
        maker,
        {
            "rows": made.rows.tolist(),
            "candidates": [list(member) for member in made.members],
            "votes": 0 if made.method == "global" else settings.effective_votes,
        },
        [made.library.exemplars.rows.tobytes(), by, *inputs],
        SHARD,
        workers=Workers(
            f"{opener.__module__}:{opener.__name__}",
            (domain, condition, made.method),
            settings.workers,
            cluster,
        ),
    )
