"""Augmentation: vectors turn with the places they are at; photometry keeps to its range."""

from __future__ import annotations

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.training.augment import blur, photometry, similarity, turn_normals, warp


def _sphere(size: int) -> torch.Tensor:
    """The normals of a sphere's front: a map that every rotation about the centre leaves alone."""
    line = (torch.arange(size) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(-line, line, indexing="ij")
    radius = (x**2 + y**2).clamp(max=0.95)
    return (
        torch.stack([x, y, (1 - radius).sqrt()])[None]
        / ((x**2 + y**2 + 1 - radius).sqrt()[None, None])
    )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_turned_or_mirrored_sphere_is_the_same_sphere(seed):
    generator = torch.Generator().manual_seed(seed)
    transform = similarity(1, generator, zoom=(1, 1), degrees=180, flip=True)
    sphere = _sphere(64)
    turned = turn_normals(warp(sphere, transform), transform)
    inside = slice(16, 48)  # a disc's worth that no rotation moves out of the image
    error = (turned - sphere)[..., inside, inside].abs().max()
    assert error < 0.03


def test_a_quarter_turn_by_hand():
    cos, sin = math.cos(math.pi / 2), math.sin(math.pi / 2)
    # Output (x, y) reads input (−y, x): the picture turns anticlockwise, and so do vectors.
    transform = torch.tensor([[[cos, -sin, 0.0], [sin, cos, 0.0]]])
    normals = torch.zeros(1, 3, 5, 5)
    normals[:, 0] = 1
    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 2, 4] = 1  # a spot at the right, where the vector points
    turned = turn_normals(warp(normals, transform), transform)
    spot = warp(image, transform)[0, 0]
    y, x = divmod(int(spot.argmax()), 5)
    pointing = torch.tensor([x - 2.0, 2.0 - y, 0.0]) / 2
    torch.testing.assert_close(turned[0, :, 2, 2], pointing, atol=1e-5, rtol=0)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_photometry_stays_in_range_and_strength_0_changes_nothing(seed):
    images = torch.rand(4, 3, 20, 20, generator=torch.Generator().manual_seed(seed))
    varied = photometry(images, torch.Generator().manual_seed(seed))
    assert varied.min() >= 0 and varied.max() <= 1
    assert (varied - images).abs().mean() > 0.01
    same = photometry(images.clamp(1e-3, 1), torch.Generator().manual_seed(seed), strength=0)
    torch.testing.assert_close(same, images.clamp(1e-3, 1), atol=1e-5, rtol=0)


def test_blur_keeps_constants_and_the_mean_of_an_impulse():
    torch.testing.assert_close(
        blur(torch.full((1, 2, 15, 15), 0.3), 1.5), torch.full((1, 2, 15, 15), 0.3)
    )
    impulse = torch.zeros(1, 1, 31, 31)
    impulse[..., 15, 15] = 1
    spread = blur(impulse, 2.0)[0, 0]
    x = torch.arange(31.0) - 15
    assert abs(float(spread.sum()) - 1) < 1e-5
    assert abs(float((spread.sum(0) * x**2).sum()) - 4) < 0.15  # variance σ², cut at 3 σ
