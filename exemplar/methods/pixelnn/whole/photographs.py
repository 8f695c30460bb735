"""A domain's photographs and label maps as whole pictures use them: large, and kept for a while."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt

from exemplar.data.detail import cache_of, labels_at, photograph_at
from exemplar.data.image_set_settings import ImageSets
from exemplar.data.rendered.settings import RenderedSettings
from exemplar.data.settings import Domain, PrepareSettings
from exemplar.labels.encoding import IGNORE
from exemplar.labels.sides import MIRRORED, exchanged
from exemplar.methods.pixelnn.whole.settings import WholeSettings
from exemplar.patches.levels import Size, scaled
from exemplar.settings import section
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, name_list, open_group, read_rows
from exemplar.store.items import BOX, read_items

KEPT_BYTES = 512 << 20
"""Of photographs and label maps at their own size, kept between pictures."""


class Photographs:
    """The photographs of a domain at the size of its pictures.

    Attributes:
        items: row i describes image i.
        size: rows and columns of pictures.
        most: pixels of the longer side that most photographs have; none where they are rendered,
            at any size.
        stored_size: the same of what networks see.
        classes: of label maps; empty where the domain has none.
        exchanged: (256,) what labels become in a mirror.
    """

    def __init__(
        self, domain: str, params: dict[str, Any], settings: WholeSettings, side: int | None = None
    ) -> None:
        """Opens the domain's table and images.

        Args:
            domain: whose.
            params: of `params.yaml`.
            settings: how large pictures are.
            side: pixels of their longer side instead.

        Raises:
            StoreError: the stores are missing or damaged.
        """
        self.items = read_items(layout.items(domain))
        self._settings = section(params, f"domains.{domain}", Domain)
        self._seed = section(params, "prepare", PrepareSettings).seed
        group = open_group(layout.images(domain), "image")
        self._stored = array(group, "image")
        self._labels = array(group, "labels") if "labels" in group else None
        self.classes = tuple(name_list(group, "classes")) if "labels" in group else ()
        self.exchanged = exchanged(self.classes, group.attrs.get(MIRRORED))  # pyright: ignore[reportArgumentType]
        self._cache = cache_of(KEPT_BYTES)
        self.stored_size: Size = self._stored.shape[1], self._stored.shape[2]
        own = max(self.stored_size)
        self.most = _most(self.items, self._settings, own)
        if side is None:
            most = self.most
            side = settings.rendered if most is None else min(settings.detail, max(own, most))
        self.size: Size = scaled(self.stored_size, side / own)

    def image(self, row: int) -> NDArray[np.uint8]:
        """A photograph (h, w, 3) u8 as large as pictures are, enlarged where its file is smaller.

        Smaller, it would lend a picture its parts at another scale than others do.
        """
        side = max(self.size)
        if isinstance(self._settings, ImageSets):
            return _enlarged(read_rows(self._stored, [row])[0], side)
        item = self.items.iloc[row]
        return _enlarged(photograph_at(item, self._settings, side, self._seed, self._cache), side)

    def labels(self, row: int) -> NDArray[np.uint8]:
        """A photograph's label map (h, w) u8; where it had no class, the nearest one."""
        if isinstance(self._settings, ImageSets):
            return filled(self.stored_labels([row])[0])
        item = self.items.iloc[row]
        return filled(labels_at(item, self._settings, max(self.size), self._seed, self._cache))

    def mirror(self, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A label map (H, W) in a mirror: left and right classes are exchanged."""
        return np.ascontiguousarray(self.exchanged[labels[:, ::-1]])

    def stored(self, rows: list[int] | NDArray[np.integer]) -> NDArray[np.uint8]:
        """Photographs (n, H, W, 3) u8 as networks see them."""
        return read_rows(self._stored, rows)

    def stored_labels(self, rows: list[int] | NDArray[np.integer]) -> NDArray[np.uint8]:
        """Label maps (n, H, W) u8 as networks see them.

        Raises:
            StoreError: the domain has none.
        """
        if self._labels is None:
            raise StoreError(
                f"{self._stored.store_path}: its photographs have no label maps; choose another "
                "condition, or a domain of a kind that has them (docs/domains.md)"
            )
        labels = read_rows(self._labels, rows)
        return np.where(labels < len(self.classes), labels, IGNORE)


def _most(items: pd.DataFrame, domain: Domain, stored: int) -> int | None:
    """Pixels of the longer side that most photographs have; that of stored ones without files."""
    if isinstance(domain, RenderedSettings):
        return None
    if isinstance(domain, ImageSets) or BOX[0] not in items:
        return stored
    left, top, right, bottom = (items[name].to_numpy() for name in BOX)
    return int(np.median(np.maximum(right - left, bottom - top)))


def _enlarged(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A photograph whose longer side has at least so many pixels."""
    longer = max(image.shape[:2])
    if longer >= side:
        return image
    height, width = scaled((image.shape[0], image.shape[1]), side / longer)
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))


def filled(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A label map whose pixels without a class have that of the nearest pixel with one."""
    missing = labels == IGNORE
    if not missing.any() or missing.all():
        return np.where(missing, 0, labels).astype(np.uint8)
    nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
    assert isinstance(nearest, np.ndarray)
    return labels[tuple(nearest)]
