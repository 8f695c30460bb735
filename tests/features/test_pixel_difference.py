from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from exemplar.features.pixel_difference import Kind, difference_kernel

CLOCKWISE = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]


def by_definition(image: torch.Tensor, weight: torch.Tensor, kind: Kind) -> torch.Tensor:
    """Sums of weighted differences, pixel by pixel; image (H, W), weight (3, 3)."""
    height, width = image.shape

    def pixel(y: int, x: int) -> float:
        return float(image[y, x]) if 0 <= y < height and 0 <= x < width else 0.0

    out = torch.zeros(height, width)
    for y in range(height):
        for x in range(width):
            total = 0.0
            for index, (dy, dx) in enumerate(CLOCKWISE):
                here = pixel(y + dy, x + dx)
                if kind == "cd":
                    total += float(weight[1 + dy, 1 + dx]) * (here - pixel(y, x))
                elif kind == "ad":
                    ny, nx = CLOCKWISE[(index + 1) % 8]
                    total += float(weight[1 + dy, 1 + dx]) * (here - pixel(y + ny, x + nx))
                elif kind == "rd":
                    # The eight last weights in reading order, the ring's directions likewise.
                    rank = sorted(CLOCKWISE).index((dy, dx)) + 1
                    far = pixel(y + 2 * dy, x + 2 * dx)
                    total += float(weight.flatten()[rank]) * (far - here)
            out[y, x] = total
    return out


@pytest.mark.parametrize("kind", ["cd", "ad", "rd"])
def test_equals_the_definition(kind: Kind) -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(6, 7, generator=generator)
    weight = torch.randn(3, 3, generator=generator)
    kernel = difference_kernel(weight[None, None], kind)
    got = functional.conv2d(image[None, None], kernel, padding=kernel.shape[-1] // 2)[0, 0]
    torch.testing.assert_close(got, by_definition(image, weight, kind), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["cd", "ad", "rd"])
def test_flat_ground_has_no_differences(kind: Kind) -> None:
    weight = torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(1))
    before = weight.clone()
    kernel = difference_kernel(weight, kind)
    torch.testing.assert_close(kernel.sum((2, 3)), torch.zeros(4, 2), atol=1e-5, rtol=0)
    assert torch.equal(weight, before)


def test_plain_convolutions_stay() -> None:
    weight = torch.randn(2, 2, 3, 3)
    assert torch.equal(difference_kernel(weight, "cv"), weight)
