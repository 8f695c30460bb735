"""Classes of a run: names, colours, numbers, and the files they are written to and read from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from exemplar.labels.colours import distinct_colours, packed, unpacked
from exemplar.labels.palette import (
    Entry,
    Palette,
    label_image,
    place_of,
    read_entries,
    write_palette,
)

PALETTE = Palette(
    ("sky", "3", "#00ff00"),
    np.array([[0, 0, 255], [9, 9, 9], [0, 255, 0]], np.uint8),
    (7, 3, 200),
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=20))
def test_colours_are_packed_as_web_pages_write_them(colours: list) -> None:
    codes = packed(np.array(colours, np.uint8))
    assert [f"{code:06x}" for code in codes] == ["".join(f"{v:02x}" for v in c) for c in colours]
    assert (unpacked(codes) == np.array(colours)).all()


def test_made_colours_differ() -> None:
    colours = distinct_colours(64).astype(int)
    apart = np.abs(colours[:, None] - colours).sum(-1) + 1000 * np.eye(64, dtype=int)
    assert apart.min() > 8
    first = apart[:12, :12]
    assert first.min() >= 60
    assert (distinct_colours(5) == colours[:5]).all()


def test_classes_are_called_by_name_colour_or_number() -> None:
    assert place_of("SKY", PALETTE) == 0
    assert place_of("#0000FF", PALETTE) == 0
    assert place_of("7", PALETTE) == 0
    assert place_of("3", PALETTE) == 1  # a name goes first
    assert place_of("200", PALETTE) == 2
    assert [place_of(text, PALETTE) for text in ("sea", "#000001", "8", "")] == [None] * 4
    bare = PALETTE._replace(ids=None)
    assert place_of("2", bare) == 2


def test_what_is_written_is_read_again() -> None:
    labels = np.array([[0, 0, 1], [2, 2, 2]], np.uint8)
    write_palette(Path("p.csv"), PALETTE, labels)
    problems: list[str] = []
    assert read_entries("p.csv", problems) == [
        Entry("sky", (0, 0, 255), 7), Entry("3", (9, 9, 9), 3), Entry("#00ff00", (0, 255, 0), 200)
    ]  # fmt: skip
    assert not problems
    assert "sky,#0000ff,7,2,0.333333" in Path("p.csv").read_text()
    image = label_image(labels, PALETTE)
    image.save("l.png")
    stored = Image.open("l.png")
    assert stored.mode == "P"
    assert (np.asarray(stored) == np.array([[7, 7, 3], [200, 200, 200]])).all()
    assert (np.asarray(stored.convert("RGB")) == PALETTE.colours[labels]).all()
    wide = label_image(labels, PALETTE._replace(ids=(7, 3, 20000)))
    assert (np.asarray(wide) == labels).all()


def test_names_come_from_json_and_presets_and_wrong_ones_are_told() -> None:
    problems: list[str] = []
    Path("p.json").write_text('{"sky": "#0000ff", "sea": 4}')
    assert read_entries("p.json", problems) == [
        Entry("sky", (0, 0, 255), None), Entry("sea", None, 4)
    ]  # fmt: skip
    assert read_entries("facades", problems)[2] == Entry("window", (0, 128, 255), None)
    assert not problems
    Path("bad.csv").write_text(
        "name,colour,id\nsky,blue,\nsea,,x\n,#000000,\na,,\nB,#000001,\nb,,3\n"
    )
    assert [entry.name for entry in read_entries("bad.csv", problems)] == ["B", "b"]
    Path("bad.json").write_text("[1]")
    assert read_entries("bad.json", problems) == []
    assert read_entries("none.csv", problems) == []
    assert problems == [
        "bad.csv, class sky: expected a colour as #rrggbb, got 'blue'",
        "bad.csv, class sea: expected a whole number, got 'x'",
        "bad.csv, class 3: expected a name, and a colour or an id",
        "bad.csv, class 4: expected a name, and a colour or an id",
        "bad.csv: more than one class is called B, b; name them apart",
        'bad.json: expected names and colours, such as {"sky": "#80b0ff"}',
        "none.csv: no such file",
    ]
