"""The classifier's form, its files, and what it makes of images."""

from __future__ import annotations

import doctest
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from exemplar.features import classifier
from exemplar.features.classifier import (
    BATCH,
    COARSEST,
    Classifier,
    ClassifierFeatures,
    ClassifierNetworkSettings,
    learnable,
    load_classifier,
    save_classifier,
)
from exemplar.store.weights import WeightsError, save_weights

SMALL = ClassifierNetworkSettings(width=4, features=12)


def network(size: int = 20, categories: tuple[str, ...] = ("a", "b", "c")) -> Classifier:
    torch.manual_seed(0)
    return Classifier(size, categories, SMALL)


def photographs(count: int, side: int = 20) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)


@pytest.mark.parametrize(("size", "blocks"), [(8, 1), (9, 2), (28, 3), (32, 3), (64, 4), (96, 5)])
def test_images_are_halved_until_a_few_pixels_are_left(size: int, blocks: int) -> None:
    made = network(size)
    assert len(made.blocks) == blocks
    x = torch.rand(1, 3, size, size)
    seen = []
    made.blocks[-1].register_forward_hook(lambda _block, _given, out: seen.append(out.shape))
    assert made.eval().features(x).shape == (1, 12)
    assert seen[0][1] == 12 and seen[0][2] <= COARSEST


def test_features_are_what_the_head_reads() -> None:
    see = ClassifierFeatures(network(), "name")
    images = photographs(5)
    features = see(images)
    assert features.shape == (5, 12) and features.dtype == np.float32 and (features >= 0).all()
    with torch.inference_mode():
        head = see.network.head(torch.from_numpy(features))
    np.testing.assert_array_equal(see.guess(images), head.argmax(1).numpy())
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    np.testing.assert_allclose(features, see.network.features(x).detach().numpy(), rtol=1e-5)
    assert see(images[:0]).shape == (0, 12)


def test_many_images_are_looked_at_in_parts(monkeypatch) -> None:
    see = ClassifierFeatures(network(), "name")
    images = photographs(7)
    whole = see(images)
    monkeypatch.setattr(classifier, "BATCH", 3)
    np.testing.assert_allclose(see(images), whole, rtol=1e-5, atol=1e-6)
    assert BATCH > 3


def test_a_network_comes_back_from_its_files(tmp_path: Path) -> None:
    path, images = tmp_path / "shoes.safetensors", photographs(3)
    made = network()
    save_classifier(path, made, {"data": "shoes", "accuracy": 0.9})
    see = load_classifier(path)
    assert see is not None
    np.testing.assert_array_equal(see(images), ClassifierFeatures(made, "")(images))
    config = json.loads(path.with_suffix(".json").read_text())
    assert config["categories"] == ["a", "b", "c"] and config["accuracy"] == 0.9
    assert see.name.startswith("classifier#") and len(see.name) == len("classifier#") + 8
    torch.nn.init.zeros_(made.head.bias)
    save_classifier(path, made, {})
    other = load_classifier(path)
    assert other is not None and other.name != see.name


def test_a_domain_without_categories_has_a_file_without_a_network(tmp_path: Path) -> None:
    path = tmp_path / "faces.safetensors"
    save_classifier(path, None, {"data": "faces"})
    assert load_classifier(path) is None


def test_files_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    with pytest.raises(WeightsError, match="no such file"):
        load_classifier(path)
    save_weights(path, network().state_dict(), {"network": "pixelnet"})
    with pytest.raises(WeightsError, match=r"other\.safetensors: not a classifier: expected the"):
        load_classifier(path)
    save_weights(path, network().state_dict(), network(64).config)
    with pytest.raises(WeightsError, match="do not fit the network:\n  .*blocks"):
        load_classifier(path)
    save_weights(path, {}, {"network": "classifier"})
    with pytest.raises(WeightsError, match="not a classifier: 'settings'"):
        load_classifier(path)


def test_the_examples_run() -> None:
    assert doctest.testmod(classifier).failed == 0
    assert learnable(["x"] * 9) == ["x"]
