"""Outputs that grow (`persist`), and stages that are kept as they are (`frozen`)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.tasks.toy import create, ours, ran, serial, written

# `learn` sees all photographs, `describe` makes one file for each, unless it is there already, and
# by a rename as the project's stores do; `use` reads them.
GROWING = """
stages:
  learn:
    matrix:
      domain:
        - a
    cmd: mkdir -p models && cat photographs/* > models/${item.domain} && echo learn >> ran
    deps:
      - photographs
    outs:
      - models/${item.domain}
  describe:
    matrix:
      domain:
        - a
    cmd: sh describe.sh ${item.domain} && echo describe >> ran
    deps:
      - photographs
      - models/${item.domain}
    outs:
      - stores/${item.domain}:
          persist: true
  use:
    cmd: cat stores/a/* > used.txt && echo use >> ran
    deps:
      - stores/a
    outs:
      - used.txt
"""
DESCRIBE = """
set -e
mkdir -p stores new
by=$(md5sum < models/$1)
if [ "$(cat stores/$1/by 2>/dev/null)" != "$by" ]; then rm -rf stores/$1; fi
for photo in photographs/*; do
  name=$(basename $photo)
  if [ -e stores/$1/$name ]; then ln stores/$1/$name new/$name
  else echo $name described by $by > new/$name; echo $name >> described; fi
done
echo "$by" > new/by
rm -rf stores/$1
mv new stores/$1
"""
FROZEN = GROWING.replace(
    "      - models/${item.domain}\n  describe",
    "      - models/${item.domain}\n    frozen: true\n  describe",
)


def start(folder: Path) -> Path:
    create(folder, GROWING, ignoring=True)
    (folder / "describe.sh").write_text(DESCRIBE)
    (folder / "photographs").mkdir()
    for name in ("one", "two"):
        add(folder, name)
    return folder


def add(folder: Path, name: str) -> None:
    (folder / "photographs" / name).write_text(f"{name}\n")


def described(folder: Path) -> list[str]:
    """What was computed since it was asked last."""
    path = folder / "described"
    found = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return found


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((folder / "stores" / "a").iterdir())}


@pytest.fixture(params=["reflink,copy", "hardlink", "symlink"])
def twins(tmp_path, request):
    """Two equal projects, one for DVC and one for us, whose cache is linked in some way."""
    folders = start(tmp_path / "theirs"), start(tmp_path / "ours")
    for folder in folders:
        config = folder / ".dvc" / "config.local"
        config.write_text(f"[cache]\n    type = {request.param}\n")
    return folders


def test_what_persists_grows_alike_with_dvc_and_with_us(twins, monkeypatch):
    """Added photographs, all removed, a deleted store, forced: one story for both."""
    tales = []
    for folder, go in zip(twins, (serial, ours), strict=True):
        monkeypatch.chdir(folder)
        tale = []

        def note(tale=tale, folder=folder):
            tale.append((written(folder), contents(folder), described(folder), ran(folder)))

        go()
        note()
        (folder / "dvc.yaml").write_text(FROZEN)
        add(folder, "three")
        go()
        note()
        go()
        note()
        (folder / "photographs" / "one").unlink()
        go()
        note()
        shutil.rmtree(folder / "stores" / "a")
        go()
        note()
        (folder / "dvc.yaml").write_text(GROWING)
        go()
        note()
        go(force=True)
        note()
        tales.append(tale)
    for theirs, mine in zip(*tales, strict=True):
        assert mine == theirs
    counts = [len(each) for _, _, each, _ in tales[1]]
    assert counts == [2, 1, 0, 0, 2, 2, 0]
    # The model was frozen: it did not see the third photograph until it was set free.
    models = [files["by"] for _, files, _, _ in tales[1]]
    assert models[:5] == models[:1] * 5 and models[5:] == models[6:] * 2 != models[:2]
    # What grew is what would have been made from nothing.
    _, mine = twins
    grown = contents(mine)
    shutil.rmtree(mine / "stores" / "a")
    ours()
    assert contents(mine) == grown


def test_a_killed_run_s_store_is_grown_and_not_made_anew(tmp_path, monkeypatch):
    """A store that lasts is not in DVC's run cache; what was computed is in the store itself."""
    folder = start(tmp_path / "ours")
    monkeypatch.chdir(folder)
    ours()
    assert len(described(folder)) == 2
    (folder / "dvc.lock").unlink()  # as if the run had been killed before anything was settled
    ours()
    assert described(folder) == []
