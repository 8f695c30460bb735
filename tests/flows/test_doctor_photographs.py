"""What the doctor says of domains' folders before `prepare` has opened a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.checks.photographs import photographs


def params(**values: object) -> dict:
    mine = {"kind": "folder", "root": "raw", **values}
    run = {"domains": ["drawn", "mine", "gone"]}
    gone = {"kind": "folder", "root": "absent"}
    return {
        "run": run, "prepare": {}, "domains": {"drawn": {"kind": "rendered"}, "mine": mine,
                                               "gone": gone},
    }  # fmt: skip


@pytest.fixture
def raw(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


def fill(folder: Path, count: int) -> None:
    for number in range(count):
        (folder / f"{number:02}.jpg").touch()


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "none is left to train on"),
        (2, "none is left to train on"),
        (7, "train has 5 of at least 11, val has 1 of at least 1, test has 1 of at least 1"),
        (12, "train has 10 of at least 11"),
    ],
)
def test_too_few_are_told_with_numbers(raw, count, said):
    fill(raw, count)
    (found,) = photographs(params())
    assert (found.subject, found.state) == ("domain mine", "problem")
    assert found.seen.startswith(f"{count} files that may be photographs") and said in found.seen
    assert "13 are enough" in found.advice and "domains.mine" in found.advice


def test_enough_are_told_with_what_is_left_out(raw):
    fill(raw, 13)
    for name in ("00.nef", "alone.cr2", "notes.txt", ".hidden.jpg"):
        (raw / name).touch()
    (found,) = photographs(params())
    assert found.state == "ok"
    assert found.seen.startswith(
        "13 files that may be photographs, 1 that cannot be read, 3 left out; 13 or more"
    )


def test_splits_and_limits_count(raw):
    fill(raw, 30)
    for values, said in (
        ({"splits": {"val": 0}}, "val has 0 of at least 1"),
        ({"splits": {"test": 25}}, "train has 3 of at least 11"),
        ({"limit": 5}, "train has 5 of at least 11"),
    ):
        (found,) = photographs(params(**values))
        assert (found.state, said in found.seen) == ("problem", True)


def test_what_a_kind_lacks_is_told(raw):
    (found,) = photographs(params(kind="pets"))
    assert found.state == "problem" and "Oxford-IIIT Pet layout" in found.seen
    assert list(photographs(params(kind="none"))) == [], "told with the settings"
