from __future__ import annotations

import ast
import errno
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
import torch

import stages
from exemplar.features.backbone import EstimatorTrunkSettings, load_backbone
from exemplar.features.frozen import select_layers
from exemplar.features.pyramid import load_pyramid
from exemplar.features.timm_backbone import TimmSettings
from exemplar.features.torchvision_backbone import TorchvisionSettings
from exemplar.matching.engine import MatchingSettings, match
from exemplar.matching.exact import match_exact
from exemplar.methods.glann.generator import Generator, GeneratorSettings
from exemplar.settings import SettingsError
from exemplar.store import layout
from exemplar.store.files import DiskError
from exemplar.training.loop import TrainingError
from exemplar.training.patchgan import PatchGAN
from stages import index
from stages.ends import explained, run
from tests.stages.small_domain import CONDITION, DOMAIN, write_images, write_params

X = torch.ones(4, 4, 1)
ROOT = Path(__file__).resolve().parents[2]
RUN = ["--domain", DOMAIN, "--condition", CONDITION]


@pytest.fixture
def domain(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_params()
    write_images(list(range(6)))
    return tmp_path


def ended(*arguments: str, **environment: str) -> tuple[int, str]:
    """The exit status of a stage, and what it says on the standard error."""
    done = subprocess.run(
        [sys.executable, "-m", f"stages.{arguments[0]}", *arguments[1:]],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_every_stage_ends_in_one_way():
    found = []
    for path in sorted(Path(stages.__path__[0]).glob("*.py")):
        last = ast.parse(path.read_text()).body[-1]
        if "def main()" in path.read_text():
            found.append(path.stem)
            assert ast.unparse(last) == "if __name__ == '__main__':\n    run(main)", path
            assert import_module(f"stages.{path.stem}").run is run, path
    commands = re.findall(r"-m stages\.(\w+)", (ROOT / "dvc.yaml").read_text())
    assert found == sorted(set(commands))


def test_a_wrong_setting_is_one_message(domain):
    write_params(prepare={"workers": 0, "seedling": 1}, domains={DOMAIN: {"kind": "digits"}})
    lines = {line: n for n, line in enumerate(Path("params.yaml").read_text().splitlines(), 1)}
    said = (
        "prepare: params.yaml does not fit:\n"
        f"  line {lines['  workers: 0']}: prepare.workers: Input should be greater than or equal "
        "to 1, got 0\n"
        f"  line {lines['  seedling: 1']}: prepare.seedling: Extra inputs are not permitted, got 1"
        "; did you mean 'seed'?\n"
    )
    assert ended("prepare", "--domain", DOMAIN) == (1, said)


def test_what_is_missing_or_damaged_is_one_message(domain, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["/some/where/stages/index.py", *RUN])

    def said() -> str:
        with pytest.raises(SystemExit) as end:
            run(index.main)
        assert end.value.code == 1
        return capsys.readouterr().err

    remedy = "the stage that makes it has not run: `exemplar reproduce`\n"
    features, items = layout.features(DOMAIN, CONDITION), layout.items(DOMAIN)
    assert said() == f"index: {features}: no Zarr group; {remedy}"
    whole = items.read_bytes()
    for damaged in (whole[:-9], whole[:9], b"", whole[:40] + whole[90:]):
        items.write_bytes(damaged)
        told = said()
        assert told.startswith(f"index: {items}: cannot be read as a table of images (")
        assert told.endswith("; remove it and run `exemplar reproduce`\n")
    pd.DataFrame({"id": ["a"]}).to_parquet(items)
    assert said().startswith(f"index: {items}: cannot be read as a table of images (")
    items.unlink()
    assert said() == f"index: {items}: no such table; {remedy}"
    items.write_bytes(whole)
    Path("params.yaml").unlink()
    root = "run from the project's root, where params.yaml lies"
    assert said() == f"index: params.yaml: no such file; {root}\n"


def test_the_traceback_of_an_explained_error_can_be_had(monkeypatch):
    monkeypatch.setenv("EXEMPLAR_TRACEBACK", "1")
    error = SettingsError("a: wrong")
    with pytest.raises(SettingsError) as raised:
        run(raising(error))
    assert raised.value is error


def test_a_fault_of_the_code_keeps_its_traceback(domain):
    fault = (
        "import exemplar.data.domains as domains\n"
        "def fault(*given):\n"
        "    raise ValueError('a fault')\n"
        "domains.prepare_domain = fault\n"
    )
    Path("sitecustomize.py").write_text(fault)  # which Python imports as it starts
    status, said = ended("prepare", "--domain", DOMAIN, PYTHONPATH=f"{domain}{os.pathsep}{ROOT}")
    assert status == 1
    assert said.startswith("Traceback (most recent call last):\n")
    assert said.endswith("in fault\n    raise ValueError('a fault')\nValueError: a fault\n")


def raising(error: BaseException):
    def main() -> None:
        raise error

    return main


def test_interrupted_stages_end_quietly(capsys):
    with pytest.raises(SystemExit) as end:
        run(raising(KeyboardInterrupt()))
    assert end.value.code == 130
    assert capsys.readouterr() == ("", "")


def test_notes_are_told(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["/some/where/stages/features.py"])
    error = TrainingError("the loss is not finite")
    error.add_note("while rows 0 to 63 were made")
    with pytest.raises(SystemExit) as end:
        run(raising(error))
    assert end.value.code == 1
    said = "features: the loss is not finite\nwhile rows 0 to 63 were made\n"
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SettingsError("a: wrong"), "a: wrong"),
        (DiskError("a: full"), "a: full"),
        (
            OSError(errno.ENOSPC, "No space left on device", "data/a"),
            "data/a: No space left on device; see to the disk and run again",
        ),
        (OSError(errno.EDQUOT, "Quota"), "Quota; see to the disk and run again"),
        (
            PermissionError(errno.EACCES, "Permission denied", Path("a")),
            "a: Permission denied; see to the disk and run again",
        ),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "a.csv"),
            "a.csv: No such file or directory; if a stage makes it, run `exemplar reproduce`",
        ),
        (OSError("of a library"), None),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), None),
        (ValueError("a: wrong"), None),
        (RuntimeError("a"), None),
        (KeyError("a"), None),
    ],
)
def test_what_the_project_explains(error, said):
    assert explained(error) == said
    if said is None:
        with pytest.raises(type(error)) as raised:
            run(raising(error))
        assert raised.value is error


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda: load_backbone(EstimatorTrunkSettings(), None, "cpu"), "run the stage"),
        (lambda: load_backbone(TorchvisionSettings(name="vgg91"), None, "cpu"), "no classifier"),
        (lambda: load_backbone(TimmSettings(name="resnet"), None, "cpu"), "timm has no network"),
        (lambda: load_pyramid(TimmSettings(name="resnet18"), None), "choose one of the kinds"),
        (lambda: select_layers(["conv9"], ["conv1"], "a net"), "a net has no layer conv9"),
        (lambda: PatchGAN(3, 8)(torch.zeros(1, 3, 8, 8)), "too small"),
        (lambda: match(X, X[None], (7,)), "windows must be sides from 1 to 4"),
        (lambda: match(X / 0, X[None], (1,)), "must be finite"),
        (lambda: match(X, X[None], (1,), MatchingSettings(support=1)), "support 1 needs"),
        (lambda: match_exact(X, X[None], (1,), "tf32"), "choose f32"),
        (lambda: Generator(GeneratorSettings(), 30), "expected images of 8 to 64 pixels"),
    ],
)
def test_what_settings_and_data_bring_about_is_explained(fault, said):
    with pytest.raises(ValueError, match=said) as raised:
        fault()
    assert explained(raised.value) == str(raised.value)
