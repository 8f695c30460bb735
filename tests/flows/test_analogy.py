"""`exemplar analogy`: the files of pairs, tables and time lapses, going on, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

from exemplar.data.pictures import Picture
from exemplar.data.problems import RequestError
from exemplar.estimators import EstimatorsSettings, save_estimators
from exemplar.features.pixelnet import PixelNet, PixelNetSettings
from exemplar.methods.deep_analogy.analogy import Analogy
from exemplar.methods.deep_analogy.refinement import refined
from exemplar.methods.deep_analogy.requests import (
    MODES,
    STRENGTHS,
    Given,
    Request,
)
from exemplar.methods.deep_analogy.settings import RECONSTRUCTIONS, AnalogySettings
from exemplar.report.analogy_results import CODE, FILES, warnings
from exemplar.store import layout
from exemplar.store.flow import field_of, read_flow
from flows import analogy as flow
from flows import cli
from flows.analogy import analogy
from stages import analogy_gallery as gallery
from tests.test_architecture import closure

A, B, OUT = Path("a.png"), Path("b.png"), Path("out")
PLAIN = [name for name in FILES if "refined" not in name and name not in {
    "labels-b.png", "keypoints.csv"}]  # fmt: skip


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    network = PixelNet(3, {"normals": 3, "edges": 1, "parts": 2}, PixelNetSettings(width=4))
    save_estimators(layout.ESTIMATORS, network, ("a", "b"), EstimatorsSettings(), "rendered")
    Path("params.yaml").write_text(yaml.safe_dump({"analogy": {"iterations": 2}}))
    picture(A, 0, (36, 50))
    picture(B, 1, (44, 30))


def picture(path: Path, seed: int, size: tuple[int, int]) -> None:
    generator = np.random.default_rng(seed)
    small = Image.fromarray(generator.integers(0, 256, (6, 5, 3), np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    small.resize(size[::-1], Image.Resampling.BICUBIC).save(path)


def read(path: Path | str) -> np.ndarray:
    return np.asarray(Image.open(path))


def mean_of_copies(field: np.ndarray, values: np.ndarray, right_is: int = 1) -> np.ndarray:
    """Eq. in section 4.5, for each pixel by itself; −1: neighbours lie the other way."""
    out = np.empty((*field.shape[:2], 3))
    for y, x in np.ndindex(*field.shape[:2]):
        found = []
        for down in range(-2, 3):
            for right in range(-2, 3):
                if 0 <= y + down < field.shape[0] and 0 <= x + right < field.shape[1]:
                    row, column = field[y + down, x + right] - (down, right_is * right)
                    if 0 <= row < values.shape[0] and 0 <= column < values.shape[1]:
                        found.append(values[row, column])
        out[y, x] = np.mean(found, axis=0)
    return out


def used(field: np.ndarray, size: tuple[int, int]) -> float:
    """The share of an image's pixels that are copied, by collecting their places."""
    places = set()
    for y, x in np.ndindex(*field.shape[:2]):
        for down in range(-2, 3):
            for right in range(-2, 3):
                if 0 <= y + down < field.shape[0] and 0 <= x + right < field.shape[1]:
                    places.add((int(field[y + down, x + right, 0]) - down,
                                int(field[y + down, x + right, 1]) - right))  # fmt: skip
    return sum(0 <= y < size[0] and 0 <= x < size[1] for y, x in places) / (size[0] * size[1])


