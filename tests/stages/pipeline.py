"""Running the pipeline's stages in a folder of their own: one process each, or one for all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SIDE = 32
PARAMS: dict[str, Any] = {
    "run": {"domains": ["rendered"], "conditions": ["edges"]},
    "prepare": {"image_size": SIDE, "seed": 1, "rejected_limit": 0.0, "workers": 1},
    "domains": {"rendered": {"kind": "rendered", "train": 14, "val": 2, "test": 2}},
    "estimators": {
        "network": {"width": 4, "hidden": 8},
        "training": {"steps": 12, "batch": 4, "pixels": 64, "checkpoint_every": 5},
    },
    "judge": {
        "heads": 6,
        "network": {"width": 4, "hidden": 8},
        "training": {"steps": 12, "batch": 4, "pixels": 64, "checkpoint_every": 5, "seed": 1},
    },
    "conditions": {},
    "regressor": {
        "network": {"width": 4, "hidden": 8},
        "training": {"steps": 12, "batch": 4, "pixels": 64, "checkpoint_every": 5},
    },
    "removed": {},
    "projection": {"dimensions": 8, "sample": 6},
    "features": {},
    "candidates": {},
    "coherent": {
        "composition": "voted",
        "likeness": 0.5,
        "matching": {"search": "coarse_to_fine", "support": 2},
    },
    "ranking": {"images": 2, "few": 5},
    "whole": {
        "rendered": 40,
        "leaders": 2,
        "exemplars": [1, 2],
        "few": 3,
        "tested": {"leaders": 2, "exemplars": [1, 2]},
        "patches": {"coarsest": 10, "whole_side": 16, "rounds": 2, "patch": 5, "dimensions": 8},
    },
    "pix2pix": {
        "network": {"width": 4, "levels": 2, "noisy": 1},
        "discriminator": {"width": 4, "layers": 1},
        "training": {"epochs": 1, "decay_epochs": 1, "checkpoint_every": 5},
        "samples": 1,
    },
    "evaluate": {
        "rounds": 3,
        "detail": {"side": 40, "candidates": 1, "photographs": 3, "judged": 1},
    },
    "report": {"inputs": 1, "candidates": 3},
    "cluster": None,
}
PER_CONDITION = (
    "regressor", "projection", "features", "index", "candidates", "ranking", "coherent",
    "whole", "pix2pix", "pix2pix_candidates", "evaluate",
)  # fmt: skip


IN_A_ROW = """
import importlib, json, sys
for stage, *arguments in json.loads(sys.argv[1]):
    sys.argv = [stage, *arguments]
    importlib.import_module(f"stages.{stage}").main()
"""


def stages_of(params: dict[str, Any]) -> list[list[str]]:
    """The names of all stages for the domains and conditions of `params`, with their arguments."""
    domains, conditions = params["run"]["domains"], params["run"]["conditions"]
    stages = [["prepare", "--domain", domain] for domain in domains]
    stages += [["estimators"], ["judge"]]
    stages += [["conditions", "--domain", domain] for domain in domains]
    stages += [
        [stage, "--domain", domain, "--condition", condition]
        for domain in domains
        for condition in conditions
        for stage in PER_CONDITION
    ]
    return [*stages, ["report"]]


def run_here(folder: Path, params: dict[str, Any]) -> None:
    """Runs every stage in this process, which has imported most of what they need."""
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage, *arguments in stages_of(params):
            patch.setattr(sys, "argv", [stage, *arguments])
            import_module(f"stages.{stage}").main()


def run_pipeline(folder: Path, params: dict[str, Any], apart: bool = True) -> None:
    """Runs every stage in other processes.

    Args:
        folder: to run in.
        params: of `params.yaml`.
        apart: each stage in a process of its own, as DVC does; or all in one, which is quicker.
    """
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    stages = stages_of(params)
    commands = [["-m", f"stages.{name}", *arguments] for name, *arguments in stages]
    for command in commands if apart else [["-c", IN_A_ROW, json.dumps(stages)]]:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}:\n{done.stderr}"
