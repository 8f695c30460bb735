"""GLANN's scores from stores of samples whose distributions are known."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from exemplar.features.classifier import Classifier, ClassifierNetworkSettings, save_classifier
from exemplar.methods.glann.model import METHODS
from exemplar.metrics import prd
from exemplar.metrics.distribution import measured
from exemplar.metrics.embedding import load_embedding
from exemplar.report.glann_scores import SCORES, read_scores
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, write_group
from exemplar.store.files import content_hash, remove
from exemplar.store.items import write_items
from exemplar.store.weights import WeightsError
from stages import glann_evaluate

DOMAIN, SEED, SIDE = "shades", 3, 12
TRAINED, TESTED, MADE = 150, 120, 90


def shades(count: int, seed: int, low: int = 20, high: int = 200) -> np.ndarray:
    """Images (count, SIDE, SIDE, 3) of one shade each, from a range, a little noisy."""
    draw = np.random.default_rng(seed)
    shade = draw.integers(low, high, (count, 1, 1, 1))
    return (shade + draw.integers(0, 30, (count, SIDE, SIDE, 3))).astype(np.uint8)


def write_samples(method: str, images: np.ndarray) -> None:
    path = layout.samples(DOMAIN, SEED) / f"{method}.zarr"
    remove(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_group(path, {"image": images}, {"method": method, "seed": SEED})


def write_params(**settings: object) -> None:
    Path("params.yaml").write_text(yaml.safe_dump({"glann_evaluate": {"kernel": None} | settings}))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The stage over a domain, a classifier, and samples; by methods worse and worse."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stage", "--domain", DOMAIN, "--seed", str(SEED)])
    monkeypatch.setattr(prd, "RUNS", 2)
    write_params()
    count = TRAINED + TESTED
    layout.images(DOMAIN).parent.mkdir(parents=True)
    write_group(layout.images(DOMAIN), {"image": shades(count, 0)})
    splits = ["train"] * TRAINED + ["test"] * TESTED
    table = {"id": [f"s-{i}" for i in range(count)], "split": splits, "category": "", "source": "",
             "sha256": "", "licence": "", "width": SIDE, "height": SIDE}  # fmt: skip
    write_items(layout.items(DOMAIN), pd.DataFrame(table))
    torch.manual_seed(0)
    network = Classifier(SIDE, ["a", "b"], ClassifierNetworkSettings(width=4, features=6))
    save_classifier(layout.classifier(DOMAIN), network, {})
    for place, method in enumerate(METHODS):
        write_samples(method, shades(MADE, 1 + place, high=200 - 40 * place))

    def stage() -> Path:
        glann_evaluate.main()
        return layout.evaluation("glann", DOMAIN, str(SEED))

    return stage


def test_every_method_and_the_training_images_are_scored(run, capsys) -> None:
    write_params(kernel={"side": 32, "images": 30})
    folder = run()
    told = capsys.readouterr().err
    table = read_scores({(DOMAIN, SEED): folder})  # as the report reads it
    assert tuple(table.columns) == SCORES == glann_evaluate.COLUMNS
    table = pd.read_csv(folder / "scores.csv", index_col="method")
    assert table.index.to_list() == ["training", *METHODS]
    assert (table["samples"] == MADE).all() and (table["images"] == TESTED).all()
    [name] = table["fid_features"].unique()
    assert name.startswith("classifier#")
    [warning] = table["warning"].unique()
    assert "of 120 photographs and 90 images judged, fewer than 2,048" in warning
    assert "F8 and F1/8 are noisy: of 90 images, fewer than 200" in warning
    assert told.splitlines() == [
        f"glann_evaluate {DOMAIN}-{SEED}: {method}: warning: {warning}"
        for method in ("training", *METHODS)
    ]
    # Fewer and fewer shades: farther away, less recall, though whatever is made is right.
    assert table["fid"].loc[list(METHODS)].is_monotonic_increasing
    assert table.loc["glann", "f8"] > 0.9 > 0.6 > table.loc["vae_perceptual", "f8"]
    assert table.loc["vae_l1", "f1_8"] > 0.8 > 2 * table.loc["vae_l1", "f8"]
    assert table.loc["training", "fid"] < table.loc["vae_l1", "fid"] / 5
    kid = table["kid_efficientnet_lite2"]
    assert kid["training"] < kid["glann"] < kid["vae_perceptual"]
    [name] = table["efficientnet_lite2_features"].unique()
    assert name.startswith("efficientnet_lite2 pooled at 32#")
    assert name.endswith(", of 30 samples and 30 photographs")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert list(metrics) == ["training", *METHODS]
    assert metrics["glann"]["fid"] == pytest.approx(table.loc["glann", "fid"], rel=1e-5)
    first = content_hash(folder)
    assert content_hash(run()) == first


def test_the_numbers_are_those_of_the_features(run, monkeypatch) -> None:
    monkeypatch.setattr(glann_evaluate, "BATCH", 7)  # parts of which the last is short
    folder = run()
    see = load_embedding(None, layout.classifier(DOMAIN), layout.ESTIMATORS)
    photographs = np.asarray(array(open_group(layout.images(DOMAIN)), "image"))[TRAINED:]
    stored = array(open_group(layout.samples(DOMAIN, SEED) / "vae_l1.zarr"), "image")
    expected = measured(made=see(np.asarray(stored)), photographs=see(photographs))
    row = pd.read_csv(folder / "scores.csv", index_col="method").loc["vae_l1"]
    assert row["fid"] == pytest.approx(expected.fid, rel=1e-4)
    assert (row["f8"], row["f1_8"]) == pytest.approx(tuple(expected.scores), rel=1e-5)
    curves = pd.read_csv(folder / "prd.csv")
    assert list(curves) == ["method", "precision", "recall"]
    mine = curves[curves["method"] == "vae_l1"]
    assert expected.curve is not None
    np.testing.assert_allclose(mine[["precision", "recall"]].T, expected.curve, atol=1e-5)


def test_training_images_in_the_place_of_samples_are_as_many(run) -> None:
    """Drawn from all that were learned, and judged as samples are."""
    write_samples("glann", shades(TRAINED + 40, 1))
    write_params(photographs=100)
    table = pd.read_csv(run() / "scores.csv", index_col="method")
    assert table.loc["glann", "samples"] == TRAINED + 40
    assert table.loc["training", "samples"] == TRAINED
    assert (table["images"] == 100).all()


def test_few_samples_are_judged_by_what_there_is(run) -> None:
    for method in METHODS:
        write_samples(method, shades(15, 1))
    folder = run()
    table = pd.read_csv(folder / "scores.csv", index_col="method")
    assert table["f8"].isna().all() and table["fid"].notna().all()
    assert pd.read_csv(folder / "prd.csv").empty
    assert set(json.loads((folder / "metrics.json").read_text())["glann"]) == {"fid"}


def test_features_are_named_by_domain(run) -> None:
    write_params(features={"others": {"kind": "inception", "weights": "none.pth"}})
    run()
    write_params(features={DOMAIN: {"kind": "inception", "weights": "none.pth"}})
    before = content_hash(layout.evaluation("glann", DOMAIN, str(SEED)))
    with pytest.raises(WeightsError, match=r"none\.pth: no such weights file"):
        run()
    assert content_hash(layout.evaluation("glann", DOMAIN, str(SEED))) == before


def test_all_that_is_wrong_with_the_samples_is_said_together(run) -> None:
    remove(layout.samples(DOMAIN, SEED) / "glann.zarr")
    write_samples("vae_l1", shades(MADE, 1)[:, :8])
    write_samples("imle_pixels", shades(MADE, 1).astype(np.float32))
    write_samples("glo_gaussian", shades(1, 1))
    with pytest.raises(StoreError) as raised:
        run()
    said = str(raised.value)
    assert said.startswith(
        f"samples that cannot be judged; run `exemplar reproduce glann_samples@{DOMAIN}-{SEED}`"
    )
    assert "glann.zarr: no Zarr group" in said
    assert f"vae_l1.zarr: expected at least two images ({SIDE}, {SIDE}, 3) uint8" in said
    assert "imle_pixels.zarr" in said and "float32" in said
    assert "glo_gaussian.zarr" in said and "got 1 (" in said
    assert "vae_perceptual" not in said
    assert not layout.evaluation("glann", DOMAIN, str(SEED)).exists()


def test_a_domain_without_test_images_is_refused(run) -> None:
    table = pd.read_parquet(layout.items(DOMAIN)).assign(split="train")
    write_items(layout.items(DOMAIN), table)
    with pytest.raises(StoreError, match=r"at least two images of the split test, got 0; give"):
        run()
