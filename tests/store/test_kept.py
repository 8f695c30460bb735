"""Arrays that are kept: made once, again when damaged, and no more than a folder may hold."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from exemplar.store.kept import Kept


def numbers(value: int) -> dict[str, np.ndarray]:
    return {"a": np.full(1000, value), "b": np.arange(value)}


def never() -> dict[str, np.ndarray]:
    raise AssertionError("was kept")


def test_it_is_made_once_and_read_by_others(tmp_path: Path) -> None:
    made = Kept(tmp_path).get("one", lambda: numbers(3))
    again = Kept(tmp_path).get("one", never)
    assert all((made[name] == again[name]).all() for name in ("a", "b"))
    assert Kept(tmp_path).get("two", lambda: numbers(4))["b"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut short", b"no archive at all"])
def test_what_cannot_be_read_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    Kept(tmp_path).get("one", lambda: numbers(3))
    (tmp_path / "one.npz").write_bytes(damage)
    assert Kept(tmp_path).get("one", lambda: numbers(5))["a"][0] == 5
    assert Kept(tmp_path).get("one", never)["a"][0] == 5


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", a=np.array([{"b": 1}], object))
    assert Kept(tmp_path).get("one", lambda: numbers(3))["a"][0] == 3


def test_the_oldest_go_first(tmp_path: Path) -> None:
    for number in range(5):
        Kept(tmp_path).get(str(number), lambda: {"a": np.ones(1)})
        os.utime(tmp_path / f"{number}.npz", (number, number))
    size = (tmp_path / "0.npz").stat().st_size
    Kept(tmp_path, 3 * size).get("new", lambda: {"a": np.ones(1)})
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["3", "4", "new"]


def test_a_folder_that_cannot_be_written_to_spoils_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    assert Kept(tmp_path / "taken" / "x").get("one", lambda: numbers(2))["a"][0] == 2
