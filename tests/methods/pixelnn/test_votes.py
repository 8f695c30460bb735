"""Overlapping copies and whose pixels they are, against loops over pixels and neighbours."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.methods.pixelnn.votes import NO_SOURCE, copies, credits


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
