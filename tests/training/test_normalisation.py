"""Gradients of instance normalisation are those of its formula, however tensors lie in memory."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from exemplar.training.normalisation import InstanceNorm

LAYOUTS = (torch.contiguous_format, torch.channels_last)


def formula(x):
    x = x.double()
    variance, mean = torch.var_mean(x, (2, 3), unbiased=False, keepdim=True)
    return (x - mean) / (variance + 1e-5).sqrt()


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("of_gradient", LAYOUTS)
def test_it_is_the_formula_forward_and_backward(count, layout, of_gradient):
    torch.manual_seed(0)
    x, gradient = torch.randn(count, 4, 6, 5), torch.randn(count, 4, 6, 5)
    wanted = x.clone().requires_grad_(True)
    expected = formula(wanted)
    expected.backward(gradient.double())
    ours = x.clone().contiguous(memory_format=layout).requires_grad_(True)
    found = InstanceNorm(4)(ours)
    found.backward(gradient.contiguous(memory_format=of_gradient))
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(ours.grad, wanted.grad, rtol=1e-4, atol=1e-5)


def test_two_images_one_by_one_learn_what_they_do_together():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), InstanceNorm(4, affine=True), nn.ReLU(), nn.Conv2d(4, 2, 3)
    ).to(memory_format=torch.channels_last)
    x, gradient = torch.randn(2, 3, 8, 8), torch.randn(2, 2, 6, 6)
    network(x).backward(gradient)
    together = [p.grad.clone() for p in network.parameters()]
    network.zero_grad()
    for number in range(2):
        network(x[[number]]).backward(gradient[[number]])
    alone = [p.grad for p in network.parameters()]
    for ours, theirs in zip(alone, together, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_its_weights_have_torch_s_names():
    assert list(InstanceNorm(2, affine=True).state_dict()) == list(
        nn.InstanceNorm2d(2, affine=True).state_dict()
    )
