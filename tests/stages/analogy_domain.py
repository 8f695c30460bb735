"""Rendered heads in miniature, and an untrained trunk: what the analogy's evaluation reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

from exemplar.estimators import EstimatorsSettings, save_estimators
from exemplar.features.pixelnet import PixelNet, PixelNetSettings
from exemplar.store import layout
from exemplar.store.arrays import write_group
from exemplar.store.items import write_items

SIDE, COUNT = 40, 5


def write_heads() -> None:
    """Test images of one textured disc that lies a little elsewhere in each."""
    draw = np.random.default_rng(0)
    texture = draw.integers(0, 256, (20, 20, 3), np.uint8)
    grid = np.stack(np.meshgrid(np.arange(20), np.arange(20), indexing="ij"), -1) / 20
    images = draw.integers(90, 110, (COUNT, SIDE, SIDE, 3)).astype(np.uint8)
    surfaces = np.full((COUNT, SIDE, SIDE, 3), np.nan, np.float16)
    instances = np.zeros((COUNT, SIDE, SIDE), np.uint16)
    for place in range(COUNT):
        here = place, slice(6 + place, 26 + place), slice(12 - place, 32 - place)
        images[here], instances[here] = texture, 1
        surfaces[(*here, slice(2))], surfaces[(*here, 2)] = grid, 0
    layout.images("rendered").parent.mkdir(parents=True)
    write_group(
        layout.images("rendered"), {"image": images, "surface": surfaces, "instances": instances}
    )
    table = {"id": [f"r-{i}" for i in range(COUNT)], "split": "test", "category": "", "source": "",
             "sha256": "", "licence": "", "width": SIDE, "height": SIDE}  # fmt: skip
    write_items(layout.items("rendered"), pd.DataFrame(table))


def write_estimators() -> None:
    """A trunk of random weights: its features still tell places apart."""
    torch.manual_seed(0)
    network = PixelNet(
        3, {"normals": 3, "edges": 1, "parts": 2}, PixelNetSettings(width=4, hidden=8)
    )
    save_estimators(layout.ESTIMATORS, network, ("a", "b"), EstimatorsSettings(), "rendered")


def write_params(**sections: object) -> None:
    """Writes `params.yaml`, with few iterations, into the current folder."""
    Path("params.yaml").write_text(yaml.safe_dump({"analogy": {"iterations": 2}} | sections))
