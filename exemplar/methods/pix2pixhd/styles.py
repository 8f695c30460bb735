"""Styles: a few typical looks for each class, found among the objects of the training set.

Between training and `sampling`: the encoder runs over all photographs, the features of each class
are clustered, and each cluster's centre is a style with a number. Source: pix2pixHD, section 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from pydantic import Field
from scipy.cluster.vq import ClusterError, kmeans2
from torch import Tensor

from exemplar.methods.pix2pixhd.layouts import IGNORE
from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.methods.pix2pixhd.photographs import Photographs, batch_of
from exemplar.settings import Settings
from exemplar.store.weights import WeightsError, load_weights, save_weights

ROUNDS = 100  # of K-means; it ends long before


class StylesSettings(Settings):
    """How styles are found; the defaults are the published ones."""

    styles: int = Field(default=10, ge=1)
    """K, for each class."""
    smallest: float = Field(default=1 / 64, ge=0, le=1)
    """The share of the image from which on an object's look counts; of a class that has no such
    object all count."""
    restarts: int = Field(default=4, ge=1)
    """Times that K-means is begun; the tightest clusters are kept."""
    combined: bool = False
    """Draw the styles of an instance's parts as they were seen together on one training instance;
    as published, each is drawn alone, and an animal's ears need not go with its head."""
    seed: int = 0


class Recorded(NamedTuple):
    """Features of the objects of photographs, one row an object.

    Attributes:
        labels: (n,) u8, classes.
        rows: (n,) i64, of the photographs.
        instances: (n,) i64, numbers within the photograph.
        shares: (n,) float32, of the image's area.
        features: (n, F) float32 in [-1, 1].
    """

    labels: np.ndarray
    rows: np.ndarray
    instances: np.ndarray
    shares: np.ndarray
    features: np.ndarray


@dataclass(frozen=True)
class Styles:
    """The styles of all classes.

    A style's number is its place among those of its class, the most frequent first; as clusters
    are learned once and kept in a file, it means the same look in every image.

    Attributes:
        labels: (S,) u8, each style's class, ascending.
        centres: (S, F) float32.
        sizes: (S,) i64, objects of the training set.
        combinations: (N, C) i16, of each training instance the style that its pixels of a class
            have, or -1; none where styles are drawn alone.
    """

    labels: np.ndarray
    centres: np.ndarray
    sizes: np.ndarray
    combinations: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int16))

    def of(self, label: int) -> np.ndarray:
        """The styles of a class, (K, F); none if the training set has no such object."""
        return self.centres[self.labels == label]


NO_STYLES = Styles(np.zeros(0, np.uint8), np.zeros((0, 0), np.float32), np.zeros(0, np.int64))
"""Of a model without an encoder."""


