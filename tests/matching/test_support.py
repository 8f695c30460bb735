"""Which neighbours support a match, and with what weight."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from exemplar.matching.support import ALONE, Support, taps

CPU = torch.device("cpu")


def test_a_radius_is_a_square_in_reading_order():
    found = taps(Support(1), (4, 5), CPU)
    square = [[-1, -1], [-1, 0], [-1, 1], [0, -1], [0, 0], [0, 1], [1, -1], [1, 0], [1, 1]]
    assert found.offset.tolist() == square
    assert found.weight.shape == (9, 4, 5)
    assert (found.weight == 1).all()
    assert taps(ALONE, (4, 5), CPU).offset.tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("radius", "stride", "sparse", "side"),
    [
        (5, 1, False, [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5]),
        (5, 1, True, [-4, -2, 0, 2, 4]),
        (7, 1, True, [-6, -3, 0, 3, 6]),
        (3, 1, True, [-3, -2, -1, 0, 1, 2, 3]),
        (5, 2, True, [-2, -1, 0, 1, 2]),
        (5, 4, False, [-1, 0, 1]),
        (1, 8, False, [-1, 0, 1]),
    ],
)
def test_coarser_and_sparser(radius, stride, sparse, side):
    found = taps(Support(radius), (9, 9), CPU, stride, sparse)
    assert found.offset.tolist() == [[y, x] for y in side for x in side]


def test_weights_fall_with_the_guide_s_change():
    guide = torch.zeros(1, 3, 2)
    guide[0, :, 0] = torch.tensor([0.0, 0.3, 0.3])
    guide[0, :, 1] = torch.tensor([0.0, 0.4, 0.4])
    weight = taps(Support(1, 0.5, guide), (1, 3), CPU).weight[3:6, 0]
    edge = np.exp(-0.5)  # the change of 0.5 is the softness
    np.testing.assert_allclose(weight[2], [edge, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(weight[0], [1, edge, 1], rtol=1e-6)
    np.testing.assert_allclose(weight[1], 1)


def test_a_coarse_guide_is_the_average():
    guide = torch.arange(10.0).view(2, 5, 1) / 10
    coarse = torch.tensor([[[0.4], [0.65]]])  # of columns 0 to 3, and of column 4
    found = taps(Support(4, 0.1, guide), (1, 2), CPU, 4).weight
    expected = taps(Support(1, 0.1, coarse), (1, 2), CPU).weight
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_missing_or_wrong_guide_is_told():
    with pytest.raises(ValueError, match=r"softness 0.2 needs a guide image .* got none"):
        taps(Support(2, 0.2), (4, 4), CPU)
    with pytest.raises(ValueError, match=r"query's size \(4, 4\), got \(5, 4\) at a stride of 1"):
        taps(Support(2, 0.2, torch.zeros(5, 4, 3)), (4, 4), CPU)
