"""What a step of training sees: which images, and how they are varied.

Both depend on the step and the seed alone, never on what came before, so a training that goes on
from a checkpoint sees what it would have seen.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Generator, Tensor

from exemplar.training.augment import similarity, turn_normals, warp


def rows_at(step: int, batch: int, count: int, seed: int) -> np.ndarray:
    """The images of a step: every image once an epoch, each epoch in another order.

    Args:
        step: from 0.
        batch: images a step; where the epochs do not divide, one runs over into the next.
        count: N.
        seed: of the orders.

    Returns:
        (batch,) int64 in 0…N−1.
    """
    places = np.arange(step * batch, (step + 1) * batch)
    return np.array([_order(place // count, count, seed)[place % count] for place in places])


def rows_within_epochs(step: int, batch: int, count: int, seed: int) -> np.ndarray:
    """The images of a step, none of them twice: batches do not run over into the next epoch.

    Args:
        step: from 0; there are `steps_an_epoch` in each epoch.
        batch: images a step; all of them if there are fewer.
        count: N.
        seed: of the orders; what is left over of an epoch is others in the next.

    Returns:
        (min(batch, N),) int64 in 0…N−1, each once.
    """
    epoch, place = divmod(step, steps_an_epoch(batch, count))
    return _order(epoch, count, seed)[place * batch : (place + 1) * batch]


def steps_an_epoch(batch: int, count: int) -> int:
    """How many batches of `rows_within_epochs` an epoch has."""
    return max(1, count // batch)


@lru_cache(maxsize=2)
def _order(epoch: int, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(count)


def steps_of(epochs: float, count: int, batch: int) -> int:
    """How many steps see `count` images `epochs` times, rounded up; at least one."""
    return max(1, int(np.ceil(round(epochs * count / batch, 6))))


def generator_at(step: int, seed: int, device: torch.device | str = "cpu") -> Generator:
    """A step's own source of randomness."""
    return Generator(device).manual_seed(seed_at(step, seed))


def seed_at(place: int, seed: int) -> int:
    """The seed of a step, or of a row, among those of a whole run."""
    return seed * 1_000_003 + place


def jitter(count: int, zoom: float, flip: bool, generator: Generator) -> Tensor:
    """Random crops and mirroring, the same for an image and its maps.

    Source: pix2pix, section 6.2: images are resized from 256 to 286 and cropped at random.

    Args:
        count: B.
        zoom: by how much images are magnified before they are cropped to their size; 1 keeps them.
        flip: whether half of the images are mirrored.
        generator: the source of randomness, on the CPU.

    Returns:
        (B, 2, 3), for `moved`.
    """
    return similarity(count, generator, (zoom, zoom), 0.0, flip)


def moved(maps: Tensor, transform: Tensor, kind: str = "image") -> Tensor:
    """Images or maps under `jitter`.

    Args:
        maps: (B, C, H, W) float.
        transform: (B, 2, 3).
        kind: `image`; `labels` (one-hot, or whole numbers that float32 holds), which are not mixed;
            or `normals`, as (n + 1) / 2, whose vectors are mirrored too.

    Returns:
        (B, C, H, W).
    """
    if kind == "labels":
        return warp(maps, transform, "nearest")
    warped = warp(maps, transform)
    return (turn_normals(2 * warped - 1, transform) + 1) / 2 if kind == "normals" else warped
