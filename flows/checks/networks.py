"""The networks that come as packages: which are there, and how to get what is not."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from exemplar.features import efficientnet_lite2, hed
from exemplar.settings import SettingsError, load_params
from exemplar.store.packaged import PackagedWeights
from exemplar.store.weights import WeightsError
from flows.checks.finding import Finding, ok, problem

PACKAGED = {efficientnet_lite2.KIND: efficientnet_lite2.WEIGHTS, hed.KIND: hed.WEIGHTS}
OPTIONAL = {hed.KIND: "h5py"}
"""Networks of the extra `networks`, and what reads their weights."""


def check_networks() -> Iterator[Finding]:
    """Looks for each network, and for those that are missing whether `params.yaml` names them."""
    try:
        named = set(kinds(load_params()))
    except SettingsError:  # of which the check of the project tells
        named = set()
    for kind, weights in PACKAGED.items():
        yield network(kind, weights, kind in named)


def kinds(value: Any) -> Iterator[str]:
    """Every `kind` in settings, however deep."""
    if isinstance(value, dict):
        if isinstance(value.get("kind"), str):
            yield value["kind"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from kinds(item)


def network(kind: str, weights: PackagedWeights, named: bool) -> Finding:
    """Checks that a network is whole, or absent without being needed."""
    subject, reader = f"network {kind}", OPTIONAL.get(kind)
    missing = [weights.package] if weights.found() is None else []
    if reader is not None and find_spec(reader) is None:
        missing.append(reader)
    if missing and reader is not None and not named:
        return ok(subject, f"not there and not named in params.yaml; to get it, {weights.advice}")
    if missing:
        return problem(subject, f"not installed: {', '.join(missing)}", weights.advice)
    try:
        path = weights.path()
    except WeightsError as error:
        return problem(subject, str(error), "make clean setup")
    return ok(subject, f"{weights.package}, {path.stat().st_size / 1e6:.1f} MB")
