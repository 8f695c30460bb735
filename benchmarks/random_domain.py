"""A domain of random photographs with untrained networks, for what depends on sizes alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import yaml
from torch.nn import functional

from exemplar.estimators import EstimatorsSettings, save_estimators
from exemplar.features.backbone import load_backbone
from exemplar.features.pixelnet import PixelNet, PixelNetSettings
from exemplar.features.projection import ProjectionSettings, save_projection
from exemplar.methods.pixelnn.describe import learn_projection
from exemplar.methods.pixelnn.regressor import Regressor, load_regressor, save_regressor
from exemplar.store import layout
from exemplar.store.arrays import SHARD, array, open_group, read_slice
from exemplar.store.shards import fill_group

DOMAIN, CONDITION, SIDE = "random", "edges", 96


@contextmanager
def random_domain(count: int, dimensions: int, width: int = 16) -> Iterator[Path]:
    """Makes everything that comes before the feature store, in a folder that is then left.

    Args:
        count: N, photographs of 96×96.
        dimensions: D of the descriptors.
        width: of the networks; their work grows with its square.

    Yields:
        The folder, which is the current one as long as the block lasts.
    """
    with TemporaryDirectory() as folder, chdir(folder):
        write_settings(dimensions)
        write_photographs(count)
        torch.manual_seed(0)
        size = PixelNetSettings(width=width)
        trunk = PixelNet(3, {"normals": 3, "edges": 1, "parts": 7}, size)
        parts = tuple(map(str, range(7)))
        save_estimators(layout.ESTIMATORS, trunk, parts, EstimatorsSettings(), DOMAIN)
        network = PixelNet(1, {"image": 3}, size)
        for weight in network.heads.parameters():
            torch.nn.init.normal_(weight, std=0.1)  # or f(x) would be grey
        path = layout.regressor(DOMAIN, CONDITION)
        save_regressor(path, Regressor(network, CONDITION, (), "bfloat16"))

        settings = ProjectionSettings(dimensions=dimensions)
        stored = array(open_group(layout.conditions(DOMAIN)), CONDITION)
        regressed = load_regressor(path)(read_slice(stored, slice(0, 32)), (SIDE, SIDE))
        backbone = load_backbone(settings.backbone, layout.ESTIMATORS)
        projection = learn_projection(backbone, regressed, settings)
        save_projection(layout.projection(DOMAIN, CONDITION), projection)
        yield Path(folder)


def write_settings(dimensions: int, **features: Any) -> None:
    """Writes `params.yaml`; keywords go to its section `features`."""
    sections = {"projection": {"dimensions": dimensions}, "features": features}
    Path("params.yaml").write_text(yaml.safe_dump(sections))


def write_photographs(count: int) -> None:
    """Soft blotches of colour under a little noise, and where they end as edges."""

    def photographs(part: slice) -> np.ndarray:
        rows = []
        for row in range(part.start, part.stop):
            generator = torch.Generator().manual_seed(row)
            coarse = torch.rand(1, 3, 12, 12, generator=generator)
            fine = torch.rand(1, 3, SIDE, SIDE, generator=generator)
            image = functional.interpolate(coarse, (SIDE, SIDE), mode="bilinear") + 0.1 * fine
            rows.append((image[0] / 1.1 * 255).byte().permute(1, 2, 0).numpy())
        return np.stack(rows)

    def edges(part: slice) -> np.ndarray:
        luma = photographs(part).mean(3)
        return (np.abs(np.diff(luma, axis=2, append=luma[:, :, -1:])) / 64).clip(0, 1)

    for path, name, shape, dtype, make in (
        (layout.images(DOMAIN), "image", (SIDE, SIDE, 3), "uint8", photographs),
        (layout.conditions(DOMAIN), CONDITION, (SIDE, SIDE), "float16", edges),
    ):

        def values(part: slice, name: str = name, make: Any = make) -> dict[str, np.ndarray]:
            return {name: make(part)}

        fill_group(path, {name: (shape, dtype)}, count, values, {}, [], SHARD, ())
