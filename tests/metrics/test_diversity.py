"""Mean pairwise distances against a sum over pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.metrics.diversity import mean_pairwise


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