def record(model: Pix2pixHD, photographs: Photographs, batch: int = 8) -> Recorded:
    """Sees the features of all objects of photographs.

    Args:
        model: with an encoder; photographs are made as small as those of its level.
        photographs: the training set.
        batch: photographs at a time.

    Returns:
        A row an object, photograph by photograph; ignored pixels are no objects.

    Raises:
        ValueError: the model has no encoder.
    """
    if model.encoder is None:
        raise ValueError(
            "the model was trained without an encoder, so there are no styles; set "
            "network.encoder and train it again"
        )
    device = next(model.parameters()).device
    reduction = 2 ** (model.settings.generator.enhancers - model.level)
    parts = []
    for first in range(0, len(photographs.images), batch):
        rows = np.arange(first, min(first + batch, len(photographs.images)))
        drawn = batch_of(photographs, rows, reduction)
        with torch.inference_mode():
            seen, _ = model.encoder(drawn.images.to(device), drawn.objects.to(device))
        maps = (drawn.objects, drawn.labels, drawn.instances, seen.cpu())
        for row, *own in zip(rows.tolist(), *maps, strict=True):
            parts.append(_rows(row, *own))
    return Recorded(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _rows(
    row: int, objects: Tensor, labels: Tensor, instances: Tensor, features: Tensor
) -> Recorded:
    """The objects of one photograph that have a class."""
    numbers, first, areas = np.unique(objects.numpy(), return_index=True, return_counts=True)
    classes = labels.numpy().ravel()[first].astype(np.uint8)
    known = classes != IGNORE
    shares = (areas / objects.numel()).astype(np.float32)
    places = np.full(int(known.sum()), row, np.int64)
    whose = instances.numpy().ravel()[first].astype(np.int64)
    seen = features.numpy()[numbers[known]]
    return Recorded(classes[known], places, whose[known], shares[known], seen)


def learn_styles(recorded: Recorded, settings: StylesSettings) -> Styles:
    """Clusters the features of each class.

    Args:
        recorded: from `record`.
        settings: how many, of which objects.

    Returns:
        At most K styles a class: fewer where fewer looks are different.
    """
    labels, centres, sizes = [], [], []
    for label in np.unique(recorded.labels):
        own = recorded.labels == label
        large = own & (recorded.shares >= settings.smallest)
        found = _clusters(recorded.features[large if large.any() else own], settings)
        labels += [label] * len(found[0])
        centres.append(found[0])
        sizes.append(found[1])
    found = Styles(
        np.array(labels, np.uint8),
        np.concatenate(centres).astype(np.float32),
        np.concatenate(sizes).astype(np.int64),
    )
    return replace(found, combinations=combine(recorded, found)) if settings.combined else found


def combine(recorded: Recorded, styles: Styles) -> np.ndarray:
    """Which styles were seen together: those nearest to the looks of a training instance's parts.

    Args:
        recorded: from `record`; small objects count, too.
        styles: of all classes.

    Returns:
        (N, C) i16, as in `Styles`, photograph by photograph, with C one more than the last class.
    """
    whose = np.stack([recorded.rows, recorded.instances], 1)
    instances, places = np.unique(whose, axis=0, return_inverse=True)
    table = np.full((len(instances), int(recorded.labels.max()) + 1), -1, np.int16)
    for label in np.unique(recorded.labels):
        own = recorded.labels == label
        offsets = recorded.features[own][:, None] - styles.of(label)
        table[places.ravel()[own], label] = (offsets**2).sum(-1).argmin(1)
    return table


def _clusters(features: np.ndarray, settings: StylesSettings) -> tuple[np.ndarray, np.ndarray]:
    """Centres (K, F) and sizes (K,), largest first, of equally large ones by their features."""
    points = features.astype(np.float64)
    distinct, index = np.unique(points, axis=0, return_inverse=True)
    best, tightest = (distinct, index.ravel()), np.inf
    if len(distinct) > settings.styles:
        best = points.mean(0, keepdims=True), np.zeros(len(points), int)
        random = np.random.default_rng(settings.seed)
        for _ in range(settings.restarts):
            try:
                found = kmeans2(
                    points, settings.styles, ROUNDS, minit="++", missing="raise", rng=random
                )
            except ClusterError:  # a cluster became empty
                continue
            spread = float(((points - found[0][found[1]]) ** 2).sum())
            if spread < tightest:
                best, tightest = found, spread
    sizes = np.bincount(best[1], minlength=len(best[0]))
    order = np.lexsort([*best[0].T[::-1], -sizes])
    return best[0][order], sizes[order]


def save_styles(path: Path | str, styles: Styles, config: dict[str, Any]) -> None:
    """Writes styles as tensors and, beside them, how they were found."""
    save_weights(path, {k: torch.from_numpy(v) for k, v in vars(styles).items()}, config)


def load_styles(path: Path | str) -> Styles:
    """Reads what `save_styles` wrote.

    Raises:
        WeightsError: the file is missing, damaged, or of something else.
    """
    state, _ = load_weights(path)
    wanted = ("labels", "centres", "sizes", "combinations")
    if set(state) != set(wanted):
        raise WeightsError(
            f"{path}: expected styles ({', '.join(wanted)}), got {', '.join(sorted(state))}"
        )
    return Styles(*(state[name].numpy() for name in wanted))
