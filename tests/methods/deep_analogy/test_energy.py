"""Descriptors against Eq. 2 written as it stands, and what is done where nothing is active."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.matching import field as fields
from exemplar.methods.deep_analogy.energy import described, match_pair, softening

NONE = torch.tensor(0.0)


def features(seed: int, height: int, width: int, channels: int = 4) -> torch.Tensor:
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(seed))


def test_the_search_finds_the_least_of_equation_two():
    """Every patch against every patch, two terms of normalised features, summed as printed."""
    (height, width), (rows, columns) = (5, 6), (6, 5)
    a, a_prime = features(0, height, width), features(1, height, width)
    b, b_prime = features(2, rows, columns), features(3, rows, columns)
    bars = [
        (x / x.norm(dim=1, keepdim=True))[0].movedim(0, -1).double().numpy()
        for x in (a, a_prime, b, b_prime)
    ]
    pair = match_pair(
        [described(a, NONE), described(a_prime, NONE)],
        [described(b, NONE), described(b_prime, NONE)],
        3,
    )
    found = fields.refine(pair, fields.identity(pair), 9)
    for row in range(height):
        for column in range(width):
            energies = np.full((rows, columns), np.inf)
            for y in range(rows):
                for x in range(columns):
                    taps = [
                        (row + d, column + r, y + d, x + r)
                        for d in (-1, 0, 1)
                        for r in (-1, 0, 1)
                        if 0 <= row + d < height and 0 <= column + r < width
                        and 0 <= y + d < rows and 0 <= x + r < columns
                    ]  # fmt: skip
                    energies[y, x] = np.mean(
                        [
                            ((bars[0][p, q] - bars[2][v, u]) ** 2).sum()
                            + ((bars[1][p, q] - bars[3][v, u]) ** 2).sum()
                            for p, q, v, u in taps
                        ]
                    )
            place = int(found.y[row, column]), int(found.x[row, column])
            assert energies[place] <= energies.min() + 1e-5
            # Two unit vectors a term: the energy is 4 − 4 times the similarity.
            assert abs(4 - 4 * float(found.score[row, column]) - energies[place]) < 1e-5


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**31), floor=st.floats(0, 2), colour=st.floats(0, 1),
    dead=st.booleans(),
)  # fmt: skip
def test_descriptors_are_of_unit_length_whatever_is_active(seed, floor, colour, dead):
    values = features(seed, 3, 4) * (features(seed + 1, 3, 4, 1) > 0.5)
    if dead:
        values = values * 0
    hints = torch.nn.functional.normalize(features(seed + 2, 3, 4, 3), dim=1) * colour
    epsilon = softening([values], floor)
    for cues in (None, hints):
        length = described(values, epsilon, cues).norm(dim=-1)
        np.testing.assert_allclose(length, 1, atol=1e-5)


def test_places_without_activation_match_each_other_fully_and_nothing_else():
    dead, alive = torch.zeros(1, 4, 1, 1), features(0, 1, 1)
    first, second = described(dead, NONE)[0, 0], described(alive, NONE)[0, 0]
    assert float(first @ first) == 1
    assert float(first @ second) == 0


def test_weak_activations_are_told_apart_by_cues_and_strong_ones_are_not():
    cue, other = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    for strength, close in ((0.01, 0.01), (100.0, 0.999)):
        values, epsilon = features(0, 1, 1) * strength, torch.tensor(1.0)
        first = described(values, epsilon, cue[None, :, None, None])[0, 0]
        second = described(values, epsilon, other[None, :, None, None])[0, 0]
        assert abs(float(first @ second) - close) < 0.01


def test_the_softening_is_a_share_of_the_mean_length_of_both():
    first, second = torch.full((1, 1, 2, 2), 3.0), torch.full((1, 1, 1, 4), 5.0)
    assert float(softening([first, second], 0.5)) == 2
