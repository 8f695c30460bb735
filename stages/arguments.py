"""The arguments of stages: which domain, which condition, whose worker processes."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import TypeVar

from exemplar.settings import load_params, section

Cluster = str | None
"""The section `cluster` of `params.yaml`."""

Name = TypeVar("Name", bound=str)


def domain_of(stage: str) -> str:
    """Parses `--domain`."""
    return _parser(stage).parse_args().domain


def domain_and_condition_of(stage: str) -> tuple[str, str]:
    """Parses `--domain` and `--condition`."""
    parser = _parser(stage)
    parser.add_argument("--condition", required=True, help="lowres, edges, normals or labels")
    arguments = parser.parse_args()
    return arguments.domain, arguments.condition


def domain_and_network_of(stage: str, networks: Sequence[Name]) -> tuple[str, Name]:
    """Parses `--domain` and `--network`, which is one of some."""
    parser = _parser(stage)
    parser.add_argument("--network", required=True, choices=networks, help="which variant")
    arguments = parser.parse_args()
    return arguments.domain, arguments.network


def domain_and_seed_of(stage: str) -> tuple[str, int]:
    """Parses `--domain` and `--seed`."""
    arguments = _seeded(stage).parse_args()
    return arguments.domain, arguments.seed


def domain_seed_and_baseline_of(stage: str, baselines: Sequence[Name]) -> tuple[str, int, Name]:
    """Parses `--domain`, `--seed` and `--baseline`, which is one of some."""
    parser = _seeded(stage)
    parser.add_argument("--baseline", required=True, choices=baselines, help="which method")
    arguments = parser.parse_args()
    return arguments.domain, arguments.seed, arguments.baseline


def cluster_of() -> str | None:
    """The address of the Dask scheduler that `params.yaml` names, or the environment; none if none.

    Where work is done is not part of what results depend on, so it is no argument in `dvc.yaml`.
    """
    return (
        section(load_params(), "cluster", Cluster)
        or os.environ.get("DASK_SCHEDULER_ADDRESS")
        or None
    )


def _seeded(stage: str) -> argparse.ArgumentParser:
    parser = _parser(stage)
    parser.add_argument("--seed", required=True, type=int, help="of the training, from run.seeds")
    return parser


def _parser(stage: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(f"python -m stages.{stage}", allow_abbrev=False)
    parser.add_argument("--domain", required=True, help="a section of domains in params.yaml")
    return parser
