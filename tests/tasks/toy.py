"""A small DVC repository, and ways to reproduce it: serially by DVC itself, and by the project."""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dvc.repo import Repo

from tasks.command import run
from tasks.coordinator import Summary
from tasks.reproduce import reproduce

# Every command also adds a line to the file `ran`, which DVC does not know: what really ran.
PIPELINE = """
stages:
  last:
    cmd: cat data/*.txt models/* score.json > last.txt && echo last >> ran
    deps:
      - data
      - models
      - score.json
    outs:
      - last.txt
  make:
    matrix:
      domain:
        - a
        - b
    cmd: mkdir -p data && echo ${item.domain} ${make.size} > data/${item.domain}.txt && echo make@${item.domain} >> ran
    params:
      - make.size
    outs:
      - data/${item.domain}.txt
    meta:
      threads: ${make.threads}
  tree:
    cmd:
      - mkdir -p data/tree
      - cp seed.txt data/tree/one && cp seed.txt data/tree/two && echo tree >> ran
    deps:
      - seed.txt
    outs:
      - data/tree
  train:
    matrix:
      domain:
        - a
        - b
      kind:
        - u
        - v
    cmd: mkdir -p models && cat data/${item.domain}.txt data/tree/* > models/${item.domain}-${item.kind} && echo train >> ran
    deps:
      - data/${item.domain}.txt
      - data/tree
    outs:
      - models/${item.domain}-${item.kind}
  score:
    cmd: echo "{\\"loss\\":" $(cat models/b-* | wc -c) "}" > score.json && echo score >> ran
    deps:
      - models/b-u
      - models/b-v
    metrics:
      - score.json:
          cache: false
  keep:
    cmd: cat seed.txt >> kept.txt && echo keep >> ran
    deps:
      - seed.txt
    outs:
      - kept.txt:
          persist: true
  always:
    cmd: echo now > always.txt && echo always >> ran
    always_changed: true
    outs:
      - always.txt
  still:
    cmd: cp kept.txt still.txt && echo still >> ran
    deps:
      - kept.txt
    outs:
      - still.txt
    frozen: true
"""  # noqa: E501


def create(folder: Path, pipeline: str = PIPELINE, ignoring: bool = False) -> Path:
    """Makes a git and DVC repository in a new folder.

    Unless it is `ignoring`, as the project is, the `.gitignore` files count as part of a folder
    that a stage depends on, so that their state at each moment gets into `dvc.lock`.
    """
    folder.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", folder], check=True)
    project = Path(__file__).resolve().parents[2]
    (folder / ".dvc").mkdir()
    for name in (".dvc/config", ".dvc/.gitignore", *([".dvcignore"] if ignoring else [])):
        shutil.copy(project / name, folder / name)
    (folder / "dvc.yaml").write_text(pipeline)
    (folder / "params.yaml").write_text("make:\n  size: 3\n  threads: 1\n")
    (folder / "seed.txt").write_text("seed\n")
    (folder / "still.txt").write_text("still\n")
    return folder


def ours(*targets: str, threads: int = 2, force: bool = False) -> Summary:
    """Reproduces the current folder with plain threads."""
    with ThreadPoolExecutor() as pool:
        return reproduce(targets, lambda command: pool.submit(run, command), threads, force)


def serial(*targets: str, force: bool = False, on_error: str = "fail") -> None:
    """Reproduces the current folder as `dvc repro` does."""
    with Repo() as repo:
        repo.reproduce(targets=list(targets) or None, force=force, on_error=on_error)


def written(folder: Path) -> dict[str, str]:
    """What a reproduction writes for git: `dvc.lock` and all `.gitignore` files."""
    paths = [folder / "dvc.lock", *sorted(folder.rglob(".gitignore"))]
    return {str(path.relative_to(folder)): path.read_text() for path in paths if path.exists()}


def ran(folder: Path) -> list[str]:
    """The stages whose commands ran, in the order in which they ended."""
    path = folder / "ran"
    return path.read_text().split() if path.exists() else []
