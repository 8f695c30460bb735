"""Stage `conditions`: photographs and estimators → data/<domain>/conditions.zarr."""

from __future__ import annotations

import numpy as np
import torch

from exemplar.conditions.sources import ConditionsSettings, edge_network, extract
from exemplar.estimators import load_estimators
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import array, fill_group, name_list, open_group
from stages.arguments import domain_of

KNOWN = ("edges", "normals", "labels")


def main() -> None:
    """Writes every condition; what the domain knows is taken as it is, the rest is estimated."""
    domain = domain_of("conditions")
    settings = section(load_params(), "conditions", ConditionsSettings)
    torch.set_num_threads(settings.threads)
    estimators = load_estimators(layout.ESTIMATORS)
    edges, edges_identity = edge_network(settings.edges, estimators)
    group = open_group(layout.images(domain), "image")
    photographs = array(group, "image")
    known = {name: array(group, name) for name in KNOWN if name in group}
    classes = name_list(group, "classes") if "labels" in known else estimators.parts

    def produce(part: slice) -> dict[str, np.ndarray]:
        values = extract(np.asarray(photographs[part]), estimators, edges)
        return values | {name: np.asarray(source[part]) for name, source in known.items()}

    count, height, width, _ = photographs.shape
    origins = {"lowres": "block means", "edges": edges_identity}
    origins |= {"normals": estimators.identity, "labels": estimators.identity}
    origins |= dict.fromkeys(known, "given with the images")
    fill_group(
        layout.conditions(domain),
        {
            "lowres": ((12, 12, 3), "uint8"),
            "edges": ((height, width), "float16"),
            "normals": ((height, width, 3), "float16"),
            "labels": ((height, width), "uint8"),
        },
        count,
        produce,
        {"classes": list(classes), "origins": origins},
        [layout.images(domain), layout.ESTIMATORS, settings.model_dump()],
    )


if __name__ == "__main__":
    main()
