"""One stage against DVC: is it up to date, can it be restored, what is recorded when it has run.

These are the steps of DVC's own `Stage.reproduce`, taken apart where the command runs, so that
commands can run side by side while everything that touches the repository happens one at a time
in the coordinator, under DVC's lock. The order of what a user sees is kept as well: `.gitignore`
and `dvc.lock` are written by `settle`, which the coordinator calls in the order of a serial run.
Differences from `dvc repro`: `dvc.lock` is replaced whole, not rewritten in place, so a kill
cannot cut it short; a failing stage does not take back the `.gitignore` lines of the others; a
stage whose dependencies changed while it ran is not recorded, for nobody knows which of the two it
read; and what the cache gives back is looked at (`objects`).
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, cast

from dvc.dependency.db import AbstractDependency
from dvc.dependency.param import ParamsDependency
from dvc.dependency.repo import RepoDependency
from dvc.dvcfile import Lockfile, ProjectFile
from dvc.exceptions import DvcException
from dvc.repo import Repo, lock_repo
from dvc.repo.scm_context import SCMContext
from dvc.rwlock import rwlock
from dvc.stage import PipelineStage, Stage
from dvc.stage.cache import RunCacheNotFoundError
from dvc.stage.run import _enforce_cmd_list, _make_cmd, get_executable, prepare_kwargs
from dvc_data.hashfile.tree import Tree

from exemplar.store.files import remove, replace
from tasks.command import Command
from tasks.objects import distrusted, forget_runs, has_run, unreadable

SHOWN = 5  # changed dependencies that a message spells out


class Found(Enum):
    """What `begin` found a stage to be."""

    UNCHANGED = "unchanged"
    RESTORED = "restored"  # its outputs are there again, without running anything
    VERIFIED = "verified"  # frozen, imported or added: nothing to run, outputs recorded
    DUE = "due"  # its command has to run


class HeldIgnores(SCMContext):
    """Collects what is to go into `.gitignore` files until `settle` writes it."""

    def __init__(self, repo: Repo) -> None:
        super().__init__(repo.scm, repo.config)
        self.held: list[str] = []

    def ignore(self, path: str) -> None:
        """Called by DVC for each output it saves."""
        self.held.append(path)

    def release(self, paths: list[str]) -> None:
        """Writes them, as DVC does."""
        for path in paths:
            super().ignore(path)


State = tuple[Any, dict[str, str]]
"""A parameter's value, or the hash of a file or folder; and those of a folder's files if known."""


@dataclass
class Attempt:
    """A stage under way: what DVC must be told when it ends.

    Attributes:
        stage: the stage.
        ignored: outputs to be named in `.gitignore` files.
        claims: DVC's record, for other DVC processes, that this stage's files are in use.
        read: each dependency's state when the stage was begun, by name.
        damage: what was wrong with what the cache has of the outputs; empty if nothing.
        known: the run cache has such a run, so the cache may have objects that are saved again.
    """

    stage: Stage
    ignored: list[str] = field(default_factory=list)
    claims: ExitStack = field(default_factory=ExitStack)
    read: dict[str, State] = field(default_factory=dict)
    damage: str = ""
    known: bool = False


class ChangedError(DvcException):
    """What a stage depends on is not what it was when the stage was begun."""


def hold_ignores(repo: Repo) -> None:
    """Makes this repository object collect `.gitignore` lines instead of writing them at once."""
    repo.__dict__["scm_context"] = HeldIgnores(repo)


def is_changed(stage: Stage) -> bool:
    """Whether `dvc repro` would find the stage changed as the files are now."""
    with lock_repo(stage.repo):
        return stage.changed()


def begin(stage: Stage, force: bool) -> tuple[Found, Attempt]:
    """Takes a stage as far as it goes without running its command.

    Args:
        stage: its upstream stages are done.
        force: run it even if nothing changed or the run cache has it.

    Returns:
        What it was found to be, and the attempt: to be recorded after the command ran if `DUE`,
        else complete.
    """
    attempt = Attempt(stage)
    with lock_repo(stage.repo):
        if not force and not stage.changed():
            return Found.UNCHANGED, attempt
        if stage.is_import or stage.frozen or not stage.cmd:
            stage.reproduce(force=force)
            attempt.ignored = _take_held(stage.repo)
            return Found.VERIFIED, attempt
        with ExitStack() as claims:
            claims.enter_context(_claimed(stage))
            stage.remove_outs(ignore_remove=False, force=False)
            if not force and _restored(attempt):
                return Found.RESTORED, attempt
            stage.save_deps()
            attempt.read, attempt.known = _states(stage), bool(attempt.damage) or has_run(stage)
            attempt.claims = claims.pop_all()
            return Found.DUE, attempt


def record(attempt: Attempt) -> None:
    """After the command ran: hashes the outputs and puts them and the run into the cache.

    Raises:
        ChangedError: a dependency changed while the command ran; nothing is recorded.
    """
    repo = attempt.stage.repo
    with lock_repo(repo), attempt.claims, distrusted(repo) if attempt.known else nullcontext():
        _save(attempt)


def give_up(attempt: Attempt) -> None:
    """After the command failed: drops the stage's claims; nothing is recorded."""
    with lock_repo(attempt.stage.repo):
        attempt.claims.close()


