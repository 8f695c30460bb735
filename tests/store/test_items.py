"""`items.parquet`: columns, unique ids, known splits."""

from __future__ import annotations

import pandas as pd
import pytest

from exemplar.store.items import COLUMNS, read_items, rows_of, write_items


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


def test_bad_tables_are_refused(tmp_path):
    for changes, message in (
        ({"id": ["a", "a", "c"]}, r"ids must be unique, repeated: \['a'\]"),
        ({"split": ["train", "dev", "test"]}, r"splits must be .* got \['dev'\]"),
    ):
        with pytest.raises(ValueError, match=message):
            write_items(tmp_path / "i.parquet", _items(**changes))
    with pytest.raises(ValueError, match=r"missing \['licence'\]"):
        write_items(tmp_path / "i.parquet", _items().drop(columns="licence"))
