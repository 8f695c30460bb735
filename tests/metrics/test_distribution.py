"""The measurements of a set of images against what they are made of."""

from __future__ import annotations

import numpy as np
import pytest

from exemplar.metrics import prd
from exemplar.metrics.distribution import known_scores, measured, precision_recall
from exemplar.metrics.frechet import frechet_distance
from exemplar.metrics.prd import curve_of_features, f_scores


def sets(made: int, photographs: int) -> dict[str, np.ndarray]:
    """Photographs around four places, images made around two of them."""
    draw = np.random.default_rng(0)
    places = draw.normal(size=(4, 3)) * 20
    return {
        "made": places[draw.integers(0, 2, made)] + draw.normal(size=(made, 3)),
        "photographs": places[draw.integers(0, 4, photographs)]
        + draw.normal(size=(photographs, 3)),
    }


def test_a_row_has_the_distance_the_scores_and_the_curve() -> None:
    both = sets(2100, 2200)
    found = measured(**both, seed=3)
    assert found.fid == pytest.approx(frechet_distance(both["photographs"], both["made"]))
    curve = curve_of_features(**both, seed=3)
    assert found.curve is not None
    np.testing.assert_array_equal(found.curve, curve)
    assert found.scores == f_scores(curve)
    assert found.scores.f1_8 > 0.9 > 0.6 > found.scores.f8  # precise, half of what there is
    assert found.warning == ""


def test_of_few_images_all_is_measured_that_can_be_and_said() -> None:
    found = measured(**sets(150, 60))
    assert np.isfinite([found.fid, *found.scores]).all()
    assert found.warning == (
        "FID is noisy and too large: of 60 photographs and 150 images judged, fewer than 2,048; "
        "F8 and F1/8 are noisy: of 60 images, fewer than 200"
    )
    fewest = measured(**sets(prd.CLUSTERS - 1, 40))
    assert fewest.curve is None and np.isnan(fewest.scores).all() and np.isfinite(fewest.fid)


def test_without_room_for_warnings_few_images_have_no_scores() -> None:
    enough = prd.ENOUGH * prd.CLUSTERS
    both = sets(enough, enough)
    assert precision_recall(**both) == f_scores(curve_of_features(**both))
    distance = frechet_distance(both["photographs"], both["made"])
    assert known_scores(**both) == {"fid": distance, **precision_recall(**both)._asdict()}
    for name in both:
        fewer = both | {name: both[name][1:]}
        assert np.isnan(precision_recall(**fewer)).all()
        assert list(known_scores(**fewer)) == ["fid"]  # of three features, which need six images
    assert known_scores(**sets(5, 9)) == {}
