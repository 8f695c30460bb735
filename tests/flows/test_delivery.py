"""Results among users' own files: known by a record, whole or marked as not, and nothing lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows import delivery
from flows.delivery import delivered, finished, grown
from flows.places import check_places
from flows.records import Place

OUT, RECORD = Path("out"), "record.json"
PLACE = Place(OUT, RECORD, frozenset(), "make")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def deliver(made_from: str, **files: str) -> None:
    with delivered(PLACE, made_from) as made:
        for name, text in files.items():
            path = made / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)


def files() -> dict[str, str]:
    return {
        path.relative_to(OUT).as_posix(): path.read_text()
        for path in OUT.rglob("*")
        if path.is_file() and path.name != RECORD
    }


def problems(names: set[str], *inputs: Path) -> list[str]:
    found: list[str] = []
    check_places(OUT, [PLACE._replace(names=frozenset(names))], inputs, found)
    return found


def test_results_replace_those_before_and_nothing_else() -> None:
    deliver("one", a="1", b="1", frames__c="1")
    Path(OUT, "mine").write_text("mine")
    assert finished(PLACE) == "one"
    deliver("two", a="2", d="2")
    assert files() == {"a": "2", "d": "2", "mine": "mine"}
    assert finished(PLACE) == "two"
    assert json.loads(Path(OUT, RECORD).read_text())["files"].keys() == {"a", "d"}
    Path(OUT, "d").unlink()
    assert finished(PLACE) is None


def test_nothing_changes_when_the_results_fail() -> None:
    deliver("one", a="1")
    with pytest.raises(KeyboardInterrupt), delivered(PLACE, "two") as made:
        (made / "a").write_text("2")
        raise KeyboardInterrupt
    assert files() == {"a": "1"} and finished(PLACE) == "one"
    assert not PLACE.partial.exists()


@pytest.mark.parametrize("stop", [1, 2])
def test_stopped_while_files_are_moved_they_are_not_whole_but_known(
    stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver("one", a="1", b="1", c="1")
    replace, calls = delivery.replace, []

    def stopped(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) == stop:
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            deliver("two", a="2", d="2")
    assert finished(PLACE) is None
    assert not problems({"a", "b", "c", "d"})
    deliver("three", d="3")
    assert files() == {"d": "3"}


def test_links_and_what_they_lead_to_are_kept() -> None:
    deliver("one", a="1", b="1")
    Path("link").symlink_to(OUT / "a")
    Path("other").symlink_to(OUT, target_is_directory=True)
    said = "would be replaced or removed as a result of this name; choose another --out"
    assert problems(set(), Path("link")) == [f"link: {said}"]
    assert problems({"b"}, Path("other", "b")) == [f"other/b: {said}"]
    Path("kept").write_text("kept")
    Path(OUT, "c").symlink_to(Path("kept").resolve())
    assert problems({"c"}, Path(OUT, "c")) == [f"out/c: {said}"]
    assert problems({"c"})[0].startswith("out: has c, which")
    assert problems({"a", "b", "d"}, Path("kept")) == []


@pytest.mark.parametrize(
    "record",
    ["", "[]", "{}", '{"files": ["a"]}', '{"made_from": "x", "files": [1]}',
     '{"made_from": "x", "files": ["../a"]}', '{"made_from": "x", "files": ["/a"]}'],
)  # fmt: skip
def test_a_file_that_is_no_record_is_not_taken_for_one(record: str) -> None:
    OUT.mkdir()
    for name, text in {RECORD: record, "a": "mine"}.items():
        Path(OUT, name).write_text(text)
    assert finished(PLACE) is None
    assert problems({"a"}) == [
        (
            "out: has a, record.json, which this command would replace but did not write; choose "
            "another --out"
        )
    ]


def test_folders_that_are_files_and_long_names_are_told() -> None:
    OUT.mkdir()
    Path(OUT, "frames").touch()
    assert problems({"frames/a"}) == [
        "out/frames: expected a folder, got another file; choose another --out"
    ]
    assert problems({"é" * 127}) == []
    (said,) = problems({"é" * 128})
    assert said.startswith(".: a name of more than 255 bytes, 'éé")
    found: list[str] = []
    check_places(Path("out", "frames", "x"), [], [], found)
    assert found == ["--out out/frames/x: expected a folder, but out/frames is none; name another"]


def grow(made_from: str, name: str, text: str) -> None:
    with grown(PLACE, made_from, name) as partial:
        partial.write_text(text)


def test_results_that_grow_are_known_from_the_first() -> None:
    grow("x", "1", "one")
    grow("x", "2", "two")
    (OUT / "mine").write_text("kept")
    assert files() == {"1": "one", "2": "two", "mine": "kept"}
    assert finished(PLACE) == "x"
    assert not problems({"1", "2", "3"})
    assert problems({"mine"})
    with pytest.raises(OSError, match="full"), grown(PLACE, "x", "3") as partial:
        partial.write_text("ha")
        raise OSError("full")
    assert files() == {"1": "one", "2": "two", "mine": "kept"}
    assert finished(PLACE) == "x"
    grow("y", "2", "anew")  # made from something else: those before are gone
    assert files() == {"2": "anew", "mine": "kept"}
