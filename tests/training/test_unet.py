"""The U-Net: any size, its published form, and dropout that is noise and nothing else."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, nn
from torch.nn import functional

from exemplar.training.unet import UNet, UNetSettings, build_unet, levels_of, padded_to


def _network(channels=2, seed=0, **changes):
    torch.manual_seed(seed)
    network = UNet(channels, UNetSettings(**({"width": 3, "levels": 4} | changes)))
    for parameter in network.parameters():  # initial weights of 0.02 would hide mistakes
        nn.init.normal_(parameter, 0.0, 0.3)
    return network


@settings(max_examples=25)
@given(
    st.integers(1, 40), st.integers(1, 40), st.sampled_from(["deconvolution", "nearest"]),
    st.integers(1, 3),
)  # fmt: skip
def test_an_image_of_any_size_has_its_condition_s(height, width, upsampling, count):
    network = _network(upsampling=upsampling)
    out = network(torch.rand(2, 2, height, width), Generator().manual_seed(0), count)
    assert out.shape == (2, count, 3, height, width)
    assert out.abs().max() <= 1


@given(st.integers(1, 50), st.integers(1, 50), st.sampled_from([1, 4, 16]))
def test_padding_repeats_the_border_around_the_image(height, width, multiple):
    x = torch.rand(1, 1, height, width)
    padded, (top, left) = padded_to(x, multiple)
    assert padded.shape[2] % multiple == padded.shape[3] % multiple == 0
    assert padded.shape[2] < height + multiple and padded.shape[3] < width + multiple
    rows = (torch.arange(padded.shape[2]) - top).clamp(0, height - 1)
    columns = (torch.arange(padded.shape[3]) - left).clamp(0, width - 1)
    assert torch.equal(padded[0, 0], x[0, 0][rows][:, columns])


def test_padding_changes_nothing_else():
    """The image in the middle of a padded one is that of the condition padded by hand."""
    network = _network()
    x = torch.rand(1, 2, 21, 30)
    by_hand = functional.pad(x, [1, 1, 5, 6], mode="replicate")
    torch.testing.assert_close(network(x, None), network(by_hand, None)[..., 5:26, 1:31])


def _as_published(network, x):
    """The network layer by layer, as the paper lists them: concatenation, and batch norm."""
    maps = []
    y = 2 * x - 1
    for level, layer in enumerate(network.down):
        y = functional.leaky_relu(y, 0.2) if level else y
        y = functional.conv2d(y, layer.weight, layer.bias, stride=2, padding=1)
        if 0 < level < network.levels - 1:
            norm = network.down_norm[level - 1]
            y = functional.batch_norm(y, None, None, norm.weight, norm.bias, training=True)
        maps.append(y)
    for level in reversed(range(network.levels)):
        weight, bias = network.up[level].weight, network.up[level].bias
        if level < network.levels - 1:
            y = torch.cat([y, maps[level]], 1)
            weight = torch.cat([weight, network.skip[level].weight], 0)
        y = functional.conv_transpose2d(functional.relu(y), weight, bias, stride=2, padding=1)
        if level:
            norm = network.up_norm[level - 1]
            y = functional.batch_norm(y, None, None, norm.weight, norm.bias, training=True)
    return torch.tanh(y)


def test_one_image_is_the_published_network_s():
    network = _network(3)
    x = torch.rand(1, 3, 32, 48)
    torch.testing.assert_close(network(x, None)[:, 0], _as_published(network, x))


def test_the_published_size():
    network = UNet(3, UNetSettings(levels=levels_of((256, 256))))
    weights = sum(p.numel() for name, p in network.named_parameters() if p.ndim == 4)
    widths = [3, 64, 128, 256, 512, 512, 512, 512, 512]
    pairs = list(zip(widths, widths[1:], strict=False))
    down = sum(16 * a * b for a, b in pairs)
    up = sum(16 * a * b * (1 if level == 7 else 2) for level, (a, b) in enumerate(pairs))
    assert network.levels == 8
    assert weights == down + up
    everything = sum(p.numel() for p in network.parameters())
    assert round(everything / 1e6, 2) == 54.41  # as the authors' code prints


@pytest.mark.parametrize(("side", "levels"), [(256, 8), (96, 7), (128, 7), (2, 2), (512, 9)])
def test_levels_reduce_an_image_to_a_pixel(side, levels):
    assert levels_of((side, side)) == levels == levels_of((side, 3 * side))


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_dropout_is_alive_at_test_too(mode):
    network = getattr(_network(), mode)()
    x = torch.rand(2, 2, 16, 16)
    images = network(x, Generator().manual_seed(1), 4)
    differences = (images[:, :, None] - images[:, None]).abs().amax((3, 4, 5))
    off_diagonal = differences + torch.eye(4)
    assert off_diagonal.min() > 1e-3
    assert (images[0] - images[1]).abs().min(0).values.max() > 1e-3
    again = network(x, Generator().manual_seed(1), 4)
    assert torch.equal(again, images)
    still = network(x, None, 2)
    assert torch.equal(still[:, 0], still[:, 1])


def test_noise_drops_half_and_keeps_the_mean(monkeypatch):
    seen = []
    relu = functional.relu

    def watching(x, *given, **named):
        seen.append(x)
        return relu(x, *given, **named)

    network = _network(levels=3, noisy=1, width=8)
    x = torch.rand(1, 2, 64, 64)
    monkeypatch.setattr(functional, "relu", watching)
    network(x, None)
    plain = seen[1]  # what the second level from below reads
    seen.clear()
    network(x, Generator().manual_seed(0), 200)
    noisy = next(x for x in seen if len(x) == 200)
    dropped = noisy == 0
    assert dropped.float().mean().item() == pytest.approx(0.5, abs=0.01)
    kept = (2 * plain).expand_as(noisy)[~dropped]
    torch.testing.assert_close(noisy[~dropped], kept)


@pytest.mark.parametrize(("levels", "noisy", "expected"), [(5, 3, 3), (5, 0, 0), (3, 9, 2)])
def test_only_the_coarsest_levels_of_the_decoder_are_noisy(monkeypatch, levels, noisy, expected):
    from exemplar.training import unet

    sides = []
    dropped = unet._dropped
    monkeypatch.setattr(unet, "_dropped", lambda x, n: sides.append(x.shape[-1]) or dropped(x, n))
    network = _network(levels=levels, noisy=noisy)
    out = network(torch.rand(1, 2, 64, 64), Generator().manual_seed(0), 2)
    assert sides == [64 // 2 ** (levels - 1 - place) for place in range(expected)]
    assert torch.equal(out[:, 0], out[:, 1]) == (expected == 0)


def test_an_image_does_not_depend_on_its_neighbours():
    network = _network().train()
    x = torch.rand(5, 2, 16, 16)
    together = network(x, None)
    for place in range(5):
        torch.testing.assert_close(network(x[place : place + 1], None)[0], together[place])


def test_it_is_rebuilt_from_its_config():
    network = _network(4, upsampling="nearest", noisy=1)
    rebuilt = build_unet(network.config)
    rebuilt.load_state_dict(network.state_dict())
    x = torch.rand(1, 4, 16, 16)
    assert torch.equal(rebuilt(x, None), network(x, None))
    with pytest.raises(ValueError, match="expected the config of a unet, got 'pixelnet'"):
        build_unet({"network": "pixelnet"})
    with pytest.raises(ValueError, match="expected a number of levels"):
        UNet(1, UNetSettings())
