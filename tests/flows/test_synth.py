"""`exemplar synth` among users' own files; what it makes is tested with the pipeline.

Where results go is the same by every method; `test_synth_whole` has what is its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from flows import cli
from flows import synth as flow
from flows.delivery import delivered


@pytest.fixture(autouse=True)
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[Path]]:
    """Inputs for which candidates were made: as many text files as candidates were asked for."""
    made = []

    def synthesise(paths: list[Path], *given: object) -> tuple[SimpleNamespace, Iterator[object]]:
        made.append(paths)
        count = given[7] or 3
        results = (SimpleNamespace(path=path, count=count) for path in paths)
        return SimpleNamespace(image=np.zeros((1, 8, 8, 3), np.uint8)), results

    def write(folder: Path, made: SimpleNamespace, *_: object) -> None:
        (folder / "candidates").mkdir()
        for number in range(made.count):
            text = f"{made.path.read_bytes()!r} {number}"
            (folder / "candidates" / f"{number}.png").write_text(text)
        (folder / "input.png").write_bytes(made.path.read_bytes())

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(flow, "synthesise_files", synthesise)
    monkeypatch.setattr(flow, "_write", write)
    return made


def picture(path: Path | str, value: int = 0) -> Path:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), value).save(path, format="PNG")
    return path


def run(*words: Path | str, out: str = "w") -> int:
    named = ["--domain", "d", "--condition", "edges", "--method", "coherent", "--out", out]
    return cli.main(["synth", *map(str, words), *named])


def names(folder: Path | str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def contents(folder: Path | str = ".") -> dict[str, bytes]:
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return {path.as_posix(): path.read_bytes() for path in files}


RESULTS = {"input.png", "candidates/0.png", "candidates/1.png", "candidates/2.png", "synth.json"}


def test_an_input_in_its_own_result_folder_and_notes_stay() -> None:
    picture("w/cat/cat.png")
    Path("w/cat/notes.txt").write_text("mine")
    before = contents()
    for _ in range(2):
        assert run("w/cat/cat.png") == 0
        after = contents()
        assert before.items() <= after.items()
        assert after.keys() - before.keys() == {f"w/cat/{name}" for name in RESULTS}


@pytest.mark.parametrize("out", [".", "./", "docs/.."])
def test_a_folder_of_the_inputs_name_is_kept(out: str) -> None:
    picture("docs.png")
    Path("docs/deep").mkdir(parents=True)
    Path("docs/deep/a.md").write_text("mine")
    before = contents()
    assert run("docs.png", out=out) == 0
    assert before.items() <= contents().items()


@pytest.mark.parametrize("name", ["...png", "..png", ".png", ".hidden.png", "....png"])
def test_names_that_name_no_folder_are_refused(name: str, asked, capsys) -> None:
    picture(name)
    Path("parent/w").mkdir(parents=True)
    Path("parent/mine").touch()
    before = contents()
    assert run(name, out="parent/w") == 1
    assert f"{name}: its results would be called" in capsys.readouterr().err
    assert contents() == before


@pytest.mark.parametrize("name", ["con.png", "a b.png", "a..png", "a .png", "é.png", "a*[b].png"])
def test_odd_names_get_a_folder(name: str) -> None:
    assert run(picture(name)) == 0 and run(picture(name)) == 0
    assert Path("w", Path(name).stem, "candidates", "2.png").is_file()


def test_an_earlier_request_leaves_nothing_among_new_results_unsaid(capsys) -> None:
    picture("a.png")
    picture("b.png")
    assert run("a.png", "--count", "5") == 0
    Path("w/a/candidates/notes.txt").write_text("mine")
    capsys.readouterr()
    assert run("a.png", "--count", "2") == 0
    told = capsys.readouterr()
    assert told.err == "note: w/a: replaces 6 results of an earlier `exemplar synth`\n"
    assert names("w/a/candidates") == ["0.png", "1.png", "notes.txt"]
    assert run("a.png", "--count", "2") == 0
    assert capsys.readouterr().err == ""  # the same request
    assert run("b.png") == 0
    said = "note: w: also keeps the results of other requests, listed in a/synth.json\n"
    assert capsys.readouterr().err == said


def test_an_edited_result_is_the_users(asked, capsys) -> None:
    picture("a.png")
    assert run("a.png", "--count", "4") == 0
    Path("w/a/candidates/3.png").write_text("painted")
    before = contents()
    assert run("a.png", "--count", "2") == 1
    told = capsys.readouterr().err
    assert told.startswith("exemplar synth: w/a: has candidates/3.png, changed since this command")
    assert contents() == before
    shutil.move("w/a/candidates/3.png", "w/mine.png")
    assert run("a.png", "--count", "2") == 0
    assert Path("w/mine.png").read_text() == "painted"


@pytest.mark.parametrize("way", ["itself", "symbolic link", "hard link"])
def test_an_input_that_is_an_earlier_result_is_kept(way: str, asked, capsys) -> None:
    picture("a.png")
    assert run("a.png") == 0
    given = Path("w/a/input.png")
    match way:
        case "symbolic link":
            Path("other").mkdir()
            given = Path("other/a.png")
            given.symlink_to(Path("w/a/input.png").resolve())
        case "hard link":
            Path("other").mkdir()
            os.link("w/a/input.png", "other/a.png")
            given = Path("other/a.png")
        case _:
            shutil.rmtree("w/a/candidates")
            Path("x").mkdir()
            Path("x/input").symlink_to(Path("w/a").resolve(), target_is_directory=True)
    before, out = contents(), "w" if way != "itself" else "x"
    assert run(given, out=out) == 1
    assert f"{given}: would be replaced or removed" in capsys.readouterr().err
    assert contents() == before


def test_links_that_are_results_names_are_kept(capsys) -> None:
    picture("a.png")
    Path("kept").write_text("mine")
    Path("w/a").mkdir(parents=True)
    Path("w/a/input.png").symlink_to(Path("kept").resolve())
    assert run("a.png") == 1
    assert "w/a: has input.png, which this command would replace" in capsys.readouterr().err
    assert Path("w/a/input.png").is_symlink() and Path("kept").read_text() == "mine"


def test_impossible_places_are_told_before_the_work(monkeypatch, asked, capsys) -> None:
    def never(*given: object) -> None:
        pytest.fail("results were made")

    monkeypatch.setattr(flow, "_write", never)
    picture("a.png")
    Path("file").write_text("mine")
    Path("dangling").symlink_to("nowhere")
    Path("w/a").mkdir(parents=True)
    Path("w/a/candidates").write_text("mine")
    before = contents()
    for out, said in {
        "file": "--out file: expected a folder, but file is none",
        "file/deep": "--out file/deep: expected a folder, but file is none",
        "dangling": "--out dangling: expected a folder, but dangling is none",
        "w": "w/a/candidates: expected a folder, got another file",
        "/proc": "/proc: this folder cannot be written to (No such file or directory)",
        "/proc/self/x": "this folder cannot be written to",
        "x" * 256: "--out: a name of more than 255 bytes",
    }.items():
        assert run("a.png", out=out) == 1
        assert said in capsys.readouterr().err
    usage = SimpleNamespace(free=1000)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: usage)
        assert run("a.png", out="new") == 1
    assert "but . has room for 0 MB; make room" in capsys.readouterr().err
    assert contents() == before and not Path("new").exists()


def test_names_that_are_one_on_a_disk_are_told(monkeypatch, asked, capsys) -> None:
    """As of a file system that does not tell upper from lower case."""
    mkdir = Path.mkdir

    def insensitive(path: Path, *given: object, **named: object) -> None:
        known = names(path.parent) if path.parent.is_dir() else []
        if path.name.casefold() in map(str.casefold, known):
            raise FileExistsError(17, "File exists", str(path))
        mkdir(path, *given, **named)  # type: ignore[reportArgumentType]

    picture("A.png")
    picture("x/a.png")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", insensitive)
        assert run("A.png", "x/a.png") == 1
    assert "'a' and another result differ in case or accents only" in capsys.readouterr().err
    assert not Path("w").exists()
    assert run("A.png", "x/a.png") == 0  # here they are two
    assert names("w") == ["A", "a"]


def test_long_names_get_a_folder_as_long_as_there_can_be(capsys) -> None:
    assert run(picture("n" * 251 + ".png")) == 0
    assert Path("w", "n" * 251, "synth.json").is_file()


def test_a_link_to_a_folder_is_followed() -> None:
    Path("elsewhere").mkdir()
    Path("w").symlink_to("elsewhere", target_is_directory=True)
    assert run(picture("a.png")) == 0
    assert Path("elsewhere/a/input.png").is_file() and Path("w").is_symlink()


def test_two_runs_of_one_name_take_turns(monkeypatch) -> None:
    """While one writes, another that ends what was cut short leaves its work alone."""
    picture("a.png")
    write = flow._write

    def other_meanwhile(folder: Path, *given) -> None:
        monkeypatch.setattr(flow, "_write", write)
        monkeypatch.setattr(flow, "delivered", lambda *_: pytest.fail("both at once"))
        with pytest.raises(pytest.fail.Exception, match="both at once"):
            run("a.png", "--count", "1")
        monkeypatch.setattr(flow, "delivered", delivered)
        write(folder, *given)

    monkeypatch.setattr(flow, "_write", other_meanwhile)
    assert run("a.png") == 0
    assert {path.relative_to("w/a").as_posix() for path in Path("w/a").rglob("*.*")} == RESULTS
