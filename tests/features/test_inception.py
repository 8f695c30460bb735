"""torch-fidelity's Inception with random weights from a file; no published file is needed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from exemplar.features.inception import (
    DIMENSIONS,
    InceptionSettings,
    _without_weights,
    load_inception,
)
from exemplar.store.weights import WeightsError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights that keep activations' size, as torch files are."""
    torch.manual_seed(0)
    network = _without_weights()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(network.state_dict(), path)
    return path


def photographs(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (3, 20, 24, 3), np.uint8)


def test_features_are_those_of_the_library_itself(weights: Path) -> None:
    see = load_inception(InceptionSettings(weights=weights))
    images = photographs()
    found = see(images)
    assert found.shape == (3, DIMENSIONS) and found.dtype == np.float32 and found.std() > 0.01
    theirs = FeatureExtractorInceptionV3("x", ["2048"], feature_extractor_weights_path=str(weights))
    [expected] = theirs(torch.from_numpy(images).permute(0, 3, 1, 2))
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-5)
    # Not as images are resized elsewhere: half a pixel is kept, not shifted.
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    resized = functional.interpolate(x, (299, 299), mode="bilinear", align_corners=False)
    [other] = theirs(resized.round().to(torch.uint8))
    assert np.abs(found - other.numpy()).max() > 0.01
    assert see(images[:0]).shape == (0, DIMENSIONS)


def test_a_name_is_that_of_the_weights_whatever_file_they_are_in(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older files lack the counts of batches, which nothing reads."""
    state = torch.load(weights, weights_only=True)
    older = {name: v for name, v in state.items() if not name.endswith("num_batches_tracked")}
    assert len(older) < len(state)
    save_file(older, tmp_path / "older.safetensors")
    name = load_inception(InceptionSettings(weights=weights)).name
    assert name.startswith("inception with other weights#")
    assert load_inception(InceptionSettings(weights=tmp_path / "older.safetensors")).name == name
    state["fc.bias"] = state["fc.bias"] + 1
    torch.save(state, tmp_path / "other.pth")
    assert load_inception(InceptionSettings(weights=tmp_path / "other.pth")).name != name
    # Only the published file itself is what papers mean by Inception.
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:8]
    place = "torch_fidelity.feature_extractor_inceptionv3.URL_INCEPTION_V3"
    monkeypatch.setattr(place, f"https://example.invalid/weights-{digest}.pth")
    published = load_inception(InceptionSettings(weights=weights)).name
    assert published == name.replace(" with other weights", "")


def test_weights_that_do_not_fit_are_refused(weights: Path, tmp_path: Path) -> None:
    state = torch.load(weights, weights_only=True)
    wrong = {name: value for name, value in state.items() if name != "fc.bias"}
    wrong["fc.weight"] = torch.zeros(1000, 2048)  # torchvision's classes
    wrong["AuxLogits.fc.bias"] = torch.zeros(3)
    torch.save(wrong, tmp_path / "wrong.pth")
    with pytest.raises(WeightsError) as raised:
        load_inception(InceptionSettings(weights=tmp_path / "wrong.pth"))
    said = str(raised.value)
    assert "wrong.pth: the weights do not fit" in said and "missing fc.bias" in said
    assert "fc.weight: expected (1008, 2048), got (1000, 2048)" in said
    assert "unexpected AuxLogits.fc.bias" in said
    with pytest.raises(WeightsError, match="no such weights file; check the path"):
        load_inception(InceptionSettings(weights=tmp_path / "none.pth"))


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "sprung",)  # type: ignore[return-value]

    torch.save({"fc.bias": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(WeightsError, match="not a file of tensors alone"):
        load_inception(InceptionSettings(weights=tmp_path / "trap.pth"))
    assert not (tmp_path / "sprung").exists()


def test_published_weights_that_cannot_be_had_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_given: object, **_named: object) -> None:
        raise URLError("no route")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(WeightsError, match=r"no route.*fetch https.*put it at .*6726825d\.pth"):
        load_inception(InceptionSettings())
