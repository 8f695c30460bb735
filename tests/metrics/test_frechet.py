"""The Fréchet distance against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch

from exemplar.features.pixelnet import LAYERS
from exemplar.metrics.frechet import (
    ENOUGH,
    FEATURE_LAYERS,
    NOISY,
    RESAMPLES,
    difference_interval,
    features_name,
    frechet_distance,
    layer_means,
    reservation,
)


def with_moments(mean: np.ndarray, covariance: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Features whose sample mean and covariance are exactly these."""
    draw = np.random.default_rng(seed).normal(size=(count, len(mean)))
    draw -= draw.mean(0)
    white = draw @ np.linalg.inv(np.linalg.cholesky(np.cov(draw.T))).T
    return white @ np.linalg.cholesky(covariance).T + mean


def random_covariance(size: int, seed: int) -> np.ndarray:
    factor = np.random.default_rng(seed).normal(size=(size, size))
    return factor @ factor.T + np.eye(size)


def test_gaussians_with_commuting_covariances_have_a_closed_form() -> None:
    mean = np.array([1.0, -2.0, 0.5])
    one, other = np.array([4.0, 9.0, 1.0]), np.array([1.0, 16.0, 1.0])
    real = with_moments(np.zeros(3), np.diag(one), 50, 0)
    made = with_moments(mean, np.diag(other), 70, 1)
    expected = (mean**2).sum() + ((np.sqrt(one) - np.sqrt(other)) ** 2).sum()
    assert frechet_distance(real, made) == pytest.approx(expected, rel=1e-9)


def test_any_gaussians_by_the_root_of_the_product() -> None:
    a, b = random_covariance(6, 2), random_covariance(6, 3)
    mean = np.linspace(-1, 1, 6)
    real, made = with_moments(mean, a, 40, 4), with_moments(-mean, b, 33, 5)
    root = np.asarray(scipy.linalg.sqrtm(a)).real
    cross = np.asarray(scipy.linalg.sqrtm(root @ b @ root)).real
    expected = (4 * mean**2).sum() + np.trace(a) + np.trace(b) - 2 * np.trace(cross)
    found = frechet_distance(real, made)
    assert found == pytest.approx(expected, rel=1e-8)
    assert frechet_distance(made, real) == pytest.approx(found, rel=1e-8)


def test_a_set_is_no_distance_from_itself_in_any_order() -> None:
    features = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    assert frechet_distance(features, features[::-1]) == pytest.approx(0, abs=1e-6)


def test_too_few_images_have_no_distance() -> None:
    features = np.random.default_rng(1).normal(size=(20, 5))
    enough = features[: ENOUGH * 5]
    assert np.isfinite(frechet_distance(enough, features))
    assert np.isnan(frechet_distance(enough[:-1], features))
    assert np.isnan(frechet_distance(features, enough[:-1]))


def test_few_images_have_a_distance_if_it_is_wanted_and_what_is_to_be_said() -> None:
    """Of two and two images in five dimensions: covariances of rank one, b and d long."""
    ends = np.zeros((2, 5)), np.zeros((2, 5))
    ends[0][:, 0], ends[1][:, 1] = [-1, 1], [2, 4]
    # Means (0, 0) and (0, 3); variances 2 along x and 2 along y, which share nothing.
    assert frechet_distance(*ends, enough=0) == pytest.approx(9 + 2 + 2, rel=1e-6)
    assert np.isnan(frechet_distance(ends[0][:1], ends[1], enough=0))
    assert reservation(NOISY, NOISY, 64) == ""
    assert reservation(NOISY - 1, NOISY, 64).endswith("of 2,047 photographs, fewer than 2,048")
    assert reservation(300, 9, 64).endswith("300 photographs and 9 images judged, fewer than 2,048")
    # Two images for each of Inception's features are more than that.
    assert reservation(5000, 4000, 2048).endswith("of 4,000 images judged, fewer than 4,096")


def test_what_does_not_fit_is_said() -> None:
    features = np.ones((9, 2))
    with pytest.raises(
        ValueError, match=r"expected \(N, M\) and \(n, M\), got \(9, 2\) and \(9, 1"
    ):
        frechet_distance(features, features[:, :1])
    bad = features.copy()
    bad[[2, 7]] = np.inf
    with pytest.raises(ValueError, match=r"made: expected finite features, rows \[2, 7\]"):
        frechet_distance(features, bad)
    with pytest.raises(ValueError, match=r"photographs: expected finite features"):
        frechet_distance(bad, features)


def test_features_are_the_means_of_the_fine_layers() -> None:
    maps = [torch.rand(2, 3 + level, 8 >> level, 8 >> level) for level in range(len(LAYERS) - 1)]
    found = layer_means(maps).numpy()
    expected = [[c.mean().item() for m in maps[:3] for c in m[b]] for b in range(2)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert LAYERS[:3] == FEATURE_LAYERS
    assert features_name("net#12") == "net#12 means of conv1_2+conv2_2+conv3_3"


def test_the_interval_is_that_of_distances_of_drawn_images() -> None:
    generator = np.random.default_rng(7)
    real = generator.normal(size=(60, 2))
    images = generator.normal(size=(9, 1, 2))  # candidates of an image are alike
    one = images + generator.normal(size=(9, 20, 2)) * 0.3 + 1
    other = images + generator.normal(size=(9, 20, 2)) * 0.5
    low, high = difference_interval(real, one, other, seed=3)
    draws = np.random.default_rng(3)
    found = []
    for _ in range(RESAMPLES):
        drawn = draws.integers(0, 9, 9)
        pair = [np.concatenate([made[i] for i in drawn]) for made in (one, other)]
        distances = [gaussians(real, features) for features in pair]
        found.append(distances[1] - distances[0])
    assert (low, high) == pytest.approx(tuple(np.percentile(found, [2.5, 97.5])), rel=1e-6)
    assert difference_interval(real, other, one, seed=3) == pytest.approx((-high, -low))
    assert gaussians(real, one.reshape(-1, 2)) == pytest.approx(
        frechet_distance(real, one.reshape(-1, 2))
    )
    assert np.isnan(difference_interval(real, one[:1], other[:1])).all()


def gaussians(real: np.ndarray, made: np.ndarray) -> float:
    """The distance by scipy's root of a matrix."""
    a, b = np.cov(real.T), np.cov(made.T)
    cross = np.trace(np.asarray(scipy.linalg.sqrtm(a @ b)).real)
    shift = np.square(real.mean(0) - made.mean(0)).sum()
    return float(shift + np.trace(a) + np.trace(b) - 2 * cross)
