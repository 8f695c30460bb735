"""The arguments of stages: which domain, which condition."""

from __future__ import annotations

import argparse


def domain_of(stage: str) -> str:
    """Parses `--domain`."""
    return _parser(stage).parse_args().domain


def domain_and_condition_of(stage: str) -> tuple[str, str]:
    """Parses `--domain` and `--condition`."""
    parser = _parser(stage)
    parser.add_argument("--condition", required=True, help="lowres, edges, normals or labels")
    arguments = parser.parse_args()
    return arguments.domain, arguments.condition


def _parser(stage: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(f"python -m stages.{stage}", allow_abbrev=False)
    parser.add_argument("--domain", required=True, help="a section of domains in params.yaml")
    return parser
