"""`exemplar deploy`: the deployments of `prefect.yaml`, on a Prefect server that stays."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from prefect import serve as serve_deployments
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyOptions
from prefect.client.schemas.responses import DeploymentResponse
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.utilities.callables import parameter_schema
from prefect.workers.process import ProcessWorker

from exemplar.data.problems import Problems
from flows.deployments import Entry, read
from flows.proxies import is_loopback, is_proxied
from flows.server import ADDRESS, answers

FILE = Path("prefect.yaml")
POOL = "process"  # the type of a work pool whose workers run flows in a folder of their machine
_PULL = "prefect.deployments.steps.set_working_directory"
_PAGE = 100


class DeployError(RuntimeError):
    """There is no lasting server to deploy to, or Prefect refused."""


def deploy(serve: bool = False) -> str:
    """Makes the deployments known to the server, or serves them from this process.

    A temporary server ends with the command that started it, and its schedules with it, so it is
    not an option. What is as the file says already is not touched: its next runs stay scheduled.

    Args:
        serve: run the schedules here, until interrupted, instead of on a worker of a work pool.

    Returns:
        What was done, and what to do next.

    Raises:
        SettingsError, DeploymentsError: `prefect.yaml` does not fit.
        DeployError: no server answers at `PREFECT_API_URL`, or Prefect refused.
    """
    entries = read(FILE, pools=not serve)
    address = os.environ.get(ADDRESS)
    if not address or not answers(address):
        found = f"is {address}, where none answers" if address else "is not set"
        raise DeployError(
            f"a schedule needs a Prefect server that stays, but {ADDRESS} {found}. Start one in "
            "another terminal and name it here:\n"
            f"  prefect server start\n  export {ADDRESS}=http://127.0.0.1:4200/api"
        )
    try:
        if serve:
            return _serve(entries)
        with get_client(sync_client=True) as client:
            pools = _prepare_pools(client, entries)
            told = [f"{entry.name}: {_apply(client, entry)}" for entry in entries]
            told += _forgotten(client, entries)
    except httpx.HTTPError as error:
        refusal = (str(error) or type(error).__name__).partition("\n")[0].partition(" - For")[0]
        raise DeployError(
            f"Prefect at {address} refused: {refusal}. If it wants to know who asks, set "
            "PREFECT_API_KEY or PREFECT_API_AUTH_STRING"
        ) from None
    lines = [f"  prefect worker start --pool {pool}" for pool in pools]
    if is_proxied(os.environ) and is_loopback(address):
        direct = os.environ["NO_PROXY"]
        lines.insert(0, f"  export NO_PROXY={direct} no_proxy={direct}")
    return "\n".join([*told, "runs begin while a worker is up; start one in this folder:", *lines])


def _serve(entries: Sequence[Entry]) -> str:
    """Runs the schedules until interrupted, then pauses them."""
    served = []
    for entry in entries:
        if not entry.wanted.schedules:
            _end_schedules(entry)
        wanted, limit = entry.wanted, entry.wanted.concurrency_limit
        deployment = RunnerDeployment.from_flow(
            entry.flow,
            name=wanted.name,
            schedules=_schedules(entry),
            parameters=wanted.parameters,
            concurrency_limit=ConcurrencyLimitConfig(**limit.model_dump()) if limit else None,
            description=wanted.description,
            tags=wanted.tags,
            version=wanted.version,
            paused=wanted.paused,
            enforce_parameter_schema=wanted.enforce_parameter_schema,
        )
        deployment.entrypoint = wanted.entrypoint
        served.append(deployment)
    names = ", ".join(entry.name for entry in entries)
    print(f"serving {names}; Ctrl-C ends it and pauses the schedules", flush=True)
    serve_deployments(*served, print_starting_message=False)
    return ""


def _end_schedules(entry: Entry) -> None:
    """Removes schedules that the server has and the file has not; serving only replaces them."""
    with get_client(sync_client=True) as client:
        try:
            known = client.read_deployment_by_name(entry.name)
        except ObjectNotFound:
            return
        for schedule in known.schedules:
            client.delete_deployment_schedule(known.id, schedule.id)


def _prepare_pools(client: SyncPrefectClient, entries: Sequence[Entry]) -> list[str]:
    """Looks at all work pools, then makes those that are missing.

    Raises:
        DeployError: a pool is there, but its workers would not run flows in this folder.
    """
    names = list(dict.fromkeys(e.wanted.work_pool.name for e in entries if e.wanted.work_pool))
    missing: list[str] = []
    problems: Problems = []
    for name in names:
        try:
            kind = client.read_work_pool(name).type
        except ObjectNotFound:
            missing.append(name)
            continue
        if kind != POOL:
            problems.append(
                f"work pool {name} is of type {kind}, expected {POOL}, whose workers run flows in "
                f"this folder: give another name under work_pool in {FILE}"
            )
    if problems:
        raise DeployError("\n".join(problems))
    for name in missing:
        template = ProcessWorker.get_default_base_job_template()
        pool = WorkPoolCreate(name=name, type=POOL, base_job_template=template)
        client.create_work_pool(pool)
    return names


def _apply(client: SyncPrefectClient, entry: Entry) -> str:
    """Brings one deployment to what the file says; whether it was new, changed or neither."""
    wanted, limit = entry.wanted, entry.wanted.concurrency_limit
    pool = wanted.work_pool
    fields: dict[str, Any] = {
        "entrypoint": wanted.entrypoint,
        "description": wanted.description or entry.flow.description,
        "version": wanted.version,
        "tags": wanted.tags,
        "parameters": wanted.parameters,
        "parameter_openapi_schema": parameter_schema(entry.flow).model_dump(exclude_unset=True),
        "enforce_parameter_schema": wanted.enforce_parameter_schema,
        "paused": wanted.paused,
        "work_pool_name": pool and pool.name,
        "work_queue_name": (pool and pool.work_queue_name) or "default",
        "job_variables": pool.job_variables if pool else {},
        "pull_steps": [{_PULL: {"directory": str(Path.cwd())}}],
        "concurrency_options": ConcurrencyOptions(**limit.model_dump(exclude={"limit"}))
        if limit
        else None,
    }
    schedules = _schedules(entry)
    try:
        known = client.read_deployment_by_name(entry.name)
    except ObjectNotFound:
        known = None
    if known and _is_same(known, fields, schedules, limit.limit if limit else None):
        return "unchanged"
    client.create_deployment(
        flow_id=client.create_flow_from_name(entry.flow.name),
        name=wanted.name,
        schedules=schedules,
        concurrency_limit=limit.limit if limit else None,
        **fields,
    )
    return "changed" if known else "deployed"


def _schedules(entry: Entry) -> list[DeploymentScheduleCreate]:
    return [schedule.for_prefect() for schedule in entry.wanted.schedules]


def _is_same(
    known: DeploymentResponse,
    fields: dict[str, Any],
    schedules: Sequence[DeploymentScheduleCreate],
    limit: int | None,
) -> bool:
    """Whether the server has a deployment as it would be sent."""
    if any(getattr(known, name) != value for name, value in fields.items()):
        return False
    had = known.global_concurrency_limit
    return (had.limit if had else None) == limit and _as_text(known.schedules) == _as_text(
        schedules
    )


def _as_text(schedules: Sequence[Any]) -> list[str]:
    """Schedules in an order and a form in which they can be compared."""
    dumped = [
        schedule.model_dump(mode="json", include={"schedule", "active", "parameters", "slug"})
        for schedule in schedules
    ]
    for schedule in dumped:
        if "rrule" in (rhythm := schedule["schedule"]):
            # Prefect adds a start to a rule that has none, a recent one.
            rhythm["rrule"] = re.sub(r"^DTSTART:\d+T\d+\n", "", rhythm["rrule"])
    return sorted(json.dumps(schedule, sort_keys=True) for schedule in dumped)


def _forgotten(client: SyncPrefectClient, entries: Sequence[Entry]) -> list[str]:
    """Tells of deployments of this folder that the file no longer has: their runs go on."""
    here = [{_PULL: {"directory": str(Path.cwd())}}]
    names, told = {entry.name for entry in entries}, []
    for offset in itertools.count(0, _PAGE):
        found = client.read_deployments(limit=_PAGE, offset=offset)
        for deployment in found:
            if deployment.pull_steps != here:
                continue
            name = f"{client.read_flow(deployment.flow_id).name}/{deployment.name}"
            if name not in names:
                told.append(
                    f"{name}: not in {FILE}, but its runs go on; "
                    f"to end them: prefect deployment delete {name}"
                )
        if len(found) < _PAGE:
            return told
    return told
