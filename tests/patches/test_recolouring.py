from __future__ import annotations

import numpy as np
import pytest

from exemplar.patches.recolouring import (
    ColourMap,
    clustered_memberships,
    label_memberships,
    recolour,
    recoloured,
)


def two_parts(left, right, spread, seed=0, size=(64, 64)):
    """Two halves of given colours, with grain."""
    rng = np.random.default_rng(seed)
    image = np.empty((*size, 3))
    image[:, : size[1] // 2], image[:, size[1] // 2 :] = left, right
    image += spread * rng.standard_normal((*size, 1))
    return image.round().clip(0, 255).astype(np.uint8)


def halves(size=(64, 64)):
    labels = np.zeros(size, np.uint8)
    labels[:, size[1] // 2 :] = 1
    return labels


def test_each_part_gets_the_leaders_mean_and_deviation():
    leader = two_parts((180, 90, 60), (40, 60, 120), 9)
    follower = two_parts((110, 100, 90), (150, 150, 150), 11, seed=1)
    parts = np.stack([halves() == which for which in range(2)], -1).astype(float)
    made = recoloured(follower, recolour(leader, follower, (parts, parts)))
    for columns in (slice(0, 24), slice(40, 64)):
        ours, theirs = leader[:, columns].reshape(-1, 3), made[:, columns].reshape(-1, 3)
        assert theirs.mean(0) == pytest.approx(ours.mean(0), abs=2)
        assert theirs.std(0) == pytest.approx(ours.std(0), rel=0.15)


def test_labels_are_parts_with_soft_borders_that_add_up_to_one():
    soft = label_memberships(halves((256, 200)), 3)
    assert soft.shape == (128, 100, 3)
    assert soft.sum(-1) == pytest.approx(1, abs=1e-5)
    assert soft[:, :40, 0] == pytest.approx(1, abs=1e-5)
    assert soft[:, 49:51].mean((0, 1)) == pytest.approx([0.5, 0.5, 0], abs=1e-5)
    assert (np.diff(soft[64, :, 1]) >= -1e-6).all()


def test_gains_are_held_and_small_classes_left_alone():
    leader, follower = two_parts((90,) * 3, (90,) * 3, 30), two_parts((90,) * 3, (90,) * 3, 3)
    labels = halves()
    labels[:, 34:] = 0  # the second class is two columns wide
    labels[40:, 32:34] = 0  # and 40 rows high
    sharp = np.stack([labels == which for which in range(2)], -1).astype(float)
    gain = recolour(leader, follower, (sharp, sharp), (0.7, 1.4), fewest=81).gain
    assert gain[sharp[..., 0] == 1] == pytest.approx(1.4, abs=0.01)
    assert (gain[sharp[..., 1] == 1] == 1).all()
    gain = recolour(leader, follower, (sharp, sharp), (0.7, 1.4), fewest=80).gain
    assert (gain[sharp[..., 1] == 1] > 1.3).all()


def test_a_map_is_enlarged_between_its_cells_and_rounded():
    gain = np.ones((1, 2, 3), np.float32)
    shift = np.array([[[0, 10, 300], [40, 10, -300]]], np.float32)
    image = np.full((2, 4, 3), 100, np.uint8)
    made = recoloured(image, ColourMap(gain, shift))
    # Centres of pixels lie at −0.25, 0.25, 0.75 and 1.25 cells: beyond the first and last no more.
    assert made[0, :, 0].tolist() == [100, 110, 130, 140]
    assert made[1, :, 1].tolist() == [110] * 4
    assert made[0, :, 2].tolist() == [255, 250, 0, 0]


def test_clusters_find_parts_that_lie_elsewhere():
    parts = np.stack([halves() == 0, halves() == 1], -1).astype(float)
    rng = np.random.default_rng(0)
    descriptors = [p + 0.05 * rng.standard_normal(p.shape) for p in (parts, parts[:, ::-1])]
    memberships = clustered_memberships(*descriptors)
    for soft in memberships:
        assert soft.sum(-1) == pytest.approx(1)
    leader = two_parts((180, 90, 60), (40, 60, 120), 5)
    follower = two_parts((150, 150, 150), (110, 100, 90), 5, seed=1)
    made = recoloured(follower, recolour(leader, follower, memberships))
    assert made[:, 34:].mean((0, 1)) == pytest.approx((180, 90, 60), abs=12)
    assert made[:, :30].mean((0, 1)) == pytest.approx((40, 60, 120), abs=12)
