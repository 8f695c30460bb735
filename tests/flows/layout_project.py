"""A project with a small labelled photograph, in which `exemplar layout` has what it needs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image

from exemplar.estimators import EstimatorsSettings, save_estimators
from exemplar.features.pixelnet import PixelNet, PixelNetSettings
from exemplar.report.layout_results import SUMMARY
from exemplar.store import layout as places

COLOURS = np.array([(10, 10, 200), (200, 10, 10), (10, 160, 10)], np.uint8)
PHOTO, LABELS, OUT = Path("photo.png"), "labels.png", Path("out")
TARGET = (Path("target.png"),)
GAN = {"method": "gan"}


def make_project() -> None:
    """Writes it to the current folder: two halves and a block, and a target that mirrors them."""
    write_estimators(0)
    training = {"iterations": 4, "generator_steps": 1, "checkpoint_every": 2}
    gan = {"generator": {"width": 4}, "training": training}
    section = {"patches": {"rounds": 2}, "gan": gan, "working_side": 40}
    Path("params.yaml").write_text(yaml.safe_dump({"layout": section}))
    labels = np.zeros((40, 48), np.uint8)
    labels[18:] = 1
    labels[8:16, 10:22] = 2
    grain = np.random.default_rng(0).integers(-25, 26, (40, 48, 3))
    save(np.clip(COLOURS[labels] + grain, 0, 255), "photo.png")
    save(COLOURS[labels], LABELS)
    save(COLOURS[labels[:, ::-1]], "target.png")


def write_estimators(seed: int) -> None:
    """Writes estimators of random weights."""
    torch.manual_seed(seed)
    network = PixelNet(3, {"normals": 3, "edges": 1, "parts": 2}, PixelNetSettings(width=4))
    save_estimators(places.ESTIMATORS, network, ("a", "b"), EstimatorsSettings(), "rendered")


def save(values: np.ndarray, name: str) -> None:
    """Writes an image of any kind that its file's name says."""
    Image.fromarray(values.astype(np.uint8)).save(name)


def read(path: Path | str) -> np.ndarray:
    """The values of an image."""
    return np.asarray(Image.open(path))


def summary(name: str = "target") -> dict:
    """What is said of a target's results."""
    return json.loads((OUT / name / SUMMARY).read_text())
