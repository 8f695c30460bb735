"""Images of every kind, labels and points: read, or told what is wrong with all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from exemplar.methods.deep_analogy.inputs import (
    Picture,
    doubts,
    pictures_in,
    read_labels,
    read_picture,
    read_points,
    read_table,
)

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


def test_one_colour_is_doubted() -> None:
    flat = Picture("flat.png", np.full((4, 4, 3), (9, 80, 200), np.uint8), "")
    assert doubts("A", flat)[0].startswith("A (flat.png) has one colour everywhere")
    assert doubts("A", Picture("rgb.png", IMAGE, "")) == []


def test_labels_are_numbers_of_the_images_size() -> None:
    labels = GENERATOR.integers(0, 60000, (12, 20)).astype(np.uint16)
    problems: list[str] = []
    assert (read_labels(save(labels, "l.png"), (12, 20), problems) == labels).all()
    assert not problems
    assert read_labels(Path("l.png"), (20, 12), problems) is None
    assert read_labels(save(IMAGE, "rgb.png"), (12, 20), problems) is None
    assert read_labels(save(labels.astype(np.int32) + 60000, "l.tif"), (12, 20), problems) is None
    assert [line.split(";")[0] for line in problems] == [
        "l.png: expected 12×20 pixels as its image, got 20×12",
        (
            "rgb.png: expected one number a pixel (a grey or palette image of 8, 16 or 32 bits), "
            "got mode RGB"
        ),
        (
            f"l.tif: expected labels from 0 to 65535, got {60000 + int(labels.min())} to "
            f"{60000 + int(labels.max())}"
        ),
    ]


def test_points_have_names_or_numbers() -> None:
    Path("p.csv").write_text("name, x, y\nleft eye, 3.25, 4\nnose, 0, 11.4\n")
    Path("bare.csv").write_text("x,y\n1,2\n")
    problems: list[str] = []
    points = read_points(Path("p.csv"), (12, 20), problems)
    assert points.names == ("left eye", "nose")
    assert points.places.tolist() == [[4, 3.25], [11.4, 0]]
    assert read_points(Path("bare.csv"), (12, 20), problems).names == ("1",)
    assert not problems


def test_wrong_points_are_told_by_line() -> None:
    Path("p.csv").write_text("x,y\n1,1\n20,3\n2,\n3,nan\n4,-1\n5,11\n")
    Path("q.csv").write_text("x,z\n1,1\n")
    Path("r.csv").write_text("\nx,y\n\n1,1\n3,2,1\n99,1\n")
    problems: list[str] = []
    for name in ("p.csv", "q.csv", "none.csv", "r.csv"):
        assert read_points(Path(name), (12, 20), problems) is None
    assert problems == [
        (
            "p.csv: expected numbers with x from 0 to 19 and y from 0 to 11, the pixels of A; mend "
            "line 3, 4, 5, 6"
        ),
        (
            "q.csv: no column y; unknown columns z; expected the columns x, y and perhaps name, "
            "and a row for each"
        ),
        "none.csv: no such file",
        "r.csv: expected 2 cells in every row, as many as columns; mend line 5 (3)",
        (
            "r.csv: expected numbers with x from 0 to 19 and y from 0 to 11, the pixels of A; mend "
            "line 6"
        ),
    ]


def test_points_of_rows_of_other_lengths_are_not_used() -> None:
    Path("p.csv").write_text("x,y\n1,1\n7,3,4\n")
    problems: list[str] = []
    assert read_points(Path("p.csv"), (12, 20), problems) is None
    assert len(problems) == 1 and problems[0].endswith("mend line 3 (3)")


def test_tables_without_rows_are_told() -> None:
    Path("empty.csv").write_text("")
    Path("bare.csv").write_text("x,y\n")
    Path("twice.csv").write_text("x,y,x\n1,2,3\n")
    Path("open.csv").write_text('x,y\n1,"2\n')
    Path("latin.csv").write_bytes(b"x,y\n1,\xe4\n")
    problems: list[str] = []
    for name in ("empty.csv", "bare.csv", "twice.csv", "open.csv", "latin.csv"):
        assert read_table(Path(name), ("x", "y"), (), problems) is None
    assert problems[0].startswith("empty.csv: not a readable CSV file")
    assert problems[1].startswith("bare.csv: no row; expected")
    assert problems[2].startswith("twice.csv: more than one column x; expected")
    assert problems[3].startswith("open.csv: not a readable CSV file (unexpected end of data)")
    assert problems[4].startswith("latin.csv: not a readable CSV file ('utf-8' codec can't decode")
    Path("mark.csv").write_text("x,y\n1,2\n", encoding="utf-8-sig")
    assert read_table(Path("mark.csv"), ("x", "y"), (), problems).index.tolist() == [2]


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
