from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from exemplar.features.timm_backbone import TimmSettings, load_timm
from exemplar.store.weights import WeightsError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, Path]:
    """timm's smallest ResNet with random weights, and their file."""
    torch.manual_seed(0)
    network = timm.create_model("test_resnet", pretrained=False).eval()
    path = tmp_path_factory.mktemp("weights") / "resnet.pth"
    torch.save(network.state_dict(), path)
    return network, path


def test_maps_equal_those_seen_by_hooks(resnet: tuple[nn.Module, Path]) -> None:
    network, path = resnet
    backbone = load_timm(TimmSettings(name="test_resnet", weights=path, indices=(3, 0, 2)))
    assert backbone.layers == ("stage0", "stage2", "stage3")
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> None:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            seen[name] = output.clone()

        network.get_submodule(name).register_forward_hook(hook)

    for name in ("act1", "layer2", "layer3"):
        keep(name)
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        network((images - 0.5) / 0.5)
        for got, expected in zip(backbone(images), seen.values(), strict=True):
            torch.testing.assert_close(got, expected)
    assert backbone.name == load_timm(TimmSettings(name="test_resnet", weights=path)).name


def test_transformers_see_images_at_their_size(tmp_path: Path) -> None:
    network = timm.create_model("test_vit", pretrained=False)
    torch.save(network.state_dict(), tmp_path / "vit.pth")
    settings = TimmSettings(name="test_vit", weights=tmp_path / "vit.pth", indices=(1, 5), side=160)
    maps = load_timm(settings)(torch.rand(1, 3, 96, 96))
    assert [tuple(m.shape) for m in maps] == [(1, 64, 10, 10)] * 2


def test_weights_that_do_not_fit_are_refused(
    resnet: tuple[nn.Module, Path], tmp_path: Path
) -> None:
    state = resnet[0].state_dict()
    state.pop("layer3.0.conv1.weight")
    torch.save(state, tmp_path / "less.pth")
    with pytest.raises(WeightsError, match=r"less\.pth: the weights do not fit timm's test_resnet"):
        load_timm(TimmSettings(name="test_resnet", weights=tmp_path / "less.pth"))


def test_unknown_names_are_refused(resnet: tuple[nn.Module, Path]) -> None:
    with pytest.raises(ValueError, match="timm has no network 'resnet_of_mine'"):
        load_timm(TimmSettings(name="resnet_of_mine"))
    with pytest.raises(ValueError, match=r"no stage \[7\]; choose from \[0, 1, 2, 3, 4\]"):
        load_timm(TimmSettings(name="test_resnet", weights=resnet[1], indices=(1, 7)))


def test_without_a_network_the_message_names_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    create = timm.create_model

    def no_network(name: str, pretrained: bool = False, **options: Any) -> nn.Module:
        if pretrained:
            raise OSError("no route")
        return create(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", no_network)
    with pytest.raises(
        WeightsError, match=r"no route.*model\.safetensors of timm/resnet18\.a1_in1k.*`weights:`"
    ):
        load_timm(TimmSettings(name="resnet18.a1_in1k"))
