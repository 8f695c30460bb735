"""All stages in a row on a small domain, then synthesis of a user's inputs from its results."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from exemplar.conditions.files import InputError
from exemplar.settings import SettingsError
from exemplar.store.arrays import array, open_group
from exemplar.store.files import content_hash
from exemplar.store.items import read_items, rows_of
from flows.synth import synth
from tests.stages.pipeline import PARAMS, SIDE, run_pipeline


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline")
    run_pipeline(folder, PARAMS)
    return folder


def test_every_source_leads_to_the_pixel_s_value(made):
    """Eq. 3 from the files alone: f(x) + y − f(y's input), at the stored sources."""
    images = np.asarray(array(open_group(made / "data/rendered/images.zarr"), "image"))
    regressed = np.asarray(array(open_group(made / "features/rendered-edges.zarr"), "regressed"))
    train = set(rows_of(read_items(made / "data/rendered/items.parquet"), "train").tolist())
    for method, count in (("pixelnn", 72), ("global", 14)):
        group = open_group(made / f"candidates/{method}/rendered-edges.zarr")
        image, source = np.asarray(array(group, "image")), np.asarray(array(group, "source"))
        assert image.shape == (2, count, SIDE, SIDE, 3)
        row, y, x = np.moveaxis(source, -1, 0)
        assert set(np.unique(row).tolist()) <= train
        residual = images[row, y, x].astype(int) - regressed[row, y, x]
        query = regressed[-2:][:, None]  # the test images come last
        np.testing.assert_array_equal(image, np.clip(query + residual, 0, 255))


def test_the_table_has_every_method_and_selection(made):
    table = pd.read_csv(made / "reports/tables/pixelnn.csv")
    assert list(table.columns) == [
        "domain", "condition", "method", "selection", "mean", "median", "rmse", "within_11_25",
        "within_22_5", "within_30", "ap", "images", "candidates", "judge", "correspondence",
    ]  # fmt: skip
    found = set(zip(table["method"], table["selection"], strict=True))
    many = ("rand-1", "oracle per metric", "oracle one candidate")
    expected = {(m, s) for m in ("global", "pixelnn") for s in many}
    assert found == expected | {("regressor", "single"), ("chance", "expected")}
    scored = table[table["method"] != "chance"]
    assert scored["judge"].str.startswith("pixelnet-4@rendered#").all()
    ours = scored[scored["method"] == "pixelnn"].set_index("selection")
    assert ours.loc["oracle per metric", "mean"] <= ours.loc["oracle one candidate", "mean"] + 1e-6
    assert ours.loc["oracle one candidate", "mean"] <= ours.loc["rand-1", "mean"]
    assert (made / "reports/index.html").stat().st_size > 10_000


def test_a_second_run_gives_the_same_bytes(made, tmp_path):
    run_pipeline(tmp_path, PARAMS)
    for name in ("data", "models", "features", "index", "candidates", "evaluation", "reports"):
        assert content_hash(tmp_path / name) == content_hash(made / name), name


@pytest.fixture
def drawing(tmp_path):
    values = np.full((SIDE, SIDE), 255, np.uint8)
    values[10:40, 12] = values[10:40, 36] = values[10, 12:36] = 0
    path = tmp_path / "drawing.png"
    Image.fromarray(values).save(path)
    return path


def test_synth_writes_everything_and_attribution_adds_up(made, drawing, tmp_path, monkeypatch):
    monkeypatch.chdir(made)
    (folder,) = synth([drawing], "rendered", "edges", tmp_path / "out", [], [])
    assert folder == tmp_path / "out" / "drawing"
    assert len(list((folder / "candidates").glob("*.png"))) == 72
    for name in ("input", "regressed", "contact-sheet", "correspondence"):
        assert np.asarray(Image.open(folder / f"{name}.png")).std() > 0
    attribution = pd.read_csv(folder / "attribution.csv")
    assert list(attribution.columns) == ["candidate", "exemplar", "path", "licence", "share"]
    shares = attribution.groupby("candidate")["share"].sum()
    assert len(shares) == 72 and np.allclose(shares, 1, atol=1e-4)
    with np.load(folder / "sources.npz", allow_pickle=False) as sources:
        assert sources["source"].shape == (72, SIDE, SIDE, 3)


def test_an_excluded_exemplar_is_in_no_source(made, drawing, tmp_path, monkeypatch):
    monkeypatch.chdir(made)
    (free,) = synth([drawing], "rendered", "edges", tmp_path / "free", [], [])
    ids = np.load(free / "sources.npz", allow_pickle=False)["ids"]
    used = np.unique(np.load(free / "sources.npz", allow_pickle=False)["source"][..., 0])
    banned = [str(ids[row]) for row in used[:2]]
    (rest,) = synth([drawing], "rendered", "edges", tmp_path / "rest", [], banned)
    without = np.unique(np.load(rest / "sources.npz", allow_pickle=False)["source"][..., 0])
    assert not set(banned) & {str(ids[row]) for row in without}
    named = pd.read_csv(rest / "attribution.csv")["exemplar"]
    assert not named.isin(banned).any()


def test_bad_inputs_are_named_together_and_nothing_is_written(made, drawing, tmp_path, monkeypatch):
    monkeypatch.chdir(made)
    text = tmp_path / "text.png"
    text.write_text("no image")
    with pytest.raises(InputError) as caught:
        synth([drawing, text, tmp_path / "none.png"], "rendered", "edges", tmp_path / "o", [], [])
    assert "text.png: not a readable image" in str(caught.value)
    assert "none.png: no such file" in str(caught.value)
    with pytest.raises(InputError, match="no exemplar's id or category matches 'unicorn'"):
        synth([drawing], "rendered", "edges", tmp_path / "o", ["unicorn"], [])
    with pytest.raises(InputError, match="leave 4 exemplars, the schedule 'released' needs 11"):
        synth([drawing], "rendered", "edges", tmp_path / "o", ["rendered-0000[0-3]"], [])
    with pytest.raises(InputError, match="told apart by their names, but drawing came more"):
        synth([drawing, drawing], "rendered", "edges", tmp_path / "o", [], [])
    with pytest.raises(SettingsError, match="no section 'domains.cats': domains has rendered"):
        synth([drawing], "cats", "edges", tmp_path / "o", [], [])
    assert not (tmp_path / "o").exists()


def test_a_photograph_s_condition_is_extracted(made, tmp_path, monkeypatch):
    monkeypatch.chdir(made)
    photo = tmp_path / "photo.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 60, 3)).astype(np.uint8)).save(
        photo
    )
    (folder,) = synth([photo], "rendered", "edges", tmp_path / "out", [], [], photographs=True)
    assert (folder / "contact-sheet.png").is_file()
