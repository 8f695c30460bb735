from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision import models

from exemplar.estimators import EstimatorsSettings, save_estimators
from exemplar.features.backbone import EstimatorTrunkSettings
from exemplar.features.efficientnet_lite2 import EfficientNetSettings, load_efficientnet
from exemplar.features.frozen import IMAGENET_MEAN, IMAGENET_STD
from exemplar.features.pixelnet import LAYERS, PixelNet, PixelNetSettings
from exemplar.features.pyramid import FIRST_OF_BLOCKS, Pyramid, load_pyramid
from exemplar.features.timm_backbone import TimmSettings
from exemplar.features.torchvision_backbone import TorchvisionSettings
from exemplar.features.vgg19_encoder import (
    NormalisedVggSettings,
    SmallVggSettings,
    load_vgg19_encoder,
)
from exemplar.store.weights import WeightsError

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "weights"
SMALL = SHARED / "vgg19_16x_small_encoders"
NORMALISED = SHARED / "vgg19_normalised" / "vgg_normalised_conv3_1.pth"
real = pytest.mark.skipif(not SMALL.is_dir(), reason="needs ../shared/data/weights")


@pytest.fixture
def trunk(tmp_path: Path) -> tuple[PixelNet, Path]:
    """Estimators trained in bfloat16, with statistics of batches that are not the initial ones."""
    torch.manual_seed(0)
    sizes = PixelNetSettings(width=4, hidden=8)
    network = PixelNet(3, {"normals": 3, "edges": 1, "parts": 2}, sizes)
    network.trunk_maps(torch.rand(4, 3, 32, 32))
    path = tmp_path / "estimators.safetensors"
    settings = EstimatorsSettings.model_validate({"training": {"precision": "bfloat16"}})
    save_estimators(path, network.eval(), ("ground", "head"), settings, "rendered")
    return network, path


def small_file(folder: Path, blocks: int = 3) -> Path:
    """A narrow encoder with two convolutions a block, but one in the last."""
    generator = torch.Generator().manual_seed(0)
    names = [f"{block}{i}" for block in range(1, blocks + 1) for i in (1, 2)][:-1]
    state = {"conv0.weight": torch.randn(3, 3, 1, 1), "conv0.bias": torch.randn(3)}
    before = 3
    for width, name in enumerate(names, start=4):
        state[f"conv{name}.weight"] = torch.randn(width, before, 3, 3, generator=generator) / 3
        state[f"conv{name}.bias"] = torch.randn(width, generator=generator)
        state[f"conv{name}_aux.weight"] = torch.randn(8, width, 1, 1, generator=generator)
        state[f"conv{name}_aux.bias"] = torch.randn(8, generator=generator)
        before = width
    path = folder / f"{blocks}SE.pth"
    torch.save({"epoch": 1, "model": state}, path)
    return path


def check_chain(pyramid: Pyramid, images: Tensor) -> None:
    """Every part of the chain, run by itself, joins the maps of the whole."""
    maps = [images, *pyramid(images)]
    assert len(maps) == len(pyramid.layers) + 1
    for low in range(len(maps)):
        for high in range(low, len(maps)):
            torch.testing.assert_close(pyramid.between(maps[low], low, high), maps[high])


def test_of_the_estimators_trunk_in_full_precision(trunk: tuple[PixelNet, Path]) -> None:
    network, path = trunk
    pyramid = load_pyramid(EstimatorTrunkSettings(), path)
    assert pyramid.layers == LAYERS
    assert pyramid.name.startswith("pixelnet-4@rendered#")
    images = torch.rand(2, 3, 37, 22)
    with torch.no_grad():
        for got, expected in zip(pyramid(images), network.trunk_maps(images), strict=True):
            assert got.dtype == torch.float32
            torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4)
    check_chain(pyramid, images)
    some = load_pyramid(EstimatorTrunkSettings(layers=("conv1_2", "conv2_2", "conv4_3")), path)
    assert torch.equal(some(images)[2], pyramid(images)[3])
    check_chain(some, images)


