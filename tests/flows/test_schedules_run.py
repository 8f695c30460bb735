"""A schedule begins runs: on a real server, served from one process and by a real worker."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.environment import prepare
from flows.server import ADDRESS
from tasks.command import guarded
from tests.flows.migrated import migrated_server
from tests.tasks.toy import create

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240.0  # seconds; on a quiet machine each wait takes a few
QUICK = {
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_RUNS": "1",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_RUNS": "2",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "1",
    "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PREFECT_WORKER_PREFETCH_SECONDS": "1",
    # What has no part in it, but wakes up every few seconds.
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
}
PIPELINE = """
stages:
  once:
    cmd: echo made > made.txt && echo once >> ran
    outs:
      - made.txt
"""
SERVED = """
deployments:
  - name: often
    entrypoint: flows/reproduce.py:reproduce
    parameters: {workers: 1}
    concurrency_limit: 1
    schedules:
      - interval: 15
        timezone: Asia/Kolkata
        parameters: {force: true}
  - name: nightly
    entrypoint: flows/reproduce.py:reproduce
    schedules:
      - cron: "0 3 * * *"
        timezone: Europe/Berlin
  - name: idle
    entrypoint: flows/reproduce.py:reproduce
"""
POOLED = """
deployments:
  - name: often
    entrypoint: flows/reproduce.py:reproduce
    parameters: {stages: [once]}
    schedules:
      - interval: 5
    work_pool: {name: mine}
  - name: weekly
    entrypoint: flows/reproduce.py:reproduce
    schedules:
      - rrule: FREQ=WEEKLY;BYDAY=SU
        timezone: Europe/Berlin
      - cron: "30 1 * * *"
        active: false
    work_pool: {name: mine}
"""
# One process for all: Prefect takes seconds to import.
SERVES_AND_DEPLOYS = """
import pathlib, time
from flows.cli import main
main(["deploy", "--serve"])
print("STATUS", flush=True)
go = pathlib.Path("go")
while not go.exists():
    time.sleep(0.2)
text = go.read_text()
file = pathlib.Path("prefect.yaml")
def deploy(text):
    file.write_text(text)
    print("STATUS", main(["deploy"]), flush=True)
deploy(text)
deploy(text)
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
with get_client(sync_client=True) as client:
    client.create_work_pool(WorkPoolCreate(name="theirs", type="docker"))
deploy(text.replace("name: often", "name: rare").replace("name: mine", "name: theirs"))
deploy(text.replace("name: weekly", "name: sundays"))
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A project whose one stage is quick, with the flow of this one."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *sys.path]))
    for name in ("PREFECT_HOME", "PREFECT_LOGGING_LEVEL", ADDRESS):
        monkeypatch.setenv(name, "")  # so that what the command sets is undone
        monkeypatch.delenv(name)
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    folder = create(tmp_path / "toy", PIPELINE)
    (folder / "flows").mkdir()
    shutil.copy(ROOT / "flows" / "reproduce.py", folder / "flows")
    monkeypatch.chdir(folder)
    return folder


CLIENT = httpx.Client(timeout=60, trust_env=False)  # to make one takes longer than to ask


def ask(what: str, **body: Any) -> Any:
    """The server's answer; while its database is locked, which is 503, it is asked again."""
    address, end = f"{os.environ[ADDRESS]}/{what}", time.monotonic() + PATIENCE
    while (answer := CLIENT.post(address, json=body)).status_code == 503:
        assert time.monotonic() < end, f"{address} is busy for {PATIENCE} s"
        time.sleep(0.3)
    answer.raise_for_status()
    return answer.json()


def deployments() -> dict[str, Any]:
    return {each["name"]: each for each in ask("deployments/filter")}


def begun_by_schedule(pool: str | None, name: str = "Completed") -> list[Any]:
    """Runs that a schedule created and that ended well, by the pool whose worker ran them."""
    runs = ask("flow_runs/filter", flow_runs={"state": {"name": {"any_": [name]}}})
    return [run for run in runs
            if run["auto_scheduled"] and run["created_by"]["type"] == "SCHEDULE"
            and run["work_pool_name"] == pool]  # fmt: skip


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[bytes], log: Path) -> Any:
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        said = log.read_text() if log.exists() else ""
        assert process.poll() is None, f"ended with {process.returncode}:\n{said}"
        assert time.monotonic() < end, f"not within {PATIENCE} s:\n{said}"
        time.sleep(1)
    return found


