"""What killed processes leave is removed by the next, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from exemplar.store.files import replace, trial, written
from exemplar.store.partials import LONGEST_NAME, is_alive, own

ROOT = Path(__file__).resolve().parents[2]
BEGIN = """
import sys
from pathlib import Path
from exemplar.store.files import trial, written
folder = Path(sys.argv[1])
with written(folder / sys.argv[2]) as file, written(folder / "store.zarr") as store:
    with trial(folder) as place:
        file.write_text("half")
        (store / "c").mkdir(parents=True)
        (store / "c" / "0").write_text("half")
        (place / "0").mkdir()
        print("begun", flush=True)
        sys.stdin.read()
"""


@pytest.mark.parametrize("name", ["items.parquet", "a[1]*\n.json", "ü" * (LONGEST_NAME // 2)])
def test_what_a_killed_process_left_is_removed(tmp_path, name):
    others = [
        tmp_path / ".items.parquet.0123456789ab.1.partial",  # of another machine
        tmp_path / ".items.parquet.former.partial",
        tmp_path / own(tmp_path / "mine").name.removesuffix(".partial"),  # of a user
        tmp_path / ".items.parquet.partial",
    ]
    for other in others:
        other.write_text("")
    command = [sys.executable, "-c", BEGIN, str(tmp_path), name]
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, **piped) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        begun = set(tmp_path.iterdir()) - set(others)
        assert len(begun) == 3
        assert all(path.name.endswith(f".{process.pid}.partial") for path in begun)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert begun < set(tmp_path.iterdir())
    with written(tmp_path / "store.zarr") as partial:
        partial.mkdir()
    assert set(tmp_path.iterdir()) == {*others, tmp_path / "store.zarr"}


def test_what_a_process_is_at_stays(tmp_path):
    command = [sys.executable, "-c", BEGIN, str(tmp_path), "a"]
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, **piped)
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        begun = set(tmp_path.iterdir())
        with written(tmp_path / "a") as partial:
            partial.write_text("ours")
        assert set(tmp_path.iterdir()) == {*begun, tmp_path / "a"}
        assert is_alive(process.pid)
        process.kill()


def test_a_trial_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), trial(tmp_path) as place:
        assert list(place.iterdir()) == []
        (place / "a").mkdir()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_what_was_to_be_replaced_as_a_process_was_killed_is_removed(tmp_path):
    """Killed between its two steps, a process leaves the old folder under another name."""
    target, former = tmp_path / "store.zarr", tmp_path / ".store.zarr.former.partial"
    former.mkdir()
    (former / "old").write_text("")
    (tmp_path / "made").mkdir()
    replace(tmp_path / "made", target)
    assert list(tmp_path.iterdir()) == [target]
