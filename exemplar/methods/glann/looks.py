"""Images compared by how they look, while training images stream past.

Beside `provenance`, which ranks what is described here: no more features are held than memory is
meant for, however many images there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from exemplar.features.backbone import BackboneSettings, load_backbone
from exemplar.features.perceptual import embedded
from exemplar.methods.glann.provenance import BLOCK_BYTES, Neighbours, nearest
from exemplar.metrics.diversity import PLAIN, perceptual_name, plain
from exemplar.store import layout

HELD_BYTES = 320 << 20
"""Of the features of images whose nearest are sought; more are sought in several passes.

Every pass describes all training images anew. By default 12,000 images ask: the samples, training
images and held-out ones; on the estimators' trunk, of 368 channels, they have 270 MiB, one pass."""

PIXELS = 1 << 17
"""Of the images that a network describes at a time."""


Images = Callable[[slice], np.ndarray]
"""From a range of places to images (n, H, W, 3) u8."""


class Shown(NamedTuple):
    """Images that are read as they are needed.

    Attributes:
        count: how many.
        images: gives some of them.
    """

    count: int
    images: Images


def joined(shown: Sequence[Shown]) -> Shown:
    """Several sets of images as one, in order."""
    ends = np.cumsum([each.count for each in shown]).tolist()

    def images(part: slice) -> np.ndarray:
        pieces = []
        for each, end in zip(shown, ends, strict=True):
            start = end - each.count
            some = slice(max(part.start - start, 0), min(part.stop - start, each.count))
            if some.start < some.stop:
                pieces.append(each.images(some))
        return np.concatenate(pieces)

    return Shown(ends[-1], images)


@dataclass(frozen=True)
class Look:
    """What is compared where images are compared by how they look.

    Attributes:
        name: as tables and pages call it.
        features: images (B, H, W, 3) u8 → (B, P) float32, whose Euclidean distance counts.
    """

    name: str
    features: Callable[[np.ndarray], np.ndarray]


def load_look(settings: BackboneSettings | None, device: torch.device | str = "cpu") -> Look:
    """Makes what settings name.

    Args:
        settings: the network on whose features perceptual distances are measured, from 0 to 2;
            without, pixels are compared, and the distance is the root mean square of grey levels.
        device: where to run.

    Raises:
        WeightsError: weights are missing or do not fit.
    """
    if settings is None:
        return Look(PLAIN, plain)
    backbone = load_backbone(settings, layout.ESTIMATORS, device)

    def features(images: np.ndarray) -> np.ndarray:
        size = max(1, PIXELS // (images.shape[1] * images.shape[2]))
        with torch.inference_mode():
            parts = [
                embedded(backbone(part.to(device).permute(0, 3, 1, 2).float() / 255)).cpu()
                for part in torch.from_numpy(images).split(size)
            ]
        return torch.cat(parts).numpy()

    return Look(perceptual_name(backbone.name, backbone.layers), features)


def nearest_looks(
    look: Look,
    queries: Shown,
    training: Shown,
    rows: np.ndarray,
    count: int,
    own: np.ndarray | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Neighbours:
    """The training images that look most like given images.

    Training images stream past: memory holds the features of a block of them and of the given
    images; where these are many, the training images pass several times.

    Args:
        look: what is compared.
        queries: the given images.
        training: the training images, N of them.
        rows: (N,) what they are called in the answer, ascending.
        count: K; fewer are found of fewer training images.
        own: as for `nearest`.
        tell: is told how many training images have been seen.

    Returns:
        Rows and distances.
    """
    own = np.full(queries.count, -1) if own is None else own
    found: list[Neighbours] = []
    for start, features in _groups(look, queries):
        blocks = _blocks(look, training, rows, features.shape[1], tell)
        found.append(nearest(features, blocks, count, own[start : start + len(features)]))
    return Neighbours(*(np.concatenate(values) for values in zip(*found, strict=True)))


def _groups(look: Look, shown: Shown) -> Iterator[tuple[int, np.ndarray]]:
    """Features of all images, as many at a time as may be held."""
    start, held = 0, []
    for stop, features in _described(look, shown, 256):
        held.append(features)
        if sum(part.nbytes for part in held) >= HELD_BYTES or stop == shown.count:
            yield start, np.concatenate(held)
            start, held = stop, []


def _blocks(
    look: Look, training: Shown, rows: np.ndarray, values: int, tell: Callable[[str], None]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows and features of all training images, a block at a time."""
    step, seen = max(64, BLOCK_BYTES // (4 * values)), 0
    for stop, features in _described(look, training, step):
        yield rows[seen:stop], features
        seen = stop
        tell(f"{stop}/{training.count} training images compared")


def _described(look: Look, shown: Shown, step: int) -> Iterator[tuple[int, np.ndarray]]:
    """Features of all images, some at a time, each with the place after its last."""
    for start in range(0, shown.count, step):
        stop = min(start + step, shown.count)
        yield stop, look.features(shown.images(slice(start, stop)))