def settle(attempt: Attempt) -> None:
    """Writes the stage's `.gitignore` lines and its entry in `dvc.lock`."""
    stage = attempt.stage
    context = cast(HeldIgnores, stage.repo.scm_context)
    with lock_repo(stage.repo), context(quiet=True):
        context.release(attempt.ignored)
        if not isinstance(stage, PipelineStage):
            stage.dump(update_pipeline=False)
            return
        lockfile = cast(ProjectFile, stage.dvcfile)._lockfile
        # In DVC's own folder, so that a kill leaves no litter beside dvc.lock.
        partial = Lockfile(stage.repo, str(Path(str(stage.repo.tmp_dir)) / "dvc.lock"))
        remove(Path(partial.path))
        if Path(lockfile.path).exists():
            shutil.copy(lockfile.path, partial.path)
        partial.dump_stages([stage])
        replace(Path(partial.path), Path(lockfile.path))
        context.files_to_track.discard(partial.relpath)
        context.track_file(lockfile.relpath)


def command_of(stage: Stage, logs: Path) -> Command:
    """What DVC would run for a stage: the same shell, folder and environment.

    Args:
        stage: a stage with a command.
        logs: the folder that takes the output.
    """
    # DVC's own entry point runs the command as well, on the terminal and for as long as it lives;
    # these are the parts it is made of.
    given = prepare_kwargs(stage)
    shell = get_executable() or "/bin/sh"
    lines = _enforce_cmd_list(stage.cmd)
    return Command(
        stage=stage.addressing,
        text="\n".join(lines),
        steps=tuple(tuple(_make_cmd(shell, line)) for line in lines),
        folder=str(given["cwd"]),
        environment={"PYTHONUNBUFFERED": "1", **given["env"]},
        log=str(logs / f"{stage.addressing.replace('/', '-').replace(':', '-')}.log"),
    )


def _restored(attempt: Attempt) -> bool:
    """Restores a stage's outputs from the cache, if it has them and they are whole."""
    stage = attempt.stage
    with distrusted(stage.repo) as removed:
        try:
            stage.repo.stage_cache.restore(stage)
        except RunCacheNotFoundError:
            if removed:
                attempt.damage = f"DVC's cache had it damaged ({removed[0]}, which is removed)"
            return False
        if wrong := unreadable(stage):
            attempt.damage = f"it was recorded although it is not whole ({wrong})"
            forget_runs(stage)
            stage.remove_outs(ignore_remove=False, force=False)
            return False
        attempt.read = _states(stage)
        _save(attempt)
    return True


def _save(attempt: Attempt) -> None:
    """The end of DVC's `Stage.run`; what it would write to `.gitignore` is kept for later."""
    stage = attempt.stage
    uncached = any(not out.use_cache and not out.is_metric and not out.is_plot
                   for out in stage.outs)  # fmt: skip
    try:
        stage.save(run_cache=False)
        _require_same(attempt.read, _states(stage))
        if not uncached:
            stage.repo.stage_cache.save(stage)
        stage.commit()
    finally:
        attempt.ignored = _take_held(stage.repo)


def _states(stage: Stage) -> dict[str, State]:
    """What DVC last found each dependency to be, by name; parameters one by one."""
    states: dict[str, State] = {}
    for dep in stage.deps:
        value: Any = dep.hash_info.value if dep.hash_info else None
        if isinstance(dep, ParamsDependency):
            states |= {f"{dep}: {name}": (held, {}) for name, held in (value or {}).items()}
        else:
            files = dep.obj if isinstance(dep.obj, Tree) else ()
            hashes = {"/".join([str(dep), *key]): str(found) for key, _, found in files}
            states[str(dep)] = value, hashes
    return states


def _require_same(before: dict[str, State], after: dict[str, State]) -> None:
    changed: list[str] = []
    for name in _differing(before, after):
        (_, old), (_, new) = before.get(name, (None, {})), after.get(name, (None, {}))
        changed += (old and new and _differing(old, new)) or [name]
    if changed:
        more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        raise ChangedError(
            f"changed while it ran: {', '.join(changed[:SHOWN])}{more}; whether it was made with "
            "the old or the new is not known, so nothing is recorded: run `exemplar reproduce` "
            "again, which makes it from what is there then"
        )


def _differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names whose values differ, or that only one of the two has."""
    nothing = object()
    names = sorted(before.keys() | after.keys())
    return [name for name in names if before.get(name, nothing) != after.get(name, nothing)]


def _take_held(repo: Repo) -> list[str]:
    context = cast(HeldIgnores, repo.scm_context)
    held, context.held = context.held, []
    return held


@contextmanager
def _claimed(stage: Stage) -> Iterator[None]:
    """Tells other DVC processes that the stage reads its dependencies and writes its outputs."""
    reads = [d for d in stage.deps if not isinstance(d, RepoDependency | AbstractDependency)]
    with rwlock(
        stage.repo.tmp_dir,
        stage.repo.fs,
        " ".join(sys.argv),
        [dep.fs_path for dep in reads],
        [out.fs_path for out in stage.outs],
        stage.repo.config["core"].get("hardlink_lock", False),
    ):
        yield
