"""Whole pictures of a domain's test images → candidates/whole/<domain>-<condition>.zarr.

Beside pictures and sources it holds the exemplars of each candidate and how their colours were
changed, so that every picture can be made again of the photographs alone (`records`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from exemplar.matching.exemplars import exemplar_rows
from exemplar.memory import keep_freed_memory
from exemplar.methods.pixelnn.whole.by_labels import ByLabels
from exemplar.methods.pixelnn.whole.candidates import Whole, of_input
from exemplar.methods.pixelnn.whole.opening import Opened, open_whole
from exemplar.methods.pixelnn.whole.ranking import ranked
from exemplar.methods.pixelnn.whole.records import Record, recorded
from exemplar.methods.pixelnn.whole.settings import Member, WholeSettings
from exemplar.metrics.ranked import Ranking
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows
from exemplar.store.files import content_hash
from exemplar.store.items import rows_of
from exemplar.store.shards import Workers, fill_group

SHARD = 1
"""Inputs a shard: one takes seconds to minutes."""
Arrays = dict[str, tuple[tuple[int, ...], str]]


@dataclass(frozen=True)
class Rows:
    """Candidates of a domain's test images; called with some, it makes theirs.

    Attributes:
        opened: the domain.
        rows: of the test images.
        settings: the section `whole`.
        members: the candidates of each.
    """

    opened: Opened
    rows: NDArray[np.int64]
    settings: WholeSettings
    members: Sequence[Member]

    def __call__(self, part: slice) -> dict[str, np.ndarray]:
        """Pictures, records, scores and the distinct few of some images."""
        made = [self._one(int(row)) for row in self.rows[part]]
        return {name: np.stack([each[name] for each in made]) for name in made[0]}

    @property
    def arrays(self) -> Arrays:
        """The form of the store."""
        count, slots = len(self.members), max(self.settings.exemplars)
        size, grid = self.opened.photographs.size, self.opened.finder.grid
        return {
            "image": ((count, *size, 3), "uint8"),
            "source": ((count, *size, 3), "int16"),
            "exemplar": ((count, slots), "int32"),
            "mirrored": ((count, slots), "uint8"),
            "gain": ((count, slots, *grid, 3), "float16"),
            "shift": ((count, slots, *grid, 3), "float16"),
            "score": ((count,), "float32"),
            "few": ((min(self.settings.few, count),), "int16"),
        }

    def place(self, one: Whole) -> int:
        """Of a candidate among all."""
        return list(self.members).index(one.member)

    def _one(self, row: int) -> dict[str, NDArray[Any]]:
        opened, settings = self.opened, self.settings
        given = opened.given(*opened.stored(row))
        made = sorted(of_input(opened.finder, given, settings), key=self.place)
        ranking = ranked(made, opened.finder.asked(given), settings.few, settings.good)
        slots, grid = max(settings.exemplars), opened.finder.grid
        records = [recorded(each, slots, grid) for each in made]
        whole = {name: np.stack([getattr(r, name) for r in records]) for name in Record._fields}
        return {"image": np.stack([each.image for each in made])} | whole | ranking._asdict()


def open_rows(domain: str, condition: str) -> Rows:
    """Opens everything that whole pictures of test images are made from, in any process."""
    params = load_params()
    settings = section(params, "whole", WholeSettings).of_tests()
    torch.set_num_threads(1)  # `of_input` keeps as many threads busy
    keep_freed_memory()
    opened = open_whole(domain, condition, params, settings)
    rows = rows_of(opened.photographs.items, "test")
    return Rows(opened, rows, opened.settings, opened.settings.members(opened.count))


def build_whole(domain: str, condition: str, cluster: str | None = None) -> None:
    """Makes whole pictures of every test image of a domain, and ranks them.

    Args:
        domain: whose images.
        condition: what they are made from.
        cluster: the address of a Dask scheduler whose workers are to do it; by default this
            process, or as many as `whole.workers` in `params.yaml` says.

    Raises:
        StoreError: a store is missing or damaged, or workers are not where the files are.
    """
    maker = open_rows(domain, condition)
    settings = maker.settings
    by = settings.model_dump(mode="json", exclude={"workers", "threads"})
    params = load_params()
    exemplars = exemplar_rows(maker.opened.photographs.items, params, domain).tolist()
    coherent = params.get("coherent") if "coherent" in settings.starts else None
    inputs: list[Any] = [layout.images(domain), layout.items(domain)]
    if not isinstance(maker.opened.finder, ByLabels):
        inputs += [
            layout.conditions(domain),
            layout.features(domain, condition),
            layout.index(domain, condition),
            layout.regressor(domain, condition),
            layout.projection(domain, condition),
        ]
    fill_group(
        layout.candidates("whole", domain, condition),
        maker.arrays,
        len(maker.rows),
        maker,
        {
            "rows": maker.rows.tolist(),
            "candidates": [list(member) for member in maker.members],
            "votes": settings.patches.votes,
        },
        [content_hash(*inputs), by, exemplars, coherent],
        SHARD,
        workers=Workers(
            f"{open_rows.__module__}:{open_rows.__name__}",
            (domain, condition),
            settings.workers,
            cluster,
        ),
    )


class Stored:
    """What `build_whole` wrote.

    Attributes:
        rows: of the test images.
        members: the candidates of each.
        votes: see `rederive`.
    """

    def __init__(self, domain: str, condition: str) -> None:
        """Opens the store.

        Raises:
            StoreError: it is missing or damaged.
        """
        path = layout.candidates("whole", domain, condition)
        self._group = open_group(path, "image", *Record._fields, *Ranking._fields)
        attributes: Any = self._group.attrs
        self.rows = np.asarray(attributes["rows"], np.int64)
        self.members = [Member(*each) for each in attributes["candidates"]]
        self.votes = int(attributes["votes"])

    def images(self, place: int) -> NDArray[np.uint8]:
        """All candidates of a test image, (C, H, W, 3)."""
        return self._of("image", place)

    def sources(self, place: int) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
        """Of all candidates of a test image the `Record`s' `source` and `exemplar`, stacked."""
        return self._of("source", place), self._of("exemplar", place)

    def record(self, place: int, candidate: int) -> Record:
        """What one of its candidates was made of."""
        return Record(*(self._of(name, place)[candidate] for name in Record._fields))

    def ranking(self, place: int) -> Ranking:
        """Scores and the distinct few of its candidates."""
        return Ranking(*(self._of(name, place) for name in Ranking._fields))

    def _of(self, name: str, place: int) -> NDArray[Any]:
        return read_rows(array(self._group, name), [place])[0]
