from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision import models
from torchvision.models.feature_extraction import create_feature_extractor

from exemplar.features.frozen import IMAGENET_MEAN, IMAGENET_STD
from exemplar.features.torchvision_backbone import (
    RESNET_LAYERS,
    VGG_LAYERS,
    TorchvisionSettings,
    load_torchvision,
)
from exemplar.store.weights import WeightsError

# Positions of the ReLUs after conv1_2, 2_2, 3_3, 4_3, 5_3, from the paper's table of layers.
VGG16_POSITIONS = (3, 8, 15, 22, 29)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def vgg16(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, Path]:
    """The convolutions of a VGG-16 with random weights, and their file; no classifier."""
    torch.manual_seed(0)
    features = models.vgg.make_layers(models.vgg.cfgs["D"], batch_norm=False).eval()
    path = tmp_path_factory.mktemp("weights") / "vgg16.pth"
    torch.save({f"features.{name}": v for name, v in features.state_dict().items()}, path)
    return features, path


def prepared(images: Tensor) -> Tensor:
    mean, std = (torch.tensor(v)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_STD))
    return (images - mean) / std


def test_vgg16_taps_are_the_papers(vgg16: tuple[nn.Module, Path]) -> None:
    features, path = vgg16
    backbone = load_torchvision(TorchvisionSettings(weights=path))
    assert backbone.layers == VGG_LAYERS
    images = torch.rand(1, 3, 64, 48)
    x, expected = prepared(images), []
    with torch.no_grad():
        assert isinstance(features, nn.Sequential)
        for position, module in enumerate(features):
            x = module(x)
            if position in VGG16_POSITIONS:
                expected.append(x.clone())
        for got, level in zip(backbone(images), expected, strict=True):
            torch.testing.assert_close(got, level)
    assert [m.shape[1] for m in expected] == [64, 128, 256, 512, 512]


def test_taps_equal_torchvisions_own_extractor(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = models.resnet18(weights=None).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.load_state_dict(
                module.state_dict()
                | {
                    "running_mean": torch.rand(module.num_features) - 0.5,
                    "running_var": torch.rand(module.num_features) + 0.5,
                }
            )
    save_file(network.state_dict(), tmp_path / "resnet18.safetensors")
    settings = TorchvisionSettings(name="resnet18", weights=tmp_path / "resnet18.safetensors")
    backbone = load_torchvision(settings)
    assert backbone.layers == RESNET_LAYERS
    own = create_feature_extractor(network, list(RESNET_LAYERS))
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        expected = own(prepared(images))
        for got, layer in zip(backbone(images), RESNET_LAYERS, strict=True):
            torch.testing.assert_close(got, expected[layer])


def test_only_what_the_layers_need_is_kept_and_named(vgg16: tuple[nn.Module, Path]) -> None:
    features, path = vgg16
    shallow = TorchvisionSettings(weights=path, layers=("conv2_2", "conv1_1"))
    backbone = load_torchvision(shallow)
    assert backbone.layers == ("conv1_1", "conv2_2")
    values = sum(value.numel() for value in backbone.network.state_dict().values())
    assert values == sum(p.numel() for p in list(features.parameters())[:8])
    assert backbone.name.startswith("torchvision/vgg16#")
    assert backbone.name == load_torchvision(shallow).name


def test_weights_of_another_network_are_refused(vgg16: tuple[nn.Module, Path]) -> None:
    with pytest.raises(WeightsError, match=r"vgg16\.pth: the weights do not fit.*\n.*missing"):
        load_torchvision(TorchvisionSettings(name="resnet18", weights=vgg16[1]))


def test_unknown_names_are_listed(vgg16: tuple[nn.Module, Path]) -> None:
    with pytest.raises(ValueError, match="no classifier 'vgg61'; it has alexnet, convnext_base"):
        load_torchvision(TorchvisionSettings(name="vgg61"))
    with pytest.raises(
        ValueError, match="vgg16 has no layer conv5_4; choose from conv1_1, conv1_2"
    ):
        load_torchvision(TorchvisionSettings(weights=vgg16[1], layers=("conv5_4",)))


def test_published_weights_are_taken_from_torchs_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))

    def no_network(*_: object, **__: object) -> None:
        raise URLError("no route")

    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    settings = TorchvisionSettings(name="squeezenet1_1", layers=("features.4", "features.12"))
    with pytest.raises(WeightsError, match=r"no route.*put it at") as caught:
        load_torchvision(settings)
    place = tmp_path / "torch" / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
    assert str(place) in str(caught.value)
    network = models.squeezenet1_1(weights=None)
    torch.save(network.state_dict(), place)
    maps = load_torchvision(settings)(torch.rand(1, 3, 64, 64))
    assert [m.shape[1] for m in maps] == [128, 512]
