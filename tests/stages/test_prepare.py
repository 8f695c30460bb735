from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from exemplar.data import synthetic
from exemplar.data.inputs import DomainError
from exemplar.data.splits import NEEDED
from exemplar.settings import SettingsError
from exemplar.store.items import read_items
from stages import glann_prepare, prepare

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project's root with a few photographs, one of them bad."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw" / "cats").mkdir(parents=True)
    for seed in range(200):
        pixels = np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "raw" / "cats" / f"{seed:03}.png")
    (tmp_path / "raw" / "bad.jpg").write_bytes(b"no image")
    params = {
        "prepare": {"image_size": 16, "workers": 1},
        "domains": {
            "mine": {"kind": "folder", "root": "raw", "min_side": 8},
            "digits": {"kind": "digits", "size": 8, "limit": 10},
            "heads": {"kind": "rendered", "train": 2, "val": 1, "test": 1},
        },
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    return tmp_path


def run(monkeypatch, domain: str) -> None:
    monkeypatch.setattr(sys, "argv", ["prepare", "--domain", domain])
    prepare.main()


def test_photographs_become_a_domain(project, monkeypatch, capsys):
    run(monkeypatch, "mine")
    assert sorted(p.name for p in Path("data/mine").iterdir()) == [
        "images.zarr", "items.parquet", "rejected.csv",
    ]  # fmt: skip
    assert len(read_items("data/mine/items.parquet")) == 200
    assert pd.read_csv("data/mine/rejected.csv")["source"].tolist() == ["bad.jpg"]
    assert "200 images, 1 of 201 inputs rejected" in capsys.readouterr().err


def test_rendered_is_chosen_by_its_kind(project, monkeypatch):
    asked = []
    monkeypatch.setattr(synthetic, "prepare_rendered", lambda *args: asked.append(args))
    run(monkeypatch, "heads")
    (out, settings, common, needed) = asked[0]
    assert needed == NEEDED
    assert out == Path("data/heads")
    assert (settings.train, common.image_size) == (2, 16)


def test_glann_s_domains_are_prepared_alike(project, monkeypatch):
    run(monkeypatch, "mine")
    whole = {p: p.read_bytes() for p in Path("data/mine").rglob("*") if p.is_file()}
    for path in whole:
        path.unlink()
    monkeypatch.setattr(sys, "argv", ["glann_prepare", "--domain", "mine"])
    glann_prepare.main()
    assert {p: p.read_bytes() for p in Path("data/mine").rglob("*") if p.is_file()} == whole
    monkeypatch.setattr(sys, "argv", ["glann_prepare", "--domain", "gone"])
    with pytest.raises(SettingsError, match=r"params.yaml has no section"):
        glann_prepare.main()


def test_sets_of_small_images_are_chosen_by_their_kind(project, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["glann_prepare", "--domain", "digits"])
    glann_prepare.main()
    assert read_items("data/digits/items.parquet")["split"].value_counts()["test"] == 10


def test_too_few_photographs_are_told_before_an_image_is_written(project, monkeypatch):
    for path in (project / "raw" / "cats").iterdir():
        if path.stem > "011":
            path.unlink()
    (project / "raw" / "bad.jpg").unlink()
    said = (
        "mine: too few images: train has 10 of at least 11, val has 1 of at least 1, test "
        r"has 1 of at least 1; add photographs \(13 are enough by the default splits\)"
    )
    with pytest.raises(DomainError, match=said):
        run(monkeypatch, "mine")
    assert [path.name for path in Path("data/mine").iterdir()] == ["rejected.csv"]
    monkeypatch.setattr(sys, "argv", ["glann_prepare", "--domain", "mine"])
    glann_prepare.main()  # which learns from any number


def test_mistakes_end_in_one_message(project, monkeypatch):
    with pytest.raises(SettingsError, match=r"params.yaml has no section 'domains\.gone'"):
        run(monkeypatch, "gone")
    (project / "raw").rename(project / "elsewhere")
    with pytest.raises(DomainError, match="raw: expected a folder of images"):
        run(monkeypatch, "mine")


def test_killed_run_is_finished_by_the_next(project, monkeypatch):
    run(monkeypatch, "mine")
    whole = {p: p.read_bytes() for p in sorted(Path("data/mine").rglob("*")) if p.is_file()}
    for path in whole:
        path.unlink()
    command = [sys.executable, "-m", "stages.prepare", "--domain", "mine"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "images.zarr: 64/200" in line:
                process.kill()
                break
    assert not Path("data/mine/images.zarr/zarr.json").exists()
    run(monkeypatch, "mine")
    again = {p: p.read_bytes() for p in sorted(Path("data/mine").rglob("*")) if p.is_file()}
    assert again == whole
