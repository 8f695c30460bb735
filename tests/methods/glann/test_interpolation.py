"""Ways from noise to noise: a naive rotation, closed forms, and where there is no circle."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from exemplar.methods.glann import interpolation
from exemplar.methods.glann.interpolation import between, interpolated
from tests.methods.glann import untrained


def naive(first: np.ndarray, last: np.ndarray, steps: int) -> np.ndarray:
    """Turns the first direction within the plane of both, step by step."""
    a, b = first / np.linalg.norm(first), last / np.linalg.norm(last)
    across = b - (b @ a) * a
    across /= np.linalg.norm(across)
    whole = np.arccos(np.clip(a @ b, -1, 1))
    found = []
    for step in range(steps):
        t = step / (steps - 1)
        length = (1 - t) * np.linalg.norm(first) + t * np.linalg.norm(last)
        found.append(length * (np.cos(t * whole) * a + np.sin(t * whole) * across))
    return np.array(found)


@given(st.integers(2, 40), st.integers(2, 9), st.integers(0, 99))
def test_directions_turn_evenly_and_lengths_change_evenly(size: int, steps: int, seed: int) -> None:
    first, last = np.random.default_rng(seed).standard_normal((2, size))
    found = between(torch.from_numpy(first), torch.from_numpy(last), steps).numpy()
    assert np.allclose(found, naive(first, last, steps), atol=1e-6)
    assert (found[0] == first).all()
    assert (found[-1] == last).all()


def test_the_middle_is_as_long_as_noise_is() -> None:
    ends = torch.randn(2, 500, 64, generator=torch.Generator().manual_seed(0))
    middle = between(*ends, 3)[:, 1].norm(dim=1) / 8
    straight = ends.mean(0).norm(dim=1) / 8
    assert abs(float(middle.mean()) - 1) < 0.01
    assert abs(float(straight.mean()) - 0.5**0.5) < 0.01


@pytest.mark.parametrize("factor", [2.0, -0.5, 0.0])
def test_without_a_circle_the_way_is_straight(factor: float) -> None:
    first = torch.tensor([1.0, -2.0, 0.5])
    found = between(first, factor * first, 5)
    assert torch.allclose(found, torch.linspace(1, factor, 5)[:, None] * first, atol=1e-6)


def test_too_few_steps() -> None:
    with pytest.raises(ValueError, match="at least 2, both ends, got 1"):
        between(torch.ones(2), torch.ones(2), 1)


def test_examples() -> None:
    assert doctest.testmod(interpolation, extraglobs={"torch": torch}).failed == 0


def test_ways_begin_and_end_at_samples() -> None:
    sampler = untrained.sampler()
    noise = sampler.draw(6, torch.Generator().manual_seed(1))
    found = interpolated(sampler, noise[:3], noise[3:], 4)
    assert found.shape == (3, 4, 16, 16, 3)
    with torch.no_grad():
        ends = sampler.images(sampler.codes(noise))
    close = np.abs(found[:, [0, -1]].astype(int) - np.stack([ends[:3], ends[3:]], 1)).max()
    assert close <= 1  # of rounding in batches of other sizes
    assert (found[:, 1] != found[:, 0]).any(axis=(1, 2, 3)).all()
