"""The stages of pix2pixHD on a domain of a few rectangles, from labels to the table."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from exemplar.estimators import EstimatorsSettings, save_estimators
from exemplar.features.pixelnet import PixelNet, PixelNetSettings
from exemplar.methods.pix2pixhd.model import load_model
from exemplar.methods.pix2pixhd.styles import load_styles
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, write_group
from exemplar.store.files import remove
from exemplar.store.items import write_items
from stages import (
    pix2pixhd_enhancer,
    pix2pixhd_evaluate,
    pix2pixhd_global,
    pix2pixhd_samples,
    pix2pixhd_styles,
)
from tests.methods.pix2pixhd import tiny

DOMAIN, SIDE = "boxes", 20
TRAINING = {"unit": "steps", "plateau": 2, "decay": 2, "batch": 2, "checkpoint_every": 2}
PARAMS = {
    "pix2pixhd_global": {
        "network": tiny.NETWORK.model_dump(),
        "training": TRAINING,
        "backbone": {"kind": "estimator"},
    },
    "pix2pixhd_enhancer": {"training": TRAINING | {"frozen": 1}},
    "pix2pixhd_styles": {"styles": 3, "smallest": 0},
    "pix2pixhd_samples": {"count": 3},
    "pix2pixhd_evaluate": {},
}
STAGES = (
    pix2pixhd_global, pix2pixhd_enhancer, pix2pixhd_styles, pix2pixhd_samples, pix2pixhd_evaluate,
)  # fmt: skip


def write_domain(instances: bool = True) -> None:
    images, labels, numbers = tiny.rectangles(7, SIDE)
    labels[6, 0] = 255
    known = {"image": images} | ({"instances": numbers.astype(np.uint16)} if instances else {})
    for path in (layout.images(DOMAIN), layout.conditions(DOMAIN)):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove(path)
    write_group(layout.images(DOMAIN), known)
    write_group(layout.conditions(DOMAIN), {"labels": labels}, {"classes": list(tiny.CLASSES)})
    splits = ["train"] * 5 + ["test"] * 2
    table = {"id": [f"boxes-{i}" for i in range(7)], "split": splits, "category": "", "source": "",
             "sha256": "", "licence": "", "width": SIDE, "height": SIDE}  # fmt: skip
    write_items(layout.items(DOMAIN), pd.DataFrame(table))


def write_judge(parts: tuple[str, ...] = tiny.CLASSES) -> None:
    torch.manual_seed(0)
    heads = {"normals": 3, "edges": 1, "parts": len(parts)}
    network = PixelNet(3, heads, PixelNetSettings(width=4, hidden=8))
    save_estimators(layout.ESTIMATORS, network, parts, EstimatorsSettings(), "rendered")


@pytest.fixture
def run(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stage", "--domain", DOMAIN])
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS))
    write_judge()

    def stages(*chosen) -> None:
        for stage in chosen or STAGES:
            stage.main()

    return stages


@pytest.mark.parametrize("instances", [True, False])
def test_from_labels_to_the_table(run, instances: bool) -> None:
    write_domain(instances)
    run()
    coarse, fine = (
        load_model(f"models/pix2pixhd/{DOMAIN}-{part}.safetensors")
        for part in ("global", "enhancer")
    )
    assert (coarse.level, fine.level) == (0, 2)
    losses = pd.read_csv(f"models/pix2pixhd/{DOMAIN}-global/losses-0.csv")
    assert losses["step"].tolist() == [2, 4] and (losses["perceptual"] > 0).all()
    assert Path(f"models/pix2pixhd/{DOMAIN}-enhancer/losses-2.csv").is_file()
    styles = load_styles(f"models/pix2pixhd/{DOMAIN}-enhancer-styles.safetensors")
    assert [len(styles.of(label)) for label in range(3)] == [3, 3, 3]
    for method in ("pix2pixhd", "pix2pixhd_global"):
        group = open_group(layout.candidates(method, DOMAIN, "labels"), "image")
        images = np.asarray(array(group, "image"))
        assert images.shape == (2, 3, SIDE, SIDE, 3)
        assert group.attrs["rows"] == [5, 6]
    table = pd.read_csv(layout.evaluation("pix2pixhd", DOMAIN, "labels") / "scores.csv")
    assert list(table) == [
        "domain", "generator", "discriminator", "pixel_accuracy", "mean_iou",
        "pixel_accuracy_with_ignore", "mean_iou_with_ignore", "images", "judge",
    ]  # fmt: skip
    assert table["generator"].tolist() == ["real", "global", "global + enhancer"]
    assert table["discriminator"].fillna("").tolist() == ["", "one", "multi-scale"]
    assert table["images"].tolist() == [2, 6, 6]
    # One row of one of two test images has no class: it is wrong when it counts.
    share = (2 * SIDE * SIDE - SIDE) / (2 * SIDE * SIDE)
    np.testing.assert_allclose(
        table["pixel_accuracy_with_ignore"], table["pixel_accuracy"] * share, rtol=1e-4
    )
    assert not list(Path(".work").rglob("*.safetensors"))


def test_a_stage_that_was_killed_goes_on_to_the_same_weights(run, monkeypatch) -> None:
    write_domain()
    run(pix2pixhd_global, pix2pixhd_enhancer)
    path = Path(f"models/pix2pixhd/{DOMAIN}-enhancer.safetensors")
    through = path.read_bytes()
    path.unlink()

    def dies(target: Path, model) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pix2pixhd_enhancer, "save_model", dies)
        with pytest.raises(KeyboardInterrupt):
            pix2pixhd_enhancer.main()
    assert list(Path(".work").rglob("step-*"))  # of both levels
    trained = []
    descend = "exemplar.methods.pix2pixhd.training.descend"
    monkeypatch.setattr(descend, lambda *step: trained.append(step))
    pix2pixhd_enhancer.main()
    assert path.read_bytes() == through
    assert not trained


def test_layouts_are_sampled_apart_and_as_small_as_was_trained(run, monkeypatch) -> None:
    write_domain()
    run(*STAGES[:3])
    asked = []

    def samples(model, given, styles, count, seed):
        asked.append((model.level, given.labels.shape, given.name, seed))
        return np.full((count, *given.labels.shape, 3), 100, np.uint8), None

    monkeypatch.setattr("exemplar.methods.pix2pixhd.stored.samples", samples)
    run(pix2pixhd_samples)
    small, whole = (SIDE // 4, SIDE // 4), (SIDE, SIDE)
    expected = [(0, small, "5"), (0, small, "6"), (2, whole, "5"), (2, whole, "6")]
    assert [each[:3] for each in asked] == expected
    seeds = [each[3] for each in asked]
    assert seeds[0] == seeds[2] != seeds[1] == seeds[3]
    images = array(open_group(layout.candidates("pix2pixhd_global", DOMAIN, "labels")), "image")
    assert (np.asarray(images) == 100).all()  # enlarged


def test_without_an_encoder_all_samples_are_one(run) -> None:
    write_domain()
    network = tiny.NETWORK.model_copy(update={"encoder": None}).model_dump()
    params = PARAMS | {"pix2pixhd_global": {"network": network, "training": TRAINING}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    run(*STAGES[:4])
    images = array(open_group(layout.candidates("pix2pixhd", DOMAIN, "labels")), "image")
    assert (images[:, :1] == images[:, 1:]).all()


def test_what_is_missing_is_told(run) -> None:
    write_domain()
    write_judge(("sky", "sea"))
    run(*STAGES[:4])
    with pytest.raises(StoreError, match="no network sees its classes .*the estimators see sky"):
        run(pix2pixhd_evaluate)
    items = pd.read_parquet(layout.items(DOMAIN)).assign(split="val")
    write_items(layout.items(DOMAIN), items)
    with pytest.raises(StoreError, match="no image of the split train"):
        run(pix2pixhd_global)
