"""The stage of the gallery: its pairs, going on, its page, and what is wrong with its settings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from exemplar.data.problems import RequestError
from exemplar.report.analogy_results import CODE, FILES
from exemplar.report.analogy_scores import FLOW, FLOW_COLUMNS, KEYPOINT_COLUMNS, KEYPOINTS
from exemplar.settings import SettingsError
from exemplar.store.files import content_hash
from stages import analogy_gallery as stage
from tests.stages.small_domain import DOMAIN, write_images, write_networks

NOISE = [{"domain": DOMAIN, "id": f"noise-{number}"} for number in range(3)]
PAIRS = {
    "noise": {"a": NOISE[0], "b": NOISE[1], "mode": "photo-to-photo", "strength": "1"},
    "cup": {"a": NOISE[2], "b": {"bundled": "coffee"}, "working_side": 40},
    "file": {"a": "mine.png", "b": NOISE[0], "mode": "style-to-photo"},
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_images([0, 1, 2, 3])
    write_networks()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 33), np.uint8)).save("mine.png")
    FLOW.parent.mkdir(parents=True)
    methods = ("deep_analogy", "patchmatch")
    rows = [("rendered/1", method, 20.5, None, 1.0, 0.25, 3.0) for method in methods]
    pd.DataFrame(rows, columns=list(FLOW_COLUMNS)).to_csv(FLOW, index=False)
    rows = [("rendered/all", "deep_analogy", 40.25, 20.0, 4)]
    pd.DataFrame(rows, columns=list(KEYPOINT_COLUMNS)).to_csv(KEYPOINTS, index=False)
    write_params(PAIRS)


def write_params(pairs: dict, **sections: object) -> None:
    analogy = {"iterations": 2}
    gallery = {"pairs": pairs, "side": 64}
    params = {"analogy": analogy, "analogy_gallery": gallery} | sections
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def summary(name: str) -> dict:
    return json.loads(Path("analogies", name, "summary.json").read_text())


def test_every_pair_has_its_folder_and_its_place_on_the_page() -> None:
    stage.main()
    assert sorted(path.name for path in Path("analogies").iterdir()) == ["cup", "file", "noise"]
    refined = {"a-prime-refined.png", "b-refined.png"}
    common = set(FILES) - refined - {"labels-b.png", "keypoints.csv"}
    for name in PAIRS:
        found = {path.name for path in Path("analogies", name).iterdir()}
        assert found == common | (refined if name == "noise" else set())
    assert summary("noise")["settings"]["strength"] == "1"
    assert summary("cup")["matched_at"]["b_prime"] == {"width": 40, "height": 27}
    assert summary("cup")["b_prime"]["licence"] == "CC0-1.0"
    assert summary("file")["a"]["source"] == "mine.png"
    assert "seconds" not in summary("file")
    page = Path("reports/analogies.html").read_text()
    for text in (
        "photograph to photograph; little of each image’s own structure kept",
        "skimage.data.coffee",
        "B′ (skimage.data.coffee) has 600×400 pixels and was matched at 40×27",
        "34.16",  # Table 1
        "50.0",  # Table 2
        "40.2",
        "working_side: 40",
    ):
        assert text in page
    assert page.count("data:image/png") == 2 * 2 + 3 * (4 + 4 + 1) + 2
    assert not any(Path(".work/analogy_gallery").iterdir())


def stopped_at_the_second_pair(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """A run of the stage that was interrupted; the list is of all pairs begun, then and later."""
    calls, make = [], stage.make_analogy

    def stopped(*given):
        calls.append(given[0].shape)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return make(*given)

    monkeypatch.setattr(stage, "make_analogy", stopped)
    with pytest.raises(KeyboardInterrupt):
        stage.main()
    return calls


def test_one_seed_gives_one_page_and_stopped_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    stage.main()
    whole = content_hash(Path("analogies"), Path("reports/analogies.html"))
    calls = stopped_at_the_second_pair(monkeypatch)
    stage.main()
    assert len(calls) == 2 + 2
    assert content_hash(Path("analogies"), Path("reports/analogies.html")) == whole


def test_unfinished_work_of_other_code_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, looked_at = stopped_at_the_second_pair(monkeypatch), []
    monkeypatch.setattr(stage, "sources_hash", lambda *places: looked_at.append(places) or "other")
    stage.main()
    assert len(calls) == 2 + 3 and looked_at == [(*CODE, stage.OWN_CODE)]


def test_everything_wrong_is_told_and_nothing_is_written() -> None:
    write_params({
        "none": {"a": {"domain": "nowhere", "id": "x"}, "b": {"domain": DOMAIN, "id": "noise-9"}},
        "lapse": {"a": "gone.png", "b": NOISE[0], "mode": "time-lapse"},
    })  # fmt: skip
    with pytest.raises(RequestError) as caught:
        stage.main()
    lines = str(caught.value).split("\n")
    assert len(lines) == 4
    for line, start in zip(
        lines,
        (
            "analogy_gallery.pairs.none: data/nowhere/items.parquet: no such file",
            f"analogy_gallery.pairs.none: {DOMAIN} has no image noise-9; its ids are noise-0 to",
            "analogy_gallery.pairs.lapse: a time lapse is no pair",
            "gone.png: no such file",
        ),
        strict=True,
    ):
        assert line.startswith(start)
    assert not Path("analogies").exists() and not Path("reports/analogies.html").exists()


def test_wrong_settings_are_told() -> None:
    write_params({"a/b": {"a": NOISE[0], "b": NOISE[1]}})
    with pytest.raises(SettingsError, match="analogy_gallery.pairs: 'a/b' is no name"):
        stage.main()
    write_params({"x": {"a": {"bundled": "tea"}, "b": NOISE[0], "style": "no"}})
    with pytest.raises(SettingsError, match="analogy_gallery.pairs.x"):
        stage.main()
