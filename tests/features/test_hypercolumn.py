from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.features.hypercolumn import (
    hypercolumn,
    hypercolumn_at,
    layer_energy,
    layer_scales,
)


def maps(generator: torch.Generator, size: tuple[int, int] = (12, 10)) -> list[torch.Tensor]:
    height, width = size
    return [
        torch.randn(2, 3, height, width, generator=generator),
        torch.randn(2, 5, height // 2, width // 2, generator=generator),
        torch.randn(2, 4, 3, 2, generator=generator),
    ]


def read_between(level: torch.Tensor, size: tuple[int, int], y: int, x: int) -> list[float]:
    """Bilinear interpolation by hand: cell centres at half-integers, clamped at the border."""
    (h, w), (height, width) = level.shape[-2:], size
    v = min(max((y + 0.5) * h / height - 0.5, 0), h - 1)
    u = min(max((x + 0.5) * w / width - 0.5, 0), w - 1)
    top, left = math.floor(v), math.floor(u)
    bottom, right = min(top + 1, h - 1), min(left + 1, w - 1)
    a, b = v - top, u - left
    return [
        float(
            (1 - a) * ((1 - b) * c[top, left] + b * c[top, right])
            + a * ((1 - b) * c[bottom, left] + b * c[bottom, right])
        )
        for c in level
    ]


def test_equals_interpolation_by_hand() -> None:
    levels = maps(torch.Generator().manual_seed(0))
    scales = torch.tensor([1.0, 0.5, 2.0])
    column = hypercolumn(levels, (12, 10), scales)
    assert column.shape == (2, 12, 12, 10)
    for image, y, x in [(0, 0, 0), (1, 11, 9), (0, 5, 3), (1, 7, 0)]:
        expected = [
            float(scale) * value
            for level, scale in zip(levels, scales, strict=True)
            for value in read_between(level[image], (12, 10), y, x)
        ]
        assert column[image, :, y, x].tolist() == pytest.approx(expected, abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(4, 20), st.integers(4, 20), st.integers(0, 2**20))
def test_points_read_what_the_whole_has(height: int, width: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    levels = maps(generator, (height, width))
    points = torch.randint(height * width, (2, 9), generator=generator)
    scales = torch.rand(3, generator=generator)
    whole = hypercolumn(levels, (height, width), scales).flatten(2)
    picked = whole.gather(2, points[:, None].expand(-1, whole.shape[1], -1))
    read = hypercolumn_at(levels, (height, width), points, scales)
    torch.testing.assert_close(read, picked, atol=2e-5, rtol=0)


def test_scales_give_layers_equal_energy() -> None:
    levels = [x * factor for x, factor in zip(maps(torch.Generator()), (1, 30, 0.01), strict=True)]
    scales = layer_scales(levels)
    scaled = [x * scale for x, scale in zip(levels, scales, strict=True)]
    assert layer_energy(scaled).tolist() == pytest.approx([1 / 3] * 3, rel=1e-5)


def test_a_dead_layer_gets_no_weight() -> None:
    levels = [torch.ones(1, 2, 4, 4), torch.zeros(1, 2, 2, 2)]
    assert layer_scales(levels).tolist() == pytest.approx([0.5, 0])


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match=r"one batch, got shapes \[\(1, 2, 4, 4\), \(2, 2, 2, 2\)"):
        hypercolumn([torch.ones(1, 2, 4, 4), torch.ones(2, 2, 2, 2)], (4, 4))
    with pytest.raises(ValueError, match=r"a scale for each of 1 layers, got shape \(2,\)"):
        hypercolumn([torch.ones(1, 2, 4, 4)], (4, 4), torch.ones(2))
