"""Edge counts against a separate matching at every threshold, and areas worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching
from scipy.spatial import KDTree

from exemplar.metrics.edges import THRESHOLDS, EdgeCounts, average_precision, edge_counts, pooled


def naive(
    predicted: np.ndarray, truth: np.ndarray, radius: float, levels: range = range(1, 100)
) -> tuple[list[int], list[int]]:
    """A graph and a maximum matching of its own for each threshold."""
    matched: list[int] = []
    found: list[int] = []
    there = np.argwhere(truth)
    for k in levels:
        here = np.argwhere(predicted >= np.float32(k / 100))
        if found and found[-1] == len(here):
            # As many as at the threshold before: the same pixels.
            matched.append(matched[-1])
        elif len(here) and len(there):
            pairs = KDTree(here).sparse_distance_matrix(
                KDTree(there), radius, output_type="ndarray"
            )
            ones = np.ones(len(pairs), bool)
            near = csr_array((ones, (pairs["i"], pairs["j"])), shape=(len(here), len(there)))
            matched.append(int((maximum_bipartite_matching(near, "column") >= 0).sum()))
        else:
            matched.append(0)
        found.append(len(here))
    return matched, found


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 6), st.integers(1, 6))
def test_small_maps_equal_a_matching_at_every_threshold(
    data: st.DataObject, height: int, width: int
) -> None:
    levels = st.sampled_from([0.0, 0.01, 0.07, 0.29, 0.3, 0.57, 0.7, 0.985, 0.99, 1.0])
    predicted = data.draw(arrays(np.float32, (height, width), elements=levels.map(np.float32)))
    truth = data.draw(arrays(bool, (height, width)))
    radius = data.draw(st.sampled_from([0.0, 0.9, 1.0, 1.5, 2.0, 3.3, 20.0]))
    counts = edge_counts(predicted, truth, radius)
    matched, found = naive(predicted, truth, radius)
    assert counts.matched.tolist() == matched
    assert counts.predicted.tolist() == found
    assert counts.truth == np.count_nonzero(truth)
    assert (np.diff(counts.matched) <= 0).all()
    assert (np.diff(counts.predicted) <= 0).all()
    assert (counts.matched <= np.minimum(counts.predicted, counts.truth)).all()


@pytest.mark.parametrize("density", [0.05, 0.4])
def test_maps_of_full_size_equal_a_matching_at_every_threshold(density: float) -> None:
    generator = np.random.default_rng(int(100 * density))
    truth = generator.random((96, 96)) < density
    blurred = gaussian_filter(truth.astype(float), 1.0)
    predicted = np.stack(
        [
            generator.random((96, 96)),
            np.clip(blurred + generator.normal(0, 0.1, (96, 96)), 0, 1),
        ]
    ).astype(np.float32)
    counts = edge_counts(predicted, truth)
    assert counts.matched.shape == counts.predicted.shape == (2, 99)
    assert counts.matched.dtype == np.int64
    assert counts.truth.tolist() == 2 * [np.count_nonzero(truth)]
    for b in range(2):
        sample = range(1 + b, 100, 11)
        matched, found = naive(predicted[b], truth, 0.0075 * np.hypot(96, 96), sample)
        assert counts.matched[b, b::11].tolist() == matched
        assert counts.predicted[b, b::11].tolist() == found


def test_a_later_pixel_makes_earlier_ones_move() -> None:
    # True edges at 0 and 2 of a line. The strongest prediction, at 1, may take either; the next,
    # at 0, needs the first; the last, at 3, needs the second, and one of the three is left over.
    truth = np.array([[True, False, True, False]])
    predicted = np.array([[0.5, 0.9, 0.0, 0.2]])
    counts = edge_counts(predicted, truth, radius=1)
    assert counts.matched[[90, 89, 50, 49, 20, 19, 0]].tolist() == [0, 1, 1, 2, 2, 2, 2]
    assert counts.predicted[[90, 89, 50, 49, 20, 19, 0]].tolist() == [0, 1, 1, 2, 2, 3, 3]


def test_edges_one_pixel_off_match_and_two_pixels_off_do_not() -> None:
    truth = np.zeros((96, 96), bool)
    truth[20:70, 40] = True
    for axis in (0, 1):
        assert (edge_counts(np.roll(truth, 1, axis), truth).matched == 50).all()
    assert (edge_counts(np.roll(truth, 2, 1), truth).matched == 0).all()
    # A diagonal neighbour is 1.41 pixels away; the allowance at 96 x 96 is 1.02.
    truth[:] = False
    truth[30, 30] = True
    assert (edge_counts(np.roll(truth, (1, 1), (0, 1)), truth).matched == 0).all()


def test_borders_do_not_wrap() -> None:
    truth = np.zeros((5, 5), bool)
    truth[2, 0] = True
    for y, x in ((1, 4), (2, 4), (3, 4)):
        predicted = np.zeros((5, 5))
        predicted[y, x] = 1
        assert (edge_counts(predicted, truth, radius=2).matched == 0).all()


def test_a_map_in_hundredths_loses_nothing() -> None:
    generator = np.random.default_rng(5)
    predicted = generator.random((3, 24, 24)).astype(np.float32)
    truth = generator.random((24, 24)) < 0.2
    passed = (predicted[..., None] >= THRESHOLDS).sum(-1)
    rounded = np.concatenate(([0], THRESHOLDS)).astype(np.float32)[passed]
    for a, b in zip(edge_counts(predicted, truth), edge_counts(rounded, truth), strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_maps_give_no_counts() -> None:
    counts = edge_counts(np.zeros((0, 4, 4)), np.ones((4, 4), bool))
    assert counts.matched.shape == (0, 99)
    assert average_precision(counts).shape == (0,)


def test_what_does_not_fit_is_said() -> None:
    truth = np.ones((4, 5), bool)
    with pytest.raises(ValueError, match=r"truth: expected bool .* got float64 \(4, 5\)"):
        edge_counts(truth, truth * 1.0)
    with pytest.raises(ValueError, match=r"expected \(4, 5\) or \(B, 4, 5\) .* got \(5, 4\)"):
        edge_counts(truth.T, truth)
    with pytest.raises(ValueError, match=r"strengths in \[0, 1\], got 0.0 to 255.0"):
        edge_counts(255 * np.eye(4, 5), truth)
    with pytest.raises(ValueError, match=r"strengths in \[0, 1\], got nan"):
        edge_counts(np.full((4, 5), np.nan), truth)
    with pytest.raises(ValueError, match="radius: expected a distance"):
        edge_counts(truth, truth, radius=-1)


def curve(points: list[tuple[int, int]], truth: int) -> EdgeCounts:
    """Counts with given (matched, predicted) from the weakest threshold on, then none."""
    padded = np.array(points + [(0, 0)] * (99 - len(points)))
    return EdgeCounts(padded[:, 0], padded[:, 1], np.array(truth))


def test_area_under_a_straight_curve() -> None:
    # Recall 1 at precision 1/2, recall 1/2 at precision 1; held at 1 below.
    assert average_precision(curve([(10, 20), (5, 5)], 10)) == pytest.approx(0.5 + 0.75 / 2)


def test_beyond_the_greatest_recall_there_is_no_precision() -> None:
    # Precision 1 up to recall 0.29; the trapezoid on the way down is half a step wide.
    assert average_precision(curve([(29, 29)], 100)) == pytest.approx(0.29 + 0.005)


def test_of_equal_recalls_the_most_precise_counts() -> None:
    assert average_precision(curve([(5, 50), (5, 10), (5, 5)], 5)) == pytest.approx(1)


def test_ends_of_the_scale() -> None:
    assert average_precision(curve([(7, 7)] * 99, 7)) == pytest.approx(1)
    assert average_precision(curve([(0, 30)] * 50, 7)) == 0
    assert average_precision(curve([], 7)) == 0
    assert np.isnan(average_precision(curve([(0, 3)], 0)))


def test_area_equals_the_benchmarks_but_for_its_ends() -> None:
    # Many soft maps reach from recall 0 to 1, where the published sum of ordinates differs from
    # the area by half of its first and last only.
    generator = np.random.default_rng(3)
    truth = generator.random((48, 48)) < 0.1
    predicted = np.clip(0.7 * truth + generator.normal(0.15, 0.2, (8, 48, 48)), 0, 1)
    counts = pooled(edge_counts(predicted, truth))
    recall, precision = counts.matched / counts.truth, counts.matched / counts.predicted
    ordinates = []
    for r in np.linspace(0, 1, 101):
        above = [k for k in range(99) if recall[k] >= r - 1e-9]
        if not above:
            ordinates.append(0.0)
            continue
        k = above[-1]
        low = min((j for j in range(k, 99) if recall[j] < recall[k]), default=None)
        if low is None:
            ordinates.append(precision[k])
            continue
        share = (r - recall[low]) / (recall[k] - recall[low])
        ordinates.append(precision[low] + share * (precision[k] - precision[low]))
    published = 0.01 * sum(ordinates)
    ends = 0.005 * (ordinates[0] + ordinates[-1])
    assert average_precision(counts) == pytest.approx(published - ends, abs=1e-6)


def test_pooling_adds_over_images() -> None:
    generator = np.random.default_rng(4)
    predicted, truth = generator.random((3, 12, 12)), generator.random((12, 12)) < 0.3
    counts = edge_counts(predicted, truth)
    total = pooled(counts)
    assert total.matched.tolist() == [sum(column) for column in counts.matched.T.tolist()]
    assert total.predicted.tolist() == [sum(column) for column in counts.predicted.T.tolist()]
    assert total.truth == 3 * np.count_nonzero(truth)
    each = [float(average_precision(edge_counts(one, truth))) for one in predicted]
    assert average_precision(counts).tolist() == each
    assert min(each) - 0.05 <= average_precision(total) <= max(each) + 0.05
