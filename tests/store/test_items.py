"""`items.parquet`: columns, unique ids, known splits; images by their ids."""

from __future__ import annotations

import unicodedata
from fnmatch import fnmatchcase

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.store.items import (
    BOX,
    COLUMNS,
    FILES,
    box_columns,
    matches,
    read_items,
    row_of_id,
    rows_of,
    write_items,
)

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


def _items(**changes):
    table = {name: ["a", "b", "c"] for name in COLUMNS}
    table |= {"split": ["train", "test", "train"], "width": [1, 2, 3], "height": [1, 2, 3]}
    return pd.DataFrame(table | changes)


def test_they_come_back(tmp_path):
    write_items(tmp_path / "i.parquet", _items())
    again = read_items(tmp_path / "i.parquet")
    assert list(again.columns) == list(COLUMNS)
    assert rows_of(again, "train").tolist() == [0, 2]
    assert rows_of(again, "val").tolist() == []


def test_places_in_files_come_with_them(tmp_path):
    boxes = [(0, 0, 4, 4), (-1.5, 2, 3, 6.5), (1, 1, 2, 2)]
    files = {"path": ["a.png", "b.png", ""], "labels": "", "masked": False} | box_columns(boxes)
    write_items(tmp_path / "i.parquet", _items(**files))
    again = read_items(tmp_path / "i.parquet")
    assert tuple(again) == COLUMNS + FILES
    assert again[list(BOX)].to_numpy().tolist() == [list(box) for box in boxes]
    with pytest.raises(ValueError, match=r"missing \['bottom'\]"):
        write_items(tmp_path / "i.parquet", _items(**files).drop(columns="bottom"))


def test_bad_tables_are_refused(tmp_path):
    for changes, message in (
        ({"id": ["a", "a", "c"]}, r"ids must be unique, repeated: \['a'\]"),
        ({"split": ["train", "dev", "test"]}, r"splits must be .* got \['dev'\]"),
    ):
        with pytest.raises(ValueError, match=message):
            write_items(tmp_path / "i.parquet", _items(**changes))
    with pytest.raises(ValueError, match=r"missing \['licence'\]"):
        write_items(tmp_path / "i.parquet", _items().drop(columns="licence"))


@given(st.lists(st.text("ab.*[", max_size=4)), st.text("ab.*?[]!", max_size=5))
def test_a_name_is_itself_or_what_fnmatch_finds(names, wanted):
    expected = [name == wanted for name in names]
    if wanted not in names:
        expected = [fnmatchcase(name, wanted) for name in names]
    assert matches(wanted, names).tolist() == expected


def test_one_literal_name_among_several_columns_is_meant_alone():
    assert matches("x[1]", ["x1", "b", "c"], ["a", "x[1]", "x1"]).tolist() == [False, True, False]
    assert matches("x[12]", ["x1", "b", "c"], ["a", "x[1]", "x2"]).tolist() == [True, False, True]
    assert matches("x", [], []).tolist() == []


@given(st.text("ae\u0301\u00e9o\u0308\u00f6\u1ec7", min_size=1, max_size=5))
def test_the_forms_of_a_name_are_one_name(name):
    for form in ("NFC", "NFD"):
        given_as = unicodedata.normalize(form, name)
        assert matches(given_as, [name, name + "x"]).tolist() == [True, False]
        assert matches("?" * len(unicodedata.normalize("NFC", name)), [given_as]).tolist() == [True]


def test_rows_by_id():
    items = _items(id=["a", DECOMPOSED, "A"])
    assert [row_of_id(items, name) for name in ("a", "A", COMPOSED, DECOMPOSED, "b")] == [
        0, 2, 1, 1, None,
    ]  # fmt: skip
    both = _items(id=[COMPOSED, DECOMPOSED, "c"])  # as an older table may have them
    assert [row_of_id(both, name) for name in (COMPOSED, DECOMPOSED)] == [0, 1]
