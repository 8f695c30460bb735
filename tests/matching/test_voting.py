"""Overlapping copies and whose pixels they are, against loops over pixels and neighbours."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.matching.voting import NO_SOURCE, _vote_by_copies, copies, credits, vote


def voters(source: np.ndarray, votes: int, y: int, x: int) -> list[tuple[int, int, int]]:
    """The exemplar, row and column of each copy that a pixel is the mean of."""
    height, width, _ = source.shape
    found = []
    for v in range(max(0, y - votes), min(height, y + votes + 1)):
        for u in range(max(0, x - votes), min(width, x + votes + 1)):
            row, at_y, at_x = source[v, u]
            at_y, at_x = at_y + y - v, at_x + x - u
            if row != NO_SOURCE and 0 <= at_y < height and 0 <= at_x < width:
                found.append((int(row), int(at_y), int(at_x)))
    return found


def sources(height: int, width: int, seed: int, lowest: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.integers(lowest, 4, (height, width))
    places = rng.integers(0, (height, width), (height, width, 2))
    return np.concatenate([rows[..., None], places], -1).astype(np.int32)


CASES = {
    "height": st.integers(1, 6), "width": st.integers(1, 6),
    "votes": st.integers(0, 3), "seed": st.integers(0, 2**31),
}  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(**CASES)
def test_copies_are_those_of_the_neighbours_moved_along(height, width, votes, seed):
    source = sources(height, width, seed, lowest=NO_SOURCE)
    found = defaultdict(list)
    for moved, inside in copies(torch.from_numpy(source)[None], votes):
        for y, x in np.argwhere(inside[0].numpy()):
            found[y, x].append(tuple(moved[0, y, x].tolist()))
    for y, x in np.ndindex(height, width):
        assert sorted(found[y, x]) == sorted(voters(source, votes, y, x))


@settings(max_examples=40, deadline=None)
@given(**CASES)
def test_credits_add_up_to_all_pixels(height, width, votes, seed):
    source = sources(height, width, seed, lowest=NO_SOURCE)
    expected = defaultdict(float)
    for y, x in np.ndindex(height, width):
        named = voters(source, votes, y, x)
        for row, _, _ in named:
            expected[row] += 1 / len(named)
        if not named:
            expected[NO_SOURCE] += 1
    rows, given_pixels = credits(torch.from_numpy(source), votes)
    assert rows.tolist() == sorted(expected)
    np.testing.assert_allclose(given_pixels, [expected[row] for row in sorted(expected)])
    assert float(given_pixels.sum()) == pytest.approx(height * width)


def test_what_is_copied_whole_is_its_own_source_everywhere():
    y, x = np.indices((5, 6))
    source = np.stack([np.full_like(y, 7), y, x], -1)
    for moved, inside in copies(torch.from_numpy(source), 2):
        assert (moved.numpy()[inside.numpy()] == source[inside.numpy()]).all()
    rows, pixels = credits(torch.from_numpy(source), 2)
    assert (rows.tolist(), pixels.tolist()) == ([7], pytest.approx([30]))


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(1, 6), width=st.integers(1, 6), rows=st.integers(1, 6),
    columns=st.integers(1, 6), votes=st.integers(0, 3), seed=st.integers(0, 2**31),
)  # fmt: skip
def test_a_vote_is_the_mean_of_the_copies_there_are(height, width, rows, columns, votes, seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 9, (rows, columns, 2)).astype(np.float32)
    y, x = rng.integers(0, rows, (height, width)), rng.integers(0, columns, (height, width))
    expected = np.empty((height, width, 2), np.float32)
    for row in range(height):
        for column in range(width):
            found = []
            for down in range(-votes, votes + 1):
                for right in range(-votes, votes + 1):
                    if 0 <= row + down < height and 0 <= column + right < width:
                        place = (
                            y[row + down, column + right] - down,
                            x[row + down, column + right] - right,
                        )
                        if 0 <= place[0] < rows and 0 <= place[1] < columns:
                            found.append(values[place])
            expected[row, column] = np.mean(found, axis=0)
    given_places = torch.from_numpy(y).int(), torch.from_numpy(x).int()
    for way in (vote, _vote_by_copies):
        made = way(torch.from_numpy(values), *given_places, votes)
        np.testing.assert_allclose(made, expected, rtol=1e-6)
