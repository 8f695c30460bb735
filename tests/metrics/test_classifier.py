"""Training of the classifier on images whose category is where they are bright."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from exemplar.features.classifier import ClassifierFeatures, ClassifierNetworkSettings
from exemplar.metrics.classifier import ClassifierSettings, accuracy, train_classifier
from exemplar.training import steps
from exemplar.training.checkpoint import CheckpointError

SETTINGS = ClassifierSettings(
    network=ClassifierNetworkSettings(width=4, features=8),
    epochs=4,
    least_steps=24,
    batch=16,
    checkpoint_every=8,
    zoom=1.1,
    degrees=3,
)
NAMES = ["top", "bottom"]


def bright(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise that is brighter in one half, (N, 12, 12, 3) and (N,)."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 2, count)
    images = draw.integers(0, 120, (count, 12, 12, 3))
    for image, label in zip(images, labels, strict=True):
        image[6 * label : 6 * label + 6] += 100
    return images.astype(np.uint8), labels


def trained(folder: Path, settings: ClassifierSettings = SETTINGS) -> ClassifierFeatures:
    made = train_classifier(*bright(90, 0), NAMES, settings, folder, "halves")
    assert not made.training
    return ClassifierFeatures(made, "")


def test_categories_are_learned(tmp_path: Path, capfd) -> None:
    see = trained(tmp_path)
    images, labels = bright(60, 1)
    assert accuracy(see, images, labels) > 0.95
    assert accuracy(see, images, 1 - labels) < 0.05
    # Its features tell more apart than the pixels' mean does, which is the same for both.
    features = see(images)
    between = np.abs(features[labels == 0].mean(0) - features[labels == 1].mean(0))
    assert (between / features.std(0).clip(1e-6)).max() > 1.5
    # 90 images are 6 batches: four epochs are 23 steps, so the least number of steps counts.
    assert "classifier of halves: step 24/24, loss" in capfd.readouterr().err


def test_more_epochs_than_the_least_steps_are_seen_in_full(tmp_path: Path, capfd) -> None:
    trained(tmp_path, SETTINGS.model_copy(update={"least_steps": 1, "epochs": 2.5}))
    assert "step 15/15" in capfd.readouterr().err  # 225 images by 16


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_killed_and_resumed_is_the_same_as_not_killed(
    tmp_path: Path, monkeypatch, precision: str
) -> None:
    settings = SETTINGS.model_copy(update={"precision": precision})
    whole = trained(tmp_path / "whole", settings).network.state_dict()
    save, saved = steps.save_checkpoint, []

    def die(*given, **named) -> None:
        save(*given, **named)
        saved.append(1)
        if len(saved) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(steps, "save_checkpoint", die)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "killed", settings)
    monkeypatch.setattr(steps, "save_checkpoint", save)
    torch.manual_seed(99)
    resumed = trained(tmp_path / "killed", settings).network.state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_another_seed_gives_another_network_and_goes_on_with_none(tmp_path: Path) -> None:
    first = trained(tmp_path / "a").network.state_dict()
    seeded = SETTINGS.model_copy(update={"seed": 1})
    other = trained(tmp_path / "b", seeded).network.state_dict()
    assert not torch.equal(first["head.weight"], other["head.weight"])
    shutil.copytree(tmp_path / "a", tmp_path / "c")
    with pytest.raises(CheckpointError, match="of another training"):
        trained(tmp_path / "c", seeded)


def test_fewer_images_than_a_batch_are_one_batch(tmp_path: Path) -> None:
    images, labels = bright(5, 0)
    settings = SETTINGS.model_copy(update={"least_steps": 2, "epochs": 1})
    made = train_classifier(images, labels, NAMES, settings, tmp_path, "few")
    assert all(value.isfinite().all() for value in made.state_dict().values())
