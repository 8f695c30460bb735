"""The stages of Semantic Image Analogy in miniature: GAN, layouts, scores, a table, a page."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

from exemplar.data.problems import RequestError
from exemplar.estimators import EstimatorsSettings, save_estimators
from exemplar.features.pixelnet import PixelNet, PixelNetSettings
from exemplar.measured import Measured, in_own_process
from exemplar.methods.semantic_analogy.model import Gan
from exemplar.report.layout_scores import COLUMNS
from exemplar.settings import SettingsError
from exemplar.store import layout
from exemplar.store.files import content_hash
from stages import semantic_evaluate, semantic_report, semantic_samples, semantic_train
from tests.methods.semantic_analogy.labelled import (
    CLASSES,
    DOMAIN,
    SIDE,
    image_of,
    labels_of,
    write_domain,
)

TARGETS = {
    "other": {"image": {"domain": DOMAIN, "id": "b-1"}},
    "doorless": {"edit": "remove:door:wall"},
}
GAN = {
    "generator": {"width": 4},
    "discriminator": {"width": 4},
    "classifier": {"width": 4, "blocks": [1, 1, 1, 1], "rates": [2]},
    "training": {"iterations": 4, "generator_steps": 1, "checkpoint_every": 2},
}
PARAMS: dict[str, Any] = {
    "run": {"sources": ["house"]},
    "layout": {"gan": GAN, "patches": {"rounds": 2}},
    "analogy": {"iterations": 2},
    "sources": {"house": {"image": {"domain": DOMAIN, "id": "b-0"}, "targets": TARGETS}},
    "semantic_evaluate": {"judge_side": 48},
    "semantic_report": {"side": 80},
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(semantic_samples, "in_own_process", in_this_process)
    write_domain()
    torch.manual_seed(0)
    heads = {"normals": 3, "edges": 1, "parts": len(CLASSES)}
    for path, data in ((layout.ESTIMATORS, "rendered"), (layout.JUDGE, "strangers")):
        network = PixelNet(3, heads, PixelNetSettings(width=4, hidden=8))
        save_estimators(path, network, CLASSES, EstimatorsSettings(), data)
    write_params()


def in_this_process(work: Callable, *given: object) -> Measured:
    return Measured(work(*given), 10.0)


def write_params(**sections: object) -> None:
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS | sections, sort_keys=False))


def run(stage: ModuleType, monkeypatch: pytest.MonkeyPatch, source: str | None = "house") -> None:
    arguments = [] if source is None else ["--source", source]
    monkeypatch.setattr(sys, "argv", [stage.__name__, *arguments])
    stage.main()


def run_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for stage in (semantic_train, semantic_samples, semantic_evaluate):
        run(stage, monkeypatch)
    run(semantic_report, monkeypatch, None)


def test_from_a_labelled_image_to_the_table_and_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    run_all(monkeypatch)
    training = pd.read_csv("reports/semantic/house-training.csv")
    assert training["step"].tolist() == [2, 4]
    assert (training["seconds"].diff().dropna() > 0).all() and (training["peak_mb"] >= 0).all()
    assert sorted(p.name for p in Path("models/semantic/house").iterdir()) == ["2", "4"]
    samples = pd.read_csv("layouts/house/samples.csv")
    made = samples.groupby("method")["target"].agg(set).to_dict()
    everything = {"identity", *TARGETS}
    assert made == {"gan": everything, "patches": everything, "deep_analogy": {"other"}}
    learning = samples[samples["method"] == "gan"]["learning_seconds"]
    assert learning.tolist() == [pytest.approx(training["seconds"].iloc[-1], rel=1e-3)] * 3
    for method, targets in made.items():
        for target in targets:
            image = np.asarray(Image.open(f"layouts/house/{method}/{target}.png"))
            assert image.shape == (SIDE, SIDE, 3)
            assert Path(f"layouts/house/{method}/{target}.npz").is_file() == (method != "gan")
    # The last picture on the way is what the GAN makes in the end.
    last = np.asarray(Image.open("models/semantic/house/4/other.png"))
    np.testing.assert_array_equal(last, np.asarray(Image.open("layouts/house/gan/other.png")))

    both = pd.read_csv("reports/semantic/house.csv")
    first, second = both["judge"].unique()
    assert first.startswith("pixelnet-4@strangers#") and second.startswith("pixelnet-4@rendered#")
    scores, others = both[both["judge"] == first], both[both["judge"] == second]
    assert set(scores["judge_shares"]) == {"nothing"}
    [shares] = set(others["judge_shares"])
    assert shares.startswith("loss of the GAN, features of Deep Image Analogy")
    # What no judge sees stands once.
    assert others["pixel_accuracy"].notna().all() and others["patch_distance"].isna().all()
    assert others["target"].tolist() == scores["target"].tolist()
    rows = scores.set_index(["method", "target"])
    assert len(rows) == len(rows.index.unique()) == (5 + 5 + 3) + (5 + 3)
    assert rows.loc[("patches", "identity"), "identity_psnr"] > 28
    assert rows.loc[("source", "other"), "patch_distance_any"] == 0
    cost = rows.loc[("gan", "other")]
    assert cost["seconds"] == pytest.approx(learning.iloc[0] + cost["seconds_each"], rel=1e-3)
    curve = pd.read_csv("reports/semantic/house-curve.csv")
    assert curve["step"].tolist() == [2, 4]
    final = rows.loc[("gan", "all")]
    for measure in ("patch_distance", "mean_iou", "pixel_accuracy"):
        assert curve[measure].iloc[-1] == pytest.approx(final[measure])

    table = pd.read_csv("reports/tables/semantic_analogy.csv")
    assert table.columns.tolist() == list(COLUMNS)
    assert set(table["judge"]) == {first, second}
    assert table[table["judge"] == second]["useful_seconds"].isna().all()
    table = table[table["judge"] == first]
    methods = ["gan", "patches", "deep_analogy", "source", "photograph"]
    assert table["method"].tolist() == 2 * methods
    assert table["targets"].tolist() == [2, 2, 1, 2, 1] + 5 * [1]
    assert table["over"].tolist() == 5 * ["all"] + 5 * ["shared"]
    assert table["useful_seconds"].notna().tolist() == 2 * [True, False, False, False, False]
    shared = rows.loc[("gan", "shared")]
    assert shared["patch_distance"] == rows.loc[("gan", "other"), "patch_distance"]
    assert shared["seconds"] == cost["seconds"]
    page = Path("reports/layouts.html").read_text()
    for text in ("40×40 pixels of b-0, CC0-1.0", "45.7", "1.735", "judge_side: 48", "doorless"):
        assert text in page
    # Image, labels and places of the source; each target's layout, the photograph of one; what was
    # made, and of copies where from.
    assert page.count("data:image/png") == 3 + 3 + 1 + (3 + 3 + 1) + (3 + 1)
    for stage in ("train", "samples", "evaluate"):
        assert not any(Path(f".work/semantic_{stage}/house").iterdir())


def test_one_seed_gives_one_network_and_killed_training_goes_on(monkeypatch) -> None:
    run(semantic_train, monkeypatch)
    outputs = [Path("models/semantic")]
    whole = content_hash(*outputs)
    render, calls = Gan.render, []

    def stopped(gan: Gan, targets: np.ndarray) -> np.ndarray:
        calls.append(len(targets))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return render(gan, targets)

    monkeypatch.setattr(Gan, "render", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(semantic_train, monkeypatch)
    assert calls == [3, 3]
    run(semantic_train, monkeypatch)
    # Steps 3 and 4 alone were done again.
    assert len(calls) == 3 and content_hash(*outputs) == whole
    assert pd.read_csv("reports/semantic/house-training.csv")["step"].tolist() == [2, 4]


def test_a_finished_method_is_not_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    run(semantic_train, monkeypatch)
    begun: list[str] = []

    def stopping(work: Callable, *given: object) -> Measured:
        begun.append(work.__name__)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return in_this_process(work, *given)

    monkeypatch.setattr(semantic_samples, "in_own_process", stopping)
    with pytest.raises(KeyboardInterrupt):
        run(semantic_samples, monkeypatch)
    assert not list(Path("layouts").iterdir())
    run(semantic_samples, monkeypatch)
    assert begun == ["by_gan", "by_patches", "by_deep_analogy", "by_deep_analogy"]
    assert len(pd.read_csv("layouts/house/samples.csv")) == 3 + 3 + 1


def test_methods_can_work_in_processes_of_their_own() -> None:
    given = semantic_samples.given_source(PARAMS, "house")
    chosen = semantic_samples.LayoutSettings.model_validate(PARAMS["layout"])
    answers, peak = in_own_process(semantic_samples.by_patches, given, chosen)
    here = semantic_samples.by_patches(given, chosen)
    assert peak > 0 and [a.target for a in answers] == ["identity", *TARGETS]
    for there, one in zip(answers, here, strict=True):
        np.testing.assert_array_equal(there.layout.image, one.layout.image)


def test_without_photographs_there_is_no_deep_image_analogy(monkeypatch) -> None:
    source = PARAMS["sources"]["house"] | {"targets": {"doorless": TARGETS["doorless"]}}
    write_params(sources={"house": source})
    run_all(monkeypatch)
    assert set(pd.read_csv("layouts/house/samples.csv")["method"]) == {"gan", "patches"}
    table = pd.read_csv("reports/tables/semantic_analogy.csv")
    assert table["method"].tolist() == 2 * ["gan", "patches", "source"]  # by each judge


def test_a_source_may_have_its_own_gan(monkeypatch: pytest.MonkeyPatch) -> None:
    own = GAN | {"training": GAN["training"] | {"iterations": 2}}
    write_params(sources={"house": PARAMS["sources"]["house"] | {"gan": own}})
    run(semantic_train, monkeypatch)
    assert pd.read_csv("reports/semantic/house-training.csv")["step"].tolist() == [2]
    config = json.loads(Path("models/semantic/house.json").read_text())
    assert config["classes"] == list(CLASSES[:3])


def test_what_is_wrong_is_told_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="sources has no 'hut'; it has house"):
        run(semantic_train, monkeypatch, "hut")
    Image.fromarray(image_of(labels_of(0))).save("photo.png")
    wrong = {"gone": {"image": "gone.png"}, "bare": {"image": "photo.png"}}
    write_params(sources={"house": PARAMS["sources"]["house"] | {"targets": wrong}})
    with pytest.raises(RequestError) as caught:
        run(semantic_train, monkeypatch)
    assert str(caught.value).splitlines() == [
        "gone.png: no such file",
        "sources.house.targets.bare: the image has no labels; name a file under labels:",
    ]
    assert not Path("models/semantic").exists() and not Path(".work").exists()
