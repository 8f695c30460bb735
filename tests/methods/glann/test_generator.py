from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from exemplar.methods.glann.generator import (
    Generator,
    GeneratorSettings,
    Residual,
    build_generator,
)
from exemplar.methods.glann.mapping import Mapping, MappingSettings, build_mapping

SMALL = GeneratorSettings(codes=6, hidden=20, width=4, widest=16)


def weights(module):
    return {name: tuple(value.shape) for name, value in module.named_parameters()}


@pytest.mark.parametrize(("side", "channels"), [(8, 1), (28, 1), (32, 3), (64, 3), (128, 3)])
def test_images_have_the_size_and_range(side, channels):
    generator = Generator(SMALL, side, channels)
    images = generator(torch.randn(3, 6))
    assert images.shape == (3, channels, side, side) and images.dtype == torch.float32
    assert images.min() >= 0 and images.max() <= 1 and images.std() > 0


def test_the_published_generator_of_28_pixels_has_the_published_layers():
    generator = Generator(GeneratorSettings(), 28, 1)
    shapes = [shape for shape in weights(generator).values() if len(shape) > 1]
    assert shapes == [(1024, 64), (128 * 7 * 7, 1024), (128, 64, 4, 4), (64, 1, 4, 4)]
    kinds = [type(layer).__name__ for layer in generator.layers]
    assert kinds.count("BatchNorm1d") == 2 and kinds.count("BatchNorm2d") == 1
    without = Generator(GeneratorSettings(batch_norm=False), 32, 3)
    assert not [layer for layer in without.modules() if "BatchNorm" in type(layer).__name__]


def test_the_resnet_of_256_pixels_has_mescheders_widths():
    generator = Generator(GeneratorSettings(codes=256), 256, 3)
    assert generator.layers[0].out_features == 512 * 16
    blocks = [layer for layer in generator.layers if isinstance(layer, Residual)]
    found = [(block.first.in_channels, block.second.out_channels) for block in blocks]
    assert found == [(512, 512)] * 3 + [(512, 256), (256, 128), (128, 64), (64, 64)]


def test_a_residual_block_is_as_written():
    block = Residual(3, 5)
    x = torch.randn(2, 3, 4, 4)
    inner = functional.conv2d(
        functional.leaky_relu(x, 0.2), block.first.weight, block.first.bias, padding=1
    )
    outer = functional.conv2d(
        functional.leaky_relu(inner, 0.2), block.second.weight, block.second.bias, padding=1
    )
    past = torch.einsum("oi,bihw->bohw", block.past.weight[:, :, 0, 0], x)
    assert torch.allclose(block(x), past + outer / 10, atol=1e-6)


def test_on_the_sphere_only_the_direction_counts():
    generator = Generator(SMALL, 8, 1).eval()
    codes = torch.randn(4, 6)
    assert torch.allclose(generator(codes), generator(7 * codes), atol=1e-6)
    free = Generator(SMALL, 8, 1, sphere=False).eval()
    assert not torch.allclose(free(codes), free(7 * codes), atol=1e-3)


def test_the_length_is_a_constant_to_the_gradient():
    generator = Generator(SMALL, 8, 1).eval()
    codes = functional.normalize(torch.randn(2, 6), dim=1).requires_grad_()
    free = codes.detach().clone().requires_grad_()
    generator(codes).sum().backward()
    torch.sigmoid(generator.layers(free)).sum().backward()
    assert torch.allclose(codes.grad, free.grad, atol=1e-6)


@pytest.mark.parametrize("upsampling", ["deconvolution", "nearest"])
def test_networks_are_rebuilt_from_their_configs(upsampling):
    settings = SMALL.model_copy(update={"upsampling": upsampling})
    generator = Generator(settings, 12, 1, sphere=False).eval()
    again = build_generator(generator.config)
    again.load_state_dict(generator.state_dict())
    codes = torch.randn(2, 6)
    assert torch.equal(again.eval()(codes), generator(codes))
    mapping = Mapping(MappingSettings(noise=5, hidden=7), 6).eval()
    twin = build_mapping(mapping.config)
    twin.load_state_dict(mapping.state_dict())
    assert torch.equal(twin.eval()(torch.ones(2, 5)), mapping(torch.ones(2, 5)))


@pytest.mark.parametrize(("side", "channels"), [(30, 1), (96, 3), (4, 1), (28, 2), (200, 3)])
def test_sizes_that_there_is_no_generator_for(side, channels):
    with pytest.raises(ValueError, match=f"got {side} pixels and {channels} channels"):
        Generator(SMALL, side, channels)


def test_configs_of_something_else():
    with pytest.raises(ValueError, match="expected the config of a generator, got 'unet'"):
        build_generator({"network": "unet"})
    with pytest.raises(ValueError, match="expected the config of a mapping, got None"):
        build_mapping({})


def test_weights_begin_as_xaviers_with_gain_root_two():
    torch.manual_seed(0)
    layer = Generator(GeneratorSettings(), 28, 1).layers[0]
    bound = math.sqrt(2) * math.sqrt(6 / (64 + 1024))
    assert isinstance(layer, nn.Linear)
    assert bound * 0.99 < layer.weight.abs().max() <= bound


def test_the_mapping_has_the_published_layers_and_begins_at_unit_length():
    torch.manual_seed(0)
    mapping = Mapping(MappingSettings(), 64)
    shapes = weights(mapping)
    assert [shape for shape in shapes.values() if len(shape) > 1] == [
        (128, 32),
        (128, 128),
        (64, 128),
    ]
    assert not [name for name in shapes if name.startswith("layers.0.bias")]
    length = mapping(torch.randn(4096, 32)).square().sum(1).mean()
    assert 0.8 < length < 1.2
