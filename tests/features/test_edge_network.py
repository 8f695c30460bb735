from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from exemplar.features.edge_network import EdgeNetwork


def red() -> nn.Conv2d:
    """A network whose logits are the first channel."""
    network = nn.Conv2d(3, 1, 1, bias=False)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1))
    return network


def test_images_are_normalised_and_logits_become_edges() -> None:
    images = torch.rand(2, 3, 8, 9)
    edges = EdgeNetwork("red", red(), (0.5, 0.1, 0.1), (0.25, 1, 1))(images)
    torch.testing.assert_close(edges, 1 / (1 + (-(images[:, 0] - 0.5) / 0.25).exp()))


def test_edges_are_seen_at_the_scale_asked_for_and_come_back_at_size() -> None:
    images = torch.rand(1, 3, 10, 14)
    seen = []
    network = red()
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    edges = EdgeNetwork("red", network, (0, 0, 0), (1, 1, 1), magnify=1.5)(images)
    large = functional.interpolate(images, (15, 21), mode="bicubic", antialias=True)
    torch.testing.assert_close(seen[0], large)
    small = functional.interpolate(
        large[:, :1].sigmoid(), (10, 14), mode="bilinear", antialias=True
    )
    torch.testing.assert_close(edges, small[:, 0])


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 8, 8), (1, 3, 3, 9)])
def test_other_images_are_refused(shape: tuple[int, ...]) -> None:
    detect = EdgeNetwork("red", red(), (0, 0, 0), (1, 1, 1), magnify=2)
    with pytest.raises(
        ValueError, match=r"red: expected images \(B, 3, H, W\) of 8 pixels .* magnifying 2 times"
    ):
        detect(torch.rand(shape))
