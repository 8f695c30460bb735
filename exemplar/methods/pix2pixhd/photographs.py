"""Photographs and their layouts as training and styles see them, batch by batch.

Between the arrays of a domain and the networks: numbers objects, makes images smaller for coarser
levels, mirrors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from exemplar.methods.pix2pixhd.encoding import objects_of
from exemplar.methods.pix2pixhd.objective import Batch
from exemplar.methods.pix2pixhd.schedule import LevelSettings
from exemplar.training.images import generator_at, rows_at

SAME = np.arange(256, dtype=np.uint8)


@dataclass(frozen=True)
class Photographs:
    """Photographs and their layouts, in memory or mapped into it.

    Attributes:
        images: (N, H, W, 3) u8.
        labels: (N, H, W) u8.
        instances: (N, H, W) integers.
        objects: (N, H, W) integers, each image's objects from 0.
    """

    images: np.ndarray
    labels: np.ndarray
    instances: np.ndarray
    objects: np.ndarray

    def __getstate__(self) -> dict[str, Any]:
        """For another process: what is mapped is named, not copied."""
        return {name: _mapped(values) for name, values in vars(self).items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Maps what was named."""
        for name, values in state.items():
            if isinstance(values, Path):
                values = np.load(values, mmap_mode="r", allow_pickle=False)
            object.__setattr__(self, name, values)

    def some(self, rows: np.ndarray) -> Photographs:
        """A few of them, in memory."""
        return Photographs(*(np.ascontiguousarray(values[rows]) for values in vars(self).values()))


def with_objects(images: np.ndarray, labels: np.ndarray, instances: np.ndarray) -> Photographs:
    """Numbers the objects of each image.

    Args:
        images: (N, H, W, 3) u8.
        labels: (N, H, W) u8.
        instances: (N, H, W) integers; the labels where instances are not known.

    Returns:
        All of them and the objects, i32.

    Raises:
        ValueError: the shapes differ.
    """
    shapes = {"images": images.shape[:3], "labels": labels.shape, "instances": instances.shape}
    if len(set(shapes.values())) > 1:
        said = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"expected (N, H, W) alike of images and their maps, got {said}")
    objects = np.empty(labels.shape, np.int32)
    for number in range(len(labels)):
        objects[number] = objects_of(labels[number], instances[number]).index
    return Photographs(images, labels, instances, objects)


def draw(
    photographs: Photographs,
    step: int,
    settings: LevelSettings,
    reduction: int,
    part: Callable[[np.ndarray], np.ndarray] = lambda rows: rows,
    sides: np.ndarray = SAME,
) -> Batch:
    """The batch of a step, which depends on nothing but its number and the seed.

    Args:
        photographs: to draw from; each comes once an epoch.
        step: from 0.
        settings: batch, flip and seed.
        reduction: as for `batch_of`.
        part: the part of all rows that this process sees.
        sides: (256,) u8, what each label is in a mirror.

    Returns:
        On the CPU.
    """
    rows = rows_at(step, settings.batch, len(photographs.images), settings.seed)
    mirrored = torch.rand(len(rows), generator=generator_at(step, settings.seed)).numpy() < 0.5
    batch = batch_of(photographs, part(rows), reduction)
    if settings.flip:
        own = part(mirrored)
        batch = Batch(*(_flipped(values, own) for values in batch))
        exchanged = torch.from_numpy(sides[batch.labels.numpy()])
        batch.labels[own] = exchanged[own]
    return batch


def batch_of(photographs: Photographs, rows: np.ndarray, reduction: int) -> Batch:
    """Some photographs and their layouts as tensors.

    Args:
        photographs: all.
        rows: which.
        reduction: 1, 2, 4, …: how much smaller than the photographs the batch is. Images are
            averaged; of their maps, every so many pixels one is taken, as instance numbers have no
            mean.

    Returns:
        On the CPU; each side is the photographs' divided by the reduction, rounded down.
    """
    sides = photographs.labels.shape[1:]
    size = [max(1, side // reduction) for side in sides]
    first = [min(reduction // 2, side - 1) for side in sides]
    y, x = (
        slice(start, start + (count - 1) * reduction + 1, reduction)
        for start, count in zip(first, size, strict=True)
    )

    def maps(source: np.ndarray, kind: type[np.generic]) -> Tensor:
        return torch.from_numpy(source[rows, y, x].astype(kind))

    images = torch.from_numpy(photographs.images[rows]).permute(0, 3, 1, 2).float()
    if reduction > 1:
        images = functional.interpolate(images, size, mode="area")
    return Batch(
        images.div_(127.5).sub_(1),
        maps(photographs.labels, np.uint8),
        maps(photographs.instances, np.int64),
        maps(photographs.objects, np.int64),
    )


def _flipped(values: Tensor, mirrored: np.ndarray) -> Tensor:
    for number in np.flatnonzero(mirrored).tolist():
        values[number] = values[number].flip(-1)
    return values


def _mapped(values: np.ndarray) -> np.ndarray | Path:
    """The file of an array that is one file, whole."""
    if isinstance(values, np.memmap) and values.filename and isinstance(values.base, mmap):
        return Path(values.filename)
    return values
