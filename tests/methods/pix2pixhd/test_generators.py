import pytest
import torch
from torch import nn

from exemplar.methods.pix2pixhd.generators import (
    Generator,
    GeneratorSettings,
    halved,
    padded,
    up,
)

TINY = GeneratorSettings(width=8, downsamplings=2, blocks=1, enhancers=2, enhancer_blocks=1)


def tiny(enhancers: int, seed: int = 0) -> Generator:
    torch.manual_seed(seed)
    generator = Generator(3, TINY.model_copy(update={"enhancers": enhancers}))
    for module in generator.modules():  # weights of 0.02 leave too little to see in a small network
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.1)
    return generator


@pytest.mark.parametrize("size", [(16, 32), (17, 30), (33, 5), (1, 1)])
@pytest.mark.parametrize("enhancers", [0, 1, 2])
def test_the_same_size_comes_out(size, enhancers) -> None:
    with torch.no_grad():
        out = tiny(enhancers)(torch.rand(2, 3, *size))
    assert out.shape == (2, 3, *size)
    assert out.abs().max() <= 1
    assert out.isfinite().all()


def test_the_published_generators_have_the_published_layers() -> None:
    with torch.device("meta"):
        generator = Generator(36, GeneratorSettings())
    outputs = [m.out_channels for m in generator.coarse.modules() if isinstance(m, nn.Conv2d)]
    assert outputs == [64, 128, 256, 512, 1024] + [1024] * 18 + [3]
    ups = [m for m in generator.coarse.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert [m.out_channels for m in ups] == [512, 256, 128, 64]
    enhancer = [m for m in generator.enhancers.modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in enhancer] == [32, 64, *[64] * 6, 3]
    # c7s1-64 on 36 channels; d: 9 weights a pair of channels; R: two of them; u; c7s1-3. + biases
    chain = [64, 128, 256, 512, 1024]
    pairs = sum(a * b for a, b in zip(chain, chain[1:], strict=False))
    weights = 49 * 36 * 64 + 9 * (2 * pairs + 18 * 1024**2) + 49 * 64 * 3
    biases = 3  # of the image; what is normalised needs none
    assert sum(p.numel() for p in generator.coarse.parameters()) == weights + biases


def test_an_enhancer_adds_its_front_to_the_coarse_maps() -> None:
    generator = tiny(1)
    x = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        enhancer = generator.enhancers[0]
        coarse = generator.coarse.maps(halved(x))
        expected = torch.tanh(enhancer.image(enhancer.back(enhancer.front(x) + coarse)))
        torch.testing.assert_close(generator(x), expected)


def test_without_enhancers_it_is_the_global_generator() -> None:
    generator, x = tiny(0), torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        alone = torch.tanh(generator.coarse.image(generator.coarse.maps(x)))
        torch.testing.assert_close(generator(x), alone)


@pytest.mark.parametrize("upsampling", ["deconvolution", "nearest"])
def test_magnification_leaves_no_checkerboard(upsampling) -> None:
    torch.manual_seed(0)
    layers = up(2, 3, upsampling)[:-2]  # but normalisation and activation
    with torch.no_grad():
        plane = layers(torch.ones(1, 2, 6, 6))[0, :, 2:-2, 2:-2]
    assert plane.shape == (3, 8, 8)
    even = (plane - plane[:, :1, :1]).abs().max() < 1e-6
    assert even == (upsampling == "nearest")
    model = Generator(3, TINY.model_copy(update={"upsampling": upsampling}))
    deconvolutions = [m for m in model.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert len(deconvolutions) == (0 if upsampling == "nearest" else 4)


def test_padding_repeats_the_border_and_leaves_what_fits() -> None:
    x = torch.arange(6.0).view(1, 1, 2, 3)
    assert padded(x, 2)[0, 0].tolist() == [[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5], [3, 4, 5, 5]]
    fits = torch.rand(1, 1, 4, 8)
    assert padded(fits, 2) is fits


def test_halving_leaves_constants_alone() -> None:
    assert (halved(torch.ones(1, 2, 6, 8)) == torch.ones(1, 2, 3, 4)).all()


def test_two_enhancers_work_from_coarse_to_fine() -> None:
    generator, x = tiny(2), torch.rand(1, 3, 32, 32)
    first, second = generator.enhancers
    with torch.no_grad():
        middle = first.maps(halved(x), generator.coarse.maps(halved(halved(x))))
        torch.testing.assert_close(generator(x), torch.tanh(second.image(second.maps(x, middle))))


def test_a_width_that_cannot_be_halved() -> None:
    with pytest.raises(ValueError, match="a multiple of 8, got 12"):
        Generator(3, GeneratorSettings(width=12, enhancers=3))
