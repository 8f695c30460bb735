"""A domain of noise with untrained networks: everything before `features`, in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

from exemplar.estimators import EstimatorsSettings, save_estimators
from exemplar.features.pixelnet import PixelNet, PixelNetSettings
from exemplar.methods.pixelnn.regressor import Regressor, save_regressor
from exemplar.store import layout
from exemplar.store.arrays import write_group
from exemplar.store.files import remove
from exemplar.store.items import write_items

DOMAIN, CONDITION, SIDE = "noise", "edges", 24
PARAMS = {
    "domains": {DOMAIN: {}},
    "conditions": {},
    "removed": {},
    "projection": {"dimensions": 5, "sample": 12, "pixels": 40},
    "features": {"scene_side": 2},
    "candidates": {},
    "coherent": {
        "composition": "voted",
        "votes": 1,
        "likeness": 0.5,
        "near": 20,
        "matching": {"search": "coarse_to_fine", "support": 1},
    },
    "ranking": {"images": 2, "few": 5},
    "cluster": None,
}


def write_params(**sections: object) -> None:
    """Writes `params.yaml` into the current folder."""
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS | sections))


def write_images(ids: list[int], val: int = 0) -> None:
    """The photographs with these numbers and their edges.

    The last two are test images, so many before them are validation images.
    """
    rows = [np.random.default_rng(i) for i in ids]
    photographs = np.stack([r.integers(0, 256, (SIDE, SIDE, 3), np.uint8) for r in rows])
    edges = np.stack([r.random((SIDE, SIDE)).astype(np.float16) for r in rows])
    for path, arrays in (
        (layout.images(DOMAIN), {"image": photographs}),
        (layout.conditions(DOMAIN), {"edges": edges}),
    ):
        remove(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_group(path, arrays)
    train = max(1, len(ids) - 2 - val)
    splits = (["train"] * train + ["val"] * val + ["test"] * len(ids))[: len(ids)]
    table = {"id": [f"noise-{i}" for i in ids], "split": splits, "category": "noise", "source": "",
             "sha256": "", "licence": "", "width": SIDE, "height": SIDE}  # fmt: skip
    write_items(layout.items(DOMAIN), pd.DataFrame(table))


def write_networks(seed: int = 0) -> None:
    """Estimators, a judge and a regressor that have not been trained."""
    torch.manual_seed(seed)
    size = PixelNetSettings(width=4, hidden=8)
    for path, data in ((layout.ESTIMATORS, DOMAIN), (layout.JUDGE, "strangers")):
        estimators = PixelNet(3, {"normals": 3, "edges": 1, "parts": 2}, size)
        save_estimators(path, estimators, ("a", "b"), EstimatorsSettings(), data)
    f = PixelNet(1, {"image": 3}, size)
    torch.nn.init.normal_(f.heads["image"].weight, std=0.3)  # or all of f(x) would be grey
    path = layout.regressor(DOMAIN, CONDITION)
    save_regressor(path, Regressor(f, CONDITION, (), "float32"))
