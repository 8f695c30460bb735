"""The exemplars of a domain as PixelNN sees them: stores, whole-image index, working sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
import zarr
from torch import Tensor
from torch.nn import functional

from exemplar.matching.exemplars import exemplar_rows
from exemplar.matching.images import Images, open_images
from exemplar.settings import load_params
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group
from exemplar.store.items import read_items
from exemplar.store.resident import Resident, row_bytes

KEPT_BYTES = 256 << 20
"""Descriptors kept in memory between queries; on a GPU it is half of what is free."""


@dataclass(frozen=True)
class Library:
    """The exemplars of a domain, seen through one condition; arrays are read when needed.

    Attributes:
        items: row i describes image i.
        image: (N, H, W, 3) u8, the photographs y.
        regressed: (N, H, W, 3) u8, f(x).
        descriptor: (N, H, W, D) f16.
        scene: (N, G) f32.
        look: (N, L) f32, of the photographs.
        exemplars: which rows are exemplars, and how those like an image are found.
        kept: by array's name, the rows that queries used last, on the device of the matching.
    """

    items: pd.DataFrame
    image: zarr.Array
    regressed: zarr.Array
    descriptor: zarr.Array
    scene: zarr.Array
    look: zarr.Array
    exemplars: Images
    kept: dict[str, Resident]


def open_library(domain: str, condition: str, device: torch.device | str = "cpu") -> Library:
    """Opens the stores that the stages made.

    What `removed` in `params.yaml` names is left out here, where every query begins, so no
    caller can forget it.

    Args:
        domain: whose exemplars.
        condition: through which they are seen.
        device: where exemplars are held and compared.

    Returns:
        The exemplars.

    Raises:
        StoreError: a store is missing, or of another number of images; the message names the
            command that makes it.
        SettingsError: `removed` does not fit the domain.
        SearchError: the index is missing or damaged, or is of another store.
    """
    path = layout.features(domain, condition)
    features = open_group(path, "regressed", "descriptor", "scene", "look")
    image = array(open_group(layout.images(domain), "image"), "image")
    items, scene = read_items(layout.items(domain)), array(features, "scene")
    if not len(items) == image.shape[0] == scene.shape[0]:
        raise StoreError(
            f"{path}: {scene.shape[0]} images, {layout.images(domain)} has {image.shape[0]}, "
            f"{layout.items(domain)} {len(items)}: they are not of one run; "
            f"run `exemplar reproduce features@{domain}-{condition} index@{domain}-{condition}`"
        )
    rows = exemplar_rows(items, load_params(), domain)
    regressed, descriptor = array(features, "regressed"), array(features, "descriptor")
    arrays = {"image": image, "regressed": regressed, "descriptor": descriptor}
    return Library(
        items=items,
        **arrays,
        scene=scene,
        look=array(features, "look"),
        exemplars=open_images(layout.index(domain, condition), scene, rows, device),
        kept=keep(arrays, device),
    )


def keep(arrays: dict[str, zarr.Array], device: torch.device | str = "cpu") -> dict[str, Resident]:
    """Places on a device for the exemplars that queries use, as many of each array.

    Args:
        arrays: `descriptor`, the largest, and others.
        device: where they are held.
    """
    device = torch.device(device)
    budget = torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else KEPT_BYTES
    count = max(1, budget // row_bytes(arrays["descriptor"]))
    return {
        name: Resident(source, device, count * row_bytes(source)) for name, source in arrays.items()
    }


def working_set(library: Library, rows: np.ndarray) -> Tensor:
    """The descriptors of some exemplars, ready to be matched, on the library's device.

    Args:
        library: the exemplars.
        rows: (R,) which.

    Returns:
        (R, H, W, D) float32, of unit length again after their rounding to f16.

    Raises:
        StoreError: a value is not finite; the message names the store and the exemplars.
    """
    stored = library.kept["descriptor"].rows(rows)
    finite = stored.isfinite().flatten(1).all(1)
    if not finite.all():
        bad = [int(row) for row, good in zip(rows, finite.tolist(), strict=True) if not good]
        raise StoreError(
            f"{library.descriptor.store_path}: descriptors that are not finite in rows {bad}; "
            "the store is damaged: remove it and run `exemplar reproduce`"
        )
    return to_unit(stored)


def to_unit(descriptors: Tensor) -> Tensor:
    """Stored descriptors (…, D) f16 as float32 of unit length."""
    return functional.normalize(descriptors.float(), dim=-1)
