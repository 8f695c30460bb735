from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.patches import voting
from exemplar.patches.exemplars import Exemplar
from exemplar.patches.recolouring import ColourMap
from tests.patches.scenes import photograph


def library(seed=0):
    """Exemplars smaller and larger than the picture, one mirrored, one in other colours."""
    rng = np.random.default_rng(seed)
    gain = (0.8 + rng.random((3, 4, 3)) / 2).astype(np.float32)
    return [
        Exemplar(photograph(1, (20, 17))),
        Exemplar(photograph(2, (64, 48)), mirrored=True),
        Exemplar(photograph(3, (33, 50)), side=24, colours=ColourMap(gain, 20 * gain)),
    ]


def drawn(exemplars, seed, size=(26, 30)):
    rng = np.random.default_rng(seed)
    which = rng.integers(0, len(exemplars), size)
    sizes = np.array([exemplar.used_size(max(size)) for exemplar in exemplars])[which]
    places = (rng.random((*size, 2)) * sizes).astype(int)
    return np.concatenate([which[..., None], places], -1).astype(np.int32)


def proposals(match, sizes, votes):
    """For each pixel the copies that its neighbours' matches propose."""
    height, width = match.shape[:2]
    for row, column in np.ndindex(height, width):
        found = []
        for other in range(max(0, row - votes), min(height, row + votes + 1)):
            for beside in range(max(0, column - votes), min(width, column + votes + 1)):
                which, y, x = match[other, beside]
                y, x = y + row - other, x + column - beside
                if 0 <= y < sizes[which][0] and 0 <= x < sizes[which][1]:
                    found.append((which, y, x))
        yield (row, column), found


@pytest.mark.parametrize("votes", [0, 1, 3])
def test_a_picture_is_the_mean_of_its_copies(votes):
    exemplars = library()
    match = drawn(exemplars, votes)
    source = voting.to_sources(match, exemplars, 30)
    made = voting.rederive(source, exemplars, votes)
    used = [exemplar.used(30) for exemplar in exemplars]
    weights = np.zeros(3)
    for at, found in proposals(match, [image.shape for image in used], votes):
        for channel in range(3):
            total = sum(int(used[which][y, x, channel]) for which, y, x in found)
            assert made[at][channel] == int(Fraction(total, len(found)) + Fraction(1, 2))
        for which, _, _ in found:
            weights[which] += 1 / len(found)
    given = voting.shares(source, exemplars, votes)
    assert given.sum() == pytest.approx(1, abs=1e-12)
    assert given == pytest.approx(weights / (26 * 30), abs=1e-12)


def test_votes_on_any_device_are_the_same():
    exemplars = library()
    images = [exemplar.used(30) for exemplar in exemplars]
    starts = np.cumsum([0, *(image.shape[0] * image.shape[1] for image in images)])
    sizes = torch.tensor(
        [(start, *image.shape[:2]) for start, image in zip(starts, images, strict=False)]
    )
    pixels = torch.from_numpy(np.concatenate([image.reshape(-1, 3) for image in images]))
    match = torch.from_numpy(drawn(exemplars, 8))
    for votes in (0, 2):
        one = voting.vote(pixels, sizes, match, votes)
        assert torch.equal(one, voting._vote_by_copies(pixels, sizes, match, votes))


@settings(max_examples=60, deadline=None)
@given(
    own=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    side=st.integers(1, 100),
    mirrored=st.booleans(),
    seed=st.integers(0, 99),
)
def test_sources_lie_in_the_photograph_itself_and_lead_back(own, side, mirrored, seed):
    exemplars = [Exemplar(np.zeros((*own, 3), np.uint8), mirrored=mirrored)]
    match = drawn(exemplars, seed, (1, side))
    source = voting.to_sources(match, exemplars, side)
    assert (source[..., 1:] >= 0).all() and (source[..., 1:] < own).all()
    assert np.array_equal(voting.to_matches(source, exemplars), match)


def test_columns_of_a_mirrored_exemplar_are_those_of_the_photograph():
    image = np.zeros((4, 6, 3), np.uint8)
    image[..., 0] = np.arange(6) * 10
    match = np.array([[[0, 2, 0], [0, 2, 4]]], np.int32)
    exemplars = [Exemplar(image, mirrored=True, side=6)]
    source = voting.to_sources(match, exemplars, 2)
    assert source[..., 2].tolist() == [[5, 1]]
    assert voting.rederive(source, exemplars, 0)[..., 0].tolist() == [[50, 10]]


def test_pictures_do_not_depend_on_the_number_of_threads():
    exemplars = library()
    source = voting.to_sources(drawn(exemplars, 4, (80, 70)), exemplars, 80)
    former, made = torch.get_num_threads(), []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            made.append(
                (voting.rederive(source, exemplars, 2), voting.shares(source, exemplars, 2))
            )
    finally:
        torch.set_num_threads(former)
    assert np.array_equal(made[0][0], made[1][0]) and np.array_equal(made[0][1], made[1][1])
