"""The feature store: conditions, photographs and networks → features/<domain>-<condition>.zarr.

A row depends on its own condition and photograph and on the networks, on nothing else; what the
store that was there before has of them is taken over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import zarr

from exemplar.features.backbone import Backbone, load_backbone
from exemplar.features.projection import (
    Projection,
    ProjectionSettings,
    load_projection,
    require_backbone,
)
from exemplar.memory import keep_freed_memory
from exemplar.methods.pixelnn.describe import FeaturesSettings, describe_rows
from exemplar.methods.pixelnn.regressor import Regressor, load_regressor
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import SHARD, array, open_group, read_slice
from exemplar.store.files import content_hash, sources_hash
from exemplar.store.growth import KEY, Former, open_former, row_keys, taken_over
from exemplar.store.shards import Same, Workers, fill_group

# The code that decides what a row is.
SOURCES = (
    "exemplar/conditions",
    "exemplar/estimators.py",
    "exemplar/features",
    "exemplar/labels/encoding.py",
    "exemplar/labels/sides.py",
    "exemplar/methods/pixelnn/describe.py",
    "exemplar/methods/pixelnn/regressor.py",
    "exemplar/methods/pixelnn/rows.py",
)


@dataclass(frozen=True)
class Rows:
    """What the rows of one feature store are made from; called with some, it makes them.

    Attributes:
        stored: (N, …), the condition.
        photographs: (N, H, W, 3) u8.
        regressor: f.
        backbone: gives the descriptors' maps.
        projection: of these to descriptors.
        settings: of the stage.
        arrays: the store's form, as for `fill_group`.
        attributes: of the store.
        former: the store that was there before, if its rows can serve.
    """

    stored: zarr.Array
    photographs: zarr.Array
    regressor: Regressor
    backbone: Backbone
    projection: Projection
    settings: FeaturesSettings
    arrays: dict[str, tuple[tuple[int, ...], str]]
    attributes: dict[str, object]
    former: Former | None

    def __call__(self, part: slice) -> dict[str, np.ndarray] | Same:
        """The values of some rows."""
        stored, photographs = read_slice(self.stored, part), read_slice(self.photographs, part)
        size = min(SHARD, self.stored.shape[0])
        keys = row_keys(stored, photographs)
        return taken_over(
            self.former, keys, lambda fresh: self.make(stored[fresh], photographs[fresh]), size
        )

    def make(self, stored: np.ndarray, photographs: np.ndarray) -> dict[str, np.ndarray]:
        """Regresses and describes some images."""
        networks = (self.regressor, self.backbone, self.projection)
        return describe_rows(*networks, stored, photographs, self.settings)


def open_rows(domain: str, condition: str) -> Rows:
    """Opens everything that the rows are made from, in any process."""
    params = load_params()
    settings = section(params, "features", FeaturesSettings)
    described = section(params, "projection", ProjectionSettings)
    torch.set_num_threads(settings.threads)
    keep_freed_memory()
    stored = array(open_group(layout.conditions(domain), condition), condition)
    photographs = array(open_group(layout.images(domain), "image"), "image")
    regressor = load_regressor(layout.regressor(domain, condition))
    backbone = load_backbone(described.backbone, layout.ESTIMATORS, torch.device("cpu"))
    projection = load_projection(layout.projection(domain, condition))
    require_backbone(projection, backbone)
    networks = (regressor, backbone, projection)
    probe = describe_rows(
        *networks, read_slice(stored, slice(0, 1)), read_slice(photographs, slice(0, 1)), settings
    )
    arrays = {name: (rows.shape[1:], rows.dtype.name) for name, rows in probe.items()}
    arrays["key"] = KEY
    attributes = {
        "backbone": projection.backbone,
        "layers": list(projection.layers),
        "dimensions": projection.dimensions,
        "variance_kept": round(float(projection.kept[projection.dimensions - 1]), 6),
        "projection": content_hash(layout.projection(domain, condition)),
        "made_by": made_by(domain, condition, backbone, settings),
    }
    former = open_former(layout.features(domain, condition), str(attributes["made_by"]), arrays)
    return Rows(stored, photographs, *networks, settings, arrays, attributes, former)


def made_by(domain: str, condition: str, backbone: Backbone, settings: FeaturesSettings) -> str:
    """The hash of all that turns conditions and photographs into rows."""
    files = [layout.regressor(domain, condition), layout.projection(domain, condition)]
    return content_hash(
        *files,
        *(path.with_suffix(".json") for path in files),
        [backbone.name, settings.model_dump(mode="json", exclude={"workers"})],
        [sources_hash(*SOURCES), torch.__version__],
    )


def build_features(domain: str, condition: str, cluster: str | None = None) -> None:
    """Regresses every image of a domain and describes every pixel of it.

    Args:
        domain: whose images.
        condition: what they are regressed from.
        cluster: the address of a Dask scheduler whose workers are to do it; by default this
            process, or as many as `features.workers` in `params.yaml` says.

    Raises:
        StoreError: a store is missing or damaged, or workers are not where the files are.
        ProjectionError: the projection is of another backbone.
    """
    rows = open_rows(domain, condition)
    opener = f"{open_rows.__module__}:{open_rows.__name__}"
    fill_group(
        layout.features(domain, condition),
        rows.arrays,
        rows.stored.shape[0],
        rows,
        rows.attributes,
        [layout.conditions(domain), layout.images(domain), {"condition": condition}],
        SHARD,
        SOURCES,
        Workers(opener, (domain, condition), rows.settings.workers, cluster),
        uncompressed=("descriptor",),
    )
