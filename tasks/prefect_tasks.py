"""The Prefect tasks: run one stage's command, publish one table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from tasks.command import Command, run


# DVC knows what is up to date; a second cache would disagree with it one day.
@task(task_run_name="{command.stage}", cache_policy=NO_CACHE, persist_result=False)
def run_stage(command: Command) -> float:
    """Runs a stage's command; its seconds."""
    return run(command)


def publish_table(path: Path) -> None:
    """Makes a CSV table an artifact of the current flow run, named after the file."""
    table = pd.read_csv(path)
    records = table.astype(object).where(table.notna(), None).to_dict("records")
    create_table_artifact(
        key=f"table-{path.stem.lower().replace('_', '-')}",
        table=records,
        description=f"{path.as_posix()}, as the last reproduction left it",
    )
