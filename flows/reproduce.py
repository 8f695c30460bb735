"""The flow behind `exemplar reproduce` and the nightly deployment: the parallel `dvc repro`."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from flows.environment import use_this_python
from flows.progress import Terminal
from tasks.command import Command
from tasks.coordinator import Running, Summary
from tasks.prefect_tasks import publish_table, run_stage
from tasks.reproduce import reproduce as coordinate

TABLES = Path("reports/tables")


class ReproduceError(RuntimeError):
    """Some stages failed; the message says which and why, `summary` has all of it."""

    def __init__(self, summary: Summary) -> None:
        self.summary = summary
        super().__init__(f"failed: {', '.join(summary.failed)}")


# Prefect's own task runner, threads without a limit: the coordinator keeps to the cores.
@flow(name="reproduce", persist_result=False)
def reproduce(
    stages: list[str] | None = None, workers: int | None = None, force: bool = False
) -> Summary:
    """Brings stages and all upstream of them up to date and publishes the tables.

    Args:
        stages: stages or groups of stages of `dvc.yaml`; all if not given.
        workers: how many cores to keep busy; all if not given.
        force: run everything, changed or not.

    Returns:
        What happened to each stage.

    Raises:
        ReproduceError: stages failed; those that do not depend on them are finished nevertheless.
    """
    use_this_python()

    def submit(command: Command) -> Running:
        return run_stage.submit(command)

    terminal = Terminal()
    summary = coordinate(stages or [], submit, workers, force, terminal.tell)
    terminal.conclude(summary)
    if summary.failed:
        raise ReproduceError(summary)
    for table in sorted(TABLES.glob("*.csv")):
        publish_table(table)
    return summary
