"""The exemplars of a domain as PixelNN sees them: stores, whole-image index, working sets."""

from __future__ import annotations

from dataclasses import dataclass

import faiss
import numpy as np
import pandas as pd
import torch
import zarr
from torch import Tensor
from torch.nn import functional

from exemplar.matching.images import load_index
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, read_rows
from exemplar.store.items import read_items


@dataclass(frozen=True)
class Library:
    """The exemplars of a domain, seen through one condition; arrays are read when needed.

    Attributes:
        items: row i describes image i.
        image: (N, H, W, 3) u8, the photographs y.
        regressed: (N, H, W, 3) u8, f(x).
        descriptor: (N, H, W, D) f16.
        scene: (N, G) f32.
        index: of the training images.
    """

    items: pd.DataFrame
    image: zarr.Array
    regressed: zarr.Array
    descriptor: zarr.Array
    scene: zarr.Array
    index: faiss.IndexIDMap


def open_library(domain: str, condition: str) -> Library:
    """Opens the stores that the stages made.

    Raises:
        StoreError: a store is missing; the message names the command that makes it.
        SearchError: the index is missing or damaged.
    """
    features = open_group(layout.features(domain, condition), "regressed", "descriptor", "scene")
    return Library(
        items=read_items(layout.items(domain)),
        image=array(open_group(layout.images(domain), "image"), "image"),
        regressed=array(features, "regressed"),
        descriptor=array(features, "descriptor"),
        scene=array(features, "scene"),
        index=load_index(layout.index(domain, condition)),
    )


def working_set(library: Library, rows: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """The descriptors of some exemplars, read as contiguous slices, ready to be matched.

    Args:
        library: the exemplars.
        rows: (R,) which.
        device: where they are wanted.

    Returns:
        (R, H, W, D) float32, of unit length again after their rounding to f16.

    Raises:
        StoreError: a value is not finite; the message names the store and the exemplars.
    """
    stored = read_rows(library.descriptor, rows)
    if not np.isfinite(stored).all():
        bad = [int(row) for row, x in zip(rows, stored, strict=True) if not np.isfinite(x).all()]
        raise StoreError(
            f"{library.descriptor.store_path}: descriptors that are not finite in rows {bad}; "
            "the store is damaged: remove it and run `exemplar reproduce`"
        )
    return to_unit(stored, device)


def to_unit(descriptors: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """Stored descriptors (…, D) f16 as float32 of unit length on a device."""
    return functional.normalize(torch.from_numpy(descriptors).to(device).float(), dim=-1)
