"""The kernel distance against a double loop, against torchmetrics, and what its intervals hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.metrics.kernel_distance import (
    kernel_difference_interval,
    kernel_distance,
    kernel_interval,
)


def naive(photographs: np.ndarray, made: np.ndarray) -> float:
    """Pair by pair; `made` is (I, C, M)."""

    def k(x: np.ndarray, y: np.ndarray) -> float:
        return (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3

    n = len(photographs)
    real = [k(photographs[a], photographs[b]) for a in range(n) for b in range(n) if a != b]
    every = [(i, image) for i, several in enumerate(made) for image in several]
    fake = [k(x, y) for i, x in every for j, y in every if i != j]
    across = [k(x, y) for _, x in every for y in photographs]
    return float(np.mean(real) + np.mean(fake) - 2 * np.mean(across))


@settings(max_examples=20, deadline=None)
@given(
    st.integers(2, 5), st.integers(1, 3), st.integers(2, 6), st.integers(1, 4), st.integers(0, 9)
)
def test_it_is_the_mean_over_pairs_of_different_inputs(inputs, each, real, features, seed) -> None:
    draw = np.random.default_rng(seed)
    photographs = draw.normal(size=(real, features))
    made = draw.normal(0.5, 2, (inputs, each, features))
    expected = naive(photographs, made)
    assert kernel_distance(photographs, made) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_it_is_torchmetrics_estimate_of_all_images() -> None:
    from torchmetrics.image.kid import KernelInceptionDistance

    class Given(torch.nn.Module):
        def forward(self, features: torch.Tensor) -> torch.Tensor:
            return features

    draw = np.random.default_rng(1)
    one, other = draw.normal(size=(40, 16)), draw.normal(0.3, 1.2, (40, 16))
    metric = KernelInceptionDistance(feature=Given(), subsets=1, subset_size=40)
    metric.update(torch.from_numpy(one), real=True)
    metric.update(torch.from_numpy(other), real=False)
    expected, _ = metric.compute()
    assert kernel_distance(one, other) == pytest.approx(float(expected), rel=1e-5)


def test_equal_distributions_are_at_zero_on_average_and_others_are_not() -> None:
    found = []
    for seed in range(200):
        draw = np.random.default_rng(seed)
        # Images of one input are alike: with their pairs the estimate would be too large.
        made = draw.normal(size=(10, 1, 4)) * np.ones((1, 5, 1))
        found.append(kernel_distance(draw.normal(size=(30, 4)), made))
    spread = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 3 * spread
    assert kernel_distance(draw.normal(size=(30, 4)), made + 3) > 10 * np.std(found)


def test_an_interval_holds_the_distance_and_narrows_with_more_inputs() -> None:
    draw = np.random.default_rng(0)
    photographs, made = draw.normal(size=(60, 4)), draw.normal(0.5, 1, (160, 2, 4))
    widths = []
    for inputs in (10, 160):
        low, high = kernel_interval(photographs, made[:inputs])
        assert low < kernel_distance(photographs, made[:inputs]) < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2
    assert kernel_interval(photographs, made, 3) == kernel_interval(photographs, made, 3)


def test_methods_are_compared_on_the_same_draws() -> None:
    draw = np.random.default_rng(0)
    photographs, made = draw.normal(size=(30, 4)), draw.normal(size=(8, 3, 4))
    assert kernel_difference_interval(photographs, made, made[:, ::-1]) == pytest.approx((0, 0))
    low, high = kernel_difference_interval(photographs, made, made + 2)
    assert 0 < low < high
    with pytest.raises(ValueError, match="of the same inputs, got 8 and 7"):
        kernel_difference_interval(photographs, made, made[:7])


def test_too_few_images_have_none() -> None:
    one, two = np.ones((1, 3)), np.ones((2, 3))
    for photographs, made in ((one, two), (two, one), (two, np.ones((1, 5, 3)))):
        assert np.isnan(kernel_distance(photographs, made))
        assert np.isnan(kernel_interval(photographs, made)).all()
        assert np.isnan(kernel_difference_interval(photographs, made, made)).all()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(N, M\) and \(n, M\) or \(I, C, M\), got \(4, 3\) and"):
        kernel_distance(np.ones((4, 3)), np.ones((4, 2)))
    with pytest.raises(ValueError, match="made: expected finite features"):
        kernel_distance(np.ones((4, 1)), np.array([[1.0], [np.nan]]))
