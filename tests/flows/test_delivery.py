"""Results among users' own files: known by a record, whole or marked as not, and nothing lost."""

from __future__ import annotations

import errno
import json
import os
import resource
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from flows import delivery
from flows.delivery import DeliveryError, delivered, finished, grown, tell_replaced
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
    # The next run ends what was begun, before it makes anything.
    assert not problems({"a", "b", "c", "d"})
    assert files() == {"a": "2", "d": "2"} and finished(PLACE) == "two"
    assert not PLACE.partial.exists()
    deliver("three", d="3")
    assert files() == {"d": "3"}


def test_litter_of_a_run_that_was_killed_is_removed() -> None:
    deliver("one", a="1")
    (PLACE.partial / "files").mkdir(parents=True)
    (PLACE.partial / "files" / "a").write_text("half")
    assert not problems({"a"})
    assert files() == {"a": "1"} and finished(PLACE) == "one"
    assert not PLACE.partial.exists()


def test_what_comes_to_a_results_place_meanwhile_is_kept_and_so_are_the_results(capsys) -> None:
    deliver("one", a="1", b="1")
    with pytest.raises(DeliveryError, match="has a, c, which came there") as told:  # noqa: SIM117
        with delivered(PLACE, "two") as made:
            (made / "a").write_text("2")
            (made / "c").write_text("2")
            (OUT / "a").write_text("mine")
            (OUT / "c").write_text("mine")
    assert "move it away and run the same command again" in str(told.value)
    assert (OUT / "a").read_text() == "mine" and (OUT / "b").read_text() == "1"
    (said, _) = problems({"a"})
    assert said == (
        "out: results of an earlier run wait in out/.record.json.partial, but a, c would be "
        "replaced by them; move either away"
    )
    for name in ("a", "c"):
        (OUT / name).rename(f"my-{name}")
    assert problems({"a"}) == []
    assert files() == {"a": "2", "c": "2"} and finished(PLACE) == "two"


def test_results_that_the_user_changed_are_his(capsys) -> None:
    deliver("one", a="1", b="1", frames__c="1", frames__d="1")
    (OUT / "b").write_text("mine")
    (OUT / "frames" / "d").write_text("mine")
    assert problems({"a"}) == []
    assert problems({"a", "b"}) == [
        (
            "out: has b, changed since this command wrote it, which would be replaced; move "
            "it away, or choose another --out"
        )
    ]
    tell_replaced(PLACE, "two")
    assert capsys.readouterr().err == (
        "note: out: replaces 4 results of an earlier `exemplar make`; was changed since, and "
        "stays: b, frames/d\n"
    )
    deliver("two", a="2")
    assert files() == {"a": "2", "b": "mine", "frames/d": "mine"}
    assert problems({"b"})[0].startswith("out: has b, which this command would replace but did")


def test_folders_that_are_left_empty_are_removed() -> None:
    deliver("one", a="1", frames__c="1")
    deliver("two", a="2")
    assert [path.name for path in sorted(OUT.iterdir())] == ["a", RECORD]


def test_a_record_that_was_changed_or_is_anothers_proves_nothing() -> None:
    deliver("one", a="1")
    assert problems({"a"}) == []
    other = PLACE._replace(command="do", names=frozenset({"a"}))
    found: list[str] = []
    check_places(OUT, [other], [], found)
    assert found == [
        (
            "out: has a, record.json, which this command would replace but did not write; choose "
            "another --out"
        )
    ]
    facts = json.loads((OUT / RECORD).read_text())
    (OUT / RECORD).write_text(json.dumps(facts))
    assert problems({"a"}) == []  # laid out otherwise, it says the same
    (OUT / RECORD).write_text(json.dumps({**facts, "note": "mine"}))
    assert problems({"a"})[0].startswith("out: has a, record.json, which this command would")


def test_what_the_record_says_beside_is_kept() -> None:
    with delivered(PLACE, None) as made:
        (made / "a").write_text("1")
        (made / RECORD).write_text(json.dumps({"seconds": 1.5, "made_from": "x", "files": []}))
    facts = json.loads((OUT / RECORD).read_text())
    assert (facts["seconds"], facts["made_from"], [*facts["files"]]) == (1.5, None, ["a"])
    assert finished(PLACE) is None and problems({"a"}) == []


@pytest.mark.parametrize("before", [False, True])
def test_a_full_disk_loses_nothing(before: bool) -> None:
    """Files may not grow beyond a limit, as on a disk that is full."""
    if before:
        deliver("one", a="1")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(DeliveryError, match=r"out: cannot be written to \(File too large\)"):
            deliver("two", a="2", b="2" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert OUT.exists() == before
    if before:
        assert files() == {"a": "1"} and finished(PLACE) == "one"
        assert not PLACE.partial.exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_results_that_cannot_be_put_in_place_are_kept(
    code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver("one", a="1")

    def failing(source: Path, target: Path) -> None:
        raise OSError(code, os.strerror(code), str(target))

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "replace", failing)
        with pytest.raises(DeliveryError, match=r"are kept in out/.record.json.partial/files"):
            deliver("two", a="2")
    assert problems({"a"}) == []
    assert files() == {"a": "2"} and finished(PLACE) == "two"


def test_results_in_a_folder_on_another_file_system() -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == Path().stat().st_dev:
        pytest.skip("needs another file system")
    with TemporaryDirectory(dir=shared) as other:
        OUT.mkdir()
        Path(OUT, "frames").symlink_to(other, target_is_directory=True)
        for text in ("1", "2"):
            deliver(text, a=text, frames__c=text)
            assert (OUT / "a").read_text() == Path(other, "c").read_text() == text
        assert [path.name for path in Path(other).iterdir()] == ["c"]


def test_results_beside_the_inputs_folder_are_refused() -> None:
    OUT.mkdir()
    (OUT / "a").write_text("an input")
    assert problems({"b"}, OUT, OUT / "a") == [
        (
            "--out out: is the folder of the inputs, where results would be taken for more of "
            "them; name another"
        )
    ]


def test_a_folder_for_reading_only_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights allow it, the disk does not: as when a super-user meets a disk for reading only."""

    def mkdir(*given: object, **named: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", mkdir)
    said = ".: this folder cannot be written to (Read-only file system); choose another --out"
    assert problems({"a"}) == [said]
    assert not OUT.exists()


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
    (OUT / "2").write_text("painted")
    grow("z", "3", "anew")
    assert files() == {"2": "painted", "3": "anew", "mine": "kept"}
    assert problems({"2"}) and not problems({"3"})
    assert not PLACE.partial.exists()
