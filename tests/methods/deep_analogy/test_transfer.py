"""Labels and points along fields: shifts, votes, and fields of other images."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from exemplar.methods.deep_analogy.transfer import carried_labels, carried_points

GENERATOR = np.random.default_rng(5)


def shift(size: tuple[int, int], within: tuple[int, int], down: int, right: int) -> np.ndarray:
    places = np.stack(np.mgrid[: size[0], : size[1]], -1) + (down, right)
    return np.clip(places, 0, np.asarray(within) - 1).astype(np.int32)


def elected(labels: np.ndarray, field: np.ndarray, votes: int) -> np.ndarray:
    """By counting proposals in a table."""
    out = np.empty(field.shape[:2], int)
    for y, x in np.ndindex(*out.shape):
        counts: Counter[int] = Counter()
        for down in range(-votes, votes + 1):
            for right in range(-votes, votes + 1):
                if 0 <= y + down < out.shape[0] and 0 <= x + right < out.shape[1]:
                    row, column = field[y + down, x + right] - (down, right)
                    if 0 <= row < labels.shape[0] and 0 <= column < labels.shape[1]:
                        counts[int(labels[row, column])] += 1
        own, most = int(labels[tuple(field[y, x])]), max(counts.values())
        leading = [label for label, count in counts.items() if count == most]  # in reading order
        out[y, x] = own if own in leading else leading[0]
    return out


@pytest.mark.parametrize("votes", [0, 1, 2])
def test_labels_are_elected(votes: int) -> None:
    labels = GENERATOR.integers(-2, 3, (6, 11)) * 70000
    field = np.stack([GENERATOR.integers(0, 6, (8, 7)), GENERATOR.integers(0, 11, (8, 7))], -1)
    field[:4] = shift((4, 7), (6, 11), 1, 2)
    made = carried_labels(labels, field.astype(np.int32), votes)
    assert (made == elected(labels, field, votes)).all()


def test_a_single_wrong_match_is_outvoted() -> None:
    labels = np.zeros((20, 20), int)
    labels[:, 10:] = 3
    field = shift((20, 20), (20, 20), 0, 0)
    field[5, 4] = (5, 15)
    assert (carried_labels(labels, field) == labels).all()
    assert carried_labels(labels, field, 0)[5, 4] == 3


def test_points_move_with_the_field() -> None:
    field = shift((20, 30), (40, 44), 7, -2)
    points = np.array([[3.25, 9.0], [19.0, 29.4], [0.0, 2.0]])
    moved = carried_points(points, field, (40, 44))
    assert np.allclose(moved, points + (7, -2))
    field[3, 9] = (39, 43)  # one match gone astray
    assert np.allclose(carried_points(points, field, (40, 44)), moved)
    assert np.allclose(carried_points(points[:1], field, (40, 44), 0), [[39, 43]])
    assert carried_points(np.empty((0, 2)), field, (40, 44)).shape == (0, 2)


def test_points_stay_within_the_other_image() -> None:
    field = shift((6, 6), (9, 9), 3, 3)
    assert np.allclose(carried_points(np.array([[5.4, 5.4]]), field, (9, 9)), [[8, 8]])


def test_fields_of_other_images_are_told() -> None:
    field = shift((4, 4), (9, 9), 4, 0)
    said = r"rows 4 to 7 and columns 0 to 3, but labels has 9×6 pixels; it belongs to another image"
    with pytest.raises(ValueError, match=said):
        carried_labels(np.zeros((6, 9), int), field)
    with pytest.raises(ValueError, match=r"points within 4×4 pixels, got \[\[1\.0, 4\.0\]\]"):
        carried_points(np.array([[1.0, 4.0]]), field, (9, 9))
