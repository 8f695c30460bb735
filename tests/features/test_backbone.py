from __future__ import annotations

from pathlib import Path

import pytest
import torch

from exemplar.estimators import EstimatorsSettings, save_estimators
from exemplar.features.backbone import (
    BackboneSettings,
    EstimatorTrunkSettings,
    load_backbone,
)
from exemplar.features.efficientnet_lite2 import EfficientNetSettings
from exemplar.features.pixelnet import LAYERS, PixelNet, PixelNetSettings
from exemplar.features.timm_backbone import TimmSettings
from exemplar.features.torchvision_backbone import TorchvisionSettings
from exemplar.features.vgg19_encoder import NormalisedVggSettings, SmallVggSettings
from exemplar.settings import SettingsError, section


@pytest.fixture
def estimators(tmp_path: Path) -> tuple[PixelNet, Path]:
    torch.manual_seed(0)
    sizes = PixelNetSettings(width=4, hidden=8)
    network = PixelNet(3, {"normals": 3, "edges": 1, "parts": 2}, sizes).eval()
    path = tmp_path / "estimators.safetensors"
    settings = EstimatorsSettings.model_validate({"training": {"precision": "float32"}})
    save_estimators(path, network, ("ground", "head"), settings, "rendered")
    return network, path


def test_the_default_is_the_estimators_trunk(estimators: tuple[PixelNet, Path]) -> None:
    network, path = estimators
    backbone = load_backbone(EstimatorTrunkSettings(), path)
    assert backbone.layers == LAYERS
    assert "#" in backbone.name
    images = torch.rand(2, 3, 32, 32)
    maps = backbone(images)
    with torch.no_grad():
        for got, expected in zip(maps, network.trunk_maps(images), strict=True):
            torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-4)
    some = load_backbone(EstimatorTrunkSettings(layers=("conv4_3", "conv1_2")), path)
    assert some.layers == ("conv1_2", "conv4_3")
    assert torch.equal(some(images)[1], maps[3])


def test_estimators_are_asked_for() -> None:
    with pytest.raises(ValueError, match="run the stage `estimators`, or name another backbone"):
        load_backbone(EstimatorTrunkSettings(), None)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"kind": "estimator"}, EstimatorTrunkSettings()),
        ({"kind": "torchvision", "name": "vgg19"}, TorchvisionSettings(name="vgg19")),
        (
            {"kind": "torchvision", "weights": "raw/vgg16.pth", "layers": ["conv1_2"]},
            TorchvisionSettings(weights=Path("raw/vgg16.pth"), layers=("conv1_2",)),
        ),
        (
            {"kind": "timm", "name": "resnet50", "indices": [0, 1]},
            TimmSettings(name="resnet50", indices=(0, 1)),
        ),
        (
            {"kind": "efficientnet_lite2", "layers": ["block15_expanded"], "magnify": 2},
            EfficientNetSettings(layers=("block15_expanded",), magnify=2),
        ),
        (
            {"kind": "vgg19_small", "weights": "raw/5SE.pth"},
            SmallVggSettings(weights=Path("raw/5SE.pth")),
        ),
        (
            {"kind": "vgg19_normalised", "weights": "raw/vgg.pth"},
            NormalisedVggSettings(weights=Path("raw/vgg.pth")),
        ),
    ],
)
def test_params_name_each_kind(written: dict[str, object], expected: object) -> None:
    assert section({"backbone": written}, "backbone", BackboneSettings) == expected


def test_unknown_kinds_and_keys_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"'torchvision', 'timm', 'efficientnet_lite2', 'vgg"):
        section({"backbone": {"kind": "caffe"}}, "backbone", BackboneSettings)
    with pytest.raises(SettingsError, match=r"vgg19_small\.weights: Field required"):
        section({"backbone": {"kind": "vgg19_small"}}, "backbone", BackboneSettings)
    with pytest.raises(SettingsError, match=r"estimator\.layer: Extra inputs"):
        section({"backbone": {"kind": "estimator", "layer": 1}}, "backbone", BackboneSettings)


def test_the_packaged_network_is_loaded_by_its_kind() -> None:
    backbone = load_backbone(EfficientNetSettings(layers=("block0",)), None)
    assert backbone.name.startswith("efficientnet_lite2#")
    assert backbone(torch.rand(1, 3, 32, 32))[0].shape == (1, 16, 16, 16)


def test_missing_weights_name_the_file() -> None:
    with pytest.raises(ValueError, match=r"nowhere\.pth: no such weights file"):
        load_backbone(SmallVggSettings(weights=Path("nowhere.pth")), None)
