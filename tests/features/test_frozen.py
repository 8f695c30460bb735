from __future__ import annotations

import pytest
import torch
from torch import nn

from exemplar.features.frozen import FrozenBackbone, select_layers


def test_images_are_normalised_and_gradients_reach_them() -> None:
    network = nn.Conv2d(3, 2, 1, bias=False)
    backbone = FrozenBackbone(
        "one", ("only",), network, lambda x: [network(x)], mean=(0.1, 0.2, 0.3), std=(1, 2, 4)
    )
    images = torch.rand(2, 3, 5, 6, requires_grad=True)
    (level,) = backbone(images)
    prepared = torch.stack([images[:, 0] - 0.1, (images[:, 1] - 0.2) / 2, (images[:, 2] - 0.3) / 4])
    expected = torch.einsum("oi,ibhw->bohw", network.weight[:, :, 0, 0], prepared)
    torch.testing.assert_close(level, expected)
    level.sum().backward()
    assert images.grad is not None
    assert float(images.grad.abs().sum()) > 0
    assert network.weight.grad is None


def test_no_graph_is_kept_without_need() -> None:
    network = nn.Conv2d(3, 2, 1)
    backbone = FrozenBackbone("one", ("only",), network, lambda x: [network(x)])
    assert not backbone(torch.rand(1, 3, 4, 4))[0].requires_grad


def test_images_are_resized_where_asked() -> None:
    backbone = FrozenBackbone("one", ("only",), nn.Identity(), lambda x: [x], side=8)
    assert backbone(torch.rand(1, 3, 4, 6))[0].shape == (1, 3, 8, 8)


def test_images_are_magnified_where_asked() -> None:
    shapes = {
        (1.0, (4, 6)): (4, 6), (2.0, (4, 6)): (8, 12), (1.5, (3, 6)): (4, 9), (0.1, (4, 6)): (1, 1)
    }  # fmt: skip
    for (factor, size), expected in shapes.items():
        backbone = FrozenBackbone("one", ("o",), nn.Identity(), lambda x: [x], magnify=factor)
        assert backbone(torch.full((1, 3, *size), 0.5))[0].shape[2:] == expected
        torch.testing.assert_close(
            backbone(torch.full((1, 3, *size), 0.5))[0], torch.full((1, 3, *expected), 0.5)
        )


@pytest.mark.parametrize(
    "images",
    [torch.rand(3, 8, 8), torch.rand(1, 1, 8, 8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8)],
)
def test_other_images_are_refused(images: torch.Tensor) -> None:
    backbone = FrozenBackbone("one", ("only",), nn.Identity(), lambda x: [x])
    with pytest.raises(ValueError, match=r"one: expected floating point images \(B, 3, H, W\)"):
        backbone(images)


def test_layers_come_fine_to_coarse_whatever_the_order_asked() -> None:
    assert select_layers(("c", "a"), ("a", "b", "c"), "net") == ("a", "c")
    with pytest.raises(ValueError, match=r"net has no layer d; choose from a, b, c"):
        select_layers(("a", "d"), ("a", "b", "c"), "net")
    with pytest.raises(ValueError, match=r"no layer \(none named\)"):
        select_layers((), ("a",), "net")
