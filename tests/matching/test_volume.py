"""Small windows with support against nested loops, by both ways of computing them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.matching.support import Support, taps
from exemplar.matching.volume import match_volume, volume_torch
from exemplar.matching.windows import Matches
from tests.matching import naive, naive_support


def checked(found: Matches, means: np.ndarray, windows: tuple[int, ...]) -> None:
    """Scores are the best means within the windows, and those of the positions."""
    height, width = means.shape[1:3]
    for index, window in enumerate(windows):
        inside = naive.allowed(height, width, window)
        for rank, volume in enumerate(means):
            near = np.where(inside, volume.reshape(height * width, -1), -np.inf)
            np.testing.assert_allclose(
                found.score[rank, index].flatten(), near.max(1), rtol=1e-4, atol=1e-5
            )
            chosen = near[np.arange(height * width), found.position[rank, index].flatten()]
            np.testing.assert_allclose(chosen, near.max(1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("softness", [0.0, 0.3])
@settings(max_examples=15, deadline=None)
@given(
    height=st.integers(1, 6), width=st.integers(1, 6), radius=st.integers(1, 4),
    window=st.integers(1, 6), seed=st.integers(0, 2**31),
)  # fmt: skip
def test_equals_nested_loops(softness, height, width, radius, window, seed):
    rng = np.random.default_rng(seed)
    query = rng.integers(-3, 4, (height, width, 3)).astype(np.float32)
    exemplars = rng.integers(-3, 4, (2, height, width, 3)).astype(np.float32)
    guide = rng.random((height, width, 3)).astype(np.float32)
    windows = (1, min(window, height, width))
    means = np.stack([naive_support.means(query, x, radius, guide, softness) for x in exemplars])
    support = Support(radius, softness, torch.from_numpy(guide))
    arguments = (torch.from_numpy(query), torch.from_numpy(exemplars), windows)
    checked(match_volume(*arguments, support), means, windows)
    around = taps(support, (height, width), torch.device("cpu"))
    checked(volume_torch(*arguments, around), means, windows)


@pytest.mark.parametrize("softness", [0.0, 0.3])
def test_of_equal_ones_the_first_in_reading_order(softness):
    flat = torch.ones(4, 5, 2)
    support = Support(1, softness, torch.zeros(4, 5, 1))
    found = match_volume(flat, flat[None], (3,), support)
    row, column = torch.arange(4)[:, None], torch.arange(5)[None]
    first = (row - 1).clamp_min(0) * 5 + (column - 1).clamp_min(0)
    assert (found.position[0, 0] == first).all()


def test_an_edge_of_the_guide_keeps_support_on_its_side():
    # Left and right halves of the exemplar are moved by one pixel in opposite directions.
    generator = torch.Generator().manual_seed(0)
    query = torch.nn.functional.normalize(torch.randn(8, 16, 12, generator=generator), dim=-1)
    exemplar = torch.cat([query[:, :8].roll(1, 0), query[:, 8:].roll(-1, 0)], 1)
    noisy = torch.nn.functional.normalize(
        exemplar + 0.5 * torch.randn(8, 16, 12, generator=generator), dim=-1
    )
    guide = torch.zeros(8, 16, 1)
    guide[:, 8:] = 1
    wanted = torch.arange(8)[:, None] + torch.tensor([1] * 8 + [-1] * 8)
    inner = slice(2, 6)

    def right(support: Support) -> float:
        y = match_volume(query, noisy[None], (5,), support).position[0, 0] // 16
        return float((y == wanted)[inner].float().mean())

    assert right(Support(3, 0.1, guide)) > right(Support(3))
    assert right(Support(3, 0.1, guide)) == 1