def test_a_pair_of_other_shapes() -> None:
    OUT.mkdir()
    Path(OUT, "mine.txt").write_text("kept")
    assert analogy(Request(A, B), OUT, {}) == [OUT]
    assert {path.name for path in OUT.iterdir()} == {*PLAIN, "mine.txt"}
    fields = np.load(OUT / "fields.npz")
    sizes = {"forward": ((36, 50), (44, 30)), "backward": ((44, 30), (36, 50))}
    for (name, (own, other)), file in zip(
        sizes.items(), ("forward.flo", "backward.flo"), strict=True
    ):
        assert fields[name].shape == (*own, 2)
        assert (fields[name] >= 0).all() and (fields[name] < other).all()
        assert (field_of(read_flow(OUT / file, own)) == fields[name]).all()
    for name, file, of in (("forward", "a-prime.png", B), ("backward", "b.png", A)):
        assert np.abs(read(OUT / file) - mean_of_copies(fields[name], read(of))).max() <= 0.51
    sources = np.load(OUT / "sources.npz")
    assert (sources["a_prime"] == np.dstack([np.ones((36, 50)), fields["forward"]])).all()
    assert (sources["b"] == np.dstack([np.zeros((44, 30)), fields["backward"]])).all()
    assert sources["ids"].tolist() == ["a.png", "b.png"] and sources["votes"] == 2
    table = pd.read_csv(OUT / "attribution.csv", keep_default_na=False)
    assert table["picture"].tolist() == ["a-prime.png", "b.png"]
    assert table["source"].tolist() == ["b.png", "a.png"]
    assert table["share"].tolist() == [1, 1]
    shares = [used(fields["forward"], (44, 30)), used(fields["backward"], (36, 50))]
    assert np.allclose(table["used"], shares, atol=1e-6)
    summary = json.loads(Path(OUT, "summary.json").read_text())
    assert summary["matched_at"]["b_prime"] == {"width": 30, "height": 44}
    assert summary["warnings"] == [] and summary["settings"]["strength"] == "2"


