"""Which features images are compared on, and what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from exemplar.estimators import EstimatorsSettings, load_estimators, save_estimators
from exemplar.features.backbone import EstimatorTrunkSettings, load_backbone
from exemplar.features.classifier import Classifier, ClassifierNetworkSettings, save_classifier
from exemplar.features.inception import InceptionSettings
from exemplar.features.pixelnet import PixelNet, PixelNetSettings
from exemplar.metrics.embedding import ClassifierJudge, EmbeddingSettings, load_embedding
from exemplar.metrics.judge import Judge
from exemplar.store.weights import WeightsError


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A classifier's file and the estimators', both untrained."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    small = Classifier(16, ["a", "b"], ClassifierNetworkSettings(width=4, features=6))
    save_classifier(tmp_path / "classifier.safetensors", small, {})
    heads = {"normals": 3, "edges": 1, "parts": 2}
    net = PixelNet(3, heads, PixelNetSettings(width=4, hidden=8))
    save_estimators(tmp_path / "e.safetensors", net, ("a", "b"), EstimatorsSettings(), "rendered")
    return tmp_path / "classifier.safetensors", tmp_path / "e.safetensors"


def photographs() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (11, 16, 16, 3), np.uint8)


def test_the_domains_own_classifier_is_the_default(files: tuple[Path, Path]) -> None:
    see = load_embedding(None, *files)
    assert see.name.startswith("classifier#") and see(photographs()).shape == (11, 6)
    assert load_embedding(ClassifierJudge(), *files).name == see.name


def test_without_categories_the_estimators_fine_layers_are(files: tuple[Path, Path]) -> None:
    """The same features by which PixelNN's table is made."""
    classifier, estimators = files
    save_classifier(classifier, None, {})
    see = load_embedding(None, *files)
    assert see.name.endswith(" means of conv1_2+conv2_2+conv3_3")
    images = photographs()
    judge = Judge(load_estimators(estimators))
    # The judge works in bfloat16, as it was trained.
    np.testing.assert_allclose(see(images), judge.means(images), rtol=0.05, atol=0.02)
    with pytest.raises(WeightsError, match="not of two categories.*such as {kind: inception}"):
        load_embedding(ClassifierJudge(), *files)


def test_a_backbone_is_described_by_the_means_of_its_layers(files: tuple[Path, Path]) -> None:
    settings = EstimatorTrunkSettings(layers=("conv2_2", "conv4_3"))
    see, images = load_embedding(settings, *files), photographs()
    maps = load_backbone(settings, files[1])(
        torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    )
    expected = np.concatenate([level.numpy().mean(axis=(2, 3)) for level in maps], axis=1)
    np.testing.assert_allclose(see(images), expected, rtol=0.03, atol=0.01)
    assert see(images).shape == (11, 8 + 32) and see.name.endswith(" means of conv2_2+conv4_3")
    assert see(images[:0]).shape[0] == 0


def test_settings_name_a_kind(tmp_path: Path) -> None:
    read = TypeAdapter(EmbeddingSettings).validate_python
    assert read({"kind": "inception", "weights": "x.pth"}) == InceptionSettings(weights="x.pth")
    assert read({"kind": "estimator"}) == EstimatorTrunkSettings()
    with pytest.raises(ValidationError, match="classifier.*inception.*estimator.*torchvision"):
        read({"kind": "resnet"})
    with pytest.raises(WeightsError, match="no such weights file"):
        load_embedding(InceptionSettings(weights=tmp_path / "x.pth"), tmp_path, tmp_path)
