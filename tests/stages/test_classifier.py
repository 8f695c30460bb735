"""The stage `classifier` on domains with and without categories."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from exemplar.features.classifier import load_classifier
from exemplar.settings import SettingsError
from exemplar.store import layout
from exemplar.store.arrays import write_group
from exemplar.store.files import content_hash, remove
from exemplar.store.items import write_items
from exemplar.training import steps
from stages import classifier

DOMAIN, SIDE = "halves", 12
SETTINGS = {
    "network": {"width": 4, "features": 8},
    "epochs": 1,
    "least_steps": 24,
    "batch": 16,
    "checkpoint_every": 8,
}


def write_domain(categories: tuple[str, ...] = ("bottom", "top"), tested: int = 30) -> None:
    """Noise that is brighter in one half, by category; a third category has one image."""
    draw = np.random.default_rng(0)
    count = 90 + tested
    places = draw.integers(0, len(categories), count)
    images = draw.integers(0, 120, (count, SIDE, SIDE, 3))
    for image, place in zip(images, places, strict=True):
        image[6 * place : 6 * place + 6] += 100
    path = layout.images(DOMAIN)
    remove(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_group(path, {"image": images.astype(np.uint8)})
    names = np.array(categories, object)[places]
    names[[0, -1]] = "rare"  # one to learn from and one to be tested on, if there are any
    table = {"id": [f"h-{i}" for i in range(count)], "split": ["train"] * 90 + ["test"] * tested,
             "category": names, "source": "", "sha256": "", "licence": "", "width": SIDE,
             "height": SIDE}  # fmt: skip
    write_items(layout.items(DOMAIN), pd.DataFrame(table))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stage", "--domain", DOMAIN])
    Path("params.yaml").write_text(yaml.safe_dump({"classifier": SETTINGS}))
    return classifier.main


def config() -> dict[str, Any]:
    return json.loads(layout.classifier(DOMAIN).with_suffix(".json").read_text())


def test_a_network_is_trained_and_tested(run) -> None:
    write_domain()
    run()
    found = config()
    assert found["categories"] == ["bottom", "top"]  # one image of the rare one is not enough
    assert found["data"] == DOMAIN and found["images"] == 29
    assert 0.9 < found["accuracy"] <= 1
    see = load_classifier(layout.classifier(DOMAIN))
    assert see is not None
    assert see(np.zeros((2, SIDE, SIDE, 3), np.uint8)).shape == (2, 8)
    assert not list(Path(".work").rglob("*.npy"))
    first = content_hash(layout.classifier(DOMAIN).parent)
    run()
    assert content_hash(layout.classifier(DOMAIN).parent) == first


def test_killed_it_goes_on_to_the_same_bytes(run, monkeypatch) -> None:
    write_domain()
    run()
    whole = content_hash(layout.classifier(DOMAIN).parent)
    remove(layout.classifier(DOMAIN).parent)
    save = steps.save_checkpoint

    def die(*given, **named) -> None:
        save(*given, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(steps, "save_checkpoint", die)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert not layout.classifier(DOMAIN).parent.exists()
    assert len(list(Path(".work/classifier").rglob("state.safetensors"))) == 1
    monkeypatch.setattr(steps, "save_checkpoint", save)
    run()
    assert content_hash(layout.classifier(DOMAIN).parent) == whole


@pytest.mark.parametrize("categories", [("",), ("face",)])
def test_without_two_categories_the_files_say_so(run, categories: tuple[str, ...]) -> None:
    write_domain(categories)
    run()
    assert config() == {
        "data": DOMAIN,
        "network": None,
        "reason": "expected two categories of at least 5 training images, got "
        + ("none" if categories == ("",) else "face"),
    }
    assert load_classifier(layout.classifier(DOMAIN)) is None


def test_without_test_images_nothing_is_claimed(run) -> None:
    write_domain(tested=0)
    run()
    assert config()["accuracy"] is None and config()["images"] == 0


def test_unknown_settings_are_refused(run) -> None:
    write_domain()
    Path("params.yaml").write_text(yaml.safe_dump({"classifier": {"batch": 0, "speed": 1}}))
    with pytest.raises(SettingsError, match=r"(?s)classifier\.batch.*classifier\.speed"):
        run()
