"""Fréchet distance of two sets of images, on features of the judge.

Stands at the end of the way of the data: all candidates against photographs. It is the FID's
formula on other features than Inception's, so a table names the features beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from exemplar.features.pixelnet import LAYERS

FEATURE_LAYERS = LAYERS[:3]
"""What copying can spoil is in the trunk's fine layers; what the input gives, such as a head's
shape, is in the coarse ones. With a width of 16 they have 112 features, whose covariance a few
hundred photographs determine: two halves of 600 rendered heads are 0.05 apart, candidates of whole
copies 0.2, torn ones 0.6 to 0.9, regressed images 3.2 (from edges). Of all 368 features the halves
are 0.4 apart, and the kinds of candidates less clearly so."""

ENOUGH = 2
"""Each set has at least so many images for every feature, or there is no distance."""

NOISY = 2048
"""Of fewer images the distance is noisy and too large, as its users agree for Inception's 2,048
features; a table says so."""

RESAMPLES = 400


def features_name(judge: str) -> str:
    """What the features are called in a table."""
    return f"{judge} means of {'+'.join(FEATURE_LAYERS)}"


def layer_means(maps: Sequence[Tensor]) -> Tensor:
    """The features: each channel's mean over the image, of the `FEATURE_LAYERS`.

    Args:
        maps: of the judge's trunk, (B, C_l, H_l, W_l), fine to coarse; coarser ones are ignored.

    Returns:
        (B, M) float32, M the channels of these layers.
    """
    return channel_means(maps[: len(FEATURE_LAYERS)])


def channel_means(maps: Sequence[Tensor]) -> Tensor:
    """Each channel's mean over the image, (B, M) float32, of maps (B, C_l, H_l, W_l)."""
    return torch.cat([level.float().mean((2, 3)) for level in maps], dim=1)


def frechet_distance(photographs: ArrayLike, made: ArrayLike, enough: float | None = None) -> float:
    """The distance of the Gaussians fitted to two sets of features.

    Args:
        photographs: (N, M), features of one image a row.
        made: (n, M), of the images to be judged.
        enough: images that either set has at least for every feature; `ENOUGH` if not given. With
            0 two images do, and what `reservation` says belongs to the number.

    Returns:
        The squared distance, in the features' unit squared; at least 0, up to rounding. NaN of
        fewer images.

    Raises:
        ValueError: the shapes do not fit, or a value is not finite.

    Source: Heusel et al., "GANs trained by a two time-scale update rule", 2017, Eq. 6.

    >>> frechet_distance([[0.0], [2.0]], [[3.0], [5.0]])
    9.0
    """
    real, fake = (np.asarray(features, np.float64) for features in (photographs, made))
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1]:
        raise ValueError(f"features: expected (N, M) and (n, M), got {real.shape} and {fake.shape}")
    for name, features in (("photographs", real), ("made", fake)):
        if not np.isfinite(features).all():
            bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
            raise ValueError(f"{name}: expected finite features, rows {bad.tolist()} have others")
    least = (ENOUGH if enough is None else enough) * real.shape[1]
    if min(len(real), len(fake)) < max(2, least):
        return float("nan")
    # Its import takes seconds: only those pay who have enough images.
    from torchmetrics.image.fid import FrechetInceptionDistance

    metric = FrechetInceptionDistance(feature=_Given(real.shape[1]), normalize=True)
    metric.update(torch.from_numpy(real), real=True)
    metric.update(torch.from_numpy(fake), real=False)
    return float(metric.compute())


def reservation(photographs: int, made: int, features: int) -> str:
    """What is to be said beside a distance of few images; empty if there is nothing.

    Args:
        photographs: N, how many there are.
        made: n, how many were judged.
        features: M.

    Returns:
        A sentence without its full stop.

    >>> reservation(600, 10_000, 64)
    'FID is noisy and too large: of 600 photographs, fewer than 2,048'
    """
    counts = {"photographs": photographs, "images judged": made}
    least = max(NOISY, ENOUGH * features)
    few = [f"{count:,} {name}" for name, count in counts.items() if count < least]
    if not few:
        return ""
    return f"FID is noisy and too large: of {' and '.join(few)}, fewer than {least:,}"


def difference_interval(
    photographs: ArrayLike, one: ArrayLike, other: ArrayLike, seed: int = 0
) -> tuple[float, float]:
    """Where the difference of two methods' distances lies, over the choice of test images.

    Test images are drawn anew with all their candidates, the same ones for both methods. Of fewer
    different images a distance is larger, but alike for both.

    Args:
        photographs: (N, M) features.
        one: (I, C, M), of the candidates of I test images.
        other: (I, C, M), by another method for the same images.
        seed: of the draws.

    Returns:
        The 2.5th and 97.5th percentile of other's distance less one's; NaN of fewer than two
        images.
    """
    real = np.asarray(photographs, np.float64)
    made = [np.asarray(features, np.float64) for features in (one, other)]
    images = len(made[0])
    if images < 2:
        return float("nan"), float("nan")
    root = _root(np.cov(real.T))
    # Sums over each image's candidates: of a draw of images only these are added up.
    sums = [features.sum(1) for features in made]
    squares = [np.einsum("icm,icn->imn", features, features) for features in made]
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(RESAMPLES):
        weight = np.bincount(generator.integers(0, images, images), minlength=images)
        distances = []
        for features, total, square in zip(made, sums, squares, strict=True):
            count = images * features.shape[1]
            mean = weight @ total / count
            moment = np.tensordot(weight, square, 1)
            covariance = (moment - count * np.outer(mean, mean)) / (count - 1)
            cross = np.sqrt(np.linalg.eigvalsh(root @ covariance @ root).clip(0)).sum()
            shift = np.square(real.mean(0) - mean).sum()
            distances.append(shift + np.trace(root @ root) + np.trace(covariance) - 2 * cross)
        found.append(distances[1] - distances[0])
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def _root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric square root."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T


class _Given(nn.Module):
    """In the place of a network: the judge made the features in the pass in which it scored."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.num_features = features

    def forward(self, features: Tensor) -> Tensor:
        return features
