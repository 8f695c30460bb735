"""Tables of text: what is wrong with them is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from exemplar.data.text_tables import read_table


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


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
