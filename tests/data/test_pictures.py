"""Images of every kind of file: read, or told what is wrong with all of them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from exemplar.data.pictures import Picture, doubts, pictures_in, read_picture, read_stored

GENERATOR = np.random.default_rng(7)
IMAGE = GENERATOR.integers(0, 256, (12, 20, 3), np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def save(values: np.ndarray | Image.Image, name: str, **options) -> Path:
    image = values if isinstance(values, Image.Image) else Image.fromarray(values)
    image.save(name, **options)
    return Path(name)


def read(path: Path) -> np.ndarray:
    problems: list[str] = []
    found = read_picture(path, problems)
    assert not problems
    return found.image


def test_images_of_every_kind_become_rgb() -> None:
    assert (read(save(IMAGE, "rgb.png")) == IMAGE).all()
    grey = IMAGE[..., 0]
    assert (read(save(grey, "grey.png")) == grey[..., None]).all()
    assert (read(save(grey.astype(np.uint16) * 257, "deep.png")) == grey[..., None]).all()
    clear = np.where(np.arange(20) < 9, 255, 0).astype(np.uint8)[None].repeat(12, 0)
    alpha = np.dstack([IMAGE, clear])
    over = read(save(alpha, "alpha.png"))
    assert (over[:, :9] == IMAGE[:, :9]).all() and (over[:, 9:] == 255).all()
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    turned = read(save(IMAGE, "turned.png", exif=exif))
    assert (turned == np.rot90(IMAGE, -1)).all()
    assert read(save(IMAGE[:1, :1], "one.png")).shape == (1, 1, 3)


def test_what_cannot_be_used_is_told_once_each() -> None:
    Path("text.png").write_text("no image")
    whole = save(IMAGE, "whole.png").read_bytes()
    Path("cut.png").write_bytes(whole[:200])
    Path("folder").mkdir()
    save(np.zeros((3, 200, 3), np.uint8), "strip.png")
    problems: list[str] = []
    for name in ("none.png", "text.png", "cut.png", "folder", "strip.png"):
        assert read_picture(Path(name), problems) is None
    assert len(problems) == 5
    assert problems[0] == "none.png: no such file"
    assert problems[1].startswith("text.png: not an image of a known format")
    assert problems[2].startswith("cut.png: cannot be decoded")
    assert problems[3] == "folder: expected an image, got a folder"
    assert problems[4].startswith("strip.png: 200×3 pixels are too narrow to be matched; crop it")


def test_only_files_are_opened_and_none_blocks(monkeypatch) -> None:
    os.mkfifo("pipe.png")
    Path("broken.png").symlink_to("gone.png")
    Path("round.png").symlink_to("round.png")
    Path("empty.png").touch()
    save(IMAGE, "large.png")
    monkeypatch.setattr("exemplar.data.pictures.MAX_BYTES", 100)
    problems: list[str] = []
    for name in ("pipe.png", "/dev/zero", "broken.png", "round.png", "empty.png", "large.png"):
        assert read_picture(Path(name), problems) is None
    assert problems == [
        "pipe.png: expected an image, got a pipe, socket or device; save it to a file",
        "/dev/zero: expected an image, got a pipe, socket or device; save it to a file",
        "broken.png: no such file: it is a link to gone.png",
        "round.png: cannot be read: Too many levels of symbolic links",
        "empty.png: not an image: the file is empty",
        "large.png: expected an image of at most 0 MiB, got 0 MiB",
    ]


def test_what_is_stored_is_not_changed() -> None:
    palette = Image.fromarray(IMAGE).quantize(8)
    found = read_stored(save(palette, "palette.png"), [], "a label map")
    assert found is not None and found.mode == "P"
    assert (np.asarray(found) == np.asarray(palette)).all()
    problems: list[str] = []
    Path("text.png").write_text("no image")
    assert read_stored(Path("text.png"), problems, "a label map") is None
    assert read_stored(Path(), problems, "a label map") is None
    assert problems[0].startswith("text.png: not an image of a known format")
    assert problems[1] == ".: expected a label map, got a folder"


def test_one_colour_is_doubted() -> None:
    flat = Picture("flat.png", np.full((4, 4, 3), (9, 80, 200), np.uint8), "")
    assert doubts("A", flat)[0].startswith("A (flat.png) has one colour everywhere")
    assert doubts("A", Picture("rgb.png", IMAGE, "")) == []


def test_images_of_a_folder_come_by_name() -> None:
    Path("f").mkdir()
    for name in ("10.png", "02.PNG", ".hidden.png", "notes.txt"):
        Path("f", name).touch()
    problems: list[str] = []
    assert [path.name for path in pictures_in(Path("f"), problems)] == ["02.PNG", "10.png"]
    assert not problems
    Path("bare").mkdir()
    assert pictures_in(Path("bare"), problems) == []
    assert pictures_in(Path("none"), problems) == []
    assert problems[0].startswith("bare: expected images (.png")
    assert problems[1].startswith("none: the folder cannot be read")
