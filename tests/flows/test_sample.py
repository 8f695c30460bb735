"""`exemplar sample`: files of samples, ways and inversions, their sources, and what is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import faiss
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

from exemplar.data.problems import RequestError
from exemplar.methods.glann.codes import write_codes
from exemplar.methods.glann.requests import Request
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, write_group
from exemplar.store.files import content_hash, remove
from flows import cli
from flows import sample as flow
from flows.sample import sample
from tests.methods.glann import untrained
from tests.methods.glann.untrained import DOMAIN, SEED, SIDE

OUT = Path("out")


@pytest.fixture(autouse=True)
def run(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    untrained.write_run()


def read(path: Path | str) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


def request(count: int, **given) -> Request:
    return Request(DOMAIN, count, model_seed=SEED, **given)


def test_samples_and_their_sources() -> None:
    made = sample(request(5), OUT)
    assert [path.name for path in made] == [
        *(f"sample-00{n}.png" for n in range(1, 6)), "contact-sheet.png", "sources.png",
        "sources.csv",
    ]  # fmt: skip
    assert sorted(OUT.iterdir()) == sorted([*made, OUT / "sample.json"])
    images = np.stack([read(path) for path in made[:5]])
    assert np.abs(images - untrained.trained().sample(16, 0)[:5]).max() <= 1
    table = pd.read_csv(OUT / "sources.csv")
    assert len(table) == 5 * 2 * 2
    photographs = np.asarray(array(open_group(layout.images(DOMAIN)), "image")[:]).astype(int)
    own = [  # of the four references, the distance to the nearest of five training images
        min(np.square(photographs[a] - photographs[b]).mean() for b in (1, 3, 5, 7, 9) if b != a)
        ** 0.5
        for a in (1, 3, 7, 9)
    ]
    for line in table[table["space"] == "perceptual"].itertuples():
        place = int(str(line.sample)[-5]) - 1
        apart = np.sqrt(np.square(photographs[1::2] - images[place]).mean(axis=(1, 2, 3)))
        row = int(np.argsort(apart)[int(line.place) - 1])  # type: ignore[reportArgumentType]
        assert (line.id, line.source, line.licence) == (f"s-{2 * row + 1}", f"{2 * row + 1}.png",
                                                       "CC0")  # fmt: skip
        assert np.isclose(line.distance, apart[row], atol=1e-4)
        assert line.percentile == 25 * sum(each <= apart[row] for each in own)
    first = table[table["sample"] == "sample-001.png"]
    assert first["space"].tolist() == ["latent"] * 2 + ["perceptual"] * 2
    assert first["place"].tolist() == [1, 2, 1, 2]


def test_one_seed_gives_one_result_whose_first_samples_are_those_of_fewer() -> None:
    sample(request(4, interpolate=True), OUT)
    sample(request(4, interpolate=True), Path("again"))
    assert content_hash(OUT) == content_hash(Path("again"))
    sample(request(2), Path("fewer"))
    sample(request(2, seed=1), Path("other"))
    for name in ("sample-001.png", "sample-002.png"):
        assert np.abs(read(OUT / name) - read(Path("fewer", name))).max() <= 1
        assert np.abs(read(OUT / name) - read(Path("other", name))).max() > 10


def test_sums_are_those_of_the_settings_threads(monkeypatch) -> None:
    settings = untrained.PARAMS["glann_samples"] | {"threads": 2}
    Path("params.yaml").write_text(yaml.safe_dump({"glann_samples": settings}))
    before, seen = (torch.get_num_threads(), faiss.omp_get_max_threads()), []
    drawn = flow.draw

    def draw(*given):
        seen.append((torch.get_num_threads(), faiss.omp_get_max_threads()))
        return drawn(*given)

    monkeypatch.setattr(flow, "draw", draw)
    try:
        torch.set_num_threads(1)
        faiss.omp_set_num_threads(1)
        sample(request(1), OUT)
    finally:
        torch.set_num_threads(before[0])
        faiss.omp_set_num_threads(before[1])
    assert seen == [(2, 2)]


def test_a_copy_is_seen() -> None:
    [path] = sample(request(1), OUT)[:1]
    images = np.array(array(open_group(layout.images(DOMAIN)), "image")[:])
    images[7] = read(path)
    remove(layout.images(DOMAIN))
    write_group(layout.images(DOMAIN), {"image": images})
    sample(request(1), OUT)
    table = pd.read_csv(OUT / "sources.csv")
    nearest = table[(table["space"] == "perceptual") & (table["place"] == 1)].iloc[0]
    assert (nearest["id"], nearest["distance"], nearest["percentile"]) == ("s-7", 0, 0)


def test_ways_between_pairs() -> None:
    made = sample(request(5, interpolate=True), OUT)
    names = [path.name for path in made if path.name.startswith("interpolation")]
    assert names == ["interpolation-001-002.png", "interpolation-003-004.png"]
    strip = read(OUT / names[1])
    enlarged = [read(OUT / f"sample-00{n}.png").repeat(6, 0).repeat(6, 1) for n in (3, 4)]
    gap = 6
    assert strip.shape[1] == 3 * (96 + gap) + gap
    for image, left in zip(enlarged, (gap, strip.shape[1] - gap - 96), strict=True):
        assert np.abs(strip[gap : gap + 96, left : left + 96] - image).max() <= 1


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_images_of_any_size_and_colours_are_inverted(fit: str) -> None:
    params = untrained.PARAMS | {"domains": {DOMAIN: {"fit": fit}}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    wide = np.zeros((64, 192, 3), np.uint8)
    wide[:, 64:128] = (0, 200, 40)  # amid black
    Image.fromarray(wide).save("wide.png")
    Image.new("LA", (40, 31), (90, 0)).save("clear.png")
    Image.fromarray(np.full((9, 9), 30000, np.uint16)).save("deep.png")
    given = tuple(Path(f"{name}.png") for name in ("wide", "clear", "deep"))
    made = sample(request(1, invert=given), OUT)
    assert {"inversion-wide.png", "inversion-clear.png", "inversion-deep.png", "inversions.png",
            "inversions.csv"} <= {path.name for path in made}  # fmt: skip
    assert read(OUT / "inversion-deep.png").shape == (SIDE, SIDE, 3)
    sheet = read(OUT / "inversions.png")
    seen = sheet[6 : 6 + 96, 6 : 6 + 96][3::6, 3::6]  # the given image, no longer enlarged
    if fit == "crop":
        assert (seen[:, 3:-3] == (0, 200, 40)).all()
    else:
        assert (seen[0] == 255).all()
        assert (seen[SIDE // 2, [1, -2]] < 10).all()
        assert np.abs(seen[SIDE // 2, SIDE // 2] - (0, 200, 40)).max() < 10
    clear = sheet[6 : 6 + 96, 6 + 2 * 102 : 6 + 2 * 102 + 96]
    assert (clear == 255).all()  # transparent over white
    table = pd.read_csv(OUT / "inversions.csv")
    assert table["image"].tolist() == ["wide.png", "clear.png", "deep.png"]
    assert (table["loss"] <= table["start_loss"]).all()
    assert table["nearest"].isin([f"s-{n}" for n in (1, 3, 5, 7, 9)]).all()


def test_a_model_of_grey_images_sees_colours_as_grey() -> None:
    untrained.write_run(channels=1)
    Image.new("RGB", (16, 16), (255, 0, 0)).save("red.png")
    sample(request(1, invert=(Path("red.png"),)), OUT)
    sheet = read(OUT / "inversions.png")
    assert (sheet[6 : 6 + 96, 6 : 6 + 96] == 76).all()


def test_all_that_is_wrong_is_told_at_once() -> None:
    Path("text.png").write_text("no image")
    Path("a").mkdir()
    Image.new("RGB", (9, 9)).save("a/text.png")
    os.mkfifo("pipe")
    given = tuple(Path(name) for name in ("text.png", "a/text.png", "gone.png", "a", "pipe"))
    with pytest.raises(RequestError) as told:
        sample(Request("moths", 1, interpolate=True, invert=given), OUT)
    text = str(told.value)
    for part in (
        "--interpolate: needs two samples or more, got --count 1",
        "but text came more than once",
        "models/glann/moths-0-glo.safetensors: no such file; `exemplar reproduce imle@moths-0`",
        "trained are specks-3",
        "text.png: not an image",
        "a: expected an image, got a folder",
        "pipe: expected an image, got a pipe, socket or device; save it to a file",
        "gone.png: no such file",
        "a: ",
    ):
        assert part in text
    assert not OUT.exists()
    write_codes(layout.glann_codes(DOMAIN, SEED), ["gone"], untrained.unit(1, untrained.CODES))
    with pytest.raises(RequestError, match=r"not in data/specks/items.parquet, such as gone; run"):
        sample(request(1), OUT)
    assert not OUT.exists()


def test_missing_weights_are_told_before_anything_is_written() -> None:
    Image.new("RGB", (16, 16)).save("red.png")
    Path("taken").write_text("a file")
    trunk = {"kind": "estimator"}
    trunks = {
        "glo": {"loss": {"kind": "perceptual", "backbone": trunk}},
        "glann_samples": untrained.PARAMS["glann_samples"] | {"perceptual": trunk},
    }
    given = request(2, interpolate=True, invert=(Path("red.png"), Path("gone.png")))
    for change in (trunks, *({name: section} for name, section in trunks.items())):
        Path("params.yaml").write_text(yaml.safe_dump(untrained.PARAMS | change))
        with pytest.raises(RequestError) as told:
            sample(given, Path("taken"))
        assert str(told.value).count(f"{layout.ESTIMATORS}: no such") == 1
        assert "--out taken: expected a folder, but taken is none; name another" in str(told.value)
        assert "gone.png: no such file" in str(told.value)
        with pytest.raises(RequestError, match="estimators"):
            sample(request(2, interpolate=True, invert=(Path("red.png"),)), OUT)
        assert not OUT.exists()
    assert Path("taken").read_text() == "a file"


def test_no_folder_can_be_where_a_file_is(capsys) -> None:
    Path("taken").write_text("a file")
    for out in (Path("taken"), Path("taken/deep/er")):
        with pytest.raises(RequestError, match=f"--out {out}: expected a folder, but taken is no"):
            sample(request(1), out)
    line = ["sample", "--domain", DOMAIN, "--model-seed", str(SEED), "--out", "taken"]
    assert cli.main(line) == 1
    assert "exemplar sample: --out taken: expected a folder" in capsys.readouterr().err
    OUT.mkdir()
    assert sample(request(1), OUT)  # a folder that is there already


def test_the_command_hands_its_arguments_on(monkeypatch, capsys) -> None:
    given = []
    line = "sample --domain d --count 9 --out o --seed 5 --model-seed 2 --interpolate"
    with monkeypatch.context() as patch:
        patch.setattr("flows.sample.sample", lambda *all: given.append(all) or [Path("o/a.png")])
        assert cli.main([*line.split(), "--invert", "a.png", "b.png", "--invert", "c.png"]) == 0
        assert capsys.readouterr().out == "o/a.png\n"
        assert cli.main(["sample", "--domain", "d", "--out", "o"]) == 0
    images = tuple(Path(f"{name}.png") for name in "abc")
    assert given[0] == (Request("d", 9, 5, 2, True, images), Path("o"))
    assert given[1] == (Request("d", 16), Path("o"))


def test_outside_a_project_it_is_told(tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert cli.main(["sample", "--domain", "d", "--out", "o"]) == 1
    assert "exemplar sample: params.yaml: no such file" in capsys.readouterr().err


def test_fewer_samples_leave_none_of_more_and_nobodys_files_are_lost(capsys) -> None:
    sample(request(6, interpolate=True), OUT)
    (OUT / "notes.txt").write_text("mine")
    capsys.readouterr()
    sample(request(2), OUT)
    assert "note: out: replaces 12 results of an earlier `exemplar sample`\n" in (
        capsys.readouterr().err
    )
    assert sorted(path.name for path in OUT.iterdir()) == [
        "contact-sheet.png", "notes.txt", "sample-001.png", "sample-002.png", "sample.json",
        "sources.csv", "sources.png",
    ]  # fmt: skip
    (OUT / "sample-003.png").write_text("mine")
    (OUT / "sample-001.png").write_text("mine")
    before = {path: path.read_bytes() for path in OUT.iterdir()}
    with pytest.raises(RequestError) as told:
        sample(request(4), OUT)
    assert "out: has sample-003.png, which this command would replace" in str(told.value)
    assert "out: has sample-001.png, changed since this command wrote it" in str(told.value)
    with pytest.raises(RequestError, match=r"out/sample-002.png: would be replaced or removed"):
        sample(request(1, invert=(OUT / "sample-002.png",)), OUT)
    assert {path: path.read_bytes() for path in OUT.iterdir()} == before


def test_samples_are_whole_or_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    sample(request(2), OUT)
    before = content_hash(OUT)

    def stopped(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(flow, "_sources", stopped)
    for folder in (OUT, Path("new/deep")):
        with pytest.raises(KeyboardInterrupt):
            sample(request(3), folder)
    assert content_hash(OUT) == before and not Path("new").exists()
