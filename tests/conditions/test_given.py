"""A user's files as conditions: one decoder and one geometry for all, all problems together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from exemplar.conditions import CONDITIONS
from exemplar.conditions.given import READERS, read_condition, read_photograph
from exemplar.data.fit import FITS
from exemplar.labels.domains import known_in
from exemplar.report.pictures import condition_picture

SIZE = (24, 24)
KNOWN = known_in({}, "", ["a", "b"])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def save(values: np.ndarray | Image.Image, name: str, **options) -> Path:
    image = values if isinstance(values, Image.Image) else Image.fromarray(values)
    image.save(name, **options)
    return Path(name)


def read(condition: str, path: Path, how="crop", size=SIZE):
    problems: list[str] = []
    found = read_condition(condition, path, size, KNOWN, how, problems)
    assert found is not None and problems == []
    return found


def drawing(ink=0, paper=255) -> np.ndarray:
    values = np.full((48, 48), paper, np.uint8)
    values[10:12, 6:40] = values[10:40, 20:22] = ink
    return values


def test_there_is_a_reader_for_every_condition():
    assert list(READERS) == list(CONDITIONS)


def test_a_drawing_is_the_same_from_files_of_every_kind():
    values = drawing()
    deep = values.astype(np.uint16) * 257
    clear = np.zeros((48, 48, 4), np.uint8)
    clear[..., 3] = 255 - values  # black ink on nothing
    paper = Image.fromarray(values).convert("P")
    frames = [Image.fromarray(each).convert("P") for each in (values, 255 - values)]
    exif = Image.Exif()
    exif[0x0112] = 6
    files = [
        save(values, "grey.png"),
        save(np.dstack([values] * 3), "rgb.webp", lossless=True),
        save(deep, "deep.png"),
        save(deep, "deep.tif"),
        save(values > 128, "bits.png"),
        save(clear, "clear.png"),
        save(Image.fromarray(clear).convert("LA"), "clear-grey.png"),
        save(paper, "palette.png"),
        save(frames[0], "moving.gif", save_all=True, append_images=frames[1:]),
        save(frames[0], "pages.tif", save_all=True, append_images=frames[1:]),
        save(np.rot90(values).copy(), "turned.png", exif=exif),
        save(255 - values, "light.bmp"),
        save(Image.fromarray(np.dstack([values] * 3)).convert("CMYK"), "print.tif"),
    ]
    lines = np.zeros(SIZE)
    lines[5, 3:20] = lines[5:20, 10] = 1
    plain = read("edges", files[0]).values
    assert plain.dtype == np.float16
    # Where lines meet, they may be drawn a little rounder.
    assert np.abs(plain - lines).max() < 0.2 and np.abs(plain - lines).mean() < 0.003
    for path in files[1:]:
        assert np.abs(read("edges", path).values - plain).max() < 0.01, path


def test_every_condition_has_one_geometry():
    wide = np.full((24, 40, 3), 255, np.uint8)
    wide[4:20, 20] = 0
    path = save(wide, "wide.png")
    for how in FITS:
        column = int(read("edges", path, how).values.astype(float).sum(0).argmax())
        photograph = read_photograph(path, SIZE, how, [])
        assert photograph is not None
        assert int(photograph.values.astype(int).sum((0, 2)).argmin()) == column == 12
    labels = save((wide[..., 0] == 0).astype(np.uint8), "labels.png")
    assert read("labels", labels, "crop").values[4:20, 12].all()
    padded = read("labels", labels, "pad").values
    assert set(padded[:4].ravel()) == set(padded[20:].ravel()) == {255}  # margins have no class
    assert set(padded[6:18].ravel()) == {0, 1}


def test_what_was_done_is_said_with_the_file():
    path = save(np.full((20, 30, 3), 90, np.uint8), "wide.png")
    assert read("lowres", path).notes == ("wide.png: 30×20, cropped to the central 20×20",)
    assert read("lowres", path, "pad").notes == ("wide.png: 30×20, padded to 30×30",)
    found = read_photograph(path, SIZE, "crop", [], "--from ")
    assert found is not None
    assert found.notes == ("--from wide.png: 30×20, cropped to the central 20×20",)
    normals = np.full((24, 24, 3), (128, 128, 255), np.uint8)
    normals[:6] = 0
    assert read("normals", save(normals, "n.png")).notes == (
        "n.png: 25% of it (black) has no surface and faces the viewer",
    )


def test_lowres_has_the_means_of_blocks_and_white_margins():
    values = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    found = read("lowres", save(values, "a.png")).values
    assert found.dtype == np.uint8
    assert np.abs(found - values.reshape(12, 2, 12, 2, 3).mean((1, 3))).max() <= 1
    padded = read("lowres", save(values[:, :12], "b.png"), "pad").values
    assert (padded[:, :3] == 255).all() and (padded[:, 9:] == 255).all()
    assert (read("lowres", save(values[:1, :1], "one.png")).values == values[0, 0]).all()


@pytest.mark.parametrize("condition", ["edges", "normals", "lowres"])
def test_what_was_written_is_read_again(condition):
    rng = np.random.default_rng(2)
    if condition == "edges":
        values = np.zeros(SIZE, np.float16)
        values[5, 3:20], values[8, 4:9], values[12:20, 11] = 0.9, 0.4, 0.6
    elif condition == "normals":
        values = rng.normal(size=(*SIZE, 3)) * 0.2 + (0, 0, 1)
        values /= np.linalg.norm(values, axis=-1, keepdims=True)
    else:
        values = rng.integers(0, 256, (12, 12, 3), np.uint8)
    path = save(condition_picture(condition, values, 24), "input.png")
    found = read(condition, path)
    assert found.notes == ()
    assert np.abs(found.values.astype(float) - values).max() <= {"lowres": 0}.get(condition, 0.01)


def test_every_problem_of_every_file_is_told_with_its_name():
    whole = save(drawing(), "whole.png").read_bytes()
    Path("text.png").write_text("hello")
    Path("svg.png").write_text("<svg xmlns='x'/>")
    Path("postscript.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\nshowpage\n")
    Path("cut.png").write_bytes(whole[: len(whole) // 2])
    Path("folder.png").mkdir()
    save(np.full((9, 9), 0.5, np.float32), "float.tif")
    save(np.full((40, 40, 3), 255, np.uint8), "blank.png")
    rng = np.random.default_rng(0)
    save(rng.integers(0, 256, (40, 40, 3), np.uint8), "photograph.png")
    names = ["none", "text", "svg", "postscript", "cut", "folder", "blank", "photograph"]
    problems: list[str] = []
    for name in [*(f"{name}.png" for name in names), "float.tif"]:
        assert read_condition("edges", Path(name), SIZE, KNOWN, "crop", problems) is None
    assert [problem.split(":")[0] for problem in problems] == [
        *(f"{name}.png" for name in names), "float.tif",
    ]  # fmt: skip
    said = dict(problem.split(": ", 1) for problem in problems)
    assert said["none.png"] == "no such file"
    assert "it is text; save it as PNG or JPEG" in said["text.png"]
    assert "it is an SVG drawing" in said["svg.png"]
    assert "it is PostScript" in said["postscript.png"]
    assert said["cut.png"].startswith("cannot be decoded")
    assert said["folder.png"] == "expected an image, got a folder"
    assert said["float.tif"].startswith("floating-point pixels, whose range is not known; save it")
    assert "the page is blank" in said["blank.png"]
    assert said["photograph.png"].endswith("; for a photograph, add --photographs")
    assert read_condition("normals", Path("blank.png"), SIZE, KNOWN, "crop", problems) is None
    assert "expected a normal map" in problems[-1] and "add --photographs" in problems[-1]
    assert read_photograph(Path("none.png"), SIZE, "crop", problems, "--from ") is None
    assert problems[-1] == "--from none.png: no such file"
