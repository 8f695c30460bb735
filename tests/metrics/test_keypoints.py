from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.metrics.keypoints import right


@given(st.integers(2, 12), st.sampled_from([0.05, 0.1, 0.5]), st.integers(0, 1000))
def test_it_equals_a_loop_under_both_rules(count: int, alpha: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    truth = draw.uniform(0, 100, (count, 2))
    found = truth + draw.normal(0, 10, (count, 2))
    rows, columns = truth[:, 0].tolist(), truth[:, 1].tolist()
    box = max(max(rows) - min(rows), max(columns) - min(columns))
    for extent, side in (("keypoints", box), ("image", 140)):
        wanted = [
            math.dist(one, other) <= alpha * side for one, other in zip(found, truth, strict=True)
        ]
        assert right(found, truth, alpha, extent, (90, 140)).tolist() == wanted


def test_a_point_at_exactly_the_distance_is_right() -> None:
    truth = np.array([[0.0, 0.0], [0.0, 100.0]])
    assert right(truth + [10, 0], truth, 0.1, "keypoints").all()
    assert not right(truth + [10.001, 0], truth, 0.1, "keypoints").any()


def test_points_that_cannot_be_judged_are_told() -> None:
    points = np.zeros((3, 2))
    with pytest.raises(ValueError, match="as many points"):
        right(points[:2], points, 0.1, "image", (9, 9))
    with pytest.raises(ValueError, match="got NaN"):
        right(points * np.nan, points, 0.1, "image", (9, 9))
    with pytest.raises(ValueError, match="expected the image's height and width"):
        right(points, points, 0.1, "image")
    with pytest.raises(ValueError, match="all of them in one place"):
        right(points, points, 0.1, "keypoints")
