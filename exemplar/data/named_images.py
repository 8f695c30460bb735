"""Images as settings name them: files, images of a domain, photographs that scikit-image brings."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
import skimage.data

from exemplar.data.pictures import Picture, read_picture
from exemplar.data.problems import Problems
from exemplar.settings import Settings, near
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows
from exemplar.store.items import read_items, row_of_id

BUNDLED = {"astronaut": "public domain (NASA)", "chelsea": "CC0-1.0", "coffee": "CC0-1.0"}
"""Photographs of scikit-image, with their licences."""


class StoredImage(Settings):
    """An image of a domain."""

    domain: str
    id: str


class BundledImage(Settings):
    """A photograph that comes with scikit-image."""

    bundled: Literal["astronaut", "chelsea", "coffee"]


Named = Path | StoredImage | BundledImage


def read_named_image(named: Named, where: str, problems: Problems) -> Picture | None:
    """Reads an image.

    Args:
        named: a file, an image of a domain, or one that is bundled.
        where: it is named, for messages.
        problems: gets a line if it cannot be used.

    Returns:
        The image, none if it cannot be used.
    """
    if isinstance(named, StoredImage):
        return _stored(named, where, problems)
    if isinstance(named, BundledImage):
        image = np.array(getattr(skimage.data, named.bundled)())
        digest = hashlib.sha256(image.tobytes()).hexdigest()
        return Picture(f"skimage.data.{named.bundled}", image, digest, BUNDLED[named.bundled])
    return read_picture(named, problems)


def _stored(named: StoredImage, where: str, problems: Problems) -> Picture | None:
    path = layout.items(named.domain)
    if not path.is_file():
        problems.append(
            f"{where}: {path}: no such file; the stage `prepare` makes it of a domain in "
            "run.domains"
        )
        return None
    items = read_items(path)
    row = row_of_id(items, named.id)
    if row is None:
        ids = items["id"].tolist()
        problems.append(
            f"{where}: {named.domain} has no image {named.id}; its ids are {ids[0]} to {ids[-1]}"
            f"{near(named.id, ids, 3)}"
        )
        return None
    item = items.iloc[row]
    image = read_rows(array(open_group(layout.images(named.domain)), "image"), np.array([row]))[0]
    return Picture(str(item["id"]), image, str(item["sha256"]), str(item["licence"]))
