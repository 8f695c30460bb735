"""What is recorded is what ran, and what is restored is what was recorded, and whole."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from exemplar.store.arrays import write_group
from exemplar.store.placing import check_group
from tasks.command import run
from tasks.coordinator import News
from tasks.reproduce import reproduce
from tests.tasks.toy import create, ours, ran, serial, written

# Someone edits what the stage reads, the first time that it runs, after it has read it.
EDITED = """
stages:
  make:
    cmd: cat seed.txt $(find code -type f | sort) > made.txt && grep size params.yaml >> made.txt
      && echo make >> ran && (test -e edited || sh edit.sh; touch edited)
    params:
      - make.size
    deps:
      - seed.txt
      - code
    outs:
      - made.txt
  then:
    cmd: cp made.txt then.txt
    deps:
      - made.txt
    outs:
      - then.txt
"""
EDITS = {
    "params.yaml: make.size": "sed -i s/3/4/ params.yaml",
    "seed.txt": "echo other > seed.txt",
    "code/a.py": "echo b = 2 > code/a.py",
    "code/b.py": "touch code/b.py",
    "code/deep/c.py": "rm code/deep/c.py",
    "code/a.py, seed.txt": "echo b = 2 > code/a.py; echo other > seed.txt",
}


def edited(folder: Path, edit: str) -> Path:
    """A project in which that edit will be made."""
    create(folder, EDITED)
    (folder / "code" / "deep").mkdir(parents=True)
    (folder / "code" / "a.py").write_text("a = 1\n")
    (folder / "code" / "deep" / "c.py").write_text("c = 1\n")
    (folder / "edit.sh").write_text(edit)
    return folder


@pytest.mark.parametrize(
    ("name", "force"), [*((name, False) for name in EDITS), ("code/a.py, seed.txt", True)]
)
def test_what_changed_while_a_stage_ran_is_not_recorded(tmp_path, monkeypatch, name, force):
    mine = edited(tmp_path / "ours", EDITS[name])
    monkeypatch.chdir(mine)
    kept = {path: path.read_bytes() for path in mine.rglob("*.*") if ".dvc" not in path.parts
            and ".git" not in path.parts and path.is_file()}  # fmt: skip
    summary = ours(force=force)
    assert f"changed while it ran: {name}; whether" in summary.failed["make"]
    assert "run `exemplar reproduce` again" in summary.failed["make"]
    assert summary.skipped == {"then": "make"}
    assert not (mine / "dvc.lock").exists()
    # The next run makes it from what is there, as someone would who never saw the old.
    assert ours().ran == ["make", "then"]
    theirs = tmp_path / "theirs"
    shutil.copytree(mine, theirs, ignore=shutil.ignore_patterns("cache", "tmp", "*.lock", "*.txt"))
    shutil.copy(mine / "seed.txt", theirs)
    monkeypatch.chdir(theirs)
    serial()
    assert (mine / "dvc.lock").read_text() == (theirs / "dvc.lock").read_text()
    # What was there at first has never been made and recorded: the cache has nothing of it.
    monkeypatch.chdir(mine)
    for path in kept:
        path.write_bytes(kept[path])
    (mine / "code" / "b.py").unlink(missing_ok=True)
    assert "make" in ours().ran


def test_what_did_not_change_does_not_matter(tmp_path, monkeypatch):
    """Another parameter, a file that is written anew as it was, and one that nothing reads."""
    edit = "echo '  more: 5' >> params.yaml; cp seed.txt s; cat s > seed.txt; echo > unread.txt"
    monkeypatch.chdir(edited(tmp_path / "ours", edit))
    assert ours().ran == ["make", "then"]


CACHED = """
stages:
  make:
    cmd: cp seed.txt made.txt && mkdir -p tree/deep && cp seed.txt tree/one
      && echo second > tree/deep/two && echo '{"loss":1}' > score.json && echo make >> ran
    deps:
      - seed.txt
    outs:
      - made.txt
      - tree
    metrics:
      - score.json:
          cache: false
