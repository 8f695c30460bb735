"""Fields as pictures: equal colours correspond, hues are directions, lines join points."""

from __future__ import annotations

import numpy as np

from exemplar.report.analogy_pictures import (
    correspondence_sheet,
    fitted,
    flow_picture,
    identity_field,
    lines_picture,
    placed_picture,
    steady_points,
)
from exemplar.report.palettes import EXEMPLARS

GREY = np.full((24, 30, 3), 128, np.uint8)


def shifted(size: tuple[int, int], down: int, right: int) -> np.ndarray:
    field = identity_field(size) + (down, right)
    return np.clip(field, 0, np.asarray(size) - 1).astype(np.int32)


def test_equal_colours_correspond() -> None:
    other = np.full((40, 20, 3), 128, np.uint8)
    field = np.random.default_rng(0).integers(0, (40, 20), (24, 30, 2), np.int32)
    here = placed_picture(GREY, field, (40, 20))
    there = placed_picture(other, identity_field((40, 20)), (40, 20))
    assert (here == there[field[..., 0], field[..., 1]]).all()
    assert len(np.unique(there.reshape(-1, 3), axis=0)) > 100


def test_displacements_have_hues_and_no_displacement_is_white() -> None:
    assert (flow_picture(identity_field((24, 30)), (24, 30)) == 255).all()
    # The same place of a larger image is no displacement.
    larger = identity_field((24, 30)) * 2
    assert (flow_picture(larger, (48, 60)) >= 220).all()
    right, left, up, down = (
        flow_picture(shifted((24, 30), *step), (24, 30))[12, 15].astype(int)
        for step in ((0, 6), (0, -6), (-6, 0), (6, 0))
    )
    assert right[0] > right[2] and right[0] > right[1]  # red
    assert left[1] > left[0] and left[2] > left[0]  # cyan
    assert up[1] > up[2] and down[2] > down[1]  # towards yellow, and towards violet
    near = flow_picture(shifted((24, 30), 0, 1), (24, 30))[12, 15]
    assert near.min() > right.min()  # paler


def test_steady_points_come_home() -> None:
    size = (24, 30)
    forward, backward = shifted(size, 2, 3), shifted(size, -2, -3)
    forward[:6] = (23, 29)  # the upper cells lead astray
    found = steady_points(forward, backward, 4)
    assert len(found) == 12 and (found[:, 0] >= 6).all()
    for y, x in found:
        assert (backward[tuple(forward[y, x])] == (y, x)).all()
    astray = np.zeros_like(backward)
    assert steady_points(forward[6:], astray, 4).shape[1] == 2
    assert steady_points(np.zeros((1, 1, 2), np.int32), np.zeros((1, 1, 2), np.int32)).tolist() == [
        [0, 0]
    ]


def test_lines_end_at_their_points() -> None:
    one, other = np.full((200, 240, 3), 90, np.uint8), np.full((150, 260, 3), 90, np.uint8)
    here, there = np.array([[30, 40]]), np.array([[100, 200]])
    made = lines_picture(one, other, here, there)
    gap = made.shape[1] - 240 - 260
    assert made.shape[0] == 200 and gap > 0
    assert tuple(made[30, 40]) == EXEMPLARS[0]
    assert tuple(made[100, 240 + gap + 200]) == EXEMPLARS[0]
    assert (made[190:, 240 + gap :] == 255).all()  # below the smaller image


def test_images_are_fitted_to_sheets() -> None:
    assert fitted(np.zeros((96, 48, 3), np.uint8)).shape == (192, 96, 3)
    assert fitted(np.zeros((1792, 896, 3), np.uint8)).shape == (448, 224, 3)
    assert fitted(np.zeros((300, 200, 3), np.uint8)).shape == (300, 200, 3)


def test_a_sheet_of_everything() -> None:
    other = np.full((40, 20, 3), 60, np.uint8)
    rows = identity_field((24, 30)) * (40, 20) // (24, 30)
    back = identity_field((40, 20)) * (24, 30) // (40, 20)
    made = correspondence_sheet(GREY, other, rows.astype(np.int32), back.astype(np.int32))
    points = [np.array([[3.0, 4.0]]), np.array([[5.0, 6.0]])]
    given = correspondence_sheet(GREY, other, rows.astype(np.int32), back.astype(np.int32), points)
    assert made.dtype == np.uint8 and made.shape == given.shape
    assert (made != given).any()
    lines = made.shape[0] - 220
    assert (made[:lines] == given[:lines]).all()
