"""All stages in a row on a small domain, then synthesis of a user's inputs from its results."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from exemplar.data.problems import RequestError
from exemplar.methods.pixelnn.schedule import Candidate
from exemplar.methods.pixelnn.whole.photographs import Photographs
from exemplar.methods.pixelnn.whole.records import composed_of, rederived
from exemplar.methods.pixelnn.whole.settings import WholeSettings
from exemplar.methods.pixelnn.whole.stored import Stored
from exemplar.patches.voting import rederive
from exemplar.settings import SettingsError, section
from exemplar.store.arrays import array, open_group
from exemplar.store.files import content_hash
from exemplar.store.items import read_items, rows_of
from flows.synth import synth
from tests.patches.scenes import photograph
from tests.stages.pipeline import PARAMS, ROOT, SIDE, run_here, run_pipeline

small = partial(synth, method="coherent")
METHODS = ("pix2pix", "global", "global_nearest", "pixelnn", "coherent", "whole")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline")
    run_pipeline(folder, PARAMS, apart=False)
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


def test_the_tables_have_every_method_and_selection(made):
    table = pd.read_csv(made / "reports/tables/pixelnn.csv")
    found = set(zip(table["method"], table["selection"], strict=True))
    many = ("rand-1", "oracle per metric", "oracle one candidate")
    expected = {(m, s) for m in METHODS for s in many}
    few = ("top-1", "random few", "distinct few")
    expected |= {(m, s) for m in ("coherent", "whole") for s in few}
    assert found == expected | {("regressor", "single"), ("chance", "expected")}
    scored = table[table["method"] != "chance"]
    judges = scored.drop_duplicates("judge").set_index("judge")["judge_shares"]
    assert [name.split("#")[0] for name in judges.index] == [
        "pixelnet-4@strangers", "pixelnet-4@rendered",
    ]  # fmt: skip
    assert judges.tolist() == ["nothing", "descriptors, ranking, exemplars"]
    kid = scored.groupby("judge")["kid_efficientnet_lite2"].count()
    assert kid.to_dict() == {judges.index[0]: 7, judges.index[1]: 0}
    for (_, method), rows in scored.groupby(["judge", "method"]):
        if method not in ("pixelnn", "coherent", "whole"):
            continue
        ours = rows.set_index("selection")["mean"]
        assert ours["oracle per metric"] <= ours["oracle one candidate"] + 1e-6
        assert ours["oracle one candidate"] <= ours["rand-1"]
    against = pd.read_csv(made / "reports/tables/coherent.csv")
    assert {"mean", "seam", "diversity"} <= set(against["metric"])
    errors = scored.set_index(["method", "selection"])["correspondence"].dropna()
    assert 0 < errors["whole", "rand-1"] < 1
    detail = pd.read_csv(made / "reports/tables/detail.csv").set_index(["metric", "selection"])
    assert set(detail["side"]) == {40}
    assert detail.loc[("kid_efficientnet_lite2", "top-1"), "images"] == 2
    judged = detail.loc[("mean", "rand-1")]
    assert judged["images"] == 1 and judged["judge_shares"] == "nothing"
    assert "pixelnet-4@strangers" in judged["judge"] and "edges hed@1x#" in judged["judge"]
    assert (made / "reports/index.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    "run", [run_here, pytest.param(run_pipeline, marks=pytest.mark.slow)], ids=["here", "apart"]
)
def test_a_second_run_gives_the_same_bytes(made, tmp_path, run):
    """In another process, which has done other things before, or in one for each stage."""
    run(tmp_path, PARAMS)
    for name in ("data", "models", "features", "index", "candidates", "evaluation", "reports"):
        assert content_hash(tmp_path / name) == content_hash(made / name), name


@pytest.fixture
def drawing(tmp_path):
    values = np.full((SIDE, SIDE), 255, np.uint8)
    values[6:27, 8] = values[6:27, 24] = values[6, 8:24] = 0
    path = tmp_path / "drawing.png"
    Image.fromarray(values).save(path)
    return path


def test_synth_writes_everything_best_first(made, drawing, tmp_path, monkeypatch):
    monkeypatch.chdir(made)
    (folder,) = small([drawing], "rendered", "edges", tmp_path / "out", [], [])
    assert folder == tmp_path / "out" / "drawing"
    names = sorted(path.stem for path in (folder / "candidates").glob("*.png"))
    assert [int(name.split("-")[0]) for name in names] == list(range(1, 73))
    for name in ("input", "regressed", "contact-sheet", "correspondence"):
        assert np.asarray(Image.open(folder / f"{name}.png")).std() > 0
    attribution = pd.read_csv(folder / "attribution.csv")
    assert list(attribution.columns) == [
        "candidate", "score", "exemplar", "path", "licence", "share", "added",
    ]  # fmt: skip
    each = attribution.groupby("candidate", sort=False)
    assert list(each.groups) == names
    assert np.allclose(each["share"].sum(), 1, atol=1e-4)
    assert (each["score"].nunique() == 1).all()
    assert each["score"].first().is_monotonic_increasing
    with np.load(folder / "sources.npz", allow_pickle=False) as sources:
        assert sources["source"].shape == (72, SIDE, SIDE, 3)
        assert sources["votes"] == 2
        assert each["score"].first().to_numpy() == pytest.approx(sources["score"], abs=1e-5)
        members = [Candidate(*each) for each in sources["candidates"].tolist()]
        first = attribution[attribution["candidate"] == names[0]]
        used = set(np.unique(sources["source"][0, ..., 0]).tolist())
        assert set(sources["ids"][sorted(used)]) == set(first["exemplar"])
    assert names == [f"{place:02d}-{member}" for place, member in enumerate(members, start=1)]


def test_synth_gives_a_distinct_few_or_the_published_ones(made, drawing, tmp_path, monkeypatch):
    monkeypatch.chdir(made)
    (every,) = small([drawing], "rendered", "edges", tmp_path / "every", [], [])
    (few,) = small([drawing], "rendered", "edges", tmp_path / "few", [], [], count=4)
    (old,) = synth([drawing], "rendered", "edges", tmp_path / "old", [], [], method="pixelnn")

    def files(folder):
        return sorted((folder / "candidates").glob("*.png"))

    assert [len(files(folder)) for folder in (every, few, old)] == [72, 4, 72]
    assert files(few)[0].read_bytes() == files(every)[0].read_bytes()
    assert {path.read_bytes() for path in files(few)} < {path.read_bytes() for path in files(every)}
    assert files(few)[0].stem.startswith("1-K")
    assert [path.stem for path in files(old)][:2] == ["01-K1-from1-T1", "02-K1-from1-T7"]
    attribution = pd.read_csv(old / "attribution.csv")
    assert attribution["score"].isna().all()
    with np.load(old / "sources.npz", allow_pickle=False) as sources:
        assert sources["votes"] == 0 and np.isnan(sources["score"]).all()


COMPOSITIONS = {
    "seamless": {"composition": "seamless", "residual": "luma"},
    "weighted": {"composition": "weighted", "matching": {"search": "exact"}},
}


@pytest.mark.parametrize("kind", COMPOSITIONS)
def test_sources_and_photographs_are_the_picture_to_the_byte(
    made, drawing, tmp_path, monkeypatch, kind
):
    work = tmp_path / "project"
    work.mkdir()
    for path in made.iterdir():
        (work / path.name).symlink_to(path)
    (work / "params.yaml").unlink()
    own = PARAMS["coherent"] | COMPOSITIONS[kind]
    (work / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"candidates": own}))
    monkeypatch.chdir(work)
    (folder,) = synth([drawing], "rendered", "edges", tmp_path / "out", [], [], method="pixelnn")
    photographs = np.asarray(array(open_group(made / "data/rendered/images.zarr"), "image"))
    with np.load(folder / "sources.npz", allow_pickle=False) as stored:
        source, plus = stored["source"], stored["added"]
    files = sorted((folder / "candidates").glob("*.png"))
    attribution = pd.read_csv(folder / "attribution.csv").set_index(["candidate", "exemplar"])
    assert plus.dtype == np.int16 and len(files) == len(source) == 72
    kinds = {"whole": 0, "none": 0}
    for path, each, more in zip(files, source, plus, strict=True):
        row, y, x = np.moveaxis(each, -1, 0)
        known = row >= 0
        picture = np.asarray(Image.open(path)).astype(int)
        np.testing.assert_array_equal(picture[~known], more[~known])
        sum_ = photographs[row[known], y[known], x[known]].astype(int) + more[known]
        np.testing.assert_array_equal(picture[known], sum_)
        kinds["whole" if known.all() else "none"] += 1
        levels = np.abs(more[row == row[0, 0]].astype(int)).mean()
        name = "none" if row[0, 0] < 0 else f"rendered-{row[0, 0]:05d}"
        assert attribution.loc[(path.stem, name), "added"] == pytest.approx(levels, abs=1e-5)
    # Of weighted candidates those of several exemplars, 8 pairs × 4 windows, have no one source.
    assert kinds == ({"whole": 40, "none": 32} if kind == "weighted" else {"whole": 72, "none": 0})


def test_the_documented_lines_make_the_pictures_again(made, drawing, monkeypatch):
    monkeypatch.chdir(made)
    (folder,) = small([drawing], "rendered", "edges", Path("out"), [], [], count=3)
    found: dict[str, object] = {}
    [lines] = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs/candidates.md").read_text(), re.DOTALL
    )
    exec(lines, found)
    files = sorted((folder / "candidates").glob("*.png"))
    pictures = [np.asarray(Image.open(path)) for path in files]
    np.testing.assert_array_equal(found["pictures"], pictures)
    attribution = pd.read_csv(folder / "attribution.csv")
    first = attribution[attribution["candidate"] == files[0].stem]
    assert set(np.asarray(found["names"])) == set(first["exemplar"])


def test_an_excluded_exemplar_is_in_no_source(made, drawing, tmp_path, monkeypatch):
    monkeypatch.chdir(made)
    (free,) = small([drawing], "rendered", "edges", tmp_path / "free", [], [])
    ids = np.load(free / "sources.npz", allow_pickle=False)["ids"]
    used = np.unique(np.load(free / "sources.npz", allow_pickle=False)["source"][..., 0])
    banned = [str(ids[row]) for row in used[:2]]
    (rest,) = small([drawing], "rendered", "edges", tmp_path / "rest", [], banned)
    without = np.unique(np.load(rest / "sources.npz", allow_pickle=False)["source"][..., 0])
    assert not set(banned) & {str(ids[row]) for row in without}
    named = pd.read_csv(rest / "attribution.csv")["exemplar"]
    assert not named.isin(banned).any()


def test_whole_pictures_are_their_exemplars_to_the_byte(made, drawing, tmp_path, monkeypatch):
    """Of drawings, of photographs, and of test images."""
    monkeypatch.chdir(made)
    photo = tmp_path / "photo.png"
    Image.fromarray(photograph(0, (50, 60))).save(photo)
    for given, photographs in ((drawing, False), (photo, True)):
        (folder,) = synth([given], "rendered", "edges", tmp_path / "o", [], [], photographs)
        files = sorted((folder / "candidates").glob("*.png"))
        pictures = np.stack([np.asarray(Image.open(path)) for path in files])
        assert pictures.shape == (4, 40, 40, 3) and np.ptp(pictures) > 50
        assert (rederived(folder / "sources.npz") == pictures).all()
    stored = Stored("rendered", "edges")
    settings = section(PARAMS, "whole", WholeSettings)
    photographs = Photographs("rendered", PARAMS, settings)
    train = set(rows_of(photographs.items, "train").tolist())
    for place, candidate in np.ndindex(2, 4):
        record = stored.record(place, candidate)
        assert {row for row in record.exemplar.tolist() if row >= 0} <= train
        exemplars = composed_of(record, photographs)
        picture = rederive(record.source.astype(np.int32), exemplars, stored.votes)
        assert (picture == stored.images(place)[candidate]).all()


def test_bad_inputs_are_named_together_and_nothing_is_written(made, drawing, tmp_path, monkeypatch):
    monkeypatch.chdir(made)
    text = tmp_path / "text.png"
    text.write_text("no image")
    with pytest.raises(RequestError) as caught:
        small([drawing, text, tmp_path / "none.png"], "rendered", "edges", tmp_path / "o", [], [])
    assert "text.png: not an image of a known format" in str(caught.value)
    assert "none.png: no such file" in str(caught.value)
    with pytest.raises(RequestError, match="no exemplar's id or category matches 'unicorn'"):
        small([drawing], "rendered", "edges", tmp_path / "o", ["unicorn"], [])
    with pytest.raises(RequestError, match="leave 4 exemplars, the schedule 'released' needs 11"):
        small([drawing], "rendered", "edges", tmp_path / "o", ["rendered-0000[0-3]"], [])
    with pytest.raises(RequestError, match="told apart by their names, but drawing came more"):
        small([drawing, drawing], "rendered", "edges", tmp_path / "o", [], [])
    with pytest.raises(SettingsError, match="no section 'domains.cats': domains has rendered"):
        small([drawing], "cats", "edges", tmp_path / "o", [], [])
    assert not (tmp_path / "o").exists()


def test_a_photograph_s_condition_is_extracted(made, tmp_path, monkeypatch):
    monkeypatch.chdir(made)
    photo = tmp_path / "photo.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 60, 3)).astype(np.uint8)).save(
        photo
    )
    (folder,) = small([photo], "rendered", "edges", tmp_path / "out", [], [], photographs=True)
    assert (folder / "contact-sheet.png").is_file()
