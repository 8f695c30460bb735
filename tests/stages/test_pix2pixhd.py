"""The stages of pix2pixHD on a domain of a few rectangles, from labels to the table."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

from exemplar.estimators import EstimatorsSettings, load_estimators, save_estimators
from exemplar.features.pixelnet import PixelNet, PixelNetSettings
from exemplar.methods.pix2pixhd import networks
from exemplar.methods.pix2pixhd.model import load_model, save_model
from exemplar.methods.pix2pixhd.stored import (
    candidates_path,
    shown_set,
    training_set,
)
from exemplar.methods.pix2pixhd.styles import load_styles
from exemplar.methods.pix2pixhd.unet import UNetGenerator
from exemplar.metrics import frechet, prd
from exemplar.report.pix2pixhd_table import read_scores
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, write_group
from exemplar.store.files import remove
from exemplar.store.items import write_items
from exemplar.store.weights import load_weights
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
        "unet": {"width": 4},
        "backbone": {"kind": "estimator"},
        "samples": 2,
    },
    "pix2pixhd_enhancer": {"training": TRAINING | {"frozen": 1}},
    "pix2pixhd_styles": {"styles": 3, "smallest": 0},
    "pix2pixhd_samples": {"count": 3},
    "pix2pixhd_evaluate": {},
}
COARSE = [(pix2pixhd_global, network) for network in networks.COARSE]
ENHANCER = (pix2pixhd_enhancer, None)
STYLES = [(pix2pixhd_styles, network) for network in networks.NETWORKS]
SAMPLES = [(pix2pixhd_samples, network) for network in networks.NETWORKS]
EVALUATE = (pix2pixhd_evaluate, None)
OURS = [(pix2pixhd_global, "global"), ENHANCER]


def write_domain(instances: bool = True, photographed: list[int] | None = None) -> None:
    images, labels, numbers = tiny.rectangles(7, SIDE)
    labels[6, 0] = 255
    known = {"image": images} | ({"instances": numbers.astype(np.uint16)} if instances else {})
    if photographed is not None:
        known["photographed"] = np.isin(np.arange(7), photographed).astype(np.uint8)
    for path in (layout.images(DOMAIN), layout.conditions(DOMAIN)):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove(path)
    write_group(layout.images(DOMAIN), known)
    write_group(layout.conditions(DOMAIN), {"labels": labels}, {"classes": list(tiny.CLASSES)})
    splits = ["train"] * 5 + ["test"] * 2
    table = {"id": [f"boxes-{i}" for i in range(7)], "split": splits, "category": "", "source": "",
             "sha256": "", "licence": "", "width": SIDE, "height": SIDE}  # fmt: skip
    write_items(layout.items(DOMAIN), pd.DataFrame(table))


def write_judge(
    parts: tuple[str, ...] = tiny.CLASSES, others: tuple[str, ...] = ("sky", "sea")
) -> None:
    """The estimators, which see these parts, and the network of the stage `judge`, which others."""
    torch.manual_seed(0)
    for path, seen, data in (
        (layout.ESTIMATORS, parts, "rendered"),
        (layout.JUDGE, others, "strangers"),
    ):
        heads = {"normals": 3, "edges": 1, "parts": len(seen)}
        network = PixelNet(3, heads, PixelNetSettings(width=4, hidden=8))
        save_estimators(path, network, seen, EstimatorsSettings(), data)


@pytest.fixture
def run(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS))
    write_judge()

    def stages(*chosen) -> None:
        for stage, network in chosen or [*COARSE, ENHANCER, *STYLES, *SAMPLES, EVALUATE]:
            given = ["--network", network] if network else []
            monkeypatch.setattr(sys, "argv", ["stage", "--domain", DOMAIN, *given])
            stage.main()

    return stages


@pytest.mark.parametrize("instances", [True, False])
def test_from_labels_to_the_table(run, instances: bool) -> None:
    write_domain(instances)
    run()
    models = {
        network: load_model(f"models/pix2pixhd/{DOMAIN}-{network}.safetensors")
        for network in networks.NETWORKS
    }
    assert {network: model.level for network, model in models.items()} == {
        "global": 0, "unet": 0, "one": 0, "enhancer": 2,
    }  # fmt: skip
    assert isinstance(models["unet"].generator, UNetGenerator)
    losses = pd.read_csv(f"models/pix2pixhd/{DOMAIN}-unet/losses-0.csv")
    assert losses["step"].tolist() == [2, 4] and (losses["perceptual"] > 0).all()
    assert Path(f"models/pix2pixhd/{DOMAIN}-enhancer/losses-2.csv").is_file()
    pictures = sorted(Path(f"models/pix2pixhd/{DOMAIN}-global/samples").glob("*.png"))
    assert len(pictures) == 2 and Image.open(pictures[0]).height == 2 * (SIDE // 4)
    seen = {
        p.name.split("-")[0] for p in Path(f"models/pix2pixhd/{DOMAIN}-enhancer").rglob("*.png")
    }
    assert seen == {"1", "2"}
    styles = load_styles(f"models/pix2pixhd/{DOMAIN}-enhancer-styles.safetensors")
    assert [len(styles.of(label)) for label in range(3)] == [3, 3, 3]
    for network in networks.NETWORKS:
        group = open_group(candidates_path(DOMAIN, network), "image")
        images = np.asarray(array(group, "image"))
        assert images.shape == (2, 3, SIDE, SIDE, 3)
        assert group.attrs["rows"] == [5, 6]
    table = read_scores(layout.evaluation("pix2pixhd", DOMAIN, "labels"), DOMAIN)
    assert table["generator"].tolist() == ["real", "U-Net", "global", "global", "global + enhancer"]
    assert table["discriminator"].tolist() == ["", "one", "one", "one", "multi-scale"]
    assert table["images"].tolist() == ["2", "6", "6", "6", "6"]
    # One row of one of two test images has no class: it is wrong when it counts.
    share = (2 * SIDE * SIDE - SIDE) / (2 * SIDE * SIDE)
    np.testing.assert_allclose(
        table["pixel_accuracy_with_ignore"].astype(float),
        table["pixel_accuracy"].astype(float) * share,
        rtol=1e-4,
    )
    assert not list(Path(".work").rglob("*.safetensors"))


@pytest.mark.parametrize("stage", [OURS[0], ENHANCER], ids=["global", "enhancer"])
def test_a_stage_that_was_killed_goes_on_to_the_same_weights(run, monkeypatch, stage) -> None:
    write_domain()
    run(*OURS)
    module, network = stage
    path = Path(f"models/pix2pixhd/{DOMAIN}-{network or 'enhancer'}.safetensors")
    through = path.read_bytes()
    path.unlink()

    def dies(target: Path, model) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "save_model", dies)
        with pytest.raises(KeyboardInterrupt):
            run(stage)
    assert list(Path(".work").rglob("step-*"))
    trained = []
    descend = "exemplar.methods.pix2pixhd.training.descend"
    monkeypatch.setattr(descend, lambda *step: trained.append(step))
    run(stage)
    assert path.read_bytes() == through
    assert not trained


def test_layouts_are_sampled_apart_and_as_small_as_was_trained(run, monkeypatch) -> None:
    write_domain()
    ours = ("global", "enhancer")
    run(*OURS, *[(pix2pixhd_styles, network) for network in ours])
    asked = []

    def samples(model, given, styles, count, seed):
        asked.append((model.level, given.labels.shape, given.name, seed))
        return np.full((count, *given.labels.shape, 3), 100, np.uint8), None

    monkeypatch.setattr("exemplar.methods.pix2pixhd.stored.samples", samples)
    run(*[(pix2pixhd_samples, network) for network in ours])
    small, whole = (SIDE // 4, SIDE // 4), (SIDE, SIDE)
    expected = [(0, small, "5"), (0, small, "6"), (2, whole, "5"), (2, whole, "6")]
    assert [each[:3] for each in asked] == expected
    seeds = [each[3] for each in asked]
    assert seeds[0] == seeds[2] != seeds[1] == seeds[3]
    images = array(open_group(candidates_path(DOMAIN, "global")), "image")
    assert (np.asarray(images) == 100).all()  # enlarged


def test_without_an_encoder_all_samples_are_one(run) -> None:
    write_domain()
    network = tiny.NETWORK.model_copy(update={"encoder": None}).model_dump()
    params = PARAMS | {"pix2pixhd_global": {"network": network, "training": TRAINING}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    run(*OURS, (pix2pixhd_styles, "enhancer"), (pix2pixhd_samples, "enhancer"))
    images = array(open_group(candidates_path(DOMAIN, "enhancer")), "image")
    assert (images[:, :1] == images[:, 1:]).all()


def write_samples(value: int) -> None:
    """Models that are as they began, and grey images of the test layouts."""
    torch.manual_seed(0)
    for network in networks.NETWORKS:
        save_model(layout.pix2pixhd(DOMAIN, network), tiny.model(2 if network == "enhancer" else 0))
        path = candidates_path(DOMAIN, network)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_group(path, {"image": np.full((2, 3, SIDE, SIDE, 3), value, np.uint8)})


def table() -> pd.DataFrame:
    return read_scores(layout.evaluation("pix2pixhd", DOMAIN, "labels"), DOMAIN)


def test_photographs_that_are_not_there_are_neither_learned_from_nor_judged(run) -> None:
    write_domain(photographed=[0, 2, 3])
    group = array(open_group(layout.images(DOMAIN)), "image")
    known = training_set(DOMAIN, Path("work"))
    assert (known.images == group[:][[0, 2, 3]]).all() and len(known.labels) == 3
    assert (shown_set(DOMAIN, 2, Path("shown")).images == known.images[:2]).all()
    write_samples(128)
    run(EVALUATE)
    assert table().set_index("generator").loc["real", "images"] == "3"  # none is a test layout's
    remove(layout.images(DOMAIN))
    write_domain(photographed=[0, 2, 3, 6])
    run(EVALUATE)
    assert table().set_index("generator").loc["real", "images"] == "1"


def test_the_stage_judge_s_network_comes_first_where_it_sees_all_classes(run) -> None:
    write_domain()
    write_judge(others=tiny.CLASSES)
    write_samples(128)
    run(EVALUATE)
    made = table()
    names = [load_estimators(path).identity for path in (layout.JUDGE, layout.ESTIMATORS)]
    assert made["judge"].drop_duplicates().tolist() == names
    shares = made.drop_duplicates("judge")["judge_shares"].tolist()
    assert shares == ["nothing", "loss"]
    generators = [rows["generator"].tolist() for _, rows in made.groupby("judge", sort=False)]
    assert generators[0] == generators[1]
    accuracy = made.groupby("judge")["pixel_accuracy"].agg(list)
    assert accuracy[names[0]] != accuracy[names[1]]


def test_a_judge_is_trained_where_no_known_one_sees_the_classes(run) -> None:
    write_domain()
    write_judge(("sky", "sea"))
    write_samples(128)
    trained = {"network": {"width": 4, "hidden": 8},
               "training": {"steps": 60, "batch": 4, "pixels": 64, "rate": 0.01}}  # fmt: skip
    params = PARAMS | {"pix2pixhd_evaluate": {"trained": trained}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    run(EVALUATE)
    made = table()
    judges = set(made["judge"])
    assert len(judges) == 1 and judges.pop().startswith(f"pixelnet-4@{DOMAIN}#")
    accuracy = made.set_index("generator")["pixel_accuracy"].astype(float)
    assert accuracy["real"] > accuracy["U-Net"]  # grey shows nothing
    weights = layout.evaluation("pix2pixhd", DOMAIN, "labels") / "judge.safetensors"
    assert load_weights(weights)[1]["classes"] == list(tiny.CLASSES)


def test_a_named_judge_ignores_the_classes_that_it_does_not_see(run) -> None:
    write_domain()
    write_judge(("sea", tiny.CLASSES[0]))
    write_samples(128)
    params = PARAMS | {"pix2pixhd_evaluate": {"judges": {DOMAIN: {"kind": "estimators"}}}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    run(EVALUATE)
    grey = table().set_index("generator").loc["U-Net"]
    labels = np.asarray(array(open_group(layout.conditions(DOMAIN)), "labels"))[5:7]
    counted = float(grey["pixel_accuracy_with_ignore"])
    wanted = (labels == 0).mean() * float(grey["pixel_accuracy"])
    assert 0 < (labels == 0).mean() < 1 and counted == pytest.approx(wanted, abs=1e-3)


def test_all_images_together_are_compared_with_training_photographs(run, monkeypatch) -> None:
    write_domain()
    write_samples(128)
    path = candidates_path(DOMAIN, "unet")
    photographs = np.asarray(array(open_group(layout.images(DOMAIN)), "image"))
    remove(path)
    write_group(path, {"image": np.stack([photographs[:3], photographs[2:5]])})
    run(EVALUATE)
    assert (table()[["fid", "f8", "f1_8", "fid_features"]] == "").all(axis=None)  # too few
    monkeypatch.setattr(frechet, "ENOUGH", 0.01)
    monkeypatch.setattr(prd, "ENOUGH", 1)
    monkeypatch.setattr(prd, "CLUSTERS", 2)
    run(EVALUATE)
    made = table()
    judge = load_estimators(layout.ESTIMATORS).identity
    assert set(made["fid_features"]) == {f"{judge} means of conv1_2+conv2_2+conv3_3"}
    found = made.drop_duplicates("generator").set_index("generator")
    number = found[["fid", "f8", "f1_8"]].astype(float)
    # The training photographs themselves, one of them twice, against those and against grey.
    assert number.loc["U-Net", "fid"] < number.loc["global", "fid"] / 5
    assert number.loc["U-Net", "f1_8"] > 0.8 > number.loc["global", "f1_8"]
    assert number.loc["real"].notna().all()
    # Layouts of test images have no photographs: what stands for them was learned from.
    remove(layout.images(DOMAIN))
    write_domain(photographed=[0, 1, 2, 3, 4])
    run(EVALUATE)
    found = table().drop_duplicates("generator").set_index("generator")
    assert found.loc["real", "fid"] == "" != found.loc["U-Net", "fid"]


def test_what_is_missing_is_told(run) -> None:
    write_domain()
    write_judge(("sky", "sea"))
    write_samples(0)
    params = PARAMS | {"pix2pixhd_evaluate": {"judges": {DOMAIN: {"kind": "estimators"}}}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(StoreError, match="judges.boxes: pixelnet.* sees none of .* but sky, sea"):
        run(EVALUATE)
    items = pd.read_parquet(layout.items(DOMAIN)).assign(split="val")
    write_items(layout.items(DOMAIN), items)
    with pytest.raises(StoreError, match="no image of the split train"):
        run(OURS[0])
