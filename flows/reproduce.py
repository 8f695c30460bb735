"""The flow behind `exemplar reproduce` and the nightly deployment: the parallel `dvc repro`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import Field

from flows.environment import use_this_python
from flows.progress import Terminal
from tasks.command import Command
from tasks.coordinator import Running, Summary
from tasks.locks import BusyError
from tasks.prefect_tasks import publish_table, run_stage
from tasks.reproduce import reproduce as coordinate

TABLES = Path("reports/tables")
WAIT = 60.0  # minutes for another run at most


class ReproduceError(RuntimeError):
    """Some stages failed; the message says which and why, `summary` has all of it."""

    def __init__(self, summary: Summary) -> None:
        self.summary = summary
        super().__init__(f"failed: {', '.join(summary.failed)}")


# Prefect's own task runner, threads without a limit: the coordinator keeps to the cores.
@flow(name="reproduce", persist_result=False)
def reproduce(
    stages: list[str] | None = None,
    workers: int | None = None,
    force: bool = False,
    wait: Annotated[float, Field(ge=0, allow_inf_nan=False)] = WAIT,
) -> Summary | State[None]:
    """Brings stages and all upstream of them up to date and publishes the tables.

    Args:
        stages: stages or groups of stages of `dvc.yaml`; all if not given.
        workers: how many cores to keep busy; all if not given.
        force: run everything, changed or not.
        wait: minutes for which another run, if one is at work here, may still take.

    Returns:
        What happened to each stage; where another run took too long, the state `Skipped`, which
        is no failure: that run did what this one would have done.

    Raises:
        ReproduceError: stages failed; those that do not depend on them are finished nevertheless.
    """
    use_this_python()

    def submit(command: Command) -> Running:
        return run_stage.submit(command)

    terminal = Terminal()
    try:
        summary = coordinate(stages or [], submit, workers, force, terminal.tell,
                             wait=60 * wait, waiting=terminal.write)  # fmt: skip
    except BusyError as busy:
        terminal.write(f"skipped: {busy}")
        return Completed(name="Skipped", message=str(busy))
    terminal.conclude(summary)
    if summary.failed:
        raise ReproduceError(summary)
    for table in sorted(TABLES.glob("*.csv")):
        publish_table(table)
    return summary
