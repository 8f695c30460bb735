"""The parallel reproduction writes what `dvc repro` writes, byte for byte, in every situation."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tasks.command import Command, run
from tasks.coordinator import News
from tasks.locks import BusyError, only_coordinator
from tasks.plan import open_repository
from tasks.reproduce import preview, reproduce
from tests.tasks.toy import PIPELINE, create, ours, ran, serial, written

TRAIN = ["train@a-u", "train@a-v", "train@b-u", "train@b-v"]
FAILING = PIPELINE.replace(
    "cat data/${item.domain}.txt data/tree/* >",
    "echo reading ${item.domain} && test ${item.domain} != a && cat data/b.txt data/tree/* >",
)


@pytest.fixture
def twins(tmp_path):
    """Two equal projects: one for DVC, one for us."""
    return create(tmp_path / "theirs"), create(tmp_path / "ours")


def resize(folder: Path, size: int) -> None:
    (folder / "params.yaml").write_text(f"make:\n  size: {size}\n  threads: 1\n")


class Shuffled:
    """A task runner that lets commands end in an order of its own, and counts what is open.

    Each runs when it is submitted, but is done only when the coordinator has nothing to do and
    asks what is still running.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.open: dict[str, tuple[Future[float], float]] = {}
        self.seen: list[frozenset[str]] = []

    def submit(self, command: Command) -> Future[float]:
        future: Future[float] = Future()
        self.open[command.stage] = future, run(command)
        self.seen.append(frozenset(self.open))
        return future

    def tell(self, news: News) -> None:
        if news.kind == "running" and news.stage in self.open:
            name = self.random.choice(list(self.open))
            future, seconds = self.open.pop(name)
            future.set_result(seconds)

    def reproduce(self, *targets: str, threads: int):
        return reproduce(targets, self.submit, threads, tell=self.tell, heartbeat=0.001)


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_ending_gives_the_same_files(twins, monkeypatch, seed):
    theirs, mine = twins
    monkeypatch.chdir(theirs)
    serial()
    monkeypatch.chdir(mine)
    runner = Shuffled(seed)
    summary = runner.reproduce(threads=6)
    assert max(map(len, runner.seen)) > 2
    assert written(mine) == written(theirs)
    assert sorted(ran(mine)) == sorted(ran(theirs))
    assert summary.restored == ["still"]
    assert not summary.failed


def test_later_runs_do_and_write_what_dvc_does(twins, monkeypatch):
    """Nothing changed, a changed number, outputs deleted, forced; in one story for both."""
    tales = []
    for folder, go in zip(twins, (serial, ours), strict=True):
        monkeypatch.chdir(folder)
        tale = []

        def note(tale=tale, folder=folder):
            tale.append((written(folder), sorted(ran(folder))))

        go()
        note()
        go()
        note()
        resize(folder, 4)
        go()
        note()
        resize(folder, 3)  # as at first: nothing runs, the run cache has it
        shutil.rmtree(folder / "models")
        go()
        note()
        (folder / "data" / "a.txt").write_text("spoilt")
        (folder / "seed.txt").write_text("other seed\n")
        go("train")
        note()
        go(force=True)
        note()
        tales.append(tale)
    for theirs, mine in zip(*tales, strict=True):
        assert mine == theirs
    last, forced = tales[1][-2:]
    assert len(forced[1]) - len(last[1]) == 11


def test_deleted_outputs_come_from_the_run_cache_without_running(twins, monkeypatch):
    _, mine = twins
    monkeypatch.chdir(mine)
    ours()
    before, files = ran(mine), written(mine)
    model = (mine / "models" / "a-u").read_bytes()
    shutil.rmtree(mine / "models")
    (mine / "dvc.lock").unlink()
    summary = ours("train")
    assert ran(mine) == before
    assert summary.restored == ["make@a", "make@b", "tree", *TRAIN]
    assert (mine / "models" / "a-u").read_bytes() == model
    ours()
    assert written(mine).keys() == files.keys()


def test_a_stage_whose_dvc_lock_dvc_wrote_is_unchanged_for_us(twins, monkeypatch):
    theirs, _ = twins
    monkeypatch.chdir(theirs)
    serial()
    files = written(theirs)
    summary = ours()
    assert summary.ran == ["always"]
    assert written(theirs) == files
    told = preview([])
    assert {stage for stage, word in told.items() if word != "unchanged"} == {"always"}
    resize(theirs, 5)
    told = preview([])
    assert told["make@a"] == "would run or be restored"
    assert told["train@a-u"] == "depends on make@a"
    assert told["tree"] == "unchanged"


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_stages_keep_to_the_cores(tmp_path, monkeypatch, threads):
    pipeline = PIPELINE.replace("models/${item.domain}-${item.kind}\n  score",
                                "models/${item.domain}-${item.kind}\n    meta:\n      threads: 2\n"
                                "  score")  # fmt: skip
    monkeypatch.chdir(create(tmp_path / "toy", pipeline))
    runner = Shuffled(0)
    runner.reproduce(threads=threads)
    weights = dict.fromkeys(TRAIN, 2)
    busiest = max(sum(min(weights.get(s, 1), threads) for s in group) for group in runner.seen)
    assert busiest == threads
    alone = [group for group in runner.seen if group & set(TRAIN)]
    assert all(len(group & set(TRAIN)) == 1 for group in alone)


