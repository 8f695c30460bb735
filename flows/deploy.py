"""`exemplar deploy`: the nightly reproduction of `prefect.yaml`, on a Prefect server that stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from flows.server import ADDRESS, answers

FILE = Path("prefect.yaml")


class DeployError(RuntimeError):
    """There is no lasting server to deploy to, or Prefect refused."""


def deploy(serve: bool = False) -> str:
    """Makes the deployment known to the server, or serves it from this process.

    A temporary server ends with the command that started it, and its schedules with it, so it is
    not an option.

    Args:
        serve: run the schedule here, until interrupted, instead of on a worker of a work pool.

    Returns:
        What to do next.

    Raises:
        DeployError: no server answers at `PREFECT_API_URL`, or Prefect refused.
    """
    address = os.environ.get(ADDRESS)
    if not address or not answers(address):
        found = f"is {address}, where none answers" if address else "is not set"
        raise DeployError(
            f"a schedule needs a Prefect server that stays, but {ADDRESS} {found}. Start one in "
            "another terminal and name it here:\n"
            f"  prefect server start\n  export {ADDRESS}=http://127.0.0.1:4200/api"
        )
    wanted = yaml.safe_load(FILE.read_text())["deployments"][0]
    name, pool = wanted["name"], wanted["work_pool"]["name"]
    if serve:
        from flows.reproduce import reproduce

        reproduce.serve(name=name, cron=wanted["schedules"][0]["cron"])
        return ""
    _prefect("work-pool", "create", pool, "--type", "process", "--overwrite")
    _prefect("--no-prompt", "deploy", "--name", name, "--prefect-file", str(FILE))
    return f"deployed {name}; start a worker, in this folder:\n  prefect worker start --pool {pool}"


def _prefect(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *arguments], capture_output=True, text=True
    )
    if done.returncode:
        raise DeployError(f"prefect {' '.join(arguments)}\n{done.stdout}{done.stderr}".rstrip())
