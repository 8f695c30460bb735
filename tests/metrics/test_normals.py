"""Angular errors and their statistics against closed forms and a plain loop."""

from __future__ import annotations

import math
import statistics as plain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.metrics.normals import NormalStatistics, angular_error, statistics


def turned(degrees: float) -> np.ndarray:
    """The direction towards the viewer, turned about the vertical."""
    angle = math.radians(degrees)
    return np.array([math.sin(angle), 0.0, math.cos(angle)], np.float32)


@pytest.mark.parametrize("degrees", [0.0, 1.0, 11.25, 45.0, 90.0, 135.0, 180.0])
def test_a_turn_by_an_angle_is_that_error(degrees: float) -> None:
    truth = np.broadcast_to(turned(0), (2, 3, 3))
    predicted = np.broadcast_to(4 * turned(degrees), (2, 3, 3))
    # Near 0 and 180 degrees the arc cosine of a single-precision number is coarse.
    assert angular_error(predicted, truth) == pytest.approx(degrees, abs=0.03)


def test_many_candidates_equal_a_loop_over_pixels() -> None:
    generator = np.random.default_rng(0)
    predicted, truth = generator.normal(size=(4, 5, 6, 3)), generator.normal(size=(5, 6, 3))
    found = angular_error(predicted, truth)
    assert found.shape == (4, 5, 6)
    assert found.dtype == np.float32
    for place in np.ndindex(4, 5, 6):
        a, b = predicted[place].tolist(), truth[place[1:]].tolist()
        cross = math.hypot(
            a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
        )
        inner = math.fsum(x * y for x, y in zip(a, b, strict=True))
        assert found[place] == pytest.approx(math.degrees(math.atan2(cross, inner)), abs=0.01)


def test_valid_pixels_come_in_row_order_and_hide_nan() -> None:
    generator = np.random.default_rng(1)
    predicted, truth = generator.normal(size=(2, 4, 3, 3)), generator.normal(size=(4, 3, 3))
    valid = generator.random((4, 3)) < 0.5
    everywhere = angular_error(predicted, truth)
    truth[~valid] = np.nan
    found = angular_error(predicted, truth, valid)
    expected = [everywhere[:, y, x] for y in range(4) for x in range(3) if valid[y, x]]
    np.testing.assert_array_equal(found, np.stack(expected, axis=1))


def test_a_vector_without_direction_is_at_right_angles_and_a_tiny_one_is_not() -> None:
    truth = np.broadcast_to(turned(0), (1, 2, 3))
    predicted = np.array([[[0, 0, 0], [0, 0, 1e-15]]], np.float32)
    assert angular_error(predicted, truth).tolist() == [[90.0, 0.0]]


def test_what_does_not_fit_is_said() -> None:
    maps = np.ones((4, 4, 3))
    with pytest.raises(ValueError, match=r"predicted: expected normals .* got \(4, 4, 2\)"):
        angular_error(maps[..., :2], maps)
    with pytest.raises(ValueError, match=r"one size, got \(4, 4\) and \(3, 4\)"):
        angular_error(maps, maps[:3])
    with pytest.raises(ValueError, match=r"valid: expected bool of shape \(4, 4\), got float64"):
        angular_error(maps, maps, np.ones((4, 4)))
    maps[1, 2, 0] = np.nan
    with pytest.raises(ValueError, match="finite normals, got 1 pixels"):
        angular_error(maps, np.ones((4, 4, 3)))


def test_limits_are_not_within_themselves() -> None:
    below = [math.nextafter(limit, 0) for limit in (11.25, 22.5, 30.0)]
    found = statistics([11.25, 22.5, 30.0, *below])
    assert found[3:] == pytest.approx((100 / 6, 300 / 6, 500 / 6))


@given(st.lists(st.floats(0, 180, width=32), min_size=1, max_size=40))
def test_statistics_equal_the_textbook(errors: list[float]) -> None:
    found = statistics(np.array(errors, np.float32))
    assert found.mean == pytest.approx(plain.fmean(errors))
    assert found.median == pytest.approx(plain.median(errors), rel=1e-6)
    assert found.rmse == pytest.approx(math.sqrt(plain.fmean(e * e for e in errors)))
    assert found.within_11_25 <= found.within_22_5 <= found.within_30
    assert found.within_30 == pytest.approx(100 * sum(e < 30 for e in errors) / len(errors))
    assert found.mean <= found.rmse * (1 + 1e-6)
    assert all(type(value) is float for value in found)


def test_along_an_axis_each_is_as_alone() -> None:
    errors = np.random.default_rng(2).uniform(0, 60, (5, 31)).astype(np.float32)
    together = statistics(errors, axis=-1)
    for name in NormalStatistics._fields:
        alone = [getattr(statistics(row), name) for row in errors]
        assert getattr(together, name) == pytest.approx(alone)


def test_statistics_of_nothing_or_of_nan_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one angular error"):
        statistics(np.empty((3, 0)))
    with pytest.raises(ValueError, match="without NaN, got 2 NaN"):
        statistics([1.0, float("nan"), float("nan")])
