"""Means over neighbourhoods against a sum of six nested loops, by both ways of computing them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from exemplar.matching.support import supported_row, supported_rows


def naive(query: np.ndarray, keys: np.ndarray, radius: int) -> np.ndarray:
    """(H, W, H, W): the mean similarity of every pair of neighbourhoods, borders repeated."""
    height, width, _ = query.shape
    around = [(dy, dx) for dy in range(-radius, radius + 1) for dx in range(-radius, radius + 1)]
    means = np.zeros((height, width, height, width))
    for y, x, v, u in np.ndindex(means.shape):
        for dy, dx in around:
            a = query[min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)]
            b = keys[min(max(v + dy, 0), height - 1), min(max(u + dx, 0), width - 1)]
            means[y, x, v, u] += float(a @ b)
    return means / len(around)


@given(
    height=st.integers(1, 6), width=st.integers(1, 6), radius=st.integers(0, 4),
    low=st.integers(-6, 0), high=st.integers(0, 6), seed=st.integers(0, 2**31),
)  # fmt: skip
def test_equals_nested_loops(height, width, radius, low, high, seed):
    rng = np.random.default_rng(seed)
    query, keys = rng.integers(-3, 4, (2, height, width, 3)).astype(np.float32)
    expected = naive(query, keys, radius)

    def multiply(row: int, first: int, stop: int) -> torch.Tensor:
        product = query[row] @ keys[first:stop].reshape(-1, 3).T
        return torch.from_numpy(product.reshape(width, stop - first, width))

    seen = []
    for y, first, means in supported_rows(multiply, height, width, radius, low, high):
        seen.append(y)
        assert first == max(0, y + low)
        stop = min(height - 1, y + high) + 1
        np.testing.assert_allclose(means, expected[y, :, first:stop], atol=1e-5)
        start, slow = supported_row(multiply, y, height, width, radius, low, high)
        assert start == first
        np.testing.assert_allclose(slow, expected[y, :, first:stop], atol=1e-5)
    assert seen == list(range(height))


@pytest.mark.parametrize("radius", [0, 3])
def test_only_key_rows_that_are_wanted_are_multiplied(radius):
    asked = []

    def multiply(row: int, first: int, stop: int) -> torch.Tensor:
        asked.append((row, first, stop))
        return torch.zeros(5, stop - first, 5)

    list(supported_rows(multiply, 20, 5, radius, -2, 3))
    assert asked == [(y, max(0, y - 2), min(20, y + 4)) for y in range(20)]
