"""The stage `glann_report` on stores written here as the stages before would leave them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from exemplar.methods.glann.model import METHODS as SAMPLED
from exemplar.report import glann_gathered
from exemplar.report.glann_scores import COLUMNS
from exemplar.report.plots import losses_plot
from exemplar.report.tables import TableError
from exemplar.store import layout
from exemplar.store.arrays import StoreError, write_group
from exemplar.store.files import remove
from stages import glann_report
from tests.stages import glann_run

DOMAINS, SEEDS = ("dots", "spots"), (0, 1)
PARAMS = {
    "run": {"domains": ["rendered"], "seeds": list(SEEDS)},
    "glo": {"loss": {"kind": "perceptual"}, "training": {"epochs": 40}},
    "imle": {"training": {"epochs": 20}},
    "glann_report": {
        "samples": 5, "interpolations": 1, "reconstructions": 3, "inversions": 2, "nearest": 2,
        "neighbours": 2, "training": 2,
    },
    "studio": {"port": 4711},
}  # fmt: skip

FEW = {"interpolations": 0, "reconstructions": 0, "inversions": 0, "training": 0}


DRAWN: dict[tuple[str, str], str] = {}


def drawn_once(history: pd.DataFrame, name: str) -> str:
    """As `losses_plot`, which takes the most of a page's time; tests have the same histories."""
    key = history.to_csv(), name
    if key not in DRAWN:
        DRAWN[key] = losses_plot(history, name)
    return DRAWN[key]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(glann_gathered, "losses_plot", drawn_once)
    glann_run.write_run(DOMAINS, SEEDS)


def page(domains: tuple[str, ...] = ("dots",), **settings: object) -> str:
    params = PARAMS | {"run": PARAMS["run"] | {"sampled": list(domains)}} | settings
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    glann_report.main()
    return glann_run.page()


def sections(text: str) -> dict[str, str]:
    return {m[1]: m[2] for m in re.finditer(r'<section id="(\w+)">(.*?)</section>', text, re.S)}


def test_the_table_has_means_over_seeds() -> None:
    page(DOMAINS, glann_report=FEW)
    table = pd.read_csv("reports/tables/glann.csv")
    assert list(table) == list(COLUMNS)
    assert len(table) == len(DOMAINS) * (1 + len(SAMPLED))
    row = table[(table["dataset"] == "spots") & (table["method"] == "glann")].iloc[0]
    assert (row["fid"], row["seeds"], row["fid_features"]) == (11.55, 2, "classifier#ab12")
    assert row["fid_deviation"] == pytest.approx(0.1 / 2**0.5)


def test_the_page_has_every_score_and_every_picture() -> None:
    text = page(DOMAINS)
    values = re.findall(r'<data value="([^"]+)">([^<]+)</data>', text)
    assert {("11.55", "11.55 ± 0.07*"), ("8.6", "8.6 ± 0.1"), ("0.971", "0.971")} <= set(values)
    parts = sections(text)
    assert list(parts) == [
        "samples", "interpolations", "reconstructions", "inversions", "nearest", "scores",
        "training", "reproduce",
    ]  # fmt: skip
    counts = {name: part.count("<img ") for name, part in parts.items()}
    # Of each domain: training images and five methods; one strip; couples; two first and two
    # closest samples with two neighbours by code and by features; the ends of one training.
    assert counts == {
        "samples": 2 * 6 * 5, "interpolations": 2 * glann_run.STEPS, "reconstructions": 2 * 3 * 2,
        "inversions": 2 * 2 * 2, "nearest": 2 * 4 * (1 + 2 + 2), "scores": 0, "training": 2 * 2,
        "reproduce": 0,
    }  # fmt: skip
    assert parts["nearest"].count("<svg") == 2 * 2
    assert parts["scores"].count("<svg") == 2
    assert parts["training"].count("<svg") == 2 * 5
    assert "after 50 steps" in text and "after 750 steps" not in text
    assert f"* dots, spots: {glann_run.WARNING}." in parts["scores"]
    assert "40 and 20" in parts["scores"] and "12 images" in parts["scores"]
    assert "port: 4711" not in text and "epochs: 40" in text
    assert "exemplar sample --domain dots" in parts["reproduce"]
    # Every id once, and nothing from elsewhere.
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    addresses = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert all(address.startswith(("data:image/png", "#")) for address in addresses)


