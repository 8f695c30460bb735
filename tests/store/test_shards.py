"""Groups filled shard by shard: whatever is killed and whoever makes them, the bytes are equal."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import zarr

from exemplar.store import files
from exemplar.store.arrays import (
    StoreError,
    array,
    open_group,
    read_rows,
    shard_file,
    write_rows,
)
from exemplar.store.files import content_hash, sources_hash
from exemplar.store.shards import Same, Task, Workers, fill_group, make_shard
from tests.store.clusters import await_file, cluster, environment
from tests.store.rows import ARRAYS, COUNT, OPENER, SHARD, asked, open_rows, values

SOURCES = ("exemplar/store", "tests/store/rows.py")
STARTS = list(range(0, COUNT, SHARD))


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> str:
    """The hash of what one process makes without any interruption."""
    folder = tmp_path_factory.mktemp("expected")
    (folder / "log").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        fill(folder / "whole.zarr", folder / "log")
    group = open_group(folder / "whole.zarr")
    for name, whole in values(slice(0, COUNT)).items():
        np.testing.assert_array_equal(read_rows(array(group, name), np.arange(COUNT)), whole)
    return content_hash(folder / "whole.zarr")


def fill(
    path: Path,
    log: Path,
    fails: int = -1,
    waits: int = -1,
    inputs: list[Any] = [{"s": 1}],  # noqa: B006
    **workers: object,
) -> None:
    """Fills the group here, or with the workers that are described."""
    given = (str(log), fails, waits)
    crew = Workers(OPENER, given, **workers) if workers else None
    fill_group(path, ARRAYS, COUNT, open_rows(*given), {"a": 1}, inputs, SHARD, SOURCES, crew)


def workers_of(log: Path) -> list[int]:
    """Which processes but this one opened the maker, in order."""
    opened = map(int, (log / "opened").read_text().split())
    return [pid for pid in opened if pid != os.getpid()]


def kill_who_waits(log: Path) -> threading.Thread:
    thread = threading.Thread(
        target=lambda: os.kill(int(await_file(log / "waits")), signal.SIGKILL), daemon=True
    )
    thread.start()
    return thread


def test_killed_in_the_middle_it_goes_on_from_the_finished_shards(log, tmp_path, expected):
    code = (
        "import sys; from pathlib import Path; from tests.store.test_shards import fill;"
        "fill(Path('a.zarr'), Path('log'), waits=24)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env=environment())
    await_file(log / "waits")
    process.kill()
    process.wait()
    assert not (tmp_path / "a.zarr").exists()
    first = [start for _, start in asked(log)]
    assert first == STARTS[: len(first)] and first[-1] == 24
    (log / "asked").unlink()
    fill(Path("a.zarr"), log, waits=24)
    again = [start for _, start in asked(log)]
    # What was being written as the kill came is made again, nothing before it.
    assert again in (STARTS[6:], STARTS[5:])
    assert content_hash(tmp_path / "a.zarr") == expected
    assert not list((tmp_path / ".work").rglob("group.zarr"))


def test_shards_finished_in_any_order_are_not_made_again(log, tmp_path, expected):
    with pytest.raises(ValueError, match="no such luck"):
        fill(tmp_path / "a.zarr", log, fails=40)
    (done,) = (tmp_path / ".work").rglob("done")
    (folder,) = (tmp_path / ".work").rglob("group.zarr")
    for start in (0, 12, 36):  # as if these had been another's, which was killed
        (done / f"{start:09d}").unlink()
        (folder / "x" / "c" / str(start // SHARD) / "0" / "0").write_bytes(b"cut sh")
        (folder / "y" / "c" / str(start // SHARD) / "0").with_suffix(".f00.partial").touch()
    (log / "asked").unlink()
    fill(tmp_path / "a.zarr", log)
    assert [start for _, start in asked(log)] == [0, 12, 36, 40]
    assert content_hash(tmp_path / "a.zarr") == expected


def test_what_was_begun_with_other_inputs_is_not_gone_on_with(log, tmp_path, expected):
    with pytest.raises(ValueError, match="no such luck"):
        fill(tmp_path / "a.zarr", log, fails=40, inputs=[{"s": 2}])
    (log / "asked").unlink()
    fill(tmp_path / "a.zarr", log)
    assert [start for _, start in asked(log)] == STARTS
    assert content_hash(tmp_path / "a.zarr") == expected
    assert not list((tmp_path / ".work").rglob("group.zarr"))


def test_a_failure_names_its_rows_and_keeps_what_is_finished(log, tmp_path):
    with pytest.raises(ValueError, match="no such luck") as caught:
        fill(tmp_path / "a.zarr", log, fails=16)
    assert caught.value.__notes__ == ["while rows 16 to 19 were made"]
    (done,) = (tmp_path / ".work").rglob("done")
    assert sorted(int(path.name) for path in done.iterdir()) == [0, 4, 8, 12]


def test_what_cannot_be_written_is_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(part: slice) -> dict[str, np.ndarray]:
        made = values(part)
        return made if part.start else {"x": made["x"][:, :2], "y": made["y"]}

    with pytest.raises(StoreError, match=r"x: expected rows \(5, 3\), got \(2, 3\)"):
        fill_group(tmp_path / "a.zarr", ARRAYS, COUNT, make, {}, [], SHARD)
    with pytest.raises(StoreError, match=r"rows 0 to 3: no values of \['y'\]"):
        fill_group(tmp_path / "a.zarr", ARRAYS, COUNT, lambda p: {"x": values(p)["x"]}, {}, [], 4)
    assert not (tmp_path / "a.zarr").exists()


def test_no_more_than_two_shards_are_held(tmp_path, monkeypatch):
    """One is written while the next is made; the one after that waits for the writing to end."""
    monkeypatch.chdir(tmp_path)
    made, most = [], 0

    class Counted(np.ndarray):
        pass

    def make(part: slice) -> dict[str, Any]:
        nonlocal most
        rows = {name: array.view(Counted) for name, array in values(part).items()}
        made.append(weakref.ref(rows["x"]))
        most = max(most, sum(ref() is not None for ref in made))
        return rows

    fill_group(tmp_path / "a.zarr", ARRAYS, COUNT, make, {}, [], SHARD)
    assert len(made) == len(STARTS) and most == 2


def test_shards_of_another_group_are_taken_over_as_files(log, tmp_path, expected):
    fill(tmp_path / "old.zarr", log)
    old = open_group(tmp_path / "old.zarr")

    def make(part: slice) -> dict[str, np.ndarray] | Same:
        return values(part) if part.start == 8 else Same(old, part.start)

    fill_group(tmp_path / "new.zarr", ARRAYS, COUNT, make, {"a": 1}, [], SHARD)
    assert content_hash(tmp_path / "new.zarr") == expected
    assert (tmp_path / "new.zarr/x/c/0/0/0").samefile(tmp_path / "old.zarr/x/c/0/0/0")
    (tmp_path / "old.zarr/y/c/3/0").unlink()
    with pytest.raises(StoreError, match=r"old.zarr/y/c/3/0: the shard is missing; remove .*old"):
        fill_group(tmp_path / "again.zarr", ARRAYS, COUNT, make, {}, [], SHARD)


def test_shards_of_an_older_form_are_written_anew(log, tmp_path, expected):
    old = ARRAYS, COUNT, values, {}, [], SHARD, SOURCES
    fill_group(tmp_path / "old.zarr", *old, uncompressed=("x",))
    group = open_group(tmp_path / "old.zarr")

    def make(part: slice) -> Same:
        return Same(group, part.start)

    fill_group(tmp_path / "new.zarr", ARRAYS, COUNT, make, {"a": 1}, [], SHARD)
    assert content_hash(tmp_path / "new.zarr") == expected
    x, y = (tmp_path / "old.zarr" / name for name in ("x/c/0/0/0", "y/c/0/0"))
    assert not (tmp_path / "new.zarr/x/c/0/0/0").samefile(x)
    assert (tmp_path / "new.zarr/y/c/0/0").samefile(y)


def test_two_workers_one_of_them_killed_give_the_same_bytes(log, tmp_path, expected):
    killer = kill_who_waits(log)
    fill(tmp_path / "a.zarr", log, waits=20, count=2)
    killer.join()
    assert content_hash(tmp_path / "a.zarr") == expected
    starts = sorted(start for _, start in asked(log))
    assert set(starts) == set(STARTS) and starts.count(20) == 2
    assert len(starts) <= len(STARTS) + 2  # at most what the killed one had before it
    assert len({pid for pid, start in asked(log) if start == 20}) == 2
    assert os.getpid() not in {pid for pid, _ in asked(log)}


def test_a_failure_in_a_worker_is_told_and_the_rest_is_kept(log, tmp_path, expected):
    with pytest.raises(ValueError, match="no such luck") as caught:
        fill(tmp_path / "a.zarr", log, fails=16, count=2)
    assert caught.value.__notes__ == ["while a worker made rows 16 to 19"]
    (done,) = (tmp_path / ".work").rglob("done")
    finished = {int(path.name) for path in done.iterdir()}
    assert finished and 16 not in finished
    (log / "asked").unlink()
    fill(tmp_path / "a.zarr", log)
    assert {start for _, start in asked(log)} == set(STARTS) - finished
    assert content_hash(tmp_path / "a.zarr") == expected


def test_a_scheduler_and_its_workers_give_the_same_bytes(log, tmp_path, expected, monkeypatch):
    with cluster(tmp_path) as started:
        address = started.address
        killer = kill_who_waits(log)
        fill(tmp_path / "a.zarr", log, waits=8, cluster=address)
        killer.join()
        assert content_hash(tmp_path / "a.zarr") == expected
        opened = workers_of(log)
        assert len(opened) == len(set(opened))  # each once, for all its shards
        assert set(opened) == {pid for pid, _ in asked(log)}
        # The workers live on, but files may have changed: nothing opened before is used again.
        fill(tmp_path / "a.zarr", log, waits=8, cluster=address)
        assert len(workers_of(log)) > len(opened)
        monkeypatch.chdir(log)
        with pytest.raises(StoreError, match="start workers in the project's root, on a file"):
            fill(tmp_path / "c.zarr", log, cluster=address)


def test_a_worker_that_runs_other_code_is_refused(log):
    with pytest.raises(ValueError, match="no such luck"):
        fill(Path("a.zarr"), log, fails=4)
    (folder,) = (path.parent for path in Path(".work").rglob("done"))
    crew = Workers(OPENER, (str(log), -1, -1))
    with pytest.raises(StoreError, match="a worker runs other code than the stage; restart"):
        make_shard(Task(str(folder), crew, 4, 8, SOURCES, "0" * 32, "a"))
    make_shard(Task(str(folder), crew, 4, 8, SOURCES, sources_hash(*SOURCES), "a"))
    assert (folder / "done" / "000000004").exists()


def test_a_cluster_that_is_not_there_is_named(log, tmp_path, monkeypatch):
    monkeypatch.setattr("exemplar.store.cluster.PATIENCE", 0.5)
    with pytest.raises(StoreError, match=r"no Dask scheduler answers at 'tcp://127.0.0.1:9'.*DASK"):
        fill(tmp_path / "a.zarr", log, cluster="tcp://127.0.0.1:9")


def test_one_worker_needs_no_dask():
    code = (
        "import sys, tempfile, os; os.chdir(tempfile.mkdtemp()); os.mkdir('log');"
        "from pathlib import Path; from tests.store.test_shards import fill;"
        "fill(Path('a.zarr'), Path('log'), count=1);"
        "assert not {'dask', 'distributed'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True)


def finished_but(log: Path, tmp_path: Path, *starts: int) -> Path:
    """The workplace of a fill of which all shards are finished but some; no one was asked yet."""
    with pytest.raises(ValueError, match="no such luck"):
        fill(tmp_path / "a.zarr", log, fails=40)
    (folder,) = (path.parent for path in (tmp_path / ".work").rglob("done"))
    for start in starts:
        (folder / "done" / f"{start:09d}").unlink()
    (log / "asked").unlink()
    return folder


@pytest.mark.parametrize("crew", [{}, {"count": 2}], ids=["here", "workers"])
def test_finished_shards_that_are_not_whole_are_made_again(log, tmp_path, expected, crew, capfd):
    """Whoever finished them: all are read before the group gets its name."""
    group = finished_but(log, tmp_path) / "group.zarr"
    x, y = group / "x" / "c", group / "y" / "c"
    (x / "1" / "0" / "0").unlink()
    (y / "3" / "0").write_bytes(b"")
    (x / "5" / "0" / "0").write_bytes((x / "5" / "0" / "0").read_bytes()[:-1])
    flipped = bytearray((y / "7" / "0").read_bytes())
    flipped[3] ^= 4
    (y / "7" / "0").write_bytes(flipped)
    shutil.rmtree(x / "4")
    fill(tmp_path / "a.zarr", log, **crew)
    assert sorted(start for _, start in asked(log)) == [4, 12, 16, 20, 28, 40]
    told = capfd.readouterr().err
    for rows in ("x, rows 4 to 7: the shard is missing", "y, rows 12 to 15: the shard is missing",
                 "x, rows 20 to 23: damaged", "y, rows 28 to 31: damaged"):  # fmt: skip
        assert rows in told
    assert content_hash(tmp_path / "a.zarr") == expected


def test_a_folder_of_results_may_be_on_another_disk(log, tmp_path, expected):
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs another file system")
    with TemporaryDirectory(dir=shared) as other:
        (tmp_path / "features").symlink_to(other, target_is_directory=True)
        for _ in range(2):
            fill(Path("features", "x.zarr"), log)
            assert content_hash(Path(other, "x.zarr")) == expected
        assert [path.name for path in Path(other).iterdir()] == ["x.zarr"]
    assert not list(Path(".work").rglob("group.zarr"))


def test_where_nothing_can_be_written_no_shard_is_made(log, tmp_path):
    (tmp_path / "features").symlink_to("nowhere")
    with pytest.raises(OSError, match=r"^features: expected a folder for x.zarr that can be"):
        fill(Path("features", "x.zarr"), log)
    assert not Path(".work").exists()


def test_a_group_that_lost_an_array_is_begun_anew(log, tmp_path, expected):
    folder = finished_but(log, tmp_path)
    (folder / "group.zarr" / "y" / "zarr.json").unlink()
    fill(tmp_path / "a.zarr", log)
    assert [start for _, start in asked(log)] == STARTS
    assert content_hash(tmp_path / "a.zarr") == expected


def test_a_disk_that_loses_what_is_written_is_told(log, tmp_path, monkeypatch):
    put = files.put

    def losing(target, root, fill, scratch=None):
        put(target, root, fill, scratch)
        if target.parts[-5:-2] in (("x", "c", "2"), ("x", "c", "5")):
            target.write_bytes(b"lost")

    monkeypatch.setattr("exemplar.store.arrays.put", losing)
    with pytest.raises(StoreError, match="rows 8 to 11, 20 to 23 cannot be read although they"):
        fill(tmp_path / "a.zarr", log)
    assert not (tmp_path / "a.zarr").exists()
    starts = [start for _, start in asked(log)]
    assert starts == [*STARTS, 8, 20]


@pytest.mark.parametrize("harm", ["flipped", "index", "cut", "missing"])
def test_damaged_shards_of_another_group_are_not_taken_over(log, tmp_path, harm):
    fill(tmp_path / "old.zarr", log)
    old = open_group(tmp_path / "old.zarr")
    file = shard_file(array(old, "x"), 12)
    whole = bytearray(file.read_bytes())
    if harm == "missing":
        file.unlink()
    else:
        whole[10 if harm == "flipped" else -10] ^= 16
        file.write_bytes(whole[: -2 if harm == "cut" else None])
    with pytest.raises(
        StoreError, match=r"old\.zarr.*; remove .*old\.zarr and run `exemplar repro"
    ):
        fill_group(tmp_path / "new.zarr", ARRAYS, COUNT, lambda p: Same(old, p.start), {}, [], 4)
    assert not (tmp_path / "new.zarr").exists()


def test_a_worker_that_comes_late_harms_nothing(log, tmp_path, expected):
    """It was given up with its scheduler, and writes while others go on, or when all is done."""
    folder = finished_but(log, tmp_path, 8)
    crew = Workers(OPENER, (str(log), -1, -1))
    late = [Task(str(folder), crew, start, start + 4, SOURCES, sources_hash(*SOURCES), "late")
            for start in (8, 12)]  # fmt: skip
    for task in late:  # one that none has made, one that another has
        make_shard(task)
    (log / "asked").unlink()
    open_then = array(zarr.open_group(str(folder / "group.zarr"), mode="r+"), "x")
    fill(tmp_path / "a.zarr", log)
    assert [start for _, start in asked(log)] == [40]
    with pytest.raises(FileNotFoundError):
        write_rows(open_then, 8, values(slice(8, 12))["x"], folder)
    with pytest.raises(StoreError, match="a worker found no"):
        make_shard(late[0])
    assert content_hash(tmp_path / "a.zarr") == expected
    assert not [path for path in (tmp_path / ".work").rglob("*") if path.is_file()]


def test_a_worker_with_other_packages_is_refused(log, tmp_path):
    folder = finished_but(log, tmp_path, 8)
    crew = Workers(OPENER, (str(log), -1, -1))
    versions = (("zarr", "2.0"), ("python", "3.9.1"), ("numpy", np.__version__))
    same = SOURCES, sources_hash(*SOURCES), "a"
    with pytest.raises(
        StoreError, match=r"a worker has zarr [\d.]+, not 2\.0; python [\d.]+, not 3"
    ):
        make_shard(Task(str(folder), crew, 8, 12, *same, versions))
    make_shard(Task(str(folder), crew, 8, 12, *same, versions[2:]))


def test_a_full_disk_is_one_clear_line(log, tmp_path, expected):
    """Limits on a file's size stand in for it; whatever the size, what is finished is kept."""
    code = (
        "import resource, sys; from pathlib import Path; from tests.store.test_shards import fill;"
        "import exemplar.store.arrays as a; size = int(sys.argv[1]);"
        "put = a.put;"
        "limit = lambda n: resource.setrlimit(resource.RLIMIT_FSIZE, (n, -1));"
        "a.put = lambda *x: (limit(size), put(*x), limit(-1));\n"
        "try: fill(Path('a.zarr'), Path('log'))\n"
        "except Exception as error: print(type(error).__name__, error); sys.exit(3)"
    )
    for size in (1, 90, 120):
        given = [sys.executable, "-c", code, str(size)]
        done = subprocess.run(given, env=environment(), capture_output=True, text=True)
        assert done.returncode == 3, done.stderr
        assert re.fullmatch(
            r"StoreError a\.zarr: no room to write \(File too large, [\d,.]+ MB are free\); make "
            r"room on the disk or raise its limit and run again; what is finished is kept\n",
            done.stdout,
        )
        assert not (tmp_path / "a.zarr").exists()
    assert not list(tmp_path.rglob("*.partial"))
    fill(Path("a.zarr"), log)
    assert content_hash(tmp_path / "a.zarr") == expected
