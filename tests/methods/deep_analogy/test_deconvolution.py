from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from exemplar.features.pyramid import Pyramid
from exemplar.methods.deep_analogy.deconvolution import deconvolve


def linear() -> Pyramid:
    """Three levels whose steps are linear: colours mixed twice, then means of 2×2 cells."""
    torch.manual_seed(0)
    first, second = (nn.Conv2d(3, 3, 1, bias=False) for _ in range(2))
    for layer in (first, second):
        nn.init.orthogonal_(layer.weight)
    steps = [first, second, lambda x: functional.avg_pool2d(x, 2)]
    return Pyramid("linear", ("a", "b", "c"), nn.ModuleList([first, second]), steps, 2)


def rectified() -> Pyramid:
    """Three levels as a network has them."""
    torch.manual_seed(1)
    layers = nn.ModuleList(nn.Conv2d(c, c + 5, 3, padding=1) for c in (3, 8, 13))
    steps = [lambda x, i=i: functional.max_pool2d(layers[i](x).relu(), i + 1) for i in range(3)]
    return Pyramid("rectified", ("a", "b", "c"), layers, steps, 2)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [1e-3, 1.0, 300.0])
def test_an_invertible_part_is_inverted_whatever_the_scale(size: float) -> None:
    pyramid, wanted = linear(), drawn(1, 3, 6, 7) * size
    target = pyramid.between(wanted, 0, 2)
    found = deconvolve(target, pyramid, 0, 2, drawn(1, 3, 6, 7, seed=5) * size)
    torch.testing.assert_close(found, wanted, atol=3e-3 * size, rtol=0)


def test_what_the_target_leaves_open_stays_as_at_the_start() -> None:
    """Gradients of a mean move its four cells alike: of all answers the nearest is found."""
    pyramid, start, target = linear(), drawn(1, 3, 6, 8), drawn(1, 3, 3, 4, seed=2)
    short = target - functional.avg_pool2d(start, 2)
    expected = start + short.repeat_interleave(2, 2).repeat_interleave(2, 3)
    found = deconvolve(target, pyramid, 2, 3, start)
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)


def test_more_iterations_come_nearer_and_none_is_worse_than_the_start() -> None:
    pyramid = rectified()
    with torch.no_grad():
        target = pyramid.between(torch.rand(1, 3, 12, 12), 0, 3)
    start = torch.rand(1, 8, 12, 12)
    left = []
    for iterations in (1, 5, 40):
        found = deconvolve(target, pyramid, 1, 3, start, iterations)
        left.append(float((pyramid.between(found, 1, 3) - target).square().sum()))
    assert left[0] < float((pyramid.between(start, 1, 3) - target).square().sum())
    assert left[2] < 0.2 * left[1] < 0.2 * left[0]
    assert torch.equal(deconvolve(target, pyramid, 1, 3, start, 40), found)
    assert not found.requires_grad


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_gradients_are_taken_where_none_are_kept(mode: type) -> None:
    pyramid, wanted = linear(), drawn(1, 3, 4, 4)
    with mode():
        target = pyramid.between(wanted, 1, 2)
        found = deconvolve(target, pyramid, 1, 2, torch.zeros(1, 3, 4, 4))
    torch.testing.assert_close(found, wanted, atol=2e-3, rtol=0)


def test_maps_that_lie_pixel_by_pixel_in_memory() -> None:
    pyramid, start = rectified(), torch.rand(1, 8, 12, 10)
    with torch.no_grad():
        target = pyramid.between(torch.rand(1, 8, 12, 10), 1, 3)
    expected = deconvolve(target, pyramid, 1, 3, start, 5)
    turned = start.contiguous(memory_format=torch.channels_last)
    aside = target.contiguous(memory_format=torch.channels_last)
    found = deconvolve(aside, pyramid, 1, 3, turned, 5)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


def test_a_map_without_activation() -> None:
    """Of an image of one colour all features of a level may be zero."""
    pyramid = rectified()
    nothing = torch.zeros(1, 13, 6, 6)
    start = torch.zeros(1, 8, 12, 12)
    found = deconvolve(nothing, pyramid, 1, 2, start)
    assert torch.isfinite(found).all()
    before = pyramid.between(start, 1, 2).square().sum()
    assert pyramid.between(found, 1, 2).square().sum() <= before


def test_a_start_of_another_size_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"start of level 2 for a target \(1, 3, 3, 4\) of level 3, got \(1, 3, 8, 8\), of "
        r"which the network makes \(1, 3, 4, 4\)",
    ):
        deconvolve(drawn(1, 3, 3, 4), linear(), 2, 3, drawn(1, 3, 8, 8))