def test_independent_stages_run_at_the_same_time(tmp_path, monkeypatch):
    """Each says hello to the other and waits for the answer: alone, neither would end."""
    pipeline = """
stages:
  ping:
    cmd: timeout 60 sh -c 'echo ping > there; cat back > ping.txt'
    outs:
      - ping.txt
  pong:
    cmd: timeout 60 sh -c 'cat there > pong.txt; echo pong > back'
    outs:
      - pong.txt
  both:
    cmd: cat ping.txt pong.txt > both.txt
    deps:
      - ping.txt
      - pong.txt
    outs:
      - both.txt
"""
    folder = create(tmp_path / "toy", pipeline)
    os.mkfifo(folder / "there")
    os.mkfifo(folder / "back")
    monkeypatch.chdir(folder)
    summary = ours(threads=2)
    assert summary.ran == ["ping", "pong", "both"]
    assert (folder / "both.txt").read_text() == "pong\nping\n"


def test_a_failure_stops_only_what_needs_it(tmp_path, monkeypatch):
    # DVC takes all .gitignore lines of a failing run back, which is why they are not looked at.
    theirs = create(tmp_path / "theirs", FAILING, ignoring=True)
    mine = create(tmp_path / "ours", FAILING, ignoring=True)
    monkeypatch.chdir(theirs)
    with pytest.raises(Exception, match="failed to reproduce"):
        serial(on_error="keep-going")
    monkeypatch.chdir(mine)
    summary = ours()
    assert (mine / "dvc.lock").read_text() == (theirs / "dvc.lock").read_text()
    assert list(summary.failed) == ["train@a-u", "train@a-v"]
    assert summary.skipped == {"last": "train@a-u"}
    assert {"score", "keep", "train@b-u"} <= set(summary.ran)
    reason = summary.failed["train@a-u"]
    assert "test a != a" in reason
    assert "exited with 1" in reason
    assert "reading a" in reason
    for folder in (theirs, mine):
        (folder / "dvc.yaml").write_text(PIPELINE)
    monkeypatch.chdir(theirs)
    serial()
    monkeypatch.chdir(mine)
    assert not ours().failed
    assert (mine / "dvc.lock").read_text() == (theirs / "dvc.lock").read_text()


def test_what_a_stage_does_not_write_and_what_it_lacks_are_failures(tmp_path, monkeypatch):
    pipeline = """
stages:
  forgets:
    cmd: "true"
    outs:
      - never.txt
  lacks:
    cmd: "true"
    deps:
      - nowhere.txt
    outs:
      - other.txt
"""
    monkeypatch.chdir(create(tmp_path / "toy", pipeline))
    summary = ours()
    assert "never.txt" in summary.failed["forgets"]
    assert "nowhere.txt" in summary.failed["lacks"]


def test_an_interrupt_stops_the_commands(tmp_path, monkeypatch):
    pipeline = """
stages:
  long:
    cmd: exec 9> alive; echo up >&9; sleep 1000
    outs:
      - long.txt
"""
    folder = create(tmp_path / "toy", pipeline)
    os.mkfifo(folder / "alive")
    monkeypatch.chdir(folder)

    def interrupt(news: News) -> None:
        if news.kind == "running":
            with (folder / "alive").open() as alive:
                assert alive.readline() == "up\n"
            raise KeyboardInterrupt

    with ThreadPoolExecutor() as pool, pytest.raises(KeyboardInterrupt):
        reproduce([], lambda c: pool.submit(run, c), tell=interrupt, heartbeat=0.001)


def test_a_second_coordinator_is_refused(twins, monkeypatch):
    _, mine = twins
    monkeypatch.chdir(mine)
    with (
        open_repository() as repo,
        only_coordinator(repo),
        pytest.raises(BusyError, match=rf"at work in .*ours \(process {os.getpid()}: .+\)"),
    ):
        ours()
    assert not ours("tree").failed


