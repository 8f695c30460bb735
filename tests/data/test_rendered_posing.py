"""A rendered picture with its animal moved: what moves, and that nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from exemplar.data.rendered import Posing, RenderedSettings, Rendering, render
from exemplar.data.rendered.posing import posed
from exemplar.data.rendered.scene import compose

SETTINGS = RenderedSettings(two_animals=0, close_up=0, collar=0)
SIZE, INDEX = 48, 4


def rendered(**moved: float) -> Rendering:
    return render(INDEX, SETTINGS, SIZE, posing=Posing(**moved))


def middle(picture: Rendering) -> np.ndarray:
    """Row and column of the middle of the animal."""
    return np.argwhere(picture.labels > 0).mean(0)


@pytest.fixture(scope="module")
def still() -> Rendering:
    return render(INDEX, SETTINGS, SIZE)


def test_without_a_change_it_is_the_same_picture(still: Rendering) -> None:
    again = rendered()
    for name in ("image", "labels", "normals", "surface", "edges"):
        np.testing.assert_array_equal(getattr(again, name), getattr(still, name))


@pytest.mark.parametrize(("way", "towards"), [("right", (0, 1)), ("up", (-1, 0))])
def test_the_animal_moves_that_way_in_shares_of_the_side(still, way, towards) -> None:
    # Upwards more of the body is seen, so that the middle moves less than the head.
    places = [np.argwhere(each.labels == 1).mean(0) for each in (still, rendered(**{way: 0.125}))]
    np.testing.assert_allclose(places[1] - places[0], np.multiply(6, towards), atol=1.5)


def test_the_background_stays_but_for_the_shadow(still: Rendering) -> None:
    moved = rendered(yaw=25)
    assert (moved.labels != still.labels).mean() > 0.05
    behind = (moved.labels == 0) & (still.labels == 0)
    apart = np.abs(moved.image.astype(int) - still.image)[behind]
    assert apart.mean() < 5


def test_turns_and_sizes_are_the_viewers() -> None:
    composition = compose(np.random.default_rng(0), SETTINGS)
    (before,) = composition.poses
    (after,) = posed(composition, Posing(yaw=90, size=2)).poses
    ahead = before.head @ [0, 0, 1.0]
    x, y, z = after.head @ [0, 0, 1.0]
    # What looked at the viewer looks to the viewer's right.
    np.testing.assert_allclose([x, y, z], [ahead[2], ahead[1], -ahead[0]], atol=1e-12)
    assert after.scale == 2 * before.scale
    np.testing.assert_array_equal(after.body, before.body)
    (rolled,) = posed(composition, Posing(roll=90)).poses
    right = before.head @ [1.0, 0, 0]
    np.testing.assert_allclose(rolled.head @ [1.0, 0, 0], [-right[1], right[0], right[2]])


def test_only_the_first_of_two_is_moved() -> None:
    two = RenderedSettings(two_animals=1)
    composition = compose(np.random.default_rng(1), two)
    changed = posed(composition, Posing(up=0.1))
    assert changed.poses[1] is composition.poses[1]
    assert changed.poses[0].place[1] > composition.poses[0].place[1]


def test_changes_beyond_sense_are_errors() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        Posing(right=3)