"""


def objects(folder: Path, text: str) -> list[Path]:
    """The files of the cache with that in them."""
    files = (folder / ".dvc" / "cache" / "files").rglob("*")
    return [file for file in files if file.is_file() and text in file.read_text()]


@pytest.mark.parametrize(
    ("part", "damage", "lock"),
    [
        ("seed", "flipped", True),
        ("second", "cut", True),
        ("loss", "flipped", False),
        ("seed", "emptied", False),
        ("relpath", "flipped", True),
        ("relpath", "cut", False),
    ],
)
def test_a_damaged_object_is_not_restored(tmp_path, monkeypatch, part, damage, lock):
    mine = create(tmp_path / "ours", CACHED)
    monkeypatch.chdir(mine)
    ours()
    files, kept = written(mine), [path.read_bytes() for path in outputs(mine)]
    (damaged,) = objects(mine, part)
    whole = damaged.read_bytes()
    damaged.chmod(0o644)
    damaged.write_bytes({
        "flipped": whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:],
        "cut": whole[:-2],
        "emptied": b"",
    }[damage])  # fmt: skip
    damaged.chmod(0o444)
    told: list[News] = []
    for again in (True, False):
        shutil.rmtree(mine / "tree")
        for name in ("made.txt", "score.json", *([] if lock else ["dvc.lock"])):
            (mine / name).unlink()
        with ThreadPoolExecutor() as pool:
            summary = reproduce([], lambda c: pool.submit(run, c), 2, tell=told.append)
        # Once it runs; then the cache has it again.
        assert (summary.ran, summary.restored) == ((["make"], []) if again else ([], ["make"]))
        assert [path.read_bytes() for path in outputs(mine)] == kept
        assert written(mine) == files
        assert damaged.read_bytes() == whole
    if part != "relpath":  # a list that cannot be read is for DVC none
        (said,) = [news for news in told if news.kind == "damaged"]
        assert str(damaged) in said.detail


def outputs(folder: Path) -> list[Path]:
    return [folder / name for name in ("made.txt", "tree/one", "tree/deep/two", "score.json")]


STORE = """
stages:
  fill:
    cmd: cp -r $(cat which) store.zarr && echo fill >> ran
    deps:
      - seed.txt
    outs:
      - store.zarr
"""


@pytest.mark.parametrize("harm", ["missing", "flipped"])
def test_a_store_that_was_recorded_broken_does_not_come_back(tmp_path, monkeypatch, harm):
    """The advice is to remove it and to run again: it has to heal."""
    mine = create(tmp_path / "ours", STORE)
    monkeypatch.chdir(mine)
    values = np.random.default_rng(0).random((150, 20, 20))
    for name in ("good", "bad"):
        write_group(mine / f"{name}.zarr", {"x": values})
    shard = mine / "bad.zarr" / "x" / "c" / "1" / "0" / "0"
    if harm == "missing":
        shard.unlink()
    else:
        content = bytearray(shard.read_bytes())
        content[100] ^= 1
        shard.write_bytes(content)
    (mine / "which").write_text("bad.zarr")
    assert ours().ran == ["fill"]
    broken = written(mine)
    (mine / "which").write_text("good.zarr")
    assert ours().unchanged == ["fill"]  # DVC does not look into what did not change
    shutil.rmtree(mine / "store.zarr")
    assert ours().ran == ["fill"]
    check_group(mine / "store.zarr")
    healed = written(mine)
    assert healed != broken
    for lock in (True, False):
        shutil.rmtree(mine / "store.zarr")
        if not lock:
            (mine / "dvc.lock").unlink()
        assert ours().restored == ["fill"]
        assert written(mine) == healed
    assert ran(mine) == ["fill", "fill"]


def test_a_run_cache_says_nothing_of_what_was_not_recorded(tmp_path, monkeypatch):
    mine = edited(tmp_path / "ours", EDITS["seed.txt"])
    monkeypatch.chdir(mine)
    ours()
    runs = mine / ".dvc" / "cache" / "runs"
    assert not runs.exists() or not any(path.is_file() for path in runs.rglob("*"))
    assert json.loads((mine / ".dvc" / "tmp" / "rwlock").read_text()).get("write", {}) == {}


def test_a_stage_that_cannot_be_written_down_fails_and_is_restored_later(tmp_path, monkeypatch):
    mine = create(tmp_path / "ours", CACHED)
    monkeypatch.chdir(mine)

    def full(attempt: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tasks.lineage.settle", full)
        summary = ours()
    assert summary.failed == {"make": "dvc.lock: [Errno 28] No space left on device"}
    assert not (mine / "dvc.lock").exists()
    assert ours().restored == ["make"]
    assert ran(mine) == ["make"]
