"""`exemplar layout`: its files, going on, stopping a training, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from exemplar.data.problems import RequestError
from exemplar.methods.semantic_analogy.requests import Request
from exemplar.report.layout_results import CODE, FILES, SOURCE_FILES, TRACED
from exemplar.store import layout as places
from flows import cli
from flows import layout as flow
from flows.layout import make_layouts
from flows.layout_arguments import changes_of
from tests.flows.layout_project import (
    COLOURS,
    GAN,
    LABELS,
    OUT,
    PHOTO,
    TARGET,
    make_project,
    read,
    save,
    summary,
)
from tests.test_architecture import closure


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_project()


def written() -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in OUT.rglob("*") if path.is_file()}


def test_everything_is_written_and_fits_together() -> None:
    OUT.mkdir()
    Path(OUT, "mine.txt").write_text("kept")
    request = Request(PHOTO, LABELS, TARGET, ("move:#0aa00a:8,0",))
    assert make_layouts(request, OUT, {}) == [OUT / "target", OUT / "move-0aa00a-8-0"]
    assert {path.name for path in OUT.iterdir() if path.is_file()} == {*SOURCE_FILES, "mine.txt"}
    for folder in ("target", "move-0aa00a-8-0"):
        assert {path.name for path in Path(OUT, folder).iterdir()} == FILES | TRACED
    made, sources = read(OUT / "target/image.png"), np.load(OUT / "target/sources.npz")
    assert made.shape == (40, 48, 3)
    # Each pixel is the mean of the copies that its neighbours' matches propose.
    photo, votes, field = read(PHOTO).astype(float), int(sources["votes"]), sources["source"]
    y, x = 20, 30
    copies = []
    for down in range(-votes, votes + 1):
        for right in range(-votes, votes + 1):
            _, row, column = field[y + down, x + right] - (0, down, right)
            if 0 <= row < 40 and 0 <= column < 48:
                copies.append(photo[row, column])
    assert np.abs(np.mean(copies, 0) - made[y, x]).max() <= 0.51
    assert sources["ids"].tolist() == ["photo.png"] and not field[..., 0].any()
    table = pd.read_csv(OUT / "target/attribution.csv").set_index("class")
    assert table["share"].sum() == pytest.approx(1, abs=1e-5)
    assert table.loc["#0aa00a", "share"] == pytest.approx(96 / 1920)
    assert (table["same_class"] > 0.5).all() and (table["used"] > 0.2).all()
    stored = Image.open(OUT / "target/labels.png")
    assert stored.mode == "P" and (np.asarray(stored.convert("RGB")) == read("target.png")).all()
    moved = np.asarray(Image.open(OUT / "move-0aa00a-8-0/labels.png").convert("RGB"))
    assert (moved[8:16, 18:30] == COLOURS[2]).all() and (moved[8:16, 10:18] == COLOURS[0]).all()
    assert (np.asarray(Image.open(OUT / "labels.png").convert("RGB")) == read(LABELS)).all()
    facts = summary()
    assert facts["method"] == "patches" and facts["shares"]["#0aa00a"] == 0.05
    assert facts["settings"]["rounds"] == 2 and facts["target"]["made_from"] == "target.png"


def test_nothing_is_made_again_that_is_there(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    make_layouts(Request(PHOTO, LABELS, TARGET), OUT, {})
    before = written()
    composed, compose = [], flow.compose
    monkeypatch.setattr(flow, "compose", lambda *a: composed.append(1) or compose(*a))
    make_layouts(Request(PHOTO, LABELS, TARGET), OUT, {})
    assert written() == before and not composed
    assert "1/1 target: there already" in capsys.readouterr().err
    make_layouts(Request(PHOTO, LABELS, TARGET, ("remove:#0aa00a",)), OUT, {})
    assert len(composed) == 1  # only what is new
    (OUT / "target/image.png").unlink()
    make_layouts(Request(PHOTO, LABELS, TARGET), OUT, {})
    assert (OUT / "target/image.png").is_file() and len(composed) == 2
    make_layouts(Request(PHOTO, LABELS, TARGET), OUT, {"seed": 5})
    save(read("target.png")[::-1], "target.png")
    make_layouts(Request(PHOTO, LABELS, TARGET), OUT, {"seed": 5})
    assert len(composed) == 4


def test_one_seed_one_result() -> None:
    for out in ("one", "two"):
        make_layouts(Request(PHOTO, LABELS, TARGET), Path(out), {"seed": 3})
    assert (read("one/target/image.png") == read("two/target/image.png")).all()


def test_targets_of_other_sizes_are_made_in_theirs() -> None:
    save(np.repeat(read("target.png"), 2, 1), "target.png")
    make_layouts(Request(PHOTO, LABELS, TARGET), OUT, {})
    assert read(OUT / "target/image.png").shape == (40, 96, 3)
    assert np.load(OUT / "target/sources.npz")["source"][..., 2].max() < 48


def test_clusters_without_a_target_give_a_map_to_be_painted(capsys) -> None:
    request = Request(PHOTO, "clusters", clusters=3)
    assert make_layouts(request, OUT, {}) == [OUT / "labels.png"]
    told = capsys.readouterr().err
    assert "Paint on a copy" in told and "exemplar layout photo.png clusters TARGET" in told
    painted = Image.open(OUT / "labels.png")
    painted.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save("painted.png")
    make_layouts(Request(PHOTO, "clusters", (Path("painted.png"),), clusters=3), OUT, {})
    assert {path.name for path in Path(OUT, "painted").iterdir()} == FILES | TRACED
    assert summary("painted")["classes"] == list(pd.read_csv(OUT / "palette.csv")["name"])
    make_layouts(Request(PHOTO, "edges"), OUT / "lines", {})
    assert "Name a drawing as target" in capsys.readouterr().err


def test_devices_and_folders_are_looked_at_first(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    for device in ("foo", "meta"):
        with pytest.raises(RequestError, match=rf"--device {device}: cannot be used.*\n.*x'"):
            make_layouts(Request(PHOTO, LABELS, TARGET, ("remove:x",)), OUT, {"device": device})
    command = ["layout", "photo.png", LABELS, "target.png", "--out", "locked/out"]
    Path("locked").mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(os, "access", lambda path, mode: Path(path) != Path("locked"))
        assert cli.main(command) == 1
    assert "locked: this folder cannot be written to" in capsys.readouterr().err

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(flow, "write_source", full)
    assert cli.main(command) == 1
    assert "locked/out: cannot be written to (No space left on device)" in capsys.readouterr().err
    assert not OUT.exists() and not list(Path("locked").rglob("*.png"))


def test_all_that_is_wrong_is_told_before_anything_is_written() -> None:
    Path(OUT, "target").mkdir(parents=True)
    Path(OUT, "target", "image.png").write_text("mine")
    before = written()
    with pytest.raises(RequestError) as caught:
        make_layouts(Request(PHOTO, LABELS, (*TARGET, *TARGET), ("remove:x",)), OUT, {})
    for said in ("is given 2 times", "--edit 'remove:x'"):
        assert said in str(caught.value)
    with pytest.raises(RequestError, match=r"target: has image.png, which this command would"):
        make_layouts(Request(PHOTO, LABELS, TARGET), OUT, {})
    with pytest.raises(RequestError, match=r"labels.png: would be replaced or removed"):
        make_layouts(Request(PHOTO, LABELS, TARGET), Path(), {})
    with pytest.raises(RequestError, match=r"--method: .*'brush'\n?.*"):
        make_layouts(Request(PHOTO, LABELS, TARGET), OUT, {"method": "brush"})
    with pytest.raises(RequestError, match="--side: .* greater than or equal to 32, got 8"):
        make_layouts(Request(PHOTO, LABELS, TARGET), OUT, {"working_side": 8})
    places.ESTIMATORS.unlink()
    for labels, changes in ((LABELS, GAN), ("clusters", {})):
        with pytest.raises(RequestError, match="models/estimators.safetensors"):
            make_layouts(Request(PHOTO, labels, TARGET), Path("new"), changes)
    assert written() == before and not Path("new").exists()


def test_changes_keep_what_they_leave_open(monkeypatch: pytest.MonkeyPatch) -> None:
    args = cli.parser().parse_args(
        ["layout", "a", "b", "c", "--out", "d", "--method", "gan", "--steps", "9", "--side", "64",
         "--backbone", "vgg19_small:w.pth", "--snap"]
    )  # fmt: skip
    found = flow._settings(changes_of(args), [])
    assert found is not None and found.gan.training.iterations == 9
    assert found.gan.training.checkpoint_every == 2 and found.gan.generator.width == 4
    assert found.gan.backbone.kind == "vgg19_small"
    assert found.working_side == found.patches.working_side == 64 and found.patches.rounds == 2
    assert args.snap == 0
    assert flow._settings({}, []).gan.backbone.kind == "estimator"


def test_zero_is_a_seed() -> None:
    Path("params.yaml").write_text(yaml.safe_dump({"layout": {"seed": 5, "working_side": 40}}))
    for words, seed in (([], 5), (["--seed", "0"], 0), (["--seed", "7"], 7)):
        args = cli.parser().parse_args(["layout", "a", "b", "c", "--out", "d", *words])
        assert changes_of(args) == ({"seed": seed} if words else {})
        found = flow._settings(changes_of(args), [])
        assert found is not None and found.seed == seed


def test_the_command_line_prints_folders_and_problems(capsys) -> None:
    assert cli.main(["layout", "photo.png", LABELS, "target.png", "--out", "out"]) == 0
    assert capsys.readouterr().out == "out/target\n"
    assert cli.main(["layout", "photo.png", LABELS, "--out", "out"]) == 1
    assert "exemplar layout: expected a target" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["layout", "photo.png", LABELS, "target.png", "--out", "out", "--snap", "x"])


def test_results_depend_on_all_code_that_makes_them() -> None:
    needed = {file for file in closure("flows.layout") if file.endswith(".py")}
    own = {*CODE, *flow.OWN_CODE}
    left = {
        file
        for file in needed
        if not any(file == place or file.startswith(f"{place}/") for place in own)
    }
    assert {Path(file).name for file in left} == {"__init__.py"}
