"""What flat places are told apart by."""

from __future__ import annotations

import numpy as np
import torch

from exemplar.methods.deep_analogy.texture import (
    cues,
    expected_places,
    latent_colours,
    own_colours,
    own_places,
)

CPU = torch.device("cpu")


def test_the_expected_place_is_where_a_smooth_field_leads():
    """A field moved by (2, 3), one match astray: its neighbours say where it should be."""
    row, column = torch.meshgrid(torch.arange(8), torch.arange(9), indexing="ij")
    y, x = (row + 2).clone().int(), (column + 3).clone().int()
    keys = own_places((12, 14), CPU)[0]

    def best(expected: torch.Tensor, place: tuple[int, int]) -> tuple[int, ...]:
        likeness = (keys * expected[0, :, *place, None, None]).sum(0)
        return tuple(int(i) for i in np.unravel_index(int(likeness.argmax()), likeness.shape))

    straight = expected_places((y, x), (12, 14))
    for place in ((0, 0), (4, 4), (7, 8)):
        assert best(straight, place) == (place[0] + 2, place[1] + 3)
    y[4, 4], x[4, 4] = 0, 0
    moved = best(expected_places((y, x), (12, 14)), (4, 4))
    assert abs(moved[0] - 6) <= 1 and abs(moved[1] - 7) <= 1


def test_likeness_of_places_falls_with_their_distance():
    places = own_places((40, 40), CPU)[0]
    likeness = (places[:, 0, 0, None] * places[:, 0, :]).sum(0)
    assert float(likeness[0]) == 1 or abs(float(likeness[0]) - 1) < 1e-6
    assert (likeness[1:8] < likeness[:7]).all()
    assert likeness[8:].max() < likeness[3]


def test_colours_are_centred_and_shrunk_to_the_level():
    image = torch.zeros(1, 3, 4, 4)
    image[..., :2] = 1
    made = own_colours(image, (2, 2))
    np.testing.assert_allclose(made[0, :, 0, 0].norm(), 1, rtol=1e-6)
    np.testing.assert_allclose(made[..., 0], -made[..., 1])


def test_latent_colours_are_the_others_at_the_matches():
    colours = torch.rand(1, 3, 5, 6)
    row, column = torch.meshgrid(torch.arange(3), torch.arange(4), indexing="ij")
    made = latent_colours(colours, ((row + 1).int(), (column + 2).int()))
    np.testing.assert_allclose(made, colours[:, :, 1:4, 2:6], rtol=1e-6)


def test_cues_are_no_longer_than_one_when_weights_squares_add_up_to_one():
    longest = torch.zeros(1, 3, 2, 2)
    longest[:, 0] = 1
    made = cues(longest, own_places((2, 2), CPU), 0.6, 0.8)
    np.testing.assert_allclose(made.norm(dim=1), 1, rtol=1e-6)
