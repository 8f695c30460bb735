"""What `prefect.yaml` may say: its deployments and schedules, checked before anything is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from prefect.exceptions import (
    MissingFlowError,
    ParameterBindError,
    ParameterTypeError,
    ScriptError,
    SignatureMismatchError,
)
from prefect.flows import Flow, load_flow_from_entrypoint
from pydantic import BeforeValidator, Field, ValidationError

from exemplar.data.problems import Problems
from exemplar.settings import Settings, load_params
from flows.schedules import Parameters, Schedule, message_of

Positive = Annotated[int, Field(ge=1)]


class DeploymentsError(ValueError):
    """The file does not fit; the message has all of its problems."""


def _or_none(value: Any) -> Any:
    """A key without a value as an empty list."""
    return [] if value is None else value


class WorkPool(Settings):
    """Whose workers run a deployment."""

    name: str = Field(min_length=1)
    work_queue_name: str | None = None
    job_variables: Parameters = Field(default_factory=dict)


class Concurrency(Settings):
    """How many runs of a deployment may go at once, and what becomes of one too many."""

    limit: Positive
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"] = "ENQUEUE"
    grace_period_seconds: Annotated[int, Field(ge=60)] | None = None


class Deployment(Settings):
    """One entry of `deployments`."""

    name: Annotated[str, Field(min_length=1, pattern=r"^[^/%&<>]+$")]
    entrypoint: str
    description: str | None = None
    version: str | None = None
    tags: Annotated[list[str], BeforeValidator(_or_none)] = Field(default_factory=list)
    parameters: Parameters = Field(default_factory=dict)
    concurrency_limit: Annotated[
        Concurrency | None,
        BeforeValidator(lambda value: {"limit": value} if isinstance(value, int) else value),
    ] = None
    schedules: Annotated[list[Schedule], BeforeValidator(_or_none)] = Field(default_factory=list)
    paused: bool = False
    enforce_parameter_schema: bool = True
    work_pool: WorkPool | None = None


class File(Settings):
    """The whole of `prefect.yaml`. Runs take place in this folder, so there is nothing to build."""

    name: str | None = None
    prefect_version: Annotated[str | None, Field(alias="prefect-version")] = None
    definitions: Any = None  # a place for YAML's anchors
    build: None = None
    push: None = None
    pull: None = None
    deployments: list[Any]


@dataclass(frozen=True)
class Entry:
    """A deployment and the flow that it runs."""

    wanted: Deployment
    flow: Flow[..., Any]

    @property
    def name(self) -> str:
        """As Prefect names it: the flow's name and the deployment's."""
        return f"{self.flow.name}/{self.wanted.name}"


def read(path: Path, pools: bool = True) -> list[Entry]:
    """Reads and checks the deployments, and loads their flows.

    Args:
        path: `prefect.yaml`.
        pools: each must name a work pool.

    Raises:
        SettingsError: the file is missing, is not YAML or is not a mapping.
        DeploymentsError: it does not fit.
    """
    problems: Problems = []
    try:
        listed = File.model_validate(load_params(path)).deployments
    except ValidationError as error:
        raise _refused(path, _told("", error, File)) from None
    if not listed:
        raise _refused(path, ["deployments: expected at least one, got none"])
    entries: list[Entry] = []
    seen: set[str] = set()
    for number, raw in enumerate(listed):
        name = raw.get("name") if isinstance(raw, dict) else None
        place = f"deployments.{number}"
        if isinstance(name, str):
            place += f" ({name})"
            if name in seen:
                problems.append(f"{place}: name: another deployment has this one; choose another")
            seen.add(name)
        try:
            wanted = Deployment.model_validate(raw)
        except ValidationError as error:
            problems += _told(f"{place}: ", error, Deployment)
            continue
        if pools and wanted.work_pool is None:
            problems.append(f"{place}: work_pool: is missing; exemplar deploy --serve needs none")
        try:
            entries.append(Entry(wanted, _flow(wanted)))
        except DeploymentsError as error:
            problems += [f"{place}: {line}" for line in str(error).splitlines()]
    if problems:
        raise _refused(path, problems)
    return entries


def _flow(wanted: Deployment) -> Flow[..., Any]:
    """Loads the flow and tries the parameters that runs would have."""
    try:
        if not re.search(r"[^:.][:.]\w+$", wanted.entrypoint):
            raise ValueError("this names no flow")
        flow = load_flow_from_entrypoint(wanted.entrypoint, use_placeholder_flow=False)
    except (MissingFlowError, ScriptError, ImportError, OSError, ValueError) as error:
        reason = getattr(error, "user_exc", error)  # what a script raised, where one did
        said = str(reason).strip().splitlines()
        raise DeploymentsError(
            f"entrypoint: expected FILE.py:FLOW, got {wanted.entrypoint!r}: "
            f"{said[0] if said else type(reason).__name__}"
        ) from None
    known, problems = flow.parameters.properties, []
    sets = {f"schedules.{number}.parameters": schedule.parameters
            for number, schedule in enumerate(wanted.schedules) if schedule.parameters}  # fmt: skip
    for key, more in {"parameters": {}, **sets}.items():
        given = {**wanted.parameters, **more}
        if unknown := [name for name in given if name not in known]:
            problems.append(f"{key}: unknown: {', '.join(unknown)}; {flow.name} takes "
                            f"{', '.join(known) or 'none'}")  # fmt: skip
            continue
        try:
            flow.validate_parameters({**_defaults(flow), **given})
        except (ParameterTypeError, ParameterBindError, SignatureMismatchError, TypeError) as error:
            problems.append(f"{key}: {' '.join(str(error).split())}")
    if problems:
        raise DeploymentsError("\n".join(dict.fromkeys(problems)))
    return flow


def _defaults(flow: Flow[..., Any]) -> dict[str, Any]:
    return {name: value["default"] for name, value in flow.parameters.properties.items()
            if "default" in value}  # fmt: skip


def _refused(path: Path, problems: Problems) -> DeploymentsError:
    return DeploymentsError("\n".join([f"{path} does not fit:", *(f"  {p}" for p in problems)]))


def _told(place: str, error: ValidationError, model: type[Settings]) -> Problems:
    return [
        f"{place}{'.'.join(map(str, item['loc'])) or 'entry'}: {message_of(item)}"
        + (f"; there are: {', '.join(_keys(model))}" if _is_unknown(item) else "")
        for item in error.errors()
    ]


def _keys(model: type[Settings]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _is_unknown(item: Any) -> bool:
    return item["type"] == "extra_forbidden" and len(item["loc"]) == 1