def due(pool: str) -> list[Any]:
    """Runs of a pool that a worker would begin at once."""
    scheduled = {"state": {"type": {"any_": ["SCHEDULED"]}}}
    runs = ask("flow_runs/filter", flow_runs=scheduled, sort="NEXT_SCHEDULED_START_TIME_ASC")
    return [run for run in runs if run["work_pool_name"] == pool
            and run["estimated_start_time_delta"] > 0]  # fmt: skip


def test_schedules_begin_runs(toy, tmp_path, pytestconfig):
    """Served, then deployed to a pool: each time a run that the schedule began ends well."""
    prepare()
    with migrated_server(pytestconfig) as server:
        served, told = _serve_and_deploy(tmp_path / "serve.log")
        assert (toy / "made.txt").read_text() == "made\n"
        _work(tmp_path / "worker.log", server.process)
    _was_served_as_written(served)
    _was_deployed_as_written(told)


def _serve_and_deploy(log: Path) -> tuple[dict[str, Any], list[str]]:
    """Serves until a scheduled run has ended, then is interrupted and deploys.

    Returns:
        The deployments that were served, with their states after it; what `exemplar deploy` tells:
        at first, again, with another's pool, with one renamed.
    """
    flow = ask("flows/", name="reproduce")["id"]
    former = [{"schedule": {"cron": "0 4 * * *"}}]
    ask("deployments/", name="idle", flow_id=flow, schedules=former)
    Path("prefect.yaml").write_text(SERVED)
    command = [sys.executable, "-W", "ignore", "-c", SERVES_AND_DEPLOYS]
    with guarded(command, ".", dict(os.environ), log) as process:
        wait_for(lambda: begun_by_schedule(None), process, log)
        found = deployments()
        os.kill(process.pid, signal.SIGINT)
        wait_for(lambda: "STATUS\n" in log.read_text(), process, log)
        found["after"] = {name: each["paused"] for name, each in deployments().items()}
        Path("part").write_text(POOLED)
        Path("part").rename("go")
        process.wait(PATIENCE)
    found["told"], told = log.read_text().split("STATUS\n")
    return found, told.split("STATUS ")


def _work(log: Path, server: subprocess.Popen[bytes]) -> None:
    """A worker takes one run that is due, and ends with it."""
    wait_for(lambda: due("mine"), server, log)
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "mine"]
    with guarded([*command, "--limit", "1", "--run-once"], ".", dict(os.environ), log) as process:
        process.wait(PATIENCE)
    assert begun_by_schedule("mine"), log.read_text()


def _was_served_as_written(served: dict[str, Any]) -> None:
    names = "reproduce/often, reproduce/nightly, reproduce/idle"
    assert served["told"].startswith(f"serving {names}; Ctrl-C ends it and pauses the schedules")
    often, nightly = served["often"], served["nightly"]
    assert served["idle"]["schedules"] == []
    assert often["parameters"] == {"workers": 1}
    assert often["global_concurrency_limit"]["limit"] == 1
    (interval,) = often["schedules"]
    assert interval["parameters"] == {"force": True}
    assert interval["schedule"]["timezone"] == "Asia/Kolkata"
    assert interval["schedule"]["interval"] == 15
    (cron,) = nightly["schedules"]
    assert (cron["schedule"]["cron"], cron["schedule"]["timezone"]) == (
        "0 3 * * *",
        "Europe/Berlin",
    )
    assert not often["paused"]
    assert served["after"] == {"often": True, "nightly": True, "idle": True}


def _was_deployed_as_written(told: list[str]) -> None:
    first, again, theirs, renamed, rest = told
    worker = (
        "runs begin while a worker is up; start one in this folder:\n"
        "  prefect worker start --pool mine\n"
    )
    assert first == f"reproduce/often: changed\nreproduce/weekly: deployed\n{worker}"
    assert again == f"0\nreproduce/often: unchanged\nreproduce/weekly: unchanged\n{worker}"
    assert theirs == (
        "0\n"
        "exemplar deploy: work pool theirs is of type docker, expected process, whose workers run "
        "flows in this folder: give another name under work_pool in prefect.yaml\n"
    )
    gone = "not in prefect.yaml, but its runs go on; to end them: prefect deployment delete"
    assert renamed == (
        "1\nreproduce/often: unchanged\nreproduce/sundays: deployed\n"
        f"reproduce/weekly: {gone} reproduce/weekly\n{worker}"
    )
    assert rest == "0\n"
