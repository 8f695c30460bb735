"""Tables of pairs, time lapses, and all that is wrong with them at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from exemplar.data.problems import RequestError, raise_all
from exemplar.methods.deep_analogy import requests
from exemplar.methods.deep_analogy.inputs import read_labels
from exemplar.methods.deep_analogy.requests import (
    Request,
    read_batch,
    read_pair,
    series,
)

DEFAULT = Request(Path("-"), Path("-"))


@pytest.fixture(autouse=True)
def images(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("set", "lapse").mkdir(parents=True)
    for name in ("a.png", "b.png", "lapse/2.png", "lapse/1.png"):
        Image.fromarray(np.zeros((9, 12, 3), np.uint8)).save(Path("set", name))


def batch(text: str, request: Request = DEFAULT) -> tuple[list[Request], list[str]]:
    Path("set", "pairs.csv").write_text(text)
    problems: list[str] = []
    return read_batch(Path("set", "pairs.csv"), request, problems), problems


def test_rows_say_what_differs_and_paths_are_beside_the_table() -> None:
    given = Request(Path("-"), Path("-"), mode="style-to-photo", strength="1")
    made, problems = batch(
        "a,b,mode,strength,name,labels,keypoints\n"
        "a.png,b.png,,,,,\n"
        "a.png, b.png ,photo-to-photo,3,second,l.png,k.csv\n",
        given,
    )
    a, b = Path("set/a.png"), Path("set/b.png")
    assert not problems
    assert made == [
        Request(a, b, "a-b", "style-to-photo", "1"),
        Request(a, b, "second", "photo-to-photo", "3", Path("set/l.png"), Path("set/k.csv")),
    ]


def test_rows_that_are_too_long_or_short_are_told_with_the_others_by_their_lines() -> None:
    made, problems = batch("a,b\n\na.png,b.png\n\nb.png,a.png,a.png\nb.png\n,b.png\n")
    assert [(pair.a.name, pair.b.name) for pair in made] == [("a.png", "b.png")]
    assert problems == [
        (
            "set/pairs.csv: expected 2 cells in every row, as many as columns; mend line "
            "5 (3), 6 (1)"
        ),
        "set/pairs.csv, line 7: no a; name an image",
    ]


def test_all_wrong_rows_are_told_together() -> None:
    made, problems = batch(
        "a,b,mode,strength,name\n"
        "a.png,,photo,9,../up\n"
        "a.png,b.png,,,same\n"
        "a.png,b.png,time-lapse,,\n"
        "b.png,a.png,,,Same\n"
    )
    assert [pair.name for pair in made] == ["same", "Same"]
    assert problems == [
        "set/pairs.csv, line 2: no b; name an image",
        (
            "set/pairs.csv, line 2: mode: expected one of photo-to-style, style-to-style, "
            "style-to-photo, photo-to-photo, got 'photo'"
        ),
        "set/pairs.csv, line 2: strength: expected one of 1, 2, 3, aligned, got '9'",
        "set/pairs.csv, line 2: name: expected a folder's name, got '../up'",
        (
            "set/pairs.csv, line 4: mode: expected one of photo-to-style, style-to-style, "
            "style-to-photo, photo-to-photo, got 'time-lapse'"
        ),
        "set/pairs.csv: lines 3, 5 have one name, same; name them apart in a column `name`",
    ]


def test_a_table_without_its_columns_is_told() -> None:
    made, problems = batch("a,c\na.png,b.png\n")
    assert made == []
    assert problems[0].startswith("set/pairs.csv: no column b; unknown columns c; expected the")


@pytest.mark.parametrize("side", ["a", "b"])
def test_a_time_lapse_has_a_pair_for_each_image_of_its_folder(side: str) -> None:
    one, folder = Path("set/a.png"), Path("set/lapse")
    problems: list[str] = []
    ends = {"a": one, "b": folder} if side == "b" else {"a": folder, "b": one}
    made = series(Request(**ends, mode="time-lapse"), problems)
    assert not problems
    assert [pair.name for pair in made] == ["1", "2"]
    assert [getattr(pair, side) for pair in made] == [folder / "1.png", folder / "2.png"]
    assert {pair.mode for pair in made} == {"time-lapse"}


def lapse(names: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of pairs of a folder with such images, on a file system of any kind."""
    found = [Path("set/lapse", name) for name in sorted(names)]
    monkeypatch.setattr(requests, "pictures_in", lambda folder, problems: found)
    problems: list[str] = []
    made = series(Request(Path("set/a.png"), Path("set/lapse"), mode="time-lapse"), problems)
    assert not problems
    return [pair.name for pair in made]


