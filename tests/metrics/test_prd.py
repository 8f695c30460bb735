"""Precision and recall of distributions: by hand, by the definition in words, by closed forms."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog

from exemplar.metrics import prd
from exemplar.metrics.prd import (
    CLUSTERS,
    Curve,
    curve_of_features,
    curve_of_histograms,
    f_beta,
    f_scores,
)


def spots(counts: list[int], seed: int) -> np.ndarray:
    """Points close to the corners of a simplex, so many at each: their clusters are certain."""
    places = np.repeat(np.arange(len(counts)), counts)
    noise = np.random.default_rng(seed).normal(size=(len(places), CLUSTERS)) * 1e-3
    return (np.eye(CLUSTERS)[places] * 10 + noise).astype(np.float32)


def test_three_bins_by_hand() -> None:
    """Slopes tan 0, tan 45° and infinity: nothing of photographs, equal parts, all of them."""
    curve = curve_of_histograms(made=[2, 5, 3], photographs=[1, 1, 2], angles=3)
    # At 45°: min(.25, .2) + min(.25, .5) + min(.5, .3) = .75 of both.
    np.testing.assert_allclose(curve.precision, [0, 0.75, 1], atol=1e-9)
    np.testing.assert_allclose(curve.recall, [1, 0.75, 0], atol=1e-9)
    one = curve_of_histograms(made=[1, 0, 0], photographs=[1, 3, 0], angles=5)
    slopes = np.tan(np.radians([22.5, 45, 67.5]))
    np.testing.assert_allclose(one.precision[1:-1], np.minimum(slopes / 4, 1))
    np.testing.assert_allclose(one.recall[1:-1], 0.25)
    assert one.recall[0] == pytest.approx(0.25) and one.recall[-1] == pytest.approx(0, abs=1e-9)


def test_scores_of_a_known_curve() -> None:
    """One bin of four is covered: whatever is made is right, a quarter of what there is."""
    found = f_scores(curve_of_histograms(made=[1, 0, 0, 0], photographs=[1, 1, 1, 1]))
    # Precision 1 and recall 1/4 at once, as any F-score has it.
    expected = {b: (1 + b * b) * 0.25 / (b * b + 0.25) for b in (8, 1 / 8)}
    assert found.f8 == pytest.approx(expected[8], rel=1e-3) == pytest.approx(0.2529, rel=1e-3)
    assert found.f1_8 == pytest.approx(expected[1 / 8], rel=1e-3) == pytest.approx(0.956, rel=1e-3)


@given(
    arrays(np.int64, 4, elements=st.integers(0, 9)).filter(np.any),
    arrays(np.int64, 4, elements=st.integers(0, 9)).filter(np.any),
    st.integers(1, 9),
)
def test_precision_is_the_most_that_any_shared_part_allows(made, photographs, place) -> None:
    """By linear programming: as much as possible of one part in both, t times as much in one."""
    angles = 11
    slope = math.tan(math.pi / 2 * place / (angles - 1))
    # x: the shared part's mass in `made`; in `photographs` it is x / t. Neither has more than that.
    within = np.concatenate([np.eye(4), np.eye(4) / slope])
    total = np.concatenate([made / made.sum(), photographs / photographs.sum()])
    best = linprog(-np.ones(4), A_ub=within, b_ub=total)
    curve = curve_of_histograms(made=made, photographs=photographs, angles=angles)
    assert curve.precision[place] == pytest.approx(-best.fun, abs=1e-6)
    assert curve.recall[place] == pytest.approx(-best.fun / slope, abs=1e-6)


@given(
    arrays(np.int64, 5, elements=st.integers(0, 20)).filter(np.any),
    arrays(np.int64, 5, elements=st.integers(0, 20)).filter(np.any),
)
def test_swapped_arguments_swap_precision_and_recall(one, other) -> None:
    curve = curve_of_histograms(made=one, photographs=other)
    swapped = curve_of_histograms(made=other, photographs=one)
    np.testing.assert_allclose(curve.precision, swapped.recall[::-1], atol=1e-6)
    assert f_scores(curve) == pytest.approx(tuple(reversed(f_scores(swapped))), abs=1e-6)
    assert all(a <= b + 1e-12 for a, b in pairwise(curve.precision))  # from lowest to highest


def test_the_same_is_perfect_and_nothing_shared_is_none() -> None:
    same = f_scores(curve_of_histograms(made=[3, 1, 2], photographs=[6, 2, 4]))
    assert same == pytest.approx((1, 1), abs=1e-9)
    assert f_scores(curve_of_histograms(made=[3, 0], photographs=[0, 5])) == (0, 0)
    assert f_beta(Curve(np.zeros(3), np.zeros(3)), 8) == 0


def test_images_are_counted_in_the_clusters_of_both() -> None:
    """Photographs everywhere, images made in half of the places: precise, half of the recall."""
    everywhere = spots([30] * CLUSTERS, 0)
    half = spots([60] * (CLUSTERS // 2), 1)
    found = curve_of_features(made=half, photographs=everywhere)
    wanted = curve_of_histograms(made=[1] * 10 + [0] * 10, photographs=[1] * CLUSTERS)
    np.testing.assert_allclose(found.precision, wanted.precision, atol=1e-6)
    np.testing.assert_allclose(found.recall, wanted.recall, atol=1e-6)
    scores, swapped = (
        f_scores(found),
        f_scores(curve_of_features(made=everywhere, photographs=half)),
    )
    assert scores.f1_8 > 0.95 > 0.55 > scores.f8
    assert (swapped.f8, swapped.f1_8) == pytest.approx((scores.f1_8, scores.f8), abs=1e-6)


def test_identical_sets_are_perfect_and_distant_ones_share_nothing() -> None:
    draw = np.random.default_rng(3).normal(size=(200, 6))
    assert f_scores(curve_of_features(made=draw, photographs=draw)) == pytest.approx((1, 1))
    assert f_scores(curve_of_features(made=draw + 1000, photographs=draw)) == (0, 0)


def test_numbers_are_made_equal_by_drawing_from_the_larger_set() -> None:
    """Four times as many images as photographs, alike in kind: nothing is lost."""
    found = curve_of_features(made=spots([80] * CLUSTERS, 0), photographs=spots([20] * CLUSTERS, 1))
    # Of 1600 images 400 were drawn, about twenty a place.
    scores = f_scores(found)
    assert 0.9 < scores.f8 < 1 and 0.9 < scores.f1_8 < 1


def test_one_seed_gives_one_curve_and_others_others() -> None:
    draw = np.random.default_rng(5)
    made, photographs = draw.normal(size=(90, 4)), draw.normal(size=(70, 4)) + 0.5
    given_ = {"made": made, "photographs": photographs}
    first = curve_of_features(**given_)
    np.testing.assert_array_equal(first, curve_of_features(**given_))
    assert not np.array_equal(first, curve_of_features(**given_, seed=2**40))


def test_curves_of_several_clusterings_are_averaged(monkeypatch) -> None:
    draw = np.random.default_rng(6)
    both = {"made": draw.normal(size=(60, 3)), "photographs": draw.normal(size=(60, 3)) + 1}
    monkeypatch.setattr(prd, "RUNS", 1)
    single = curve_of_features(**both).precision
    # At a slope of 1 it is a number of images, of 60; the mean of four is one of 240.
    assert single[500] * 60 == pytest.approx(round(single[500] * 60))
    monkeypatch.setattr(prd, "RUNS", 4)
    averaged = curve_of_features(**both).precision
    assert not np.allclose(averaged, single)
    assert averaged[500] * 240 == pytest.approx(round(averaged[500] * 240))


def test_what_does_not_fit_is_said() -> None:
    draw = np.ones((30, 2))
    with pytest.raises(ValueError, match=r"expected \(n, M\) and \(N, M\), got \(30, 2\) and \(30"):
        curve_of_features(made=draw, photographs=draw[:, :1])
    with pytest.raises(ValueError, match=r"made: expected at least 20 images, one a cluster, got"):
        curve_of_features(made=draw[:19], photographs=draw)
    bad = draw.copy()
    bad[7] = np.nan
    with pytest.raises(ValueError, match=r"photographs: expected finite features, rows \[7\]"):
        curve_of_features(made=draw, photographs=bad)
    for histogram in ([0, 0], [1, -1], [1, math.nan], [[1, 1]]):
        with pytest.raises(ValueError, match="made: expected a histogram"):
            curve_of_histograms(made=histogram, photographs=[1, 1])
    with pytest.raises(ValueError, match="the same bins, got 2 and 3 of them"):
        curve_of_histograms(made=[1, 1], photographs=[1, 1, 1])
    with pytest.raises(ValueError, match="angles: expected at least 3, got 2"):
        curve_of_histograms(made=[1], photographs=[1], angles=2)
