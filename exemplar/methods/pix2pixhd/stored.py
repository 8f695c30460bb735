"""pix2pixHD on a domain's stores: what it is trained on, where its files lie, its test images.

Between the stages' files and the arrays of the other modules.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from torch.nn import functional

from exemplar.features.backbone import BackboneSettings, load_backbone
from exemplar.labels.sides import MIRRORED, Pairs
from exemplar.methods.pix2pixhd.encoding import objects_of
from exemplar.methods.pix2pixhd.layouts import Layout
from exemplar.methods.pix2pixhd.model import NetworkSettings, Pix2pixHD
from exemplar.methods.pix2pixhd.networks import Network
from exemplar.methods.pix2pixhd.photographs import Photographs
from exemplar.methods.pix2pixhd.sampling import samples
from exemplar.methods.pix2pixhd.schedule import EnhancerLevelSettings, LevelSettings
from exemplar.methods.pix2pixhd.styles import Styles
from exemplar.methods.pix2pixhd.training import Loader
from exemplar.settings import Settings
from exemplar.store import layout
from exemplar.store.arrays import (
    StoreError,
    array,
    name_list,
    open_group,
    read_rows,
    working_copy,
)
from exemplar.store.files import written
from exemplar.store.items import read_items, rows_of
from exemplar.training.images import seed_at
from exemplar.training.unet import UNetSettings


class GlobalSettings(Settings):
    """The section `pix2pixhd_global` of `params.yaml`."""

    network: NetworkSettings = NetworkSettings()
    unet: UNetSettings = UNetSettings()
    """Of the U-Net that the global network is compared with."""
    training: LevelSettings = LevelSettings()
    backbone: BackboneSettings | None = None
    """Of the perceptual loss; none leaves it out."""
    samples: int = Field(default=4, ge=1)
    """Images pictured during training, of the split val (or of train, if it has none)."""


class EnhancerSettings(Settings):
    """The section `pix2pixhd_enhancer` of `params.yaml`; every enhancer is trained so."""

    training: EnhancerLevelSettings = EnhancerLevelSettings()
    backbone: BackboneSettings | None = None
    samples: int = Field(default=4, ge=1)


class SamplesSettings(Settings):
    """The section `pix2pixhd_samples` of `params.yaml`."""

    count: int = Field(default=10, ge=1)
    """Images of each layout."""
    threads: int = Field(default=1, ge=1)
    device: str = "cpu"
    seed: int = 0


def candidates_path(domain: str, network: Network) -> Path:
    """The images that were made of a domain's test layouts."""
    return layout.candidates(f"pix2pixhd_{network}", domain, "labels")


def perceptual_backbone(settings: BackboneSettings | None) -> Loader | None:
    """What loads the backbone of the perceptual loss on a device, if one is named."""
    return partial(load_backbone, settings, layout.ESTIMATORS) if settings else None


def inputs(domain: str) -> tuple[Path, Path, Path]:
    """The stores that models are made from."""
    return layout.images(domain), layout.conditions(domain), layout.items(domain)


def classes_of(domain: str) -> tuple[str, ...]:
    """The names of a domain's label classes."""
    return name_list(open_group(layout.conditions(domain), "labels"), "classes")


def mirrored_in(domain: str) -> Pairs | None:
    """The pairs of a domain's classes that its settings say a mirror exchanges; none: by names."""
    return open_group(layout.conditions(domain), "labels").attrs.get(MIRRORED)  # pyright: ignore[reportReturnType]


def rows_in(domain: str, split: str) -> np.ndarray:
    """The rows of a split.

    Raises:
        StoreError: it has none.
    """
    rows = rows_of(read_items(layout.items(domain)), split)
    if not len(rows):
        raise StoreError(
            f"{layout.items(domain)}: no image of the split {split}; give domains.{domain} some "
            "in params.yaml and run `exemplar reproduce`"
        )
    return rows


def photographed(domain: str, rows: np.ndarray) -> np.ndarray:
    """Those of some rows that have a photograph; some layouts of Cityscapes have none."""
    group = open_group(layout.images(domain), "image")
    if "photographed" not in group:
        return rows
    return rows[read_rows(array(group, "photographed"), rows) > 0]


def training_set(domain: str, folder: Path) -> Photographs:
    """A domain's training images, as memory maps in a folder.

    Where the domain knows no instances, every class is one.
    """
    return _working_set(domain, photographed(domain, rows_in(domain, "train")), folder)


def shown_set(domain: str, count: int, folder: Path) -> Photographs:
    """The first images of the split val, or of train if val has none, to be pictured in training.

    Args:
        domain: whose.
        count: how many, at most.
        folder: for memory maps.
    """
    held = photographed(domain, rows_of(read_items(layout.items(domain)), "val"))
    rows = held if len(held) else photographed(domain, rows_in(domain, "train"))
    return _working_set(domain, rows[:count], folder)


def _working_set(domain: str, rows: np.ndarray, folder: Path) -> Photographs:
    folder.mkdir(parents=True, exist_ok=True)
    group, given = open_group(layout.images(domain), "image"), "instances"
    images = working_copy(array(group, "image"), rows, folder / "images.npy")
    stored = array(open_group(layout.conditions(domain), "labels"), "labels")
    labels = working_copy(stored, rows, folder / "labels.npy")
    instances = labels
    if given in group:
        instances = working_copy(array(group, given), rows, folder / "instances.npy")
    path = folder / "objects.npy"
    if not path.is_file():
        with written(path) as partial:
            objects = np.lib.format.open_memmap(partial, "w+", np.int32, labels.shape)
            for number in range(len(labels)):
                objects[number] = objects_of(labels[number], instances[number]).index
            objects.flush()
    objects = np.load(path, mmap_mode="r", allow_pickle=False)
    return Photographs(images, labels, instances, objects)


@dataclass(frozen=True)
class TestLayouts:
    """A domain's test layouts and what makes images of them; called with some, it makes theirs.

    Attributes:
        domain: whose.
        rows: of the test images.
        model: makes the images.
        styles: of the model's encoder.
        count: images of each layout.
        seed: of the styles that are drawn.
    """

    __test__ = False  # nothing for pytest to collect

    domain: str
    rows: np.ndarray
    model: Pix2pixHD
    styles: Styles
    count: int
    seed: int

    def __call__(self, part: slice) -> dict[str, np.ndarray]:
        """`image`, (n, count, H, W, 3) u8.

        A model that lacks enhancers yet makes images as small as those it was trained on; they are
        enlarged.
        """
        rows = self.rows[part]
        labels = read_rows(array(open_group(layout.conditions(self.domain)), "labels"), rows)
        group = open_group(layout.images(self.domain))
        known = "instances" in group
        instances = read_rows(array(group, "instances"), rows) if known else labels
        step = 2 ** (self.model.settings.generator.enhancers - self.model.level)
        made = []
        for row, *maps in zip(rows.tolist(), labels, instances, strict=True):
            small = [values[step // 2 :: step, step // 2 :: step] for values in maps]
            given = Layout(str(row), np.ascontiguousarray(small[0]), small[1].astype(np.int64))
            seed = seed_at(row, self.seed)  # or backgrounds would look alike in all layouts
            images, _ = samples(self.model, given, self.styles, self.count, seed)
            made.append(enlarged(images, maps[0].shape))
        return {"image": np.stack(made)}


def enlarged(images: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """(B, h, w, 3) u8 to (B, H, W, 3) u8, bilinear; the same if they have that size."""
    if images.shape[1:3] == size:
        return images
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    x = functional.interpolate(x, list(size), mode="bilinear", align_corners=False)
    return x.round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
