from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from torch import Tensor
from torch.nn import functional

from exemplar.features import efficientnet_lite2
from exemplar.features.efficientnet_lite2 import (
    STRIDES,
    WEIGHTS,
    EfficientNetSettings,
    PooledEfficientNet,
    load_efficientnet,
)
from exemplar.features.frozen import FrozenBackbone
from exemplar.store.weights import WeightsError

# Kernel and stride of each block; those of one stride whose channels stay the same add their input.
BLOCKS = (
    (3, 1), (3, 2), (3, 1), (3, 1), (5, 2), (5, 1), (5, 1), (3, 2), (3, 1), (3, 1), (3, 1),
    (5, 1), (5, 1), (5, 1), (5, 1), (5, 2), (5, 1), (5, 1), (5, 1), (5, 1), (3, 1),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """The package's own tensors."""
    return torch.load(WEIGHTS.path(), map_location="cpu", weights_only=True)


def network(**settings: object) -> FrozenBackbone:
    return load_efficientnet(EfficientNetSettings.model_validate(settings))


def plain(state: dict[str, Tensor], images: Tensor) -> Iterator[tuple[str, Tensor]]:
    """The forward pass after TensorFlow's definition, with the package's own names."""

    def normed(x: Tensor, name: str) -> Tensor:
        mean, variance, gain, bias = (
            state[f"{name}.{part}"][:, None, None]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) * gain / (variance + 1e-3).sqrt() + bias

    def same(x: Tensor, name: str, stride: int, groups: int = 1) -> Tensor:
        kernels = state[f"{name}.weight"]
        before, after = [], []
        for side, reach in zip(x.shape[-2:], kernels.shape[-2:], strict=True):
            lacking = max((-(-side // stride) - 1) * stride + reach - side, 0)
            before.append(lacking // 2)
            after.append(lacking - lacking // 2)
        x = functional.pad(x, (before[1], after[1], before[0], after[0]))
        return functional.conv2d(x, kernels, stride=stride, groups=groups)

    def clipped(x: Tensor) -> Tensor:
        return x.clamp(0, 6)

    x = clipped(normed(same((images * 255 - 127) / 128, "_conv_stem", 2), "_bn0"))
    for number, (size, stride) in enumerate(BLOCKS):
        name, wide = f"_blocks.{number}", x
        if f"{name}._expand_conv.weight" in state:
            wide = clipped(normed(same(x, f"{name}._expand_conv", 1), f"{name}._bn0"))
            yield f"block{number}_expanded", wide
        assert state[f"{name}._depthwise_conv.weight"].shape[2:] == (size, size)
        depthwise = same(wide, f"{name}._depthwise_conv", stride, wide.shape[1])
        narrow = same(clipped(normed(depthwise, f"{name}._bn1")), f"{name}._project_conv", 1)
        narrow = normed(narrow, f"{name}._bn2")
        x = x + narrow if stride == 1 and x.shape == narrow.shape else narrow
        yield f"block{number}", x
    x = clipped(normed(same(x, "_conv_head", 1), "_bn1"))
    yield "head", x
    yield "logits", x.mean((2, 3)) @ state["_fc.weight"].T + state["_fc.bias"]


@pytest.mark.parametrize("size", [(64, 64), (75, 53)])
def test_every_layer_equals_a_plain_forward(state: dict[str, Tensor], size) -> None:
    torch.manual_seed(0)
    images = torch.rand(2, 3, *size)
    with torch.no_grad():
        expected = dict(plain(state, images))
        backbone = network(layers=[name for name in expected if name != "logits"])
        assert backbone.layers == (*expected,)[:-1]
        for name, got in zip(backbone.layers, backbone(images), strict=True):
            torch.testing.assert_close(got, expected[name], atol=2e-4, rtol=1e-4, msg=name)


def test_the_default_layers_are_the_last_of_each_stride() -> None:
    """Of every block the next has another stride, or there is none."""
    blocks = [f"block{number}" for number in range(21)]
    maps = network(layers=blocks)(torch.rand(1, 3, 97, 70))
    strides = {
        name: stride
        for name, found in zip(blocks, maps, strict=True)
        for stride in STRIDES.values()
        if found.shape[2:] == (-(-97 // stride), -(-70 // stride))
    }
    assert {stride: name for name, stride in strides.items()} == {
        stride: name for name, stride in STRIDES.items()
    }
    assert EfficientNetSettings().layers == tuple(STRIDES)
    widths = {name: found.shape[1] for name, found in zip(blocks, maps, strict=True)}
    assert [widths[name] for name in STRIDES] == [16, 24, 48, 120, 352]


def test_no_more_is_run_than_is_needed() -> None:
    backbone, ran = network(layers=["block4", "block5_expanded"]), []
    for name, module in backbone.network.named_modules():
        module.register_forward_hook(lambda *_, name=name: ran.append(name))
    backbone(torch.rand(1, 3, 32, 32))
    assert "network.blocks.2.1.conv_pw" in ran
    assert not {"network.blocks.2.1.conv_dw", "network.blocks.3.0", "network.conv_head"} & {*ran}
    assert not any(name.startswith(("network.blocks.2.2", "network.blocks.3")) for name in ran)


def test_gradients_reach_the_images_alone() -> None:
    images = torch.rand(1, 3, 40, 40, requires_grad=True)
    backbone = network(layers=["block3_expanded", "block6"], magnify=1.5)
    sum(level.square().mean() for level in backbone(images)).backward()
    assert float(images.grad.abs().amin((0, 1)).mean()) > 0
    assert all(weight.grad is None for weight in backbone.network.parameters())


def test_magnified_images_give_finer_maps_under_another_name() -> None:
    images = torch.rand(1, 3, 48, 32)
    once, twice = network(layers=["block6"]), network(layers=["block6"], magnify=2)
    assert once(images)[0].shape[2:] == (6, 4)
    assert twice(images)[0].shape[2:] == (12, 8)
    enlarged = functional.interpolate(images, (96, 64), mode="bicubic", antialias=True)
    torch.testing.assert_close(twice(images), once(enlarged))
    assert once.name.replace("lite2#", "lite2@2x#") == twice.name != once.name


# ImageNet's classes of what bundled photographs show: a cat, a cup of espresso, a tripod.
PHOTOGRAPHS = {"chelsea": range(281, 286), "coffee": (967, 968), "camera": (872,)}


def test_photographs_are_named_rightly() -> None:
    judge = PooledEfficientNet()
    for name, classes in PHOTOGRAPHS.items():
        pixels = getattr(skimage.data, name)()
        pixels = pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=-1)
        height, width = pixels.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = np.ascontiguousarray(pixels[top : top + side, left : left + side])
        images = torch.from_numpy(square).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            features, logits = judge(images)
        assert int(logits.argmax()) in classes, name
        assert features.shape == (1, 1280) and logits.shape == (1, 1000)
        assert 0 <= float(features.min()) <= float(features.max()) <= 6


def test_pooled_features_are_those_of_resized_images(state: dict[str, Tensor]) -> None:
    images = torch.rand(3, 3, 40, 61)
    judge = PooledEfficientNet(side=64)
    resized = functional.interpolate(images, (64, 64), mode="bilinear", antialias=True)
    with torch.no_grad():
        features, logits = judge(images)
        expected = dict(plain(state, resized))
    torch.testing.assert_close(features, expected["head"].mean((2, 3)), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(logits, expected["logits"], atol=1e-3, rtol=1e-3)
    assert judge.name.startswith("efficientnet_lite2 pooled at 64#")
    torch.testing.assert_close(judge(images[1:2])[0], features[1:2], atol=1e-5, rtol=1e-4)


def test_random_numbers_of_others_are_left_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    network(layers=["block0"])
    assert torch.equal(torch.rand(3), expected)


def test_errors_name_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"efficientnet_lite2 has no layer block0_expanded, block"):
        network(layers=["block0_expanded", "block21"])
    monkeypatch.setattr(efficientnet_lite2.PackagedWeights, "found", lambda self: None)
    with pytest.raises(WeightsError, match=r"^the network efficientnet_lite2: the package eff.*se"):
        network()


def test_other_tensors_are_refused(state: dict[str, Tensor], monkeypatch) -> None:
    for name in ("_blocks.21._bn0.bias", "_blocks.0._expand_conv.weight", "_blocks.3._se.bias"):
        changed = state | {name: torch.zeros(1)}
        monkeypatch.setattr(efficientnet_lite2, "read_packaged", lambda _, found=changed: found)
        with pytest.raises(WeightsError, match=f"unexpected tensor {name}"):
            network()
    less = {name: value for name, value in state.items() if name != "_fc.bias"}
    monkeypatch.setattr(efficientnet_lite2, "read_packaged", lambda _: less)
    with pytest.raises(WeightsError, match=r"missing network\.classifier\.bias"):
        network()
