"""The images that a model was trained on, with their codes, and those that it has not seen.

Between a domain's stores and codes, and what is made of them by `sampling`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import zarr

from exemplar.methods.glann.codes import read_codes
from exemplar.methods.glann.looks import Shown
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, read_rows
from exemplar.store.items import read_items, rows_of


@dataclass(frozen=True)
class TrainingImages:
    """Training images and their codes.

    Attributes:
        domain: whose.
        items: the table of all the domain's images.
        images: all of them, (M, H, W, 3) u8.
        rows: (N,) i64, of the training images, ascending.
        codes: (N, d) f32, of unit length.
    """

    domain: str
    items: pd.DataFrame
    images: zarr.Array
    rows: np.ndarray
    codes: np.ndarray

    @property
    def shown(self) -> Shown:
        """The training images, to be read as they are needed."""
        return Shown(len(self.rows), lambda part: read_rows(self.images, self.rows[part]))

    def codes_at(self, rows: np.ndarray) -> np.ndarray:
        """The codes (n, d) of training images by their rows."""
        return self.codes[np.searchsorted(self.rows, rows)]

    def fit(self, side: int) -> None:
        """Checks that a generator makes images of this size.

        Raises:
            StoreError: it does not.
        """
        if self.images.shape[1:] != (side, side, 3):
            raise StoreError(
                f"{layout.images(self.domain)}: images of {self.images.shape[1:3]} pixels, but the "
                f"networks of {self.domain} were trained on {side}×{side}; run `exemplar reproduce`"
            )


def open_training(domain: str, seed: int) -> TrainingImages:
    """Opens what a model was trained on.

    Args:
        domain: whose.
        seed: of the training.

    Raises:
        WeightsError: the codes are missing or damaged.
        StoreError: images are missing, or codes are of images that are no longer there.
    """
    ids, codes = read_codes(layout.glann_codes(domain, seed))
    if not layout.items(domain).is_file():
        raise StoreError(
            f"{layout.items(domain)}: no such file; run `exemplar reproduce glann_prepare@{domain}`"
        )
    items = read_items(layout.items(domain))
    rows = pd.Index(items["id"]).get_indexer(pd.Index(ids))
    lost = [name for name, row in zip(ids, rows, strict=True) if row < 0]
    if lost:
        raise StoreError(
            f"{layout.glann_codes(domain, seed)}: has codes of {len(lost)} images that are not in "
            f"{layout.items(domain)}, such as {', '.join(lost[:3])}; run `exemplar reproduce "
            f"glo@{domain}-{seed}`"
        )
    order = np.argsort(rows)
    images = array(open_group(layout.images(domain), "image"), "image")
    return TrainingImages(domain, items, images, rows[order].astype(np.int64), codes[order])


def held_out(items: pd.DataFrame) -> np.ndarray:
    """The rows of the split test, or of val if test has none; a domain may have neither."""
    test = rows_of(items, "test")
    return test if len(test) else rows_of(items, "val")


def spread(rows: np.ndarray, count: int) -> np.ndarray:
    """Some of the rows, at even distances, the first and the last among them; all of fewer."""
    places = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(np.int64)
    return rows[places]
