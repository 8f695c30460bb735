from __future__ import annotations

import math

import numpy as np
import pytest

from exemplar.metrics.cycle import cycle_error


def places(height: int, width: int) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1)


def test_a_permutation_and_its_inverse_have_no_error() -> None:
    order = np.random.default_rng(0).permutation(20)
    own = places(4, 5).reshape(-1, 2)
    inverse = np.argsort(order)
    assert cycle_error(own[order].reshape(4, 5, 2), own[inverse].reshape(4, 5, 2)) == 0


def test_it_is_the_mean_over_both_images_of_different_sizes() -> None:
    draw = np.random.default_rng(1)
    forward = np.stack([draw.integers(0, 3, (4, 5)), draw.integers(0, 6, (4, 5))], -1)
    backward = np.stack([draw.integers(0, 4, (3, 6)), draw.integers(0, 5, (3, 6))], -1)

    def one_way(there: np.ndarray, back: np.ndarray) -> float:
        total = 0.0
        for row, column in np.ndindex(there.shape[:2]):
            total += math.dist(back[tuple(there[row, column])], (row, column))
        return total / (there.shape[0] * there.shape[1])

    expected = (one_way(forward, backward) + one_way(backward, forward)) / 2
    assert cycle_error(forward, backward) == pytest.approx(expected)
    assert expected > 0


def test_a_motion_by_parts_of_a_pixel_comes_back_exactly() -> None:
    forward = places(6, 8) + [0.3, -0.4]
    assert cycle_error(forward, places(6, 8) - [0.3, -0.4]) == pytest.approx(0, abs=1e-12)


def test_places_beyond_the_border_are_answered_by_the_nearest_pixel() -> None:
    forward = places(3, 3) + [0.0, 5.0]
    # The last column's pixels end 5 to the right of the column 2 that answers, and so on.
    backward = places(3, 3) - [0.0, 5.0]
    assert cycle_error(forward, backward) == pytest.approx(0)
    assert cycle_error(forward, places(3, 3)) == pytest.approx(5)


def test_fields_that_are_none_are_told() -> None:
    with pytest.raises(ValueError, match="forward: expected a field of places"):
        cycle_error(np.zeros((3, 3)), places(3, 3))
    with pytest.raises(ValueError, match="backward: expected a place for every pixel"):
        cycle_error(places(3, 3), places(3, 3) * np.nan)
