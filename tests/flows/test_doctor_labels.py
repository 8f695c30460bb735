"""A few label maps of each domain are read by the doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from flows.checks.labels import FEW, label_domains

LABELS = np.zeros((32, 32), np.uint8)
LABELS[:, 20:] = 1


def params(**values: Any) -> dict[str, Any]:
    own = {"kind": "cityscapes", "root": "raw", "size": [32, 32], "classes": ["sky", "sea"]}
    return {"run": {"domains": ["mine"]}, "domains": {"mine": own | values}}


def put(count: int, labels: np.ndarray) -> None:
    for part, image in (("label", labels), ("img", np.zeros((32, 32, 3), np.uint8))):
        Path("raw", f"train_{part}").mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.fromarray(image).save(Path("raw", f"train_{part}", f"{number:02d}.png"))


def test_what_maps_say_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(20, LABELS)
    (found,) = label_domains(params())
    assert found.state == "ok"
    assert found.seen == f"{FEW} of 20 label maps: sky 62%, sea 38%"
    (found,) = label_domains(params(classes=["sky", "sea", "car"]))
    assert found.state == "warning" and found.seen.endswith("; none of car")
    assert "domains.mine.classes" in found.advice and "lacking: [car]" in found.advice
    (found,) = label_domains(params(classes=["sky", "sea", "car"], lacking=["car"]))
    assert found.state == "ok" and found.seen.endswith("; none of car")
    (found,) = label_domains(params(classes="cityscapes"))
    assert found.state == "ok"


def test_what_is_wrong_with_them_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(2, LABELS + 4)
    found = list(label_domains(params()))
    assert [each.state for each in found] == ["problem", "problem"]
    assert "train_label/00.png: labels 4, 5 have no class" in found[0].seen
    assert "domains.mine" in found[0].advice
    put(2, np.where(LABELS == 0, 255, LABELS).astype(np.uint8))
    (found,) = label_domains(params())
    assert found.state == "problem" and "62% of the pixels have no class" in found.seen
    assert list(label_domains(params(root="none"))) == []
    assert list(label_domains(params(kind="folder"))) == []


def test_maps_beside_photographs_are_looked_at_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(10):
        for split in ("train", "test"):
            photograph = np.random.default_rng(number).integers(0, 255, (64, 64, 3), np.uint8)
            labels = LABELS.repeat(2, 0).repeat(2, 1) + 9 * (number == 0)
            for part, image in (("images", photograph), ("masks", labels)):
                Path("raw", split, part).mkdir(parents=True, exist_ok=True)
                Image.fromarray(image).save(Path("raw", split, part, f"{number}.png"))
    wrong, seen = label_domains(params(kind="labelled", size=32, classes=["sky", "sea", "sun"]))
    assert wrong.state == "problem"
    assert wrong.seen.startswith(
        "train/images/0.png: its label map train/masks/0.png: labels 9, 10"
    )
    assert seen.state == "warning"
    assert seen.seen == f"{FEW - 1} of 10 label maps: sky 62%, sea 38%; none of sun"
    (missing,) = label_domains(params(kind="labelled", size=32, masks="maps"))
    assert "train/maps: expected a folder of label maps of train" in missing.seen


def test_side_by_side_files_are_looked_at_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    colours = {"sky": [90, 90, 250], "sea": [0, 90, 0], "sun": [250, 250, 0]}
    half = np.array(list(colours.values()), np.uint8)[LABELS].repeat(2, 0).repeat(2, 1)
    Path("raw/train").mkdir(parents=True)
    for number in range(10):
        photograph = np.random.default_rng(number).integers(0, 255, half.shape).astype(np.uint8)
        whole = Image.fromarray(np.concatenate([photograph, half], 1))
        whole.save(Path("raw/train", f"{number}.png"))
    own = {"kind": "pairs", "root": "raw", "photo": "left", "condition": "labels"}
    own |= {"classes": colours, "folders": {"test": None}}
    given = {"run": {"domains": ["mine"]}, "domains": {"mine": own}}
    (found,) = label_domains(given)
    assert found.state == "warning" and "lacking: [sun]" in found.advice
    assert found.seen == f"{FEW} of 10 label maps: sky 62%, sea 38%; none of sun"
    own["lacking"] = ["sun"]
    assert [each.state for each in label_domains(given)] == ["ok"]
    own["photo"] = "right"
    assert {each.state for each in label_domains(given)} == {"problem"}
    assert "is the photograph on the other side?" in next(label_domains(given)).seen