def test_another_coordinator_is_waited_for(twins, monkeypatch):
    """It ends when it is told of as being waited for: then the stages run."""
    _, mine = twins
    monkeypatch.chdir(mine)
    held, released = threading.Event(), threading.Event()
    told: list[str] = []

    def hold() -> None:
        with open_repository() as repo, only_coordinator(repo):
            held.set()
            assert released.wait(60)

    def wait(words: str) -> None:
        told.append(words)
        released.set()

    with ThreadPoolExecutor() as pool:
        holder = pool.submit(hold)
        assert held.wait(60)
        summary = reproduce(
            ["tree"], lambda c: pool.submit(run, c), 1, wait=60.0, waiting=wait
        )  # fmt: skip
        holder.result()
    assert summary.ran == ["tree"]
    (words,) = told
    assert re.search(
        rf"at work in .*ours \(process {os.getpid()}: .+\); waiting until it ends, "
        r"for 1 minutes at most$", words
    )  # fmt: skip


def test_the_wait_for_another_coordinator_ends(twins, monkeypatch):
    _, mine = twins
    monkeypatch.chdir(mine)
    told: list[str] = []
    with open_repository() as repo, only_coordinator(repo):
        for go in (preview, partial(reproduce, submit=lambda c: pytest.fail(c.stage))):
            with pytest.raises(BusyError, match="it did not end within 0.0002 minutes; wait"):
                go(["tree"], wait=0.012, waiting=told.append)
    assert len(told) == 2
    assert preview(["tree"]) == {"tree": "would run or be restored"}


KILLED = """
import os, signal, sys
from concurrent.futures import ThreadPoolExecutor
from tasks.command import run
from tasks.reproduce import reproduce
left = [int(sys.argv[1])]
def tell(news):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
with ThreadPoolExecutor() as pool:
    reproduce([], lambda command: pool.submit(run, command), 2, tell=tell)
"""


def start(*arguments: str) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(sys.path)
    return subprocess.Popen(
        [sys.executable, "-c", KILLED, *arguments], env={**os.environ, "PYTHONPATH": path}
    )


def test_killed_again_and_again_it_ends_with_the_same_files(twins, monkeypatch):
    theirs, mine = twins
    monkeypatch.chdir(theirs)
    serial()
    monkeypatch.chdir(mine)
    for moment in ("2", "5", "9"):
        assert start(moment).wait() == -9
    ours()
    assert written(mine) == written(theirs)
    assert (mine / "kept.txt").read_text().startswith("seed\n")


def test_killed_within_a_command_the_next_run_goes_on(tmp_path, monkeypatch):
    """A later stage is done before an earlier one: it is not lost, and the files are as ever."""
    pipeline = """
stages:
  slow:
    cmd: exec 9> alive; echo up >&9; cat gate > slow.txt
    outs:
      - slow.txt
  quick:
    cmd: echo quick > quick.txt; echo quick >> ran
    deps:
      - seed.txt
    outs:
      - quick.txt
  then:
    cmd: exec 8> then-alive; cat quick.txt gate > then.txt
    deps:
      - quick.txt
    outs:
      - then.txt
"""
    mine, theirs = create(tmp_path / "ours", pipeline), create(tmp_path / "theirs", pipeline)
    for name in ("alive", "then-alive", "gate"):
        os.mkfifo(mine / name)
    monkeypatch.chdir(mine)
    coordinator = start("1000")
    with (mine / "alive").open() as alive, (mine / "then-alive").open() as then:
        coordinator.kill()
        coordinator.wait()
        assert alive.read() == "up\n"  # to its end: nothing of the stages is left
        assert then.read() == ""
    assert not (mine / "dvc.lock").exists()  # as a serial run: slow is not done
    for folder in (mine, theirs):
        for name in ("alive", "then-alive"):
            (folder / name).unlink(missing_ok=True)
        (folder / "gate").unlink(missing_ok=True)
        (folder / "gate").write_text("open\n")
    summary = ours()
    assert summary.ran == ["slow", "then"] and summary.restored == ["quick"]
    assert ran(mine) == ["quick"]
    monkeypatch.chdir(theirs)
    serial()
    assert written(mine) == written(theirs)


@pytest.mark.parametrize("left", ["claims", "cut short"])
def test_what_a_killed_coordinator_left_in_dvc_is_removed(twins, monkeypatch, left):
    """Its process id may belong to someone else by now, whom DVC would wait for."""
    _, mine = twins
    monkeypatch.chdir(mine)
    with open_repository() as repo:
        folder = Path(repo.tmp_dir)
    dead = {"pid": os.getppid(), "cmd": "exemplar reproduce"}
    claims = {"write": {str(mine / "data" / "a.txt"): dead}, "read": {str(mine / "data"): [dead]}}
    text = json.dumps(claims)
    (folder / "rwlock").write_text(text if left == "claims" else text[:40])
    (folder / "reproduce.json").write_text(json.dumps(dead))
    assert not ours("make").failed
    assert not any(json.loads((folder / "rwlock").read_text()).values())
