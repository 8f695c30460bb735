"""Correspondence errors against a plain loop, and chance against its expectation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exemplar.metrics.correspondence import chance_error, correspondence_error


def scene(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A query (6,7,3), five exemplars (5,6,7,3) and sources (4,6,7,3), some of them none."""
    generator = np.random.default_rng(seed)
    surfaces = generator.normal(0, 0.5, (6, 6, 7, 3)).astype(np.float16)
    surfaces[generator.random((6, 6, 7)) < 0.3] = np.nan
    source = np.stack(
        [
            generator.integers(-1, 5, (4, 6, 7)),
            generator.integers(0, 6, (4, 6, 7)),
            generator.integers(0, 7, (4, 6, 7)),
        ],
        axis=-1,
    )
    return surfaces[5], surfaces[:5], source.astype(np.int32)


def test_equals_a_loop_over_pixels() -> None:
    truth, exemplars, source = scene()
    expected = []
    for candidate in source.tolist():
        distances = []
        for y, x in np.ndindex(6, 7):
            if math.isnan(truth[y, x, 0]):
                continue
            row, v, u = candidate[y][x]
            if row == -1 or math.isnan(exemplars[row, v, u, 0]):
                distances.append(1.0)
            else:
                there = exemplars[row, v, u].astype(float)
                distances.append(min(1.0, math.dist(truth[y, x].astype(float), there)))
        expected.append(math.fsum(distances) / len(distances))
    assert correspondence_error(truth, exemplars, source) == pytest.approx(expected, abs=1e-6)


def test_a_function_is_asked_once_for_the_distinct_rows_in_order() -> None:
    truth, exemplars, source = scene(1)
    source[source[..., 0] == 2, 0] = 4
    asked = []

    def read(rows: np.ndarray) -> np.ndarray:
        asked.append(rows.tolist())
        return exemplars[rows]

    found = correspondence_error(truth, read, source)
    assert asked == [[0, 1, 3, 4]]
    np.testing.assert_array_equal(found, correspondence_error(truth, exemplars, source))


def test_the_query_as_its_own_source_has_no_error() -> None:
    truth, _, _ = scene()
    y, x = np.mgrid[:6, :7]
    source = np.stack([np.zeros_like(y), y, x], axis=-1)[None]
    assert correspondence_error(truth, truth[None], source) == 0


def test_without_any_source_the_error_is_greatest() -> None:
    truth, exemplars, source = scene()
    source[..., 0] = -1
    assert correspondence_error(truth, exemplars, source).tolist() == [1.0] * 4
    assert chance_error(truth, exemplars, source, np.random.default_rng(0)).tolist() == [1.0] * 4


def test_chance_is_seeded_and_averages_to_its_expectation() -> None:
    truth, exemplars, source = scene(2)
    found = chance_error(truth, exemplars, source, np.random.default_rng(7))
    again = chance_error(truth, exemplars, source, np.random.default_rng(7))
    np.testing.assert_array_equal(found, again)

    points = truth[~np.isnan(truth[..., 0])].astype(float)
    rows = source[~np.broadcast_to(np.isnan(truth[..., 0]), source.shape[:-1]), 0].reshape(4, -1)
    expected = np.ones(rows.shape)
    for c, p in zip(*np.nonzero(rows >= 0), strict=True):
        away = np.linalg.norm(exemplars[rows[c, p]].astype(float) - points[p], axis=-1)
        expected[c, p] = np.where(away < 1, away, 1.0).mean()
    generator = np.random.default_rng(3)
    draws = [chance_error(truth, exemplars, source, generator) for _ in range(400)]
    assert np.mean(draws, axis=0) == pytest.approx(expected.mean(1), abs=0.01)


def test_what_does_not_fit_is_said() -> None:
    truth, exemplars, source = scene()
    with pytest.raises(ValueError, match=r"truth_surface: expected \(H, W, 3\), got \(6, 7\)"):
        correspondence_error(truth[..., 0], exemplars, source)
    with pytest.raises(ValueError, match=r"integers of shape \(C, 6, 7, 3\), got float64"):
        correspondence_error(truth, exemplars, source * 1.0)
    with pytest.raises(ValueError, match="some foreground, got NaN everywhere"):
        correspondence_error(truth * np.nan, exemplars, source)
    with pytest.raises(ValueError, match="rows below 3, the number of exemplars, got 4"):
        correspondence_error(truth, exemplars[:3], source)
    with pytest.raises(ValueError, match=r"within the exemplars' 6 x 4 pixels, got y from 0"):
        correspondence_error(truth, exemplars[:, :, :4], source)
    with pytest.raises(ValueError, match=r"expected \(5, H, W, 3\) for 5 rows"):
        correspondence_error(truth, lambda rows: exemplars[rows[:2]], source)
