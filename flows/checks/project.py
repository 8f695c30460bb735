"""The project: its settings, its data, DVC's and Prefect's state, and unfinished work."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exemplar.settings import SettingsError, load_params
from exemplar.store.partials import is_alive
from flows.checks.finding import Finding, ok, problem, warning
from flows.checks.labels import label_domains
from flows.checks.sections import (
    MODELS,
    sections_of,
    wrong_names,
    wrong_removals,
    wrong_sections,
)
from flows.server import silence

DAY = 86400.0
STALE = 14  # days after which unfinished work is hardly taken up again
WORKPLACE = re.compile("[0-9a-f]{32}")


def check_project() -> Iterator[Finding]:
    """Looks at everything below the project's root, which is the current folder."""
    try:
        params = load_params()
    except SettingsError as error:
        yield problem("params.yaml", str(error), "see the message")
    else:
        yield from settings(params)
        yield from roots(params)
        from flows.checks.photographs import photographs  # brings packages that may be missing

        yield from photographs(params)
        yield from label_domains(params)
    yield from dvc_state(Path())
    yield prefect_server(os.environ.get("PREFECT_API_URL", ""))
    yield from unfinished(Path(".work"), time.time())


def settings(params: dict[str, Any]) -> Iterator[Finding]:
    """Checks every section against its model, and what they say of each other."""
    wrong = [f"unknown section {name!r}" for name in params if name not in MODELS]
    wrong += [*wrong_sections(params, sections_of(params)), *wrong_names(params)]
    yield from (problem("params.yaml", said, "correct it in params.yaml") for said in wrong)
    if not wrong:
        yield ok("params.yaml", f"{len(params)} sections")
        for said in wrong_removals(params):
            advice = "correct it in params.yaml; of new images, run the stage `prepare` first"
            yield problem("params.yaml", said, advice)


def roots(params: dict[str, Any]) -> Iterator[Finding]:
    """Checks that the folders of the domains in use are there."""
    run, domains = params.get("run"), params.get("domains")
    if not isinstance(run, dict) or not isinstance(domains, dict):
        return
    for name in [*(run.get("domains") or []), *(run.get("sampled") or [])]:
        domain = domains.get(name)
        if not isinstance(domain, dict) or not domain.get("root"):
            continue
        root = Path(str(domain["root"]))
        if root.is_dir():
            yield ok(f"domain {name}", str(root))
        elif domain.get("download"):
            yield warning(f"domain {name}", f"no folder {root}", "it will be downloaded there")
        else:
            advice = f"put the images there, or correct domains.{name}.root in params.yaml"
            yield problem(f"domain {name}", f"no folder {root}", advice)


def dvc_state(root: Path) -> Iterator[Finding]:
    """Checks that DVC can work here: its folder, its locks, its cache."""
    if not (root / ".dvc").is_dir() or not (root / "dvc.yaml").is_file():
        advice = "run from the project's root; git checkout .dvc dvc.yaml brings them back"
        yield problem("DVC", "no .dvc or no dvc.yaml here", advice)
        return
    locks = root / ".dvc" / "tmp" / "rwlock"
    try:
        held = json.loads(locks.read_text()) if locks.exists() else {}
        readers = [info for infos in held.get("read", {}).values() for info in infos]
        holders = {info["pid"]: info["cmd"] for info in [*readers, *held.get("write", {}).values()]}
    except (ValueError, KeyError, TypeError, AttributeError):
        seen = f"{locks} was cut short by a kill"
        yield problem("DVC", seen, f"when no DVC is running, remove it: rm {locks}")
        holders = {}
    for pid, command in holders.items():
        if is_alive(pid):
            advice = f"wait for it; if process {pid} is something else, rm {locks}"
            yield warning("DVC", f"held by process {pid}: {command}", advice)
    yield dvc_cache(root)


def dvc_cache(root: Path) -> Finding:
    """Checks that the cache's folder can be written, wherever the configuration puts it."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            cache = Path(repo.cache.local.path)
    except DvcException as error:
        return problem("DVC", str(error), "correct .dvc/config or .dvc/config.local")
    above = next(folder for folder in [cache, *cache.parents] if folder.exists())
    if not os.access(above, os.W_OK):
        advice = "dvc cache dir --local FOLDER names another"
        return problem("DVC", f"cannot write to the cache {cache}", advice)
    return ok("DVC", f"cache {os.path.relpath(cache, root)}")


def prefect_server(address: str) -> Finding:
    """Checks that the Prefect server that was named answers."""
    if not address:
        return ok("Prefect", "no server named: each run has its own")
    if said := silence(address):
        advice = "start it (prefect server start), or unset PREFECT_API_URL"
        return problem("Prefect", f"{address} does not answer: {said}", advice)
    return ok("Prefect", f"{address} answers")


def unfinished(work: Path, now: float) -> Iterator[Finding]:
    """Checks that work left behind by interrupted stages is recent."""
    # Of finished work the folders above its own are left, empty.
    folders = [
        folder
        for folder in sorted(work.rglob("*"))
        if WORKPLACE.fullmatch(folder.name) and any(map(Path.is_file, folder.rglob("*")))
    ]
    ages = {folder: (now - folder.stat().st_mtime) / DAY for folder in folders}
    if any(age < -1 / 24 for age in ages.values()):
        yield warning(".work", "written in the future", "set the machine's clock")
    for folder, age in ages.items():
        if age > STALE:
            seen = f"{folder} was left {age:.0f} days ago"
            yield warning(".work", seen, f"if nothing is running: rm -r {folder}")
    if all(-1 / 24 <= age <= STALE for age in ages.values()):
        left = f"{len(ages)} unfinished, taken up by the next run" if ages else "nothing unfinished"
        yield ok(".work", left)
