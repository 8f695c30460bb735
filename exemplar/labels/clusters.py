"""Labels of an image that has none: clusters of a network's features and of colours.

So that a user with just a photograph can begin. Pixels are grouped by what a named backbone says of
them, its maps enlarged to the image; regions are made whole by the majority around each pixel.
Another photograph's pixels can be given to the same clusters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2lab
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from torch import Tensor
from torch.nn import functional

from exemplar.labels.edits import filled, numbered_regions

Network = Callable[[Tensor], list[Tensor]]
"""Images (1, 3, H, W) in [0, 1] → maps, fine to coarse."""

DIMENSIONS = 16
"""Of the features, after projection."""
COLOUR = 1.0
"""Weight of Lab colour beside the features, whose weight is 1."""
POSITION = 0.25
"""Weight of the place; of two like things far apart."""
BLUR = 1.5
"""Pixels by which colours are blurred: grain is no class."""
SAMPLES = 20_000
"""Pixels that clusters are found by, at most; all are then given to them."""
STARTS = 4
"""Of k-means; the best is taken."""
MAJORITY = 0.015
"""Radius of the majority, in shares of the longer side."""
SMALLEST = 0.003
"""Share of the pixels below which a region is given to those around it."""


class Clusters(NamedTuple):
    """What pixels are grouped by.

    Attributes:
        centres: (K, D) f64 in the space of `mean`, `axes` and `scale`.
        mean: (C,) f64, of the network's features.
        axes: (C, D − 5) f64, what they are projected to.
        scale: energy of the projected features.
        colour_mean: (3,) f64, of Lab colours.
        colour_scale: their energy.
    """

    centres: NDArray[np.float64]
    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    scale: float
    colour_mean: NDArray[np.float64]
    colour_scale: float


def cluster_names(count: int) -> tuple[str, ...]:
    """What clusters are called, in the order of their places: `cluster-1` is the largest."""
    return tuple(f"cluster-{number}" for number in range(1, count + 1))


def cluster(
    image: NDArray[np.uint8], network: Network, count: int, seed: int = 0
) -> tuple[NDArray[np.uint8], Clusters]:
    """Groups the pixels of an image.

    Args:
        image: (H, W, 3) u8.
        network: whose features say what pixels show.
        count: of clusters, from 2 to 64.
        seed: of k-means and of the pixels that it sees.

    Returns:
        (H, W) u8, the largest cluster first; fewer than `count` if the image has fewer that
        differ, or some are lost to the majority around them. And what pixels are grouped by.

    Raises:
        ValueError: there are to be fewer than 2 clusters or more than 64.
    """
    if not 2 <= count <= 64:
        raise ValueError(f"expected 2 to 64 clusters, got {count}")
    maps, lab = _features(image, network), _colours(image)
    flat = maps.reshape(-1, maps.shape[-1])
    chosen = np.random.default_rng(seed).permutation(len(flat))[:SAMPLES]
    dimensions = min(DIMENSIONS, flat.shape[1], len(chosen))
    pca = PCA(dimensions, svd_solver="covariance_eigh").fit(flat[chosen])
    axes = np.asarray(pca.components_).T
    projected = (flat[chosen] - pca.mean_) @ axes
    colours = lab.reshape(-1, 3)[chosen]
    space = Clusters(
        np.zeros((0, 0)), np.asarray(pca.mean_), axes, _energy(projected),
        colours.mean(0), _energy(colours - colours.mean(0)),
    )  # fmt: skip
    described = _described(maps, lab, space)
    flat = described.reshape(-1, described.shape[-1])
    distinct = len(np.unique(flat[chosen], axis=0))
    means = KMeans(min(count, distinct), random_state=seed).set_params(n_init=STARTS)
    found = means.fit(flat[chosen])
    labels = _whole(_nearest(described, found.cluster_centers_))
    sizes = np.bincount(labels.ravel(), minlength=len(found.cluster_centers_))
    order = np.argsort(-sizes, kind="stable")[: int((sizes > 0).sum())]
    place = np.zeros(len(sizes), np.uint8)
    place[order] = np.arange(len(order))
    return place[labels], space._replace(centres=found.cluster_centers_[order])


def assign(image: NDArray[np.uint8], network: Network, clusters: Clusters) -> NDArray[np.uint8]:
    """The clusters of another image's pixels.

    Args:
        image: (H, W, 3) u8.
        network: that the clusters were found with.
        clusters: of the source.

    Returns:
        (H, W) u8 places of clusters.
    """
    described = _described(_features(image, network), _colours(image), clusters)
    return _whole(_nearest(described, clusters.centres))


def _features(image: NDArray[np.uint8], network: Network) -> NDArray[np.float64]:
    """The network's maps at every pixel, each layer of equal energy, (H, W, C)."""
    values = torch.from_numpy(image).movedim(-1, 0)[None].float() / 255
    layers = []
    with torch.no_grad():
        for level in network(values):
            centred = level - level.mean((2, 3), keepdim=True)
            level = level / centred.square().sum(1).mean().sqrt().clamp(min=1e-6)
            layers.append(
                functional.interpolate(level, values.shape[-2:], mode="bilinear")[0].cpu()
            )
    return torch.cat(layers).movedim(0, -1).double().numpy()


def _colours(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Lab colours without grain, (H, W, 3)."""
    return gaussian_filter(rgb2lab(image), (BLUR, BLUR, 0))


def _described(
    maps: NDArray[np.float64], lab: NDArray[np.float64], space: Clusters
) -> NDArray[np.float64]:
    """What pixels are grouped by, (H, W, D): features, colour and place, each by its weight."""
    height, width = lab.shape[:2]
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return np.concatenate(
        [
            (maps - space.mean) @ space.axes / space.scale,
            COLOUR * (lab - space.colour_mean) / space.colour_scale,
            POSITION * y[..., None],
            POSITION * x[..., None],
        ],
        axis=-1,
    )


def _energy(values: NDArray[np.float64]) -> float:
    """The length that rows have in the mean; 1 where all are nothing."""
    return float(np.sqrt((values**2).sum(1).mean())) or 1.0


def _nearest(described: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.uint8]:
    distance = (centres**2).sum(1) - 2 * described @ centres.T
    return distance.argmin(-1).astype(np.uint8)


def _whole(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Regions without ragged edges and specks."""
    radius = max(1.0, MAJORITY * max(labels.shape))
    votes = [
        gaussian_filter((labels == place).astype(np.float32), radius, mode="nearest")
        for place in range(int(labels.max()) + 1)
    ]
    made = np.argmax(votes, axis=0).astype(np.uint8)
    small = np.zeros(made.shape, bool)
    for place in np.unique(made):
        parts, sizes = numbered_regions(made, place)
        # Number 0 is all that is of other classes.
        small |= np.concatenate([[False], sizes < SMALLEST * made.size])[parts]
    return filled(made, small, ~small) if small.any() and not small.all() else made
