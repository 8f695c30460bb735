"""The matcher against a double loop that knows nothing of blocks, padding or strides."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.matching.windows import WHOLE, match, offsets


def naive(query: np.ndarray, exemplar: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Every pixel against every pixel, first of the best in reading order."""
    _, height, width = query.shape
    score = np.full((height, width), -np.inf)
    position = np.full((height, width), -1)
    for y in range(height):
        for x in range(width):
            for v in range(height):
                for u in range(width):
                    first = -(window // 2)
                    near = all(first <= d < first + window for d in (v - y, u - x))
                    if window != WHOLE and not near:
                        continue
                    value = sum(
                        a * b for a, b in zip(query[:, y, x], exemplar[:, v, u], strict=True)
                    )
                    if value > score[y, x]:
                        score[y, x], position[y, x] = value, v * width + u
    return score, position


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 7), width=st.integers(1, 7), depth=st.integers(1, 4), seed=st.integers(0)
)
def test_equals_a_double_loop_for_every_window(height, width, depth, seed):
    # Small integers: products are exact in any order, and ties abound.
    rng = np.random.default_rng(seed)
    query = rng.integers(-2, 3, (depth, height, width)).astype(np.float32)
    exemplars = rng.integers(-2, 3, (2, depth, height, width)).astype(np.float32)
    windows = (*range(1, min(height, width) + 1), WHOLE)
    found = match(torch.from_numpy(query), torch.from_numpy(exemplars), windows)
    for rank, exemplar in enumerate(exemplars):
        for index, window in enumerate(windows):
            score, position = naive(query, exemplar, window)
            np.testing.assert_array_equal(found.score[rank, index], score)
            np.testing.assert_array_equal(found.position[rank, index], position)


def test_real_descriptors_agree_with_one_big_product():
    generator = torch.Generator().manual_seed(0)
    query = torch.nn.functional.normalize(torch.randn(16, 12, 20, generator=generator), dim=0)
    exemplars = torch.nn.functional.normalize(
        torch.randn(3, 16, 12, 20, generator=generator), dim=1
    )
    found = match(query, exemplars, (WHOLE, 5))
    similarity = torch.einsum("dp,rdq->rpq", query.flatten(1), exemplars.flatten(2))
    torch.testing.assert_close(found.score[:, 0].flatten(1), similarity.amax(2))
    y, x = torch.meshgrid(torch.arange(12), torch.arange(20), indexing="ij")
    y, x = y.flatten(), x.flatten()
    far = ((y[:, None] - y).abs() > 2) | ((x[:, None] - x).abs() > 2)
    near = similarity.masked_fill(far, -torch.inf)
    torch.testing.assert_close(found.score[:, 1].flatten(1), near.amax(2))


def test_itself_is_the_best_match():
    x = torch.nn.functional.normalize(torch.randn(8, 6, 9), dim=0)
    found = match(x, x[None], (1, 3, WHOLE))
    assert (found.position == torch.arange(54).view(6, 9)).all()
    torch.testing.assert_close(found.score, torch.ones(1, 3, 6, 9))


@given(st.integers(1, 99))
def test_offsets_span_the_window_and_hold_the_centre(window):
    first, last = offsets(window)
    assert last - first + 1 == window
    assert first <= 0 <= last
    assert -first - last in (0, 1)


@pytest.mark.parametrize("windows", [(97,), (-1,), ()])
def test_a_window_that_does_not_fit_is_refused(windows):
    with pytest.raises(ValueError, match="sides from 1 to 4, or 0 for the whole image"):
        match(torch.ones(2, 4, 5), torch.ones(1, 2, 4, 5), windows)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"got \(2, 4, 5\) and \(1, 3, 4, 5\)"):
        match(torch.ones(2, 4, 5), torch.ones(1, 3, 4, 5), (1,))


def test_nan_is_refused():
    bad = torch.ones(1, 2, 4, 5)
    bad[0, 1, 2, 3] = torch.nan
    with pytest.raises(ValueError, match="must be finite"):
        match(torch.ones(2, 4, 5), bad, (1,))
