"""PixelNet: sampled pixels equal dense prediction, and both equal the textbook hypercolumn."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from exemplar.features.pixelnet import PixelNet, PixelNetSettings, build_pixelnet


@pytest.fixture
def network():
    torch.manual_seed(0)
    net = PixelNet(3, {"a": 2, "b": 1}, PixelNetSettings(width=4, hidden=8)).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    for head in net.heads.values():
        torch.nn.init.normal_(head.weight)
    return net


@pytest.mark.parametrize("size", [(96, 96), (33, 50)])
def test_sampled_pixels_are_the_dense_ones(network, size):
    images = torch.rand(2, 3, *size)
    points = torch.randint(size[0] * size[1], (2, 40))
    dense, sampled = network(images), network.at_pixels(images, points)
    for name, value in dense.items():
        expected = value.flatten(2).gather(2, points[:, None].expand(-1, value.shape[1], -1))
        torch.testing.assert_close(sampled[name], expected, atol=1e-4, rtol=1e-4)


def test_layers_before_interpolation_equal_layers_on_the_hypercolumn(network):
    images = torch.rand(1, 3, 40, 40)
    column = torch.cat(
        [
            functional.interpolate(x, (40, 40), mode="bilinear", align_corners=False)
            for x in network.trunk_maps(images)
        ],
        1,
    )
    weight = torch.cat([layer.weight for layer in network.mix], 1)
    first = functional.conv2d(column, weight, network.mix[0].bias).relu()
    expected = network.heads["a"](network.hidden(first).relu())
    torch.testing.assert_close(network(images)["a"], expected, atol=1e-4, rtol=1e-4)


def test_maps_are_vgg_shaped(network):
    maps = network.trunk_maps(torch.rand(2, 3, 96, 96))
    assert [tuple(x.shape[1:]) for x in maps] == [
        (4, 96, 96), (8, 48, 48), (16, 24, 24), (32, 12, 12), (32, 6, 6)
    ]  # fmt: skip


def test_rebuilt_from_its_config(network):
    again = build_pixelnet(network.config)
    again.load_state_dict(network.state_dict())
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(again.eval()(images)["b"], network(images)["b"])
    with pytest.raises(ValueError, match="expected the config of a pixelnet, got 'unet'"):
        build_pixelnet({"network": "unet"})
