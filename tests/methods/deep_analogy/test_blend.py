"""The blend against its formulas, and where there is nothing to blend by."""

from __future__ import annotations

import math

import pytest
import torch

from exemplar.methods.deep_analogy.blend import blend, structure

# Squared lengths 1, 4 and 9: normalised 0, 3/8 and 1.
FEATURES = torch.tensor([[[[1.0, 0.0, 3.0]], [[0.0, 2.0, 0.0]]]])


def test_the_sigmoid_is_the_papers():
    expected = [1 / (1 + math.exp(-300 * (x - 0.05))) for x in (0, 3 / 8, 1)]
    assert structure(FEATURES, "sigmoid").flatten().tolist() == pytest.approx(expected)


def test_the_step_is_at_the_sigmoids_middle():
    energy = torch.tensor([0.0, 0.04, 0.06, 1.0])
    made = structure(energy.sqrt()[None, None, None], "step")
    assert made.flatten().tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("kind", ["step", "sigmoid"])
def test_features_alike_everywhere_have_no_structure(kind):
    assert (structure(torch.full((1, 2, 3, 3), 0.7), kind) == 0).all()
    assert (structure(torch.zeros(1, 2, 3, 3), kind) == 0).all()


def test_structure_is_kept_by_weight_and_the_rest_is_brought():
    brought = torch.full((1, 2, 1, 3), 10.0)
    made = blend(FEATURES, brought, 0.75, "step")
    assert made[0, :, 0, 0].tolist() == [10, 10]
    assert made[0, :, 0, 1].tolist() == [0.75 * 0 + 2.5, 0.75 * 2 + 2.5]
    assert made[0, :, 0, 2].tolist() == [0.75 * 3 + 2.5, 2.5]
