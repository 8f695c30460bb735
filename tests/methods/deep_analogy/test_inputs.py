"""Labels and points: read, or told what is wrong with all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from exemplar.methods.deep_analogy.inputs import read_labels, read_points

GENERATOR = np.random.default_rng(7)
IMAGE = GENERATOR.integers(0, 256, (12, 20, 3), np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def save(values: np.ndarray | Image.Image, name: str, **options) -> Path:
    image = values if isinstance(values, Image.Image) else Image.fromarray(values)
    image.save(name, **options)
    return Path(name)


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
            "got colours"
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
