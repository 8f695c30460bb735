"""The parallel `dvc repro`: one process owns the repository, commands run side by side.

`plan` says what waits for what, `lineage` does each stage's business with DVC, and a task runner
given by the caller runs commands: a thread pool in tests, Prefect's in `flows.reproduce`. All
that happens here happens in one thread.

Stages finish in any order, but are settled (`dvc.lock`, `.gitignore`) in the plan's order, each
as soon as all before it are: so at every moment the files are as a serial `dvc repro` would have
them at some moment, byte for byte. What was finished but not settled when the coordinator was
killed is in DVC's run cache, and the next run restores it.
"""

from __future__ import annotations

import queue
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from dvc.exceptions import DvcException
from dvc.repo import Repo

from tasks import lineage
from tasks.command import Command, stop_all, tail
from tasks.lineage import Attempt, Found
from tasks.plan import Step

# What DVC raises for one stage; of its data bases of hashes, on a full disk, the last.
DVC_ERRORS = (DvcException, OSError, sqlite3.Error)
HEARTBEAT = 20.0  # seconds without news after which the running stages are named


class Running(Protocol):
    """What a task runner gives for a command: a future, of `concurrent.futures` or of Prefect."""

    def result(self) -> Any:
        """The command's seconds; raises what it raised."""
        ...

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None:
        """Has `fn` called with the future when it is done, from any thread."""
        ...


@dataclass(frozen=True)
class News:
    """Something a user would want to see.

    Attributes:
        kind: a `Found` value, or `started`, `finished`, `failed`, `skipped`, `running`,
            `damaged`.
        stage: the stage's name.
        seconds: how long it took, or has been taking.
        detail: of a failure the message, of a running stage its last line of output, of one that
            is skipped the stage whose failure is the reason, of one that cannot be restored what is
            wrong with what was to be restored.
    """

    kind: str
    stage: str
    seconds: float = 0.0
    detail: str = ""


@dataclass
class Summary:
    """How a run ended: the stages' names by what happened to them, in the plan's order."""

    ran: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