def test_what_faces_the_other_way_is_matched_in_a_mirror(
    capsys: pytest.CaptureFixture[str],
) -> None:
    labels = (np.mgrid[:36, :50][1] // 25 * 7 + 1).astype(np.uint8)
    Image.fromarray(labels).save("labels.png")
    Path("points.csv").write_text("x,y\n10,12\n40,20\n")
    Image.fromarray(read(B)[:, ::-1]).save("turned.png")
    files = ["--labels", "labels.png", "--keypoints", "points.csv"]
    for b, out, mirror in (("b.png", "out", "never"), ("turned.png", "other", "always")):
        asked = ["analogy", "a.png", b, "--out", out, "--mirror", mirror]
        assert cli.main([*asked, *files]) == 0
    said = "B′ (turned.png) was matched in a mirror; fields and sources are in the pixels of B′ as"
    assert said in capsys.readouterr().err
    plain, mirrored = (
        json.loads(Path(out, "summary.json").read_text()) for out in ("out", "other")
    )
    assert (plain["mirrored"], mirrored["mirrored"]) == (False, True)
    assert plain["labels_that_come_back"] == mirrored["labels_that_come_back"]
    first, second = (np.load(Path(out, "fields.npz")) for out in ("out", "other"))
    assert (second["forward"] == first["forward"] * (1, -1) + (0, 29)).all()
    assert (second["backward"] == first["backward"][:, ::-1]).all()
    assert (read("other/a-prime.png") == read("out/a-prime.png")).all()
    for file in ("b.png", "labels-b.png"):
        assert (read(f"other/{file}") == read(f"out/{file}")[:, ::-1]).all()
    there, other = (pd.read_csv(Path(out, "keypoints.csv")) for out in ("out", "other"))
    np.testing.assert_allclose(other["x_b"], 29 - there["x_b"], atol=0.011)
    assert (other[["y_b", "cycle_error"]] == there[["y_b", "cycle_error"]]).all().all()
    # Sources are true: the pixels of B′ as it is, and where the copies around lie.
    sources = np.load("other/sources.npz")
    assert sources["mirrored"] and not np.load("out/sources.npz")["mirrored"]
    copies = mean_of_copies(sources["a_prime"][..., 1:], read("turned.png"), -1)
    assert np.abs(read("other/a-prime.png") - copies).max() <= 0.51
    copies = mean_of_copies(sources["b"][..., 1:], read("a.png"), -1)
    assert np.abs(read("other/b.png") - copies).max() <= 0.51
    shares = [pd.read_csv(Path(out, "attribution.csv"))["used"] for out in ("out", "other")]
    assert (shares[0] == shares[1]).all()


def test_photographs_keep_their_detail_and_carry_labels_and_points() -> None:
    labels = (np.mgrid[:36, :50][1] // 25 * 7 + 1).astype(np.uint8)
    Image.fromarray(labels).save("labels.png")
    Path("points.csv").write_text("name,x,y\nnose,10,12\nchin,30.5,20\n")
    request = Request(A, B, mode="photo-to-photo", strength="3", labels=Path("labels.png"),
                      keypoints=Path("points.csv"))  # fmt: skip
    analogy(request, OUT, {})
    assert {path.name for path in OUT.iterdir()} == set(FILES)
    for made, other, own in (("a-prime-refined.png", "a-prime.png", A),
                             ("b-refined.png", "b.png", B)):  # fmt: skip
        assert (read(OUT / made) == refined(read(own), read(OUT / other))).all()
    carried, backward = read(OUT / "labels-b.png"), np.load(OUT / "fields.npz")["backward"]
    assert carried.shape == (44, 30) and set(np.unique(carried)) <= {1, 8}
    assert (carried == labels[backward[..., 0], backward[..., 1]]).mean() > 0.8
    points = pd.read_csv(OUT / "keypoints.csv")
    assert points["name"].tolist() == ["nose", "chin"]
    assert points["x"].tolist() == [10, 30.5]
    assert points["x_b"].between(0, 29).all() and points["y_b"].between(0, 43).all()
    table = pd.read_csv(OUT / "attribution.csv")
    assert table[table["picture"] == "b-refined.png"]["source"].tolist() == ["a.png", "b.png"]
    summary = json.loads(Path(OUT, "summary.json").read_text())
    assert 0 <= summary["labels_that_come_back"] <= 1
    assert summary["settings"]["strength"] == "3"
    # Another run without them leaves nothing of this one behind.
    analogy(Request(A, B), OUT, {})
    assert {path.name for path in OUT.iterdir()} == set(PLAIN)


def test_large_and_tiny_images_are_matched_at_another_size_and_that_is_said() -> None:
    picture(Path("tiny.png"), 2, (5, 9))
    picture(Path("large.png"), 3, (70, 100))
    analogy(Request(Path("large.png"), Path("tiny.png")), OUT, {"working_side": 50})
    assert read(OUT / "a-prime.png").shape == (70, 100, 3)
    assert read(OUT / "b.png").shape == (5, 9, 3)
    said = json.loads(Path(OUT, "summary.json").read_text())["warnings"]
    assert said[0].startswith("A (large.png) has 100×70 pixels and was matched at 50×35; its field "
                              "was enlarged")  # fmt: skip
    assert said[1].startswith("B′ (tiny.png) has 9×5 pixels and was enlarged and matched at")


def test_a_strip_is_enlarged_though_rounding_leaves_its_height() -> None:
    given = [Picture(name, np.zeros((*size, 3), np.uint8), "") for name, size in
             (("thin.png", (20, 600)), ("wide.png", (17, 515)))]  # fmt: skip
    field = np.zeros((1, 1, 2), np.int32)
    made = Analogy(field, field, given[0].image, given[1].image, ((32, 960), (17, 512)), {})
    said = [line for line in warnings(Given(*given, "photo-to-style"), made) if "matched" in line]
    assert "thin.png) has 600×20 pixels and was enlarged and matched at 960×32" in said[0]
    assert "wide.png) has 515×17 pixels and was matched at 512×17; its field was en" in said[1]


def test_one_colour_is_matched_and_doubted() -> None:
    Image.new("RGB", (40, 40), (10, 90, 200)).save("flat.png")
    analogy(Request(A, Path("flat.png")), OUT, {})
    assert (read(OUT / "a-prime.png") == (10, 90, 200)).all()
    said = json.loads(Path(OUT, "summary.json").read_text())["warnings"]
    assert said[0].startswith("B′ (flat.png) has one colour everywhere")


@contextmanager
def counted(fail_at: int = 0) -> Iterator[list[int]]:
    """Counts the pairs that are matched; one of them fails as if the process were stopped."""
    calls: list[int] = []
    make = flow.make_analogy

    def made(*given):
        calls.append(len(calls) + 1)
        if calls[-1] == fail_at:
            raise KeyboardInterrupt
        return make(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flow, "make_analogy", made)
        yield calls


def images_in(folder: Path) -> dict[str, bytes]:
    """Everything but what has times in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "summary.json"
    }


def test_a_table_goes_on_where_it_was_stopped() -> None:
    batch, default = Path("pairs.csv"), Request(A, B)
    batch.write_text("a,b,name,strength\na.png,b.png,x,1\nb.png,a.png,y,\na.png,a.png,z,\n")
    assert analogy(default, Path("whole"), {}, batch) == [Path("whole", name) for name in "xyz"]
    with counted(fail_at=2), pytest.raises(KeyboardInterrupt):
        analogy(default, OUT, {}, batch)
    assert sorted(path.name for path in OUT.rglob("*.png") if path.parent.name != "x") == []
    with counted() as calls:
        analogy(default, OUT, {}, batch)
    assert len(calls) == 2
    assert images_in(OUT) == images_in(Path("whole"))
    with counted() as calls:
        analogy(default, OUT, {}, batch)
        assert not calls
        analogy(default, OUT, {"seed": 1}, batch)  # other settings
        assert len(calls) == 3
        picture(B, 9, (44, 30))  # another file of the same name
        analogy(default, OUT, {"seed": 1}, batch)
        assert len(calls) == 5
        (OUT / "z" / "b.png").unlink()
        analogy(default, OUT, {"seed": 1}, batch)
    assert len(calls) == 6


def test_a_time_lapse_has_frames_by_name_and_moves() -> None:
    for number, name in enumerate(("10-dusk.png", "09-noon.png")):
        picture(Path("day", name), number + 5, (40, 40))
    made = analogy(Request(A, Path("day"), mode="time-lapse"), OUT, {})
    folders = [OUT / "09-noon", OUT / "10-dusk"]
    assert made == [OUT / "time-lapse.png", OUT / "frames", *folders]
    frames = [read(folder / "a-prime-refined.png") for folder in folders]
    with Image.open(made[0]) as animation:
        assert animation.n_frames == 2
        for number, frame in enumerate(frames):
            animation.seek(number)
            assert (np.asarray(animation.convert("RGB")) == frame).all()
    assert [path.name for path in sorted(made[1].iterdir())] == ["09-noon.png", "10-dusk.png"]
    # A folder of contents, of which one has another size.
    picture(Path("day", "11.png"), 8, (30, 44))
    made = analogy(Request(Path("day"), B, mode="time-lapse"), Path("other"), {})
    assert len(made) == 5
    with Image.open(made[0]) as animation:
        assert (animation.n_frames, animation.size) == (3, (40, 40))


def test_an_image_more_makes_its_own_frame_alone_and_lost_ones_come_back() -> None:
    request = Request(A, Path("day"), mode="time-lapse")
    picture(Path("day", "noon.png"), 5, (40, 40))
    picture(Path("day", "dusk.png"), 6, (40, 40))
    with counted() as calls:
        analogy(request, OUT, {})
        picture(Path("day", "dawn.png"), 7, (40, 40))
        analogy(request, OUT, {})
        assert len(calls) == 3
        whole = images_in(OUT)
        assert [name for name in whole if "frames" in name] == [
            "frames/dawn.png", "frames/dusk.png", "frames/noon.png"]  # fmt: skip
        (OUT / "frames" / "dusk.png").unlink()
        Path(OUT, "frames", "mine.txt").write_text("kept")
        analogy(request, OUT, {})
        assert len(calls) == 3 and images_in(OUT) == whole | {"frames/mine.txt": b"kept"}
        time = Path(OUT, "time-lapse.png").stat().st_mtime_ns
        analogy(request, OUT, {})
        assert Path(OUT, "time-lapse.png").stat().st_mtime_ns == time
        Path("day", "dawn.png").unlink()
        analogy(request, OUT, {})
    assert len(calls) == 3 and not Path(OUT, "frames", "dawn.png").exists()
    # Users' own frames are not replaced.
    Path("mine", "frames").mkdir(parents=True)
    Path("mine", "frames", "noon.png").write_text("mine")
    with pytest.raises(RequestError, match=r"mine: has frames/noon.png, which this command would"):
        analogy(request, Path("mine"), {})


def test_an_animation_is_small_and_its_frames_are_read_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flow, "SHOWN_SIDE", 25)
    opened, read_one = [], flow._shown
    monkeypatch.setattr(flow, "_shown", lambda *given: opened.append(given) or read_one(*given))
    for number in range(3):
        picture(Path(f"{number}.png"), number, (36, 50))
    others = flow._Shown([Path("1.png"), Path("2.png")], (25, 18))
    assert next(iter(others)).size == (25, 18) and len(opened) == 1
    flow._write_animation(Path("moves.png"), [Path(f"{number}.png") for number in range(3)])
    with Image.open("moves.png") as animation:
        assert (animation.n_frames, animation.size) == (3, (25, 18))


def test_files_of_users_are_neither_replaced_nor_removed() -> None:
    OUT.mkdir()
    picture(OUT / "b.png", 1, (44, 30))
    mine = OUT / "b.png"
    before = mine.read_bytes()
    with counted() as calls, pytest.raises(RequestError) as caught:
        analogy(Request(A, mine), OUT, {})
    said = "would be replaced or removed as a result of this name; choose another --out"
    assert str(caught.value) == f"out/b.png: {said}"
    with pytest.raises(RequestError) as caught:
        analogy(Request(A, B), OUT, {})
    assert not calls and mine.read_bytes() == before
    assert str(caught.value) == (
        "out: has b.png, which this command would replace but did not write; choose another --out"
    )
    mine.unlink()
    # What is not written is not in the way, and is kept by what is made after it.
    for name in ("keypoints.csv", "b-refined.png"):
        Path(OUT, name).write_text("mine")
    analogy(Request(A, B), OUT, {})
    analogy(Request(A, B), OUT, {"seed": 1})
    assert {Path(OUT, name).read_text() for name in ("keypoints.csv", "b-refined.png")} == {"mine"}
    with pytest.raises(RequestError, match=r"out: has b-refined.png, which"):
        analogy(Request(A, B, mode="photo-to-photo"), OUT, {})
    # Results of the last run are replaced, but not while they are what the next is made from.
    with pytest.raises(RequestError, match=r"out/a-prime.png: would be replaced"):
        analogy(Request(A, OUT / "a-prime.png"), OUT, {})


def test_no_pair_of_a_table_is_made_when_one_cannot_be() -> None:
    OUT.mkdir()
    Path(OUT, "y").touch()
    picture(Path("out/z/b.png"), 1, (30, 30))
    long = "l" * 200
    picture(Path(f"{long}.png"), 1, (30, 30))
    batch = Path("pairs.csv")
    batch.write_text(
        f"a,b,name\na.png,b.png,x\na.png,b.png,y\na.png,out/z/b.png,z\n{long}.png,{long}.png,\n"
    )
    with counted() as calls, pytest.raises(RequestError) as caught:
        analogy(Request(A, B), OUT, {}, batch)
    assert not calls and sorted(path.name for path in OUT.iterdir()) == ["y", "z"]
    lines = str(caught.value).split("\n")
    assert [line.split(";")[0] for line in lines] == [
        "out/y: expected a folder, got another file",
        "out/z/b.png: would be replaced or removed as a result of this name",
        f"out: a name of more than 255 bytes, '{long}-{long}', would be needed",
    ]


def test_a_pair_that_lost_a_file_or_whose_image_has_another_name_is_made_again() -> None:
    with counted() as calls:
        analogy(Request(A, B), OUT, {})
        analogy(Request(A, B), OUT, {})
        assert len(calls) == 1
        (OUT / "forward.flo").unlink()
        analogy(Request(A, B), OUT, {})
        assert len(calls) == 2 and (OUT / "forward.flo").is_file()
        Path("same.png").write_bytes(B.read_bytes())
        analogy(Request(A, Path("same.png")), OUT, {})
    assert len(calls) == 3
    table = pd.read_csv(OUT / "attribution.csv", keep_default_na=False)
    assert table["source"].tolist() == ["same.png", "a.png"]


def test_a_pair_is_made_again_when_its_code_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    analogy(Request(A, B), OUT, {})
    changed = []
    monkeypatch.setattr(flow, "sources_hash", lambda *places: changed.append(places) or "changed")
    with counted() as calls:
        analogy(Request(A, B), OUT, {})
    assert len(calls) == 1 and changed == [(*CODE, *flow.OWN_CODE)]


def test_all_code_that_makes_results_is_looked_at_for_changes() -> None:
    made = [*closure("exemplar.report.analogy_results"), *closure("exemplar.methods.deep_analogy")]
    stage = {"stages/analogy_gallery.py"}
    assert {gallery.OWN_CODE} == stage
    for module, own in (("flows.analogy", flow.OWN_CODE), ("stages.analogy_gallery", stage)):
        run = [file for file in {*closure(module), *made} if file.endswith(".py")]
        left = {
            file
            for file in run
            if not any(file == place or file.startswith(f"{place}/") for place in (*CODE, *own))
        }
        assert left <= {"exemplar/__init__.py", "exemplar/methods/__init__.py",
                        "flows/__init__.py", "stages/__init__.py", "stages/ends.py"}  # fmt: skip


def test_much_memory_is_told_before_it_is_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(flow, "LARGE", 44 * 30)
    monkeypatch.setattr(flow, "MEMORY", 10**6)
    request = Request(A, B, mode="photo-to-photo")
    with counted(fail_at=1), pytest.raises(KeyboardInterrupt):
        analogy(request, OUT, {})
    assert capsys.readouterr().err == (
        "note: a.png has 50×36 pixels; refining results of that size takes about 2 GB of memory\n"
    )
    analogy(Request(A, B), OUT, {})
    assert not capsys.readouterr().err


def test_everything_wrong_is_told_before_anything_is_made() -> None:
    Path("text.png").write_text("no image")
    Path("file").touch()
    Path("pairs.csv").write_text(
        "a,b,mode\na.png,text.png,\na.png,none.png,\na.png,b.png,sketch\na.png,b.png,\n"
    )
    with counted() as calls, pytest.raises(RequestError) as caught:
        analogy(Request(A, B), Path("file", "out"), {"working_side": 3}, Path("pairs.csv"))
    lines = str(caught.value).split("\n")
    assert len(lines) == 5 and not calls and not OUT.exists()
    assert "--side: Input should be greater than or equal to 32, got 3" in lines
    assert "none.png: no such file" in lines
    assert "--out file/out: expected a folder, but file is none; name another" in lines
    layout.ESTIMATORS.unlink()
    with pytest.raises(RequestError, match="models/estimators.safetensors"):
        analogy(Request(A, B), OUT, {})
    assert not OUT.exists()


def test_options_are_those_of_the_method() -> None:
    actions = {
        action.dest: action.choices
        for group in cli.parser()._subparsers._group_actions
        for action in group.choices["analogy"]._actions
    }
    assert tuple(actions["mode"]) == MODES
    assert tuple(actions["strength"]) == STRENGTHS
    assert tuple(actions["reconstruction"]) == RECONSTRUCTIONS
    assert tuple(actions["mirror"]) == get_args(AnalogySettings.model_fields["mirror"].annotation)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["analogy", "a.png", "b.png", "--out", "out", "--side", "32"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "out\n"
    assert shown.err.startswith("note: A (a.png) has 50×36 pixels and was matched at 32×23")
    Path("pairs.csv").write_text("a,b\nb.png,a.png\n")
    assert cli.main(["analogy", "--batch", "pairs.csv", "--out", "many", "--seed", "3"]) == 0
    assert capsys.readouterr().out == "many/b-a\n"
    assert json.loads(Path("many/b-a/summary.json").read_text())["settings"]["seed"] == 3
    for wrong, said in {
        "a.png --out x": "expected two images A and B, or --batch CSV",
        "a.png b.png --batch pairs.csv --out x": "expected two images A and B, or --batch CSV",
        "--batch pairs.csv --mode time-lapse --out x": "takes an image and a folder",
        "a.png none.png --out x": "none.png: no such file",
        "a.png b.png --out x --backbone vgg19_small:no.pth": "check the path in --backbone",
        "a.png b.png --out x --reconstruction learned": "exemplar reproduce analogy_inverse",
    }.items():
        assert cli.main(["analogy", *wrong.split()]) == 1
        assert said in capsys.readouterr().err
    for wrong in ("--backbone resnet", "--backbone vgg19_small", "--backbone estimator:x",
                  "--backbone efficientnet_lite2:x"):  # fmt: skip
        with pytest.raises(SystemExit):
            cli.main(["analogy", "a.png", "b.png", "--out", "x", *wrong.split()])
    assert not Path("x").exists()