def test_of_an_encoder(tmp_path: Path) -> None:
    path = small_file(tmp_path)
    pyramid = load_pyramid(SmallVggSettings(weights=path), None)
    assert pyramid.layers == ("conv1_1", "conv2_1", "conv3_1")
    assert pyramid.smallest_side == 5
    images = torch.rand(1, 3, 15, 10)
    whole = load_vgg19_encoder(SmallVggSettings(weights=path, layers=pyramid.layers))
    for got, expected in zip(pyramid(images), whole(images), strict=True):
        assert torch.equal(got, expected)
    check_chain(pyramid, images)
    named = SmallVggSettings(weights=path, layers=("conv2_2", "conv1_2", "conv1_1"))
    assert load_pyramid(named, None).layers == ("conv1_1", "conv1_2", "conv2_2")
    check_chain(load_pyramid(named, None), images)


def test_of_torchvisions_vgg(tmp_path: Path) -> None:
    torch.manual_seed(0)
    features = models.vgg.make_layers(models.vgg.cfgs["A"], batch_norm=True).eval()
    path = tmp_path / "vgg11_bn.pth"
    torch.save({f"features.{name}": v for name, v in features.state_dict().items()}, path)
    pyramid = load_pyramid(TorchvisionSettings(name="vgg11_bn", weights=path), None)
    assert pyramid.layers == FIRST_OF_BLOCKS
    images = torch.rand(1, 3, 39, 33)
    mean, std = (torch.tensor(v)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
    x, after_relu, level = (images - mean) / std, [], 0
    with torch.no_grad():
        assert isinstance(features, nn.Sequential)
        for module in features:
            x = module(x)
            level += isinstance(module, nn.MaxPool2d)
            if isinstance(module, nn.ReLU) and len(after_relu) == level:
                after_relu.append(x.clone())
    for got, expected in zip(pyramid(images), after_relu, strict=True):
        torch.testing.assert_close(got, expected)
    check_chain(pyramid, images)
    shallow = TorchvisionSettings(
        name="vgg11_bn", weights=path, layers=("conv1_1", "conv2_1", "conv3_2")
    )
    check_chain(load_pyramid(shallow, None), images)


@pytest.mark.parametrize(("magnify", "size"), [(1, (35, 41)), (2, (19, 18))])
def test_of_efficientnet(magnify: float, size: tuple[int, int]) -> None:
    settings = EfficientNetSettings(magnify=magnify)
    pyramid = load_pyramid(settings, None)
    assert pyramid.layers == settings.layers
    images = torch.rand(1, 3, *size)
    whole = load_efficientnet(settings)
    assert pyramid.name == whole.name
    for got, expected in zip(pyramid(images), whole(images), strict=True):
        torch.testing.assert_close(got, expected)
    check_chain(pyramid, images)
    some = EfficientNetSettings(magnify=magnify, layers=("block2", "block14", "block9"))
    check_chain(load_pyramid(some, None), images)
    with pytest.raises(ValueError, match=r"chain of efficientnet_lite2 has no layer block3_exp"):
        load_pyramid(EfficientNetSettings(layers=("block1", "block2", "block3_expanded")), None)


@pytest.mark.parametrize(("magnify", "last"), [(1, 20), (2.5, 14), (0.6, 4)])
def test_the_smallest_side_of_efficientnet(magnify: float, last: int) -> None:
    layers = tuple(dict.fromkeys(("block0", "block1", "block2", f"block{last}")))
    pyramid = load_pyramid(EfficientNetSettings(magnify=magnify, layers=layers), None)
    side = pyramid.smallest_side
    assert pyramid(torch.rand(1, 3, side, side + 3))[-1].shape[2] == 2
    with pytest.raises(ValueError, match=rf"at least {side} pixels a side for {layers[-1]}, got"):
        pyramid(torch.rand(1, 3, side - 1, side + 3))


@real
def test_the_papers_levels_are_the_default() -> None:
    small = load_pyramid(SmallVggSettings(weights=SMALL / "5SE.pth"), None)
    assert small.layers == FIRST_OF_BLOCKS
    assert [m.shape[1:] for m in small(torch.rand(1, 3, 96, 90))] == [
        (16, 96, 90),
        (32, 48, 45),
        (64, 24, 23),
        (128, 12, 12),
        (128, 6, 6),
    ]
    normalised = load_pyramid(NormalisedVggSettings(weights=NORMALISED), None)
    assert normalised.layers == FIRST_OF_BLOCKS[:3]


def test_gradients_reach_a_map_but_no_weight(tmp_path: Path) -> None:
    pyramid = load_pyramid(SmallVggSettings(weights=small_file(tmp_path)), None)
    x = pyramid(torch.rand(1, 3, 12, 12))[0].requires_grad_()
    pyramid.between(x, 1, 3).sum().backward()
    assert x.grad is not None
    assert float(x.grad.abs().sum()) > 0
    assert all(weight.grad is None for weight in pyramid.network.parameters())


@pytest.mark.parametrize("kind", ["trunk", "encoder", "vgg"])
def test_the_smallest_side_leaves_two_cells(
    kind: str, tmp_path: Path, trunk: tuple[PixelNet, Path]
) -> None:
    if kind == "trunk":
        pyramid = load_pyramid(EstimatorTrunkSettings(), trunk[1])
    elif kind == "encoder":
        pyramid = load_pyramid(SmallVggSettings(weights=small_file(tmp_path, blocks=5)), None)
    else:
        features = models.vgg.make_layers(models.vgg.cfgs["A"], batch_norm=False)
        path = tmp_path / "vgg11.pth"
        torch.save({f"features.{name}": v for name, v in features.state_dict().items()}, path)
        pyramid = load_pyramid(TorchvisionSettings(name="vgg11", weights=path), None)
    side = pyramid.smallest_side
    assert pyramid(torch.rand(1, 3, side, side + 3))[-1].shape[2] == 2
    with pytest.raises(ValueError, match=rf"at least {side} pixels a side for conv5_.*enlarge"):
        pyramid(torch.rand(1, 3, side - 1, side + 3))


def test_other_input_is_refused(tmp_path: Path) -> None:
    pyramid = load_pyramid(SmallVggSettings(weights=small_file(tmp_path)), None)
    with pytest.raises(ValueError, match=r"floating point images .*got torch.uint8 \(1, 3, 8, 8\)"):
        pyramid(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
    with pytest.raises(ValueError, match="0 ≤ low ≤ high ≤ 3, got 2 and 1"):
        pyramid.between(torch.rand(1, 3, 8, 8), 2, 1)
    with pytest.raises(ValueError, match="0 ≤ low ≤ high ≤ 3, got 2 and 4"):
        pyramid.between(torch.rand(1, 3, 8, 8), 2, 4)


def test_other_backbones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not timm; choose one of the kinds estimator, eff"):
        load_pyramid(TimmSettings(name="resnet18"), None)
    with pytest.raises(ValueError, match="not torchvision's resnet50"):
        load_pyramid(TorchvisionSettings(name="resnet50"), None)
    with pytest.raises(ValueError, match="run the stage `estimators`"):
        load_pyramid(EstimatorTrunkSettings(), None)
    path = small_file(tmp_path)
    with pytest.raises(ValueError, match="no layer conv2_1_aux; choose from conv1_1, conv1_2, con"):
        load_pyramid(SmallVggSettings(weights=path, layers=("conv1_1", "conv2_1_aux")), None)
    with pytest.raises(ValueError, match="expected 3 to 5 layers for a pyramid, got conv1_1, conv"):
        load_pyramid(SmallVggSettings(weights=path, layers=("conv1_1", "conv2_1")), None)
    with pytest.raises(WeightsError, match=r"3SE\.pth: not a normalised VGG-19"):
        load_pyramid(NormalisedVggSettings(weights=path), None)
