"""What results depend on is what `dvc.yaml` and the stores say they depend on."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import yaml

from exemplar.methods.pixelnn import rows
from flows.checks.sections import MODELS
from stages import conditions
from tests.test_architecture import closure

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_EFFECT = {"workers"}  # on results
OF_OTHERS = {"whole": {"leaders", "exemplars", "threads"}}
"""Numbers that the stage does not use: of `exemplar synth`, or of the order of work alone."""


def listed() -> dict[str, set[str]]:
    """For each stage that lists single numbers of its own section, which."""
    found = {}
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items():
        own = {p.split(".")[1] for p in stage.get("params", []) if p.startswith(f"{name}.")}
        if own:
            found[name] = own
    return found


@pytest.mark.parametrize("stage", listed())
def test_every_number_that_counts_is_listed(stage):
    module, _, model = MODELS[stage].partition(":")
    fields = set(getattr(import_module(module), model).model_fields)
    assert listed()[stage] == fields - WITHOUT_EFFECT - OF_OTHERS.get(stage, set())
    # DVC does not know defaults: what is listed must be there.
    assert fields <= set(yaml.safe_load((ROOT / "params.yaml").read_text())[stage])


def test_features_and_candidates_may_use_any_number_of_workers():
    assert {"features", "candidates"} <= set(listed())


@pytest.mark.parametrize(("name", "maker"), [("conditions", conditions), ("features", rows)])
def test_rows_are_made_anew_when_the_code_that_makes_them_changes(name, maker):
    """Code that only stores, reads settings or trains does not decide what a row is."""
    indifferent = (
        "exemplar/__init__.py", "exemplar/methods/__init__.py", "exemplar/methods/pixelnn/__init__",
        "exemplar/labels/__init__.py", "exemplar/memory.py", "exemplar/settings.py",
        "exemplar/store/", "exemplar/training/", "stages/__init__.py", "stages/arguments.py",
        "stages/ends.py", "stages/features.py",
    )  # fmt: skip
    uncovered = [
        file
        for file in sorted(closure(f"stages.{name}"))
        if not file.startswith(indifferent)
        and not any(file == source or file.startswith(f"{source}/") for source in maker.SOURCES)
    ]
    assert not uncovered, f"add to SOURCES of {maker.__name__}: {uncovered}"
    assert all((ROOT / source).exists() for source in maker.SOURCES)
