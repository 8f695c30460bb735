"""Which stages there are to reproduce, in DVC's order, and what each has to wait for."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
from dvc.dependency.param import ParamsDependency
from dvc.repo import Repo, lock_repo
from dvc.repo.reproduce import collect_stages, get_active_graph
from dvc.stage import Stage

from exemplar.settings import load_params

PIPELINE = "dvc.yaml"
PARAMS = "params.yaml"


class PlanError(ValueError):
    """`dvc.yaml` or the names asked for do not make a plan."""


@dataclass(frozen=True)
class Step:
    """One stage of a plan.

    Attributes:
        stage: DVC's stage.
        name: its address, such as `regressor@rendered-edges`.
        threads: how many cores it keeps busy: `meta.threads` in `dvc.yaml` times `meta.workers`.
        after: positions in the plan, before its own, of the stages whose outputs it reads.
        reads_folders: it reads whole folders that others' outputs lie in.
        params: the keys of the settings file that it depends on, such as `domains.rendered`.
        chain: how many stages, one waiting for another, end with this plan's last ones; at least 1.
    """

    stage: Stage
    name: str
    threads: int
    after: tuple[int, ...]
    reads_folders: bool
    params: frozenset[str]
    chain: int


def open_repository(root: str | None = None) -> Repo:
    """Opens the DVC repository that holds `root` (the current folder if not given).

    Other DVC commands hold its lock for moments; this one waits for them. DVC's own lines of
    progress, written for one stage at a time, are turned off.
    """
    logging.getLogger("dvc").setLevel(logging.WARNING)
    for name in ("dvc_data", "dvc_objects"):  # a line a file; the stage's failure says it once
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return Repo(root, _wait_for_lock=True)


def make_plan(repo: Repo, targets: Sequence[str] = ()) -> list[Step]:
    """Lists the targets and everything upstream of them, as `dvc repro` would go through them.

    The settings file is read first: its names become parts of commands and of outputs' paths.

    Args:
        repo: the repository.
        targets: stages, groups of stages (`regressor` for all of `regressor@…`) or outputs' stage
            files; all of `dvc.yaml` if empty.

    Returns:
        Steps; each comes after all it waits for.

    Raises:
        SettingsError: the settings file cannot be read, or has a name that is none.
        PlanError: a stage's `meta.threads` or `meta.workers` is not a whole number of at least 1.
        dvc.exceptions.DvcException: a target is unknown or `dvc.yaml` is wrong.
    """
    load_params(Path(os.path.relpath(repo.root_dir), PARAMS))
    with lock_repo(repo):
        whole = repo.index.graph
        graph = get_active_graph(whole)
        wanted = collect_stages(repo, targets or [PIPELINE])
    keep = {above for stage in wanted for above in [stage, *nx.descendants(graph, stage)]}
    # DVC goes through a view of the graph, which keeps the graph's order, or, where less than half
    # of it is wanted, a set's order, which changes from run to run. A copy always keeps the order.
    view = nx.DiGraph()
    view.add_nodes_from(stage for stage in graph if stage in keep)
    view.add_edges_from((stage, above) for stage in view for above in graph.successors(stage))
    order = list(nx.dfs_postorder_nodes(view))
    position = {stage: index for index, stage in enumerate(order)}
    chain = dict.fromkeys(order, 1)
    for stage in reversed(order):
        for above in view.successors(stage):
            chain[above] = max(chain[above], chain[stage] + 1)
    return [
        Step(
            stage=stage,
            name=stage.addressing,
            threads=_threads(stage),
            after=tuple(sorted(_positions_before(position, stage, whole.successors(stage)))),
            reads_folders=_reads_folders(stage, list(view.successors(stage))),
            params=_params(stage),
            chain=chain[stage],
        )
        for stage in order
    ]


def _positions_before(
    position: dict[Stage, int], stage: Stage, upstream: Iterable[Stage]
) -> list[int]:
    """Where in the plan the upstream stages are; of a frozen stage's, those DVC goes to before it.

    A frozen stage does not have its upstream stages reproduced, but it records the state of its
    dependencies as DVC comes by.
    """
    places = [position[above] for above in upstream if above in position]
    return [place for place in places if place < position[stage]]


def _threads(stage: Stage) -> int:
    """`meta.threads` of each of `meta.workers` processes; both are 1 if not said."""
    meta = stage.meta if isinstance(stage.meta, dict) else {}
    cores = 1
    for name in ("threads", "workers"):
        value = meta.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise PlanError(
                f"{PIPELINE}: stage {stage.addressing}: meta.{name}: expected a whole number of "
                f"at least 1, got {value!r}"
            )
        cores *= value
    return cores


def _params(stage: Stage) -> frozenset[str]:
    """The keys of the settings file that a stage depends on."""
    found = (dep for dep in stage.deps if isinstance(dep, ParamsDependency))
    return frozenset(key for dep in found if Path(dep.fs_path).name == PARAMS for key in dep.params)


def _reads_folders(stage: Stage, upstream: list[Stage]) -> bool:
    """Whether a dependency is a folder above an upstream's output."""
    outs = [out.fs_path for above in upstream for out in above.outs]
    return any(
        dep.fs_path != out and dep.fs.isin(out, dep.fs_path) for dep in stage.deps for out in outs
    )
