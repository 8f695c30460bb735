"""The stage `pix2pixhd_report` on stores written here as the stages before would leave them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from exemplar.methods.pix2pixhd.model import save_model
from exemplar.methods.pix2pixhd.networks import NETWORKS
from exemplar.methods.pix2pixhd.stored import (
    candidates_path,
)
from exemplar.methods.pix2pixhd.styles import save_styles
from exemplar.metrics.segmentation import COLUMNS
from exemplar.report.tables import FEW_IMAGES, TableError
from exemplar.store import layout
from exemplar.store.arrays import StoreError, write_group
from exemplar.store.files import remove
from exemplar.store.items import write_items
from stages import pix2pixhd_report
from tests.methods.pix2pixhd import tiny
from tests.methods.pix2pixhd.test_sampling import STYLES, vivid

DOMAIN, SIDE, LOOKS = "boxes", 20, 3
PARAMS = {
    "run": {"domains": ["rendered"], "conditions": ["edges"], "layouts": [DOMAIN]},
    "pix2pixhd_samples": {"count": LOOKS},
    "pix2pixhd_report": {
        "inputs": 2, "choices": 1, "relabel": {DOMAIN: ["box=ground"]}, "training": 2
    },
    "studio": {"port": 4711},
}  # fmt: skip


def write_run(photographed: tuple[int, ...] = (0, 1, 2, 3, 4)) -> None:
    """A domain of five rectangles, three of them for training, and what was made of it."""
    images, labels, instances = tiny.rectangles(5, SIDE)
    known = np.isin(np.arange(5), photographed)
    arrays = {"image": images * known[:, None, None, None], "photographed": known.astype(np.uint8)}
    for path, stored, attributes in (
        (layout.images(DOMAIN), arrays | {"instances": instances.astype(np.uint16)}, {}),
        (layout.conditions(DOMAIN), {"labels": labels}, {"classes": list(tiny.CLASSES)}),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_group(path, stored, attributes)
    table = {"id": [f"boxes-{i}" for i in range(5)], "split": ["train"] * 3 + ["test"] * 2,
             "category": "", "source": "", "sha256": "", "licence": "", "width": SIDE,
             "height": SIDE}  # fmt: skip
    write_items(layout.items(DOMAIN), pd.DataFrame(table))
    save_model(layout.pix2pixhd(DOMAIN, "enhancer"), vivid(2))
    save_styles(layout.pix2pixhd_styles(DOMAIN, "enhancer"), STYLES, {})
    for seed, network in enumerate(NETWORKS):
        write_images(network, [3, 4], seed)
        folder = layout.pix2pixhd_progress(DOMAIN, network)
        for level in (1, 2) if network == "enhancer" else (0,):
            (folder / "samples").mkdir(parents=True, exist_ok=True)
            losses = {"generator": [0.5, 0.7], "perceptual": 0.0, "discriminators": [0.4, 0.3]}
            history = pd.DataFrame({"step": [50, 1500]} | losses)
            history.to_csv(folder / f"losses-{level}.csv", index=False)
            for step in (50, 750, 1500):
                picture = Image.fromarray(np.full((8, 24, 3), 40 * level + step // 20, np.uint8))
                picture.save(folder / "samples" / f"{level}-{step:07d}.png")
    folder = layout.evaluation("pix2pixhd", DOMAIN, "labels")
    folder.mkdir(parents=True, exist_ok=True)
    scores().to_csv(folder / "scores.csv", index=False)


def write_images(network, rows: list[int], seed: int) -> None:
    shape = (len(rows), LOOKS, SIDE, SIDE, 3)
    made = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    remove(candidates_path(DOMAIN, network))
    write_group(candidates_path(DOMAIN, network), {"image": made}, {"rows": rows})


def scores() -> pd.DataFrame:
    values = {
        ("real", ""): (90.125, 0.91),
        ("U-Net", "multi-scale"): (70.5, 0.5125),
        ("global", "one"): (71.25, 0.375),
        ("global", "multi-scale"): (72.125, 0.625),
        ("global + enhancer", "multi-scale"): (80.5, 0.75),
    }
    rows = [
        {"generator": g, "discriminator": d, "pixel_accuracy": a, "mean_iou": i, "images": 6}
        for (g, d), (a, i) in values.items()
    ]
    table = pd.DataFrame(rows).assign(domain=DOMAIN, judge="a net")
    table["pixel_accuracy_with_ignore"] = table["pixel_accuracy"] - 1
    table["mean_iou_with_ignore"] = table["mean_iou"] / 2
    return table.reindex(columns=list(COLUMNS))


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS, sort_keys=False))


def page() -> str:
    pix2pixhd_report.main()
    return Path("reports/pix2pixhd.html").read_text()


def test_the_table_is_the_evaluations(project) -> None:
    write_run()
    page()
    evaluated = layout.evaluation("pix2pixhd", DOMAIN, "labels") / "scores.csv"
    assert Path("reports/tables/pix2pixhd.csv").read_text() == evaluated.read_text()


def test_the_page_has_every_score_and_every_picture(project) -> None:
    write_run()
    text = page()
    values = re.findall(r'<data value="([^"]+)">([^<]+)</data>', text)
    assert {("80.5", "80.50"), ("0.75", "0.7500"), ("89.125", "89.12")} <= set(values)
    assert "judged by a net" in text and "Cityscapes, as published" in text
    sections = {m[1]: m[2] for m in re.finditer(r'<section id="(\w+)">(.*?)</section>', text, re.S)}
    assert list(sections) == [
        "looks", "choices", "edits", "networks", "scores", "training", "reproduce",
    ]  # fmt: skip
    counts = {name: part.count("<img ") for name, part in sections.items()}
    # Of two layouts: it, three looks and the photograph; all of one class's styles; four pictures
    # of an edit; four networks; five trainings, each with its first and its last picture.
    assert counts["looks"] == 2 * (1 + LOOKS + 1)
    assert counts["choices"] in (1 + 3, 1 + 5)
    assert counts["edits"] == 4
    assert counts["networks"] == 2 * (1 + 4 + 1)
    assert counts["training"] == 5 * 2
    assert sections["training"].count("<svg") == 5
    assert "after 50 steps" in text and "after 1,500 steps" in text
    assert "after 750 steps" not in text
    assert "perceptual" not in re.sub(r"<details>.*", "", sections["training"])
    assert "exemplar edit boxes-3 --domain boxes --out DIR" in text
    assert "port: 4711" not in text and "pix2pixhd_report" in text
    # Every id once, and nothing from elsewhere.
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    addresses = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert all(address.startswith(("data:image/png", "#")) for address in addresses)


def test_a_fid_of_few_images_is_warned_of_under_its_table(project) -> None:
    write_run()
    assert FEW_IMAGES not in page()
    known = {"fid": [None, 2.5, 2.25, 2.125, 1.5], "fid_features": ["", *["deep means"] * 4]}
    path = layout.evaluation("pix2pixhd", DOMAIN, "labels") / "scores.csv"
    scores().assign(**known).to_csv(path, index=False)
    ours, published = page().split("Cityscapes, as published")
    assert ours.count(f'<p class="note">{FEW_IMAGES}</p>') == 1
    assert FEW_IMAGES not in published


def test_equal_runs_give_equal_pages(project) -> None:
    write_run()
    assert page() == page()


def test_what_was_never_photographed_is_not_shown(project) -> None:
    write_run(photographed=(0, 1))
    text = page()
    assert "<figcaption>photograph</figcaption>" not in text
    assert "<b>2</b> photographs of <i>boxes</i>" in text


def test_without_edits_there_are_no_sections_of_them(project) -> None:
    write_run()
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS | {"pix2pixhd_report": {"choices": 0}}))
    text = page()
    for name in ("edits", "choices"):
        assert f'id="{name}"' not in text and f'href="#{name}"' not in text


def test_what_does_not_belong_together_is_told(project) -> None:
    write_run()
    write_images("unet", [2, 4], 0)
    with pytest.raises(
        StoreError, match=r"pix2pixhd_unet/.* split test, got others; .*@boxes-unet"
    ):
        page()
    (layout.evaluation("pix2pixhd", DOMAIN, "labels") / "scores.csv").unlink()
    with pytest.raises(TableError, match="pix2pixhd_evaluate@boxes has not run"):
        page()
    assert not Path("reports").exists()
