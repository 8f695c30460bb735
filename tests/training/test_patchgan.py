"""PatchGANs: their patches, their layers against matrix products, and their scales."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from exemplar.training.patchgan import MultiScale, PatchGAN, receptive_field


@pytest.mark.parametrize(("layers", "side"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_a_logit_sees_its_patch_and_nothing_else(layers, side):
    assert receptive_field(layers) == side
    torch.manual_seed(0)
    judge = PatchGAN(1, 2, layers, "batch").eval()  # with fixed statistics, which are not local
    x = torch.randn(1, 1, 200, 200, requires_grad=True)
    logits = judge(x)[-1]
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    for seen in (x.grad[0, 0].abs().sum(0), x.grad[0, 0].abs().sum(1)):
        places = torch.nonzero(seen)
        assert int(places.max() - places.min()) + 1 == side


def test_the_published_sizes():
    judge = PatchGAN(6)
    maps = judge(torch.zeros(1, 6, 256, 256))
    found = [tuple(x.shape[1:]) for x in maps]
    assert found == [(64, 128, 128), (128, 64, 64), (256, 32, 32), (512, 31, 31), (1, 30, 30)]
    assert sum(p.numel() for p in judge.parameters()) == 2_768_705  # as the authors' code prints
    widths = [x.shape[1] for x in PatchGAN(1, 2, 6)(torch.zeros(2, 1, 256, 256))]
    assert widths == [2, 4, 8, 16, 16, 16, 16, 1]


@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize("padding", [1, 2])
def test_layers_are_products_with_patches(norm, padding):
    torch.manual_seed(1)
    judge = PatchGAN(2, 3, 2, norm, padding)
    for parameter in judge.parameters():
        torch.nn.init.normal_(parameter, 0.1, 0.5)
    x = torch.randn(2, 2, 24, 20)
    found = judge(x)
    for level, block in enumerate(judge.blocks):
        conv = block if level == 3 else block[0]
        patches = functional.unfold(x, 4, padding=padding, stride=2 if level < 2 else 1)
        y = conv.weight.flatten(1) @ patches
        if conv.bias is not None:
            y = y + conv.bias[:, None]
        if level in (1, 2):
            over = (0, 2) if norm == "batch" else (2,)
            mean, var = y.mean(over, keepdim=True), y.var(over, unbiased=False, keepdim=True)
            y = (y - mean) / (var + 1e-5).sqrt()
            if norm == "batch":
                y = y * block[1].weight[:, None] + block[1].bias[:, None]
        if level < 3:
            y = torch.maximum(y, 0.2 * y)
        torch.testing.assert_close(found[level].flatten(2), y, rtol=1e-3, atol=1e-4)
        x = found[level]
    assert len(found) == 4


def test_scales_halve_the_image_and_the_finest_comes_first():
    torch.manual_seed(0)
    judges = MultiScale(3, 2, 2, 1)
    x = torch.randn(1, 2, 33, 30)
    found = judges(x)
    values = x.numpy()
    for level in range(3):
        alone = judges.scales[level](torch.from_numpy(values))
        for mine, expected in zip(found[level], alone, strict=True):
            torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-5)
        height, width = (-(-side // 2) for side in values.shape[2:])
        smaller = np.zeros((1, 2, height, width), np.float32)
        for i in range(height):
            for j in range(width):
                rows = slice(max(0, 2 * i - 1), 2 * i + 2)
                columns = slice(max(0, 2 * j - 1), 2 * j + 2)
                smaller[..., i, j] = values[..., rows, columns].mean((2, 3))
        values = smaller
    assert found[0][0].shape[2] > found[1][0].shape[2] > found[2][0].shape[2]
    weights = [judge.blocks[0][0].weight for judge in judges.scales]
    assert not torch.equal(weights[0], weights[1])


def test_initial_weights_are_the_published_ones():
    torch.manual_seed(0)
    judge = PatchGAN(3, 64, 3)
    weight, norm = judge.blocks[2][0].weight, judge.blocks[3][1]
    assert weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert norm.weight.mean().item() == pytest.approx(1, abs=0.01)
    assert norm.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert norm.bias.abs().max() == 0 and judge.blocks[0][0].bias.abs().max() == 0


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_the_smallest_image_is_judged_and_smaller_ones_are_refused(norm):
    judge = PatchGAN(1, 2, 3, norm)
    judged = []
    for side in range(1, 48):
        x = torch.randn(2, 1, side, side)
        try:
            logits = judge(x)[-1]
        except ValueError as error:
            assert f"an image of {side}×{side} is too small for a discriminator of 3" in str(error)
        else:
            assert min(logits.shape[2:]) > 0
            judged.append(side)
    assert judged == list(range(24, 48))


@pytest.mark.parametrize(
    ("norm", "batch", "layers", "works"),
    [
        ("instance", 2, 2, False),
        ("instance", 2, 1, True),
        ("batch", 1, 2, False),
        ("batch", 2, 2, True),
    ],
)
def test_a_single_value_is_not_normalised(norm, batch, layers, works):
    """With a padding of 2 a pixel's second map is a pixel; with one layer it is 2×2."""
    pixel = torch.randn(batch, 1, 1, 1)
    judge = PatchGAN(1, 2, layers, norm, padding=2)
    if works:
        assert judge(pixel)[-1].shape[2:] == (3, 3)
    else:
        with pytest.raises(ValueError, match="an image of 1×1 is too small"):
            judge(pixel)


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="layers ≥ 1"):
        PatchGAN(3, layers=0)
    with pytest.raises(ValueError, match="norm batch or instance; got 3, 'group'"):
        PatchGAN(3, norm="group")
    with pytest.raises(ValueError, match="at least one scale, got 0"):
        MultiScale(0, 3)
