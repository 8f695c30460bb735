"""The distinct few against a choice made in plain Python."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from exemplar.metrics import distinct as module
from exemplar.metrics.distinct import distinct

SMALL = st.integers(-3, 3).map(float)  # so that there are ties and doubles


def naive(features, score, count, good):
    """By sets and sums, one candidate at a time."""
    ranked = sorted(range(len(score)), key=lambda i: (score[i], i))
    eligible = ranked[: max(count, math.ceil(good * len(score)))]
    chosen = [eligible[0]]
    while len(chosen) < count:
        left = [i for i in eligible if i not in chosen]
        chosen.append(max(left, key=lambda i: min(math.dist(features[i], features[j])
                                                  for j in chosen)))  # fmt: skip
    return sorted(chosen, key=ranked.index)


@given(st.data(), st.integers(1, 9), st.floats(0, 1))
def test_is_the_greedy_choice(data, total, good):
    features = data.draw(arrays.arrays(float, (total, 2), elements=SMALL))
    score = data.draw(arrays.arrays(float, total, elements=SMALL))
    count = data.draw(st.integers(1, total))
    found = distinct(features, score, count, good)
    assert found == naive(features.tolist(), score.tolist(), count, good)
    assert found[0] == int(score.argmin())
    assert len(set(found)) == count
    assert (np.diff(score[found]) >= 0).all()


def test_differs_more_than_the_best_and_is_better_than_the_rest():
    rng = np.random.default_rng(0)
    features, score = rng.normal(size=(72, 5)), rng.normal(size=72)
    few, best = distinct(features, score, 8), np.argsort(score)[:8]

    def spread(rows) -> float:
        return np.linalg.norm(features[rows][:, None] - features[rows][None], axis=2).sum()

    assert spread(few) > spread(best)
    assert score[few].max() <= np.sort(score)[35]


@pytest.mark.parametrize(
    ("features", "score", "count", "good", "message"),
    [
        (np.zeros((3, 2)), np.zeros(2), 1, 0.5, r"got \(3, 2\) and \(2,\)"),
        (np.zeros((3, 2)), np.array([0, np.nan, 0]), 1, 0.5, "finite features and scores"),
        (np.zeros((3, 2)), np.zeros(3), 4, 0.5, "4 candidates are wanted: expected 1 to 3"),
        (np.zeros((3, 2)), np.zeros(3), 0, 0.5, "0 candidates are wanted"),
        (np.zeros((3, 2)), np.zeros(3), 1, 1.5, "good: expected a share .* got 1.5"),
    ],
)
def test_what_cannot_be_chosen_from_is_told(features, score, count, good, message):
    with pytest.raises(ValueError, match=message):
        distinct(features, score, count, good)


def test_the_example():
    found = doctest.testmod(module)
    assert found.attempted and not found.failed
