"""Mean pairwise distances against a sum over pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.metrics.diversity import farthest_first, mean_pairwise, plain


@given(st.integers(2, 9), st.integers(1, 4), st.integers(0, 1000))
def test_equals_the_mean_over_ordered_pairs(count: int, length: int, seed: int) -> None:
    features = np.random.default_rng(seed).normal(size=(count, length)).astype(np.float32)
    apart = np.sqrt(((features[:, None].astype(float) - features[None]) ** 2).sum(-1))
    # The diagonal is 0: its places are in the sum but not in the number of pairs.
    expected = apart.sum() / (count * (count - 1))
    assert mean_pairwise(features) == pytest.approx(expected)


def test_copies_have_no_diversity_and_one_has_none_defined() -> None:
    assert mean_pairwise(np.ones((5, 3))) == 0
    assert np.isnan(mean_pairwise(np.ones((1, 3))))


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(ValueError, match=r"features: expected \(C, P\), got \(3,\)"):
        mean_pairwise(np.ones(3))
    bad = np.ones((4, 2))
    bad[[1, 3], 0] = np.nan
    with pytest.raises(ValueError, match=r"expected finite values, candidates \[1, 3\]"):
        mean_pairwise(bad)


@given(st.integers(2, 8), st.integers(1, 3), st.integers(0, 1000))
def test_the_first_are_the_farthest_pair_and_each_next_is_farthest_from_those(
    count: int, length: int, seed: int
) -> None:
    features = np.random.default_rng(seed).integers(0, 4, (count, length)).astype(float)
    order = farthest_first(features)
    assert sorted(order) == list(range(count))

    def apart(a: int, b: int) -> float:
        return float(np.linalg.norm(features[a] - features[b]))

    pairs = [apart(a, b) for a in range(count) for b in range(a)]
    assert apart(*order[:2]) == pytest.approx(max(pairs))
    for place in range(2, count):
        reach = {c: min(apart(c, taken) for taken in order[:place]) for c in order[place:]}
        assert reach[order[place]] == pytest.approx(max(reach.values()))


def test_one_candidate_is_first_and_equal_ones_keep_their_order() -> None:
    assert farthest_first(np.ones((1, 3))) == [0]
    assert farthest_first([[0.0], [5.0], [0.0], [5.0]]) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match=r"features: expected \(C, P\), got \(3,\)"):
        farthest_first(np.ones(3))


def test_plain_distances_are_grey_levels() -> None:
    dark = np.zeros((1, 4, 6, 3), np.uint8)
    one_colour = dark.copy()
    one_colour[..., 1] = 30
    features = plain(np.concatenate([dark, dark + 20, one_colour]))
    assert features.shape == (3, 72) and features.dtype == np.float32
    assert np.linalg.norm(features[0] - features[1]) == pytest.approx(20)
    assert np.linalg.norm(features[0] - features[2]) == pytest.approx(30 / np.sqrt(3))
    with pytest.raises(ValueError, match=r"expected \(C, H, W, 3\) uint8, got \(4, 6, 3\) uint8"):
        plain(dark[0])
