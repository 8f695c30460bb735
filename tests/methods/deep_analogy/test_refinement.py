"""Weighted least squares against a dense solution, and what Eq. 7 keeps of either image."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from exemplar.methods.deep_analogy.refinement import refined, smoothed

GENERATOR = np.random.default_rng(3)


def dense(values: np.ndarray, guide: np.ndarray, smoothness: float) -> np.ndarray:
    """The minimum by the normal equations of all terms, each written as a row."""
    height, width = guide.shape
    place = np.arange(height * width).reshape(height, width)
    rows = [np.eye(height * width)]
    for y in range(height):
        for x in range(width):
            for down, right in ((0, 1), (1, 0)):
                if y + down < height and x + right < width:
                    row = np.zeros((1, height * width))
                    row[0, place[y, x]], row[0, place[y + down, x + right]] = 1, -1
                    edge = abs(guide[y, x] - guide[y + down, x + right])
                    rows.append(row * np.sqrt(smoothness / (edge + 1e-4)))
    terms = np.concatenate(rows)
    flat = values.reshape(height * width, -1)
    wanted = np.concatenate([flat, np.zeros((len(terms) - len(flat), flat.shape[1]))])
    return np.linalg.lstsq(terms, wanted, rcond=None)[0].reshape(values.shape)


@pytest.mark.parametrize("size", [(7, 9), (1, 12), (12, 1), (1, 1), (2, 2)])
@pytest.mark.parametrize("smoothness", [0.8, 0.01, 20.0])
def test_smoothing_is_the_minimum(size: tuple[int, int], smoothness: float) -> None:
    values = GENERATOR.normal(size=(*size, 3))
    values[..., 1] = 0  # solved before it begins
    guide = np.round(GENERATOR.random(size), 1)  # with flat parts
    exact = dense(values, guide, smoothness)
    assert np.abs(smoothed(values, guide, smoothness, 1e-12) - exact).max() < 1e-8
    # No eigenvalue is below 1, so the solution is no farther off than the residual is long.
    off = np.linalg.norm(smoothed(values, guide, smoothness) - exact)
    assert off <= 1e-3 * np.linalg.norm(values)


def test_means_stay_and_edges_hold() -> None:
    guide = np.zeros((24, 24))
    guide[:, 12:] = 1
    values = guide[..., None] + GENERATOR.normal(0, 0.2, (24, 24, 1))
    smooth = smoothed(values, guide)
    # The Laplacian's rows add up to 0, so nothing is lost.
    assert np.isclose(smooth.mean(), values.mean(), atol=1e-4)
    assert smooth[:, :12].std() < 0.02 and smooth[:, 12:].std() < 0.02
    assert smooth[:, 12:].mean() - smooth[:, :12].mean() > 0.8
    # Where the guide has no edge, the step is smoothed away.
    assert np.ptp(smoothed(values, np.zeros((24, 24)))) < 0.3


def test_colours_are_the_transferred_images_and_detail_is_the_images_own() -> None:
    grain = GENERATOR.integers(-8, 9, (32, 32, 1))
    image = np.clip(120 + grain + np.zeros((1, 1, 3)), 0, 255).astype(np.uint8)
    other = GENERATOR.integers(-8, 9, (32, 32, 1))
    transferred = np.clip(np.array([200, 100, 60]) + other, 0, 255).astype(np.uint8)
    made = refined(image, transferred, smoothness=20).astype(int)
    assert np.abs(made.mean((0, 1)) - [200, 100, 60]).max() < 2
    own, theirs = made[..., 1] - made[..., 1].mean(), other[..., 0] - other.mean()
    kept = grain[..., 0] - grain.mean()
    assert np.corrcoef(own.ravel(), kept.ravel())[0, 1] > 0.9
    assert abs(np.corrcoef(own.ravel(), theirs.ravel())[0, 1]) < 0.4


def test_the_same_image_is_given_back() -> None:
    image = GENERATOR.integers(0, 256, (9, 14, 3), np.uint8)
    assert (refined(image, image) == image).all()


def test_what_does_not_fit_is_told() -> None:
    image = np.zeros((4, 5, 3), np.uint8)
    with pytest.raises(ValueError, match=r"of one size, got \(4, 5, 3\) and \(5, 4, 3\)"):
        refined(image, image.transpose(1, 0, 2))
    with pytest.raises(ValueError, match=r"a guide \(H, W\), got \(4, 5, 3\) and \(4, 4\)"):
        smoothed(image.astype(float), np.zeros((4, 4)))


def test_memory_is_that_of_some_planes_whatever_the_channels() -> None:
    image, transferred = GENERATOR.integers(0, 256, (2, 300, 200, 3), np.uint8)
    refined(image, transferred)  # compiled
    tracemalloc.start()
    refined(image, transferred)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Ten planes of float64 would be 80 bytes a pixel; all channels at once took more than 200.
    assert most < 80 * 300 * 200
