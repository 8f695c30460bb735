"""Files whose names are typed in another Unicode form than the disk has them in."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from exemplar.data.pictures import read_picture, spelled
from exemplar.labels.drawn import read_map
from exemplar.methods.deep_analogy.requests import Request, read_batch
from flows.cli import parser

NAMES = ("Pfütze.png", "señal.png", "Ångström ő.png", "한글.png", "がぎ.png")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def form(name: str, kind: str) -> str:
    return normalize("NFC" if kind == "NFC" else "NFD", name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("stored", "typed"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_the_other_form_of_a_name_is_found_in_folders_too(tmp_path, name, stored, typed):
    folder = Path(form("Bücher", stored))
    folder.mkdir()
    own = folder / form(name, stored)
    own.touch()
    for base in (Path(), tmp_path, Path("..", tmp_path.name)):
        asked = base / form("Bücher", typed) / form(name, typed)
        assert str(spelled(asked)) == str(base / own)
        assert str(spelled(asked.parent)) == str(base / folder)


def test_a_file_that_is_there_is_meant_and_one_that_is_not_stays_as_it_is():
    both = [form("é.png", kind) for kind in ("NFC", "NFD")]
    for name in both:
        Path(name).touch()
    assert [str(spelled(Path(name))) for name in both] == both
    for name in ("gone/é.png", "e.png", "É.png", "", "a\0b", "x" * 300, "/"):
        assert spelled(Path(name)) == Path(name)
    Path("link").symlink_to("nowhere")
    assert spelled(Path("link")) == Path("link")


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8))
def test_no_other_name_is_ever_taken(name):
    Path("own.png").touch()
    assert spelled(Path(name)) == Path(name) or name == "own.png"


def test_every_command_takes_either_form():
    stored, typed = form("Brücke.png", "NFD"), form("Brücke.png", "NFC")
    Path(stored).touch()
    own = Path(stored)
    lines = {
        "synth": ([typed, "--from", typed, "--domain", "d", "--condition", "edges"], "inputs like"),
        "edit": (
            [typed, "--instances", typed, "--from", typed, "--domain", "d"],
            "labels instances photograph",
        ),
        "sample": (["--domain", "d", "--count", "1", "--invert", typed], "invert"),
        "analogy": (
            [typed, typed, "--labels", typed, "--keypoints", typed, "--batch", typed],
            "a b labels keypoints batch",
        ),
        "layout": ([typed, typed, typed, "--palette", typed], "image labels targets palette"),
    }
    for command, (line, names) in lines.items():
        out = form("Größe", "NFC")
        args = parser().parse_args([command, *line, "--out", out])
        assert str(args.out) == out
        for name in names.split():
            value = getattr(args, name)
            value = value[0] if isinstance(value, list) else value
            assert str(value) == str(own), (command, name)
    words = parser().parse_args(["layout", typed, "clusters", "--palette", "facades", "--out", "o"])
    assert (words.labels, words.palette) == ("clusters", "facades")


def test_tables_and_settings_may_have_either_form():
    for stem in ("é", "ü"):
        Image.new("RGB", (40, 40), (9, 99, 200)).save(form(f"{stem}.png", "NFD"))
    table = form("a,b,labels\né.png,ü.png,é.png\n", "NFC")
    Path("pairs.csv").write_text(table, encoding="utf-8")
    problems: list[str] = []
    (pair,) = read_batch(Path("pairs.csv"), Request(Path(), Path()), problems)
    assert [str(path) for path in pair.files] == [
        form(name, "NFD") for name in ("é.png", "ü.png", "é.png")
    ]
    assert read_picture(Path(form("é.png", "NFC")), problems) is not None
    assert read_map(Path(form("ü.png", "NFC")), problems) is not None
    assert problems == []
    assert read_picture(Path("ö.png"), problems) is None
    assert problems == ["ö.png: no such file"]
