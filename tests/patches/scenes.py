"""Small pictures and pairs to search."""

from __future__ import annotations

import numpy as np
import torch

from exemplar.patches.field import Pair


def photograph(seed, size=(40, 36)):
    """Blobs and grain."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (5, 5, 3))
    rows = np.linspace(0, 4, size[0]).round().astype(int)
    columns = np.linspace(0, 4, size[1]).round().astype(int)
    grain = rng.integers(-20, 20, (*size, 3))
    return (coarse[np.ix_(rows, columns)] + grain).clip(0, 255).astype(np.uint8)


def striped(size, count=3, seed=0):
    """Labels in slanted stripes."""
    y, x = np.mgrid[: size[0], : size[1]]
    return ((y + 2 * x + 5 * seed) // 12 % count).astype(np.uint8)


def pair(seed, size=(13, 11), change=0, count=3, exemplars=((9, 14), (16, 8), (11, 11))):
    """Random rows; exemplars of several sizes, of which the first may not be used by all."""
    rng = np.random.default_rng(seed)
    lengths = [height * width for height, width in exemplars]
    starts = np.cumsum([0, *lengths[:-1]])
    table = np.column_stack([starts, np.array(exemplars)])
    total = sum(lengths)
    return Pair(
        torch.from_numpy(rng.integers(-40, 40, (*size, 16)).astype(np.int16)),
        torch.from_numpy(rng.integers(-1, count, size).astype(np.int16)),
        torch.from_numpy(rng.integers(-40, 40, (total, 16)).astype(np.int16)),
        torch.from_numpy(rng.integers(0, count, total).astype(np.int16)),
        torch.from_numpy(table),
        torch.arange(len(exemplars)),
        torch.from_numpy(rng.integers(0, 9000, (len(exemplars), count)).astype(np.int32)),
        change,
    )


def anywhere(pair, seed):
    """A match for every pixel, drawn evenly."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, len(pair.allowed), pair.query_classes.shape)
    size = pair.sizes.numpy()[which, 1:]
    places = (rng.random((*which.shape, 2)) * size).astype(int)
    return torch.from_numpy(np.concatenate([which[..., None], places], -1).astype(np.int32))
