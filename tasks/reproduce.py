"""The whole of a reproduction, but for what runs the commands: open, lock, plan, coordinate."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from tasks.command import Command
from tasks.coordinator import HEARTBEAT, Coordinator, News, Running, Summary
from tasks.lineage import is_changed
from tasks.locks import only_coordinator
from tasks.plan import Step, make_plan, open_repository


def reproduce(
    targets: Sequence[str],
    submit: Callable[[Command], Running],
    threads: int | None = None,
    force: bool = False,
    tell: Callable[[News], None] = lambda news: None,
    heartbeat: float = HEARTBEAT,
    wait: float = 0.0,
    waiting: Callable[[str], None] = lambda words: None,
) -> Summary:
    """Does what `dvc repro` does in the current folder's repository, several stages at a time.

    Args:
        targets: stages or groups of stages; all of `dvc.yaml` if empty.
        submit: starts a command on a task runner.
        threads: how many cores may be busy at once; all there are if not given.
        force: run everything, changed or not.
        tell: is called with news.
        heartbeat: seconds without news after which the running stages are told about.
        wait: seconds to wait for another coordinator that is at work here.
        waiting: is called if there is one, with who it is.

    Returns:
        What happened to each stage, failures included.

    Raises:
        BusyError: another coordinator is at work here, after the wait as before it.
        PlanError, dvc.exceptions.DvcException: there is no plan to follow.
    """
    with open_repository() as repo, only_coordinator(repo, wait, waiting):
        plan = make_plan(repo, targets)
        cores = threads or available_threads()
        return Coordinator(repo, plan, submit, cores, force, tell, heartbeat).run()


def preview(
    targets: Sequence[str],
    wait: float = 0.0,
    waiting: Callable[[str], None] = lambda words: None,
    force: bool = False,
    due: Callable[[list[Step]], None] = lambda steps: None,
) -> dict[str, str]:
    """What `reproduce` would do as the files are now, by stage, without doing it.

    Args:
        targets: stages or groups of stages; all of `dvc.yaml` if empty.
        wait: seconds to wait for another coordinator that is at work here.
        waiting: is called if there is one, with who it is.
        force: everything is to be run, changed or not.
        due: is called with the steps that are to be run; what it raises ends this.

    Returns:
        `unchanged`, `would run or be restored`, or `depends on …` for each stage.

    Raises:
        BusyError: another coordinator is at work here, after the wait as before it.
    """
    told: dict[str, str] = {}
    with open_repository() as repo, only_coordinator(repo, wait, waiting):
        plan = make_plan(repo, targets)
        for step in plan:
            waits = [plan[above].name for above in step.after]
            changed = [name for name in waits if told[name] != "unchanged"]
            if changed:
                told[step.name] = f"depends on {', '.join(changed)}"
            else:
                stale = is_changed(step.stage)
                told[step.name] = "would run or be restored" if stale else "unchanged"
        due([step for step in plan if force or told[step.name] != "unchanged"])
    return told


def available_threads() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