class Coordinator:
    """Reproduces a plan's stages; `run` does it, once.

    Args:
        repo: the repository; the caller holds it with `locks.only_coordinator`.
        plan: from `plan.make_plan`.
        submit: starts a command on a task runner.
        threads: how many cores may be busy at once; a stage that wants more gets them all.
        force: run everything, changed or not.
        tell: is called with news, from the calling thread.
        heartbeat: seconds without news after which the running stages are told about.
    """

    def __init__(
        self,
        repo: Repo,
        plan: list[Step],
        submit: Callable[[Command], Running],
        threads: int,
        force: bool = False,
        tell: Callable[[News], None] = lambda news: None,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        self._plan = plan
        self._submit = submit
        self._free = self._threads = threads
        self._force = force
        self._tell = tell
        self._heartbeat = heartbeat
        self._logs = Path(str(repo.tmp_dir)) / "logs"
        self._kind: dict[int, str] = {}  # position in the plan -> how it ended
        self._detail: dict[int, str] = {}
        self._attempts: dict[int, Attempt] = {}
        self._settled = 0  # all before this position are settled
        self._due: list[int] = []  # ready to run, waiting for cores
        self._begun: set[int] = set()
        self._started: dict[int, float] = {}
        self._done: queue.Queue[tuple[int, Running]] = queue.Queue()
        lineage.hold_ignores(repo)

    def run(self) -> Summary:
        """Goes through the plan.

        Returns:
            What happened to each stage. A failing stage keeps those downstream of it from running;
            all others are finished.
        """
        try:
            while len(self._kind) < len(self._plan):
                self._begin_ready()
                self._start_due()
                if self._started:
                    self._await_one()
        except BaseException:
            self._stop()
            raise
        return self._summary()

    def _stop(self) -> None:
        """Kills what runs; more than once, for a task runner may be about to start another."""
        while self._started:
            stop_all()
            with suppress(queue.Empty):
                self._started.pop(self._done.get(timeout=0.2)[0])

    def _begin_ready(self) -> None:
        """Begins, in the plan's order, every stage whose upstream stages are done."""
        for index, step in enumerate(self._plan):
            if index in self._begun or not all(above in self._kind for above in step.after):
                continue
            if step.reads_folders and any(above >= self._settled for above in step.after):
                continue  # the folders' .gitignore files are part of what it reads
            self._begun.add(index)
            broken = [above for above in step.after if self._kind[above] in ("failed", "skipped")]
            if broken and not step.stage.frozen:
                first = self._detail[broken[0]] if self._kind[broken[0]] == "skipped" else ""
                self._end(index, "skipped", detail=first or self._plan[broken[0]].name)
                continue
            start = time.monotonic()
            try:
                found, self._attempts[index] = lineage.begin(step.stage, self._force)
            except DVC_ERRORS as error:
                self._end(index, "failed", time.monotonic() - start, str(error))
                continue
            if damage := self._attempts[index].damage:
                self._tell(News("damaged", step.name, detail=damage))
            if found is Found.DUE:
                self._due.append(index)
            else:
                self._end(index, found.value, time.monotonic() - start)

    def _start_due(self) -> None:
        """Starts what fits; a stage that needs more cores is not overtaken for ever.

        The stage that most others wait for goes first, and where it does not fit yet, nothing goes.
        """
        self._due.sort(key=lambda index: (-self._plan[index].chain, index))
        while self._due and self._weight(self._due[0]) <= self._free:
            index = self._due.pop(0)
            self._free -= self._weight(index)
            self._tell(News("started", self._plan[index].name))
            running = self._submit(lineage.command_of(self._plan[index].stage, self._logs))
            self._started[index] = time.monotonic()
            running.add_done_callback(lambda done, index=index: self._done.put((index, done)))

    def _weight(self, index: int) -> int:
        return min(self._plan[index].threads, self._threads)

    def _await_one(self) -> None:
        """Waits for a command to end, telling what runs meanwhile, and records it."""
        while True:
            try:
                index, running = self._done.get(timeout=self._heartbeat)
                break
            except queue.Empty:
                self._tell_running()
        seconds = time.monotonic() - self._started.pop(index)
        self._free += self._weight(index)
        try:
            running.result()
        except Exception as error:  # a task runner may fail as well: a worker lost, a server gone
            with suppress(*DVC_ERRORS):  # what is left of its claims, the next coordinator removes
                lineage.give_up(self._attempts[index])
            self._end(index, "failed", seconds, str(error))
            return
        try:
            lineage.record(self._attempts[index])
        except DVC_ERRORS as error:
            self._end(index, "failed", seconds, str(error))
            return
        self._end(index, "finished", seconds)

    def _tell_running(self) -> None:
        now = time.monotonic()
        for index, start in self._started.items():
            command = lineage.command_of(self._plan[index].stage, self._logs)
            last = tail(Path(command.log), 1)
            self._tell(News("running", self._plan[index].name, now - start, "".join(last)))

    def _end(self, index: int, kind: str, seconds: float = 0.0, detail: str = "") -> None:
        self._kind[index], self._detail[index] = kind, detail
        self._tell(News(kind, self._plan[index].name, seconds, detail))
        while self._kind.get(self._settled):
            if self._kind[self._settled] in ("finished", "restored", "verified"):
                self._settle(self._settled)
            self._settled += 1

    def _settle(self, index: int) -> None:
        """Has a stage written down; one that could not be is restored by the next run."""
        try:
            lineage.settle(self._attempts[index])
        except DVC_ERRORS as error:
            self._kind[index], self._detail[index] = "failed", f"dvc.lock: {error}"
            self._tell(News("failed", self._plan[index].name, detail=self._detail[index]))

    def _summary(self) -> Summary:
        summary = Summary()
        for index, step in enumerate(self._plan):
            kind, detail = self._kind[index], self._detail[index]
            if kind == "finished":
                summary.ran.append(step.name)
            elif kind in ("restored", "verified"):
                summary.restored.append(step.name)
            elif kind == "unchanged":
                summary.unchanged.append(step.name)
            else:
                getattr(summary, kind)[step.name] = detail
        return summary
