"""The stage `analogy_inverse` on a domain of noise and the trunk of untrained estimators."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from exemplar.estimators import EstimatorsSettings, save_estimators
from exemplar.features.backbone import EstimatorTrunkSettings
from exemplar.features.pixelnet import PixelNet, PixelNetSettings
from exemplar.features.pyramid import load_pyramid
from exemplar.methods.deep_analogy.inverse import STORED, load_inverse
from exemplar.settings import SettingsError
from exemplar.store import layout
from exemplar.store.arrays import StoreError, write_group
from exemplar.store.files import content_hash, remove
from exemplar.store.items import write_items
from exemplar.training import steps
from stages import analogy_inverse

DOMAIN = "noise"
SECTION = {
    "domain": DOMAIN,
    "side": 20,
    "training": {"steps": 6, "batch": 2, "checkpoint_every": 2},
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    sizes = PixelNetSettings(width=4, hidden=8)
    network = PixelNet(3, {"normals": 3, "edges": 1, "parts": 2}, sizes)
    save_estimators(layout.ESTIMATORS, network, ("a", "b"), EstimatorsSettings(), "rendered")
    write_images(["train"] * 5 + ["test"])
    write_params(SECTION)


def write_params(inverse: dict[str, object]) -> None:
    Path("params.yaml").write_text(yaml.safe_dump({"analogy": {}, "analogy_inverse": inverse}))


def write_images(splits: list[str]) -> None:
    remove(layout.images(DOMAIN))
    layout.images(DOMAIN).parent.mkdir(parents=True, exist_ok=True)
    count = len(splits)
    images = np.random.default_rng(0).integers(0, 256, (count, 24, 24, 3), np.uint8)
    write_group(layout.images(DOMAIN), {"image": images})
    table = {"id": [f"n-{i}" for i in range(count)], "split": splits, "category": "", "source": "",
             "sha256": "", "licence": "", "width": 24, "height": 24}  # fmt: skip
    write_items(layout.items(DOMAIN), pd.DataFrame(table))


def test_an_inverse_of_the_default_backbone_with_its_losses() -> None:
    analogy_inverse.main()
    pyramid = load_pyramid(EstimatorTrunkSettings(), layout.ESTIMATORS)
    inverse = load_inverse(STORED, pyramid)
    maps = pyramid(torch.rand(1, 3, 24, 24))
    assert inverse(maps[4], 5, (3, 3)).shape == maps[3].shape
    facts = json.loads(STORED.with_suffix(".json").read_text())["facts"]
    assert facts["data"] == DOMAIN and facts["images"] == 5
    table = pd.read_csv(STORED.with_suffix("") / "losses.csv")
    assert table["step"].tolist() == [2, 4, 6]
    assert set(facts["errors"]) == set(table.columns)
    assert sorted(path.name for path in STORED.parent.iterdir()) == [
        "inverse",
        "inverse.json",
        "inverse.safetensors",
    ]
    assert not list(Path(".work").rglob("*.npy"))


def test_killed_it_goes_on_to_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    analogy_inverse.main()
    whole = content_hash(STORED.parent)
    remove(STORED.parent)
    save = steps.save_checkpoint

    def die(*given, **named) -> None:
        save(*given, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(steps, "save_checkpoint", die)
        with pytest.raises(KeyboardInterrupt):
            analogy_inverse.main()
    assert not STORED.parent.exists()
    analogy_inverse.main()
    assert content_hash(STORED.parent) == whole


def test_bad_settings_and_domains_are_refused() -> None:
    write_params(SECTION | {"speed": 1, "zoom": [0, 1]})
    with pytest.raises(SettingsError, match=r"(?s)analogy_inverse\.zoom.*analogy_inverse\.speed"):
        analogy_inverse.main()
    write_params(SECTION)
    write_images(["test"])
    with pytest.raises(StoreError, match="expected training images for the inverse, got none"):
        analogy_inverse.main()
    assert not STORED.exists()