def test_an_image_more_leaves_the_names_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lapse(["2.png", "1.png"], monkeypatch) == ["1", "2"]
    assert lapse(["2.png", "1.png", "0.jpg"], monkeypatch) == ["0", "1", "2"]
    # Alike but for the suffix, or for upper case, or like what a time lapse has itself.
    assert lapse(["x.jpg", "x.png", "y.png"], monkeypatch) == ["x.jpg", "x.png", "y"]
    assert lapse(["X.png", "x.png"], monkeypatch) == ["X.png", "x.png-2"]
    assert lapse(["Frames.png"], monkeypatch) == ["Frames.png"]
    names = lapse(["time-lapse.png", "time-lapse.jpg", "x.png.png", "x.png"], monkeypatch)
    assert names == ["time-lapse.jpg", "time-lapse.png-2", "x", "x.png"]


def test_a_time_lapse_wants_one_folder() -> None:
    problems: list[str] = []
    one, folder = Path("set/a.png"), Path("set/lapse")
    assert series(Request(one, one), problems) == []
    assert series(Request(folder, folder), problems) == []
    series(Request(folder, one, labels=Path("l.png")), problems)
    assert problems == [
        (
            "time-lapse: expected an image and a folder of images, got set/a.png and set/a.png; "
            "name a folder for one of them"
        ),
        (
            "time-lapse: expected an image and a folder of images, got set/lapse and set/lapse; "
            "name a folder for one of them"
        ),
        "time-lapse: labels and keypoints belong to one A, not to a folder of them",
    ]


def test_a_pair_is_read_whole_or_everything_wrong_is_told() -> None:
    a, b = Path("set/a.png"), Path("set/b.png")
    Image.fromarray(np.full((9, 12), 3, np.uint8)).save("labels.png")
    Path("points.csv").write_text("x,y\n11,8\n")
    problems: list[str] = []
    given = read_pair(
        Request(a, b, labels=Path("labels.png"), keypoints=Path("points.csv")), problems
    )
    assert not problems
    assert given.a.image.shape == (9, 12, 3) and (given.labels == 3).all()
    assert given.points.places.tolist() == [[8, 11]]
    coloured = np.full((9, 12, 3), (200, 0, 9), np.uint8)
    Image.fromarray(coloured).save("coloured.png")
    wrong = Request(a, Path("none.png"), labels=Path("coloured.png"), keypoints=Path("labels.png"))
    assert read_pair(wrong, problems) is None
    assert len(problems) == 3
    with pytest.raises(RequestError) as caught:
        raise_all([*problems, *problems])
    assert str(caught.value).count("none.png: no such file") == 1


def test_compressed_label_maps_are_refused_and_equal_channels_are_numbers() -> None:
    labels = np.zeros((9, 12), np.uint8)
    labels[:, 5:] = 3
    Image.fromarray(labels).save("labels.jpg")
    Image.fromarray(labels).convert("RGB").save("labels.png")
    problems: list[str] = []
    assert read_labels(Path("labels.jpg"), (9, 12), problems) is None
    assert "labels.jpg: is saved in a format such as JPEG" in problems[0]
    found = read_labels(Path("labels.png"), (9, 12), problems)
    assert found is not None and (found == labels).all()