def test_samples_stand_beside_their_nearest_training_images() -> None:
    nearest = sections(page())["nearest"]
    first, closest = nearest.split("The samples most like a training image")
    # Sample i is nearest to the training images i and i + 1, and the last samples come nearest.
    assert captions(first)[:5] == ["sample 0", "dots-0", "dots-1", "dots-0", "dots-1"]
    assert captions(closest)[:5] == ["sample 8", "dots-8", "dots-9", "dots-8", "dots-9"]
    assert "<small>0.25</small>" in closest and "<small>2.25</small>" in first
    # Held-out images are 2 to 3 from training images: 0.25 is nearer than all of them, and 2.25
    # than the four of six beyond it.
    assert "nearer than 100% of held-out images" in closest
    assert "nearer than 67% of held-out images" in first
    # Of nine samples, 0.25 to 2.25, all are within 2.5; five are within the training images' 1.5.
    assert "In perceptual space 100% of the samples" in closest
    assert "In latent space 56% of the samples" in closest


def captions(text: str) -> list[str]:
    return re.findall(r"<figcaption>([^<]+)", text)


def test_the_judge_is_judged() -> None:
    for domain, accuracy in zip(DOMAINS, (0.9125, 0.5), strict=True):
        config = layout.classifier(domain).with_suffix(".json")
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(json.dumps({"accuracy": accuracy}))
    said = "dots: 91.2% of test images named rightly; spots: 50.0% of test images named rightly"
    assert said in page(DOMAINS, glann_report=FEW)


def test_without_held_out_images_training_images_are_the_measure() -> None:
    remove(layout.samples("dots", 0) / "held_out.zarr")
    text = page()
    assert "of held-out images" not in sections(text)["nearest"].split("</div>", 1)[1]
    assert "In perceptual space 56% of the samples" in text


def test_equal_runs_give_equal_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glann_gathered, "losses_plot", losses_plot)
    assert page() == page()


def test_what_is_not_wanted_has_no_section() -> None:
    text = page(glann_report=FEW)
    assert list(sections(text)) == ["samples", "nearest", "scores", "training", "reproduce"]
    for name in ("interpolations", "reconstructions", "inversions"):
        assert f'href="#{name}"' not in text


def test_too_few_images_for_a_curve_leave_the_plot_out() -> None:
    path = layout.evaluation("glann", "dots", "0") / "prd.csv"
    path.write_text("method,precision,recall\n")
    assert "<svg" not in sections(page())["scores"]


def test_what_does_not_belong_together_is_told_and_nothing_is_written() -> None:
    path = layout.samples("dots", 0) / "glann.zarr"
    remove(path)
    with pytest.raises(StoreError, match="glann.zarr: no Zarr group"):
        page()
    larger = np.zeros((2, 20, 20, 3), np.uint8)
    write_group(path, {"image": larger}, {"perceptual_features": "a net"})
    with pytest.raises(StoreError, match=r"dots: expected samples of \(16, 16, 3\), .*\(20, 20, 3"):
        page()
    for seed in SEEDS:
        remove(layout.evaluation("glann", "spots", str(seed)) / "scores.csv")
    with pytest.raises(TableError) as caught:
        page(DOMAINS)
    lines = str(caught.value).splitlines()
    assert [f"spots-{seed}" in line for seed, line in zip(SEEDS, lines, strict=True)] == [True] * 2
    assert not Path("reports").exists()


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ({"kind": "perceptual"}, "the estimators’ trunk, trained on rendered heads"),
        ({"backbone": {"kind": "torchvision", "name": "vgg16"}}, "vgg16"),
        ({"backbone": {"kind": "vgg19_small", "weights": "w.pth"}}, "vgg19_small"),
        ({"kind": "laplacian"}, "none; Laplacian pyramids"),
    ],
)
def test_losses_in_words(loss: dict, said: str) -> None:
    assert glann_report.loss_in_words(glann_report.GloSettings(loss=loss)) == said
