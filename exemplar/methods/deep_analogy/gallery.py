"""The pairs of the gallery: files, images of a domain, and photographs that scikit-image brings.

Settings of the stage `analogy_gallery`, and the reading of what they name.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
import skimage.data
from pydantic import Field

from exemplar.methods.deep_analogy.inputs import Picture, Problems, read_picture
from exemplar.methods.deep_analogy.requests import Given, Mode
from exemplar.methods.deep_analogy.settings import AnalogySettings, Strength
from exemplar.settings import Settings
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows
from exemplar.store.items import read_items

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


class GalleryPair(Settings):
    """One pair, and what is done with it."""

    a: Named
    b: Named
    mode: Mode = "photo-to-style"
    strength: Strength | None = None
    working_side: int | None = Field(default=None, ge=32)
    """Both instead of those of the section `analogy`."""

    def chosen(self, settings: AnalogySettings) -> AnalogySettings:
        """The section `analogy` with what this pair has of its own."""
        own = {"strength": self.strength, "working_side": self.working_side}
        return settings.model_copy(update={k: v for k, v in own.items() if v is not None})


class GallerySettings(Settings):
    """The section `analogy_gallery` of `params.yaml`."""

    pairs: dict[str, GalleryPair] = Field(min_length=1)
    """By name."""
    side: int = Field(default=320, ge=32)
    """Pixels of the pictures on the page; larger ones are made smaller."""


def read_named(name: str, pair: GalleryPair, problems: Problems) -> Given | None:
    """Reads both images of a pair.

    Args:
        name: of the pair.
        pair: what it is made of.
        problems: gets a line for all that is wrong with it.

    Returns:
        The pair, none if something is wrong.
    """
    known = len(problems)
    where = f"analogy_gallery.pairs.{name}"
    if not name or name.startswith(".") or "/" in name or "\\" in name:
        problems.append(f"{where}: expected a folder's name, got {name!r}")
    if pair.mode == "time-lapse":
        problems.append(f"{where}: a time lapse is no pair; use `exemplar analogy`")
    a, b_prime = _picture(pair.a, where, problems), _picture(pair.b, where, problems)
    if a is None or b_prime is None or len(problems) > known:
        return None
    return Given(a, b_prime, pair.mode)


def _picture(named: Named, where: str, problems: Problems) -> Picture | None:
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
    rows = np.flatnonzero((items["id"] == named.id).to_numpy())
    if not len(rows):
        ids = items["id"].tolist()
        problems.append(
            f"{where}: {named.domain} has no image {named.id}; its ids are {ids[0]} to {ids[-1]}"
        )
        return None
    item = items.iloc[rows[0]]
    image = read_rows(array(open_group(layout.images(named.domain)), "image"), rows)[0]
    return Picture(named.id, image, str(item["sha256"]), str(item["licence"]))
