"""Stage `conditions`: photographs and estimators → data/<domain>/conditions.zarr.

A row depends on its own photograph and on the networks, on nothing else; what the store that was
there before has of them is taken over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import zarr
from torch import Tensor

from exemplar.conditions.sources import ConditionsSettings, edge_network, extract
from exemplar.estimators import Estimators, load_estimators
from exemplar.features.pixelnet import batches
from exemplar.labels.sides import MIRRORED
from exemplar.memory import keep_freed_memory
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import SHARD, array, name_list, open_group, read_slice
from exemplar.store.files import content_hash, sources_hash
from exemplar.store.growth import KEY, Former, open_former, row_keys, taken_over
from exemplar.store.shards import Same, fill_group
from stages.arguments import domain_of
from stages.ends import run

KNOWN = ("edges", "normals", "labels")
# The code that decides what a row is.
SOURCES = (
    "exemplar/conditions",
    "exemplar/estimators.py",
    "exemplar/features",
    "exemplar/labels/encoding.py",
    "exemplar/labels/sides.py",
    "stages/conditions.py",
)


@dataclass(frozen=True)
class Rows:
    """What the rows of one store are made from; called with some, it makes them.

    Attributes:
        photographs: (N, H, W, 3) u8.
        known: conditions that the domain has, taken as they are.
        estimators: see the others.
        edges: sees edges instead of them.
        former: the store that was there before, if its rows can serve.
    """

    photographs: zarr.Array
    known: dict[str, zarr.Array]
    estimators: Estimators
    edges: Callable[[Tensor], Tensor] | None
    former: Former | None

    def __call__(self, part: slice) -> dict[str, np.ndarray] | Same:
        """The values of some rows."""
        photographs = read_slice(self.photographs, part)
        known = {name: read_slice(source, part) for name, source in self.known.items()}
        keys = row_keys(photographs, *known.values())

        def make(fresh: np.ndarray) -> dict[str, np.ndarray]:
            return self._seen(photographs[fresh]) | {n: rows[fresh] for n, rows in known.items()}

        return taken_over(self.former, keys, make, min(SHARD, self.photographs.shape[0]))

    def _seen(self, photographs: np.ndarray) -> dict[str, np.ndarray]:
        made = [
            {
                name: rows[: part.stop - part.start]
                for name, rows in extract(photographs[places], self.estimators, self.edges).items()
            }
            for part, places in batches(len(photographs))
        ]
        return {name: np.concatenate([rows[name] for rows in made]) for name in made[0]}


def main() -> None:
    """Writes every condition; what the domain knows is taken as it is, the rest is estimated."""
    domain = domain_of("conditions")
    settings = section(load_params(), "conditions", ConditionsSettings)
    torch.set_num_threads(settings.threads)
    keep_freed_memory()
    estimators = load_estimators(layout.ESTIMATORS)
    edges, edges_identity = edge_network(settings.edges, estimators)
    group = open_group(layout.images(domain), "image")
    photographs = array(group, "image")
    known = {name: array(group, name) for name in KNOWN if name in group}
    classes = name_list(group, "classes") if "labels" in known else estimators.parts

    count, height, width, _ = photographs.shape
    arrays: dict[str, tuple[tuple[int, ...], str]] = {
        "lowres": ((12, 12, 3), "uint8"),
        "edges": ((height, width), "float16"),
        "normals": ((height, width, 3), "float16"),
        "labels": ((height, width), "uint8"),
        "key": KEY,
    }
    origins = {"lowres": "block means", "edges": edges_identity}
    origins |= {"normals": estimators.identity, "labels": estimators.identity}
    origins |= dict.fromkeys(known, "given with the images")
    made_by = content_hash(
        [settings.model_dump(mode="json"), list(classes), origins],
        [estimators.identity, sources_hash(*SOURCES), torch.__version__],
    )
    sides = {MIRRORED: group.attrs[MIRRORED]} if MIRRORED in group.attrs else {}
    path = layout.conditions(domain)
    fill_group(
        path,
        arrays,
        count,
        Rows(photographs, known, estimators, edges, open_former(path, made_by, arrays)),
        {"classes": list(classes), "origins": origins, "made_by": made_by} | sides,
        [layout.images(domain)],
        SHARD,
        SOURCES,
    )


if __name__ == "__main__":
    run(main)
