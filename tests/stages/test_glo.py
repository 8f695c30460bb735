"""`glo`, `imle` and `glann_baselines` as stages: killed, gone on with, and images added."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from exemplar.methods.glann import baselines, glo
from exemplar.methods.glann.codes import read_codes
from exemplar.methods.glann.model import BASELINES, METHODS, load_sampler
from exemplar.methods.glann.settings import GloSettings
from exemplar.store import layout
from exemplar.store.files import content_hash
from exemplar.store.items import read_items, write_items
from stages import glann_baselines, imle
from stages import glo as glo_stage
from tests.stages.glann_run import TRAINED, write_domain

ROOT = Path(__file__).resolve().parents[2]
PARAMS = {
    "domains": {"d": {}},
    "glo": {
        "generator": {"codes": 5, "hidden": 8, "width": 4},
        "loss": {"kind": "laplacian"},
        "training": {"epochs": 3, "batch": 4, "checkpoint_every": 2, "start": "pca"},
        "samples": 2,
    },
    "imle": {"mapping": {"noise": 3, "hidden": 8}, "training": {"epochs": 2, "batch": 4}},
    "glann_baselines": {
        "imle_pixels": {"epochs": 2, "batch": 4},
        "vae": {"epochs": 2, "batch": 4},
    },
}


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """Runs a stage in a folder with a small domain."""
    monkeypatch.chdir(tmp_path)
    write_domain("d")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMS))

    def run(module, *more):
        monkeypatch.setattr(sys, "argv", ["stage", "--domain", "d", "--seed", "2", *more])
        module.main()

    return run


def all_of(stage):
    stage(glo_stage)
    stage(imle)
    for baseline in BASELINES:
        stage(glann_baselines, "--baseline", baseline)


def test_everything_that_samplers_need(stage, tmp_path):
    all_of(stage)
    for method in METHODS:
        assert load_sampler(method, "d", 2).sample(3, 0).shape == (3, 16, 16, 3)
    ids, codes = read_codes(layout.glann_codes("d", 2))
    assert ids == [f"d-{number}" for number in range(TRAINED)] and codes.shape == (TRAINED, 5)
    losses = {
        "glo": "step,reconstruction",
        "imle": "step,distance",
        "imle_pixels": "step,distance",
        "vae_l1": "step,reconstruction,divergence",
        "vae_perceptual": "step,reconstruction,divergence",
    }
    for part, header in losses.items():
        lines = (layout.glann_progress("d", 2, part) / "losses.csv").read_text().splitlines()
        assert lines[0] == header and len(lines) > 1
    pictures = sorted((layout.glann_progress("d", 2, "glo") / "samples").iterdir())
    assert [path.name for path in pictures] == [f"{step:07d}.png" for step in (2, 4, 6, 8, 9)]
    assert not any((tmp_path / ".work").rglob("*.safetensors"))


@pytest.mark.parametrize("killed_at", [2, 5])
def test_killed_and_gone_on_with_they_are_the_same(stage, tmp_path, monkeypatch, killed_at):
    all_of(stage)
    wanted = content_hash(tmp_path / "models")
    for module, where, name, more in (
        (glo_stage, glo.Fit, "__call__", ()),
        (glann_baselines, baselines, "_descend", ("--baseline", "vae_l1")),
    ):
        steps, whole = 0, getattr(where, name)

        def killed(*given, whole=whole):
            nonlocal steps
            steps += 1
            if steps > killed_at:
                raise KeyboardInterrupt
            return whole(*given)

        with monkeypatch.context() as patch:
            patch.setattr(where, name, killed)
            with pytest.raises(KeyboardInterrupt):
                stage(module, *more)
        stage(module, *more)
    assert content_hash(tmp_path / "models") == wanted


def test_images_added_and_removed_keep_their_codes(stage, tmp_path):
    stage(glo_stage)
    before = dict(zip(*read_codes(layout.glann_codes("d", 2)), strict=True))
    (tmp_path / "kept").mkdir()
    for path in (tmp_path / "models" / "glann").iterdir():
        if path.is_file():
            path.rename(tmp_path / "kept" / path.name)
    items = read_items(layout.items("d"))
    items.loc[0, "split"] = "test"  # one is taken away, one comes
    items.loc[TRAINED, "split"] = "train"
    write_items(layout.items("d"), items)
    still = {
        "begin_from": {"d": "kept/d-2-glo.safetensors"},
        "training": PARAMS["glo"]["training"] | {"rate": 1e-9, "generator_rate": 1e-9},
    }
    params = PARAMS | {"glo": PARAMS["glo"] | still}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    stage(glo_stage)
    ids, codes = read_codes(layout.glann_codes("d", 2))
    assert ids == [f"d-{number}" for number in range(1, TRAINED + 1)]
    for name, code in zip(ids[:-1], codes, strict=False):
        assert np.allclose(code, before[name], atol=1e-5)
    assert ids[-1] not in before


@pytest.mark.parametrize("document", ["docs/glann.md", "params.yaml"])
def test_published_settings_as_documented_can_be_used(document):
    text = (ROOT / document).read_text()
    if document.endswith(".md"):
        blocks = [block.split("```")[0] for block in text.split("```yaml\n")[1:]]
        (found,) = [yaml.safe_load(block) for block in blocks if "preset: paper" in block]
    else:
        (line,) = [line for line in text.splitlines() if line.startswith("  # glo: {preset")]
        found = yaml.safe_load(line.removeprefix("  # "))
    settings = GloSettings.model_validate(found["glo"])
    assert (settings.training.epochs, settings.loss.backbone.name) == (500, "vgg16")
    # What dvc.yaml takes from the section must be said in it.
    needed = re.findall(r"\$\{glo\.([\w.]+)\}", (ROOT / "dvc.yaml").read_text()) + ["loss"]
    for name in needed:
        value = found["glo"]
        for key in name.split("."):
            value = value[key]
