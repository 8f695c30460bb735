"""What `exemplar layout` makes again after a change, and what it does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from exemplar.methods.semantic_analogy.model import Gan
from exemplar.methods.semantic_analogy.requests import Request
from flows import layout as flow
from flows import layout_training
from flows.layout import make_layouts
from tests.flows.layout_project import (
    COLOURS,
    GAN,
    LABELS,
    OUT,
    PHOTO,
    TARGET,
    make_project,
    save,
    write_estimators,
)

BY_MAP = Request(PHOTO, LABELS, TARGET)
BY_ITSELF = Request(PHOTO, LABELS, (Path(LABELS),))
BY_CLUSTERS = Request(PHOTO, "clusters", (PHOTO,), clusters=3)
NAMED = Request(PHOTO, LABELS, TARGET, palette="names.csv")
LAYERS = {"gan": {"backbone": {"kind": "estimator", "layers": ["conv1_2", "conv2_2"]}}}
VGG = {"backbone": {"kind": "vgg19_small", "weights": "vgg.pth"}}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_project()
    names("ground")
    Path("vgg.pth").write_text("weights")


def names(first: str) -> None:
    Path("names.csv").write_text(f"name,colour\n{first},#c80a0a\n")


def nothing() -> None:
    """Only settings change."""


def touched() -> None:
    for path in (PHOTO, Path(LABELS), *TARGET):
        save(np.asarray(Image.open(path)), str(path))


def recoloured() -> None:
    """A class of another name in the same place: the label maps have the same numbers."""
    labels = np.array(Image.open(LABELS))
    labels[(labels == COLOURS[2]).all(-1)] = (10, 161, 10)
    save(labels, LABELS)


def brighter() -> None:
    """Too little for other clusters."""
    image = np.array(Image.open(PHOTO))
    image[0, 0] += 1
    save(image, str(PHOTO))


def mirrored() -> None:
    save(np.asarray(Image.open(LABELS))[::-1], str(TARGET[0]))


def renamed() -> None:
    names("floor")


def other_estimators() -> None:
    write_estimators(1)


def other_weights() -> None:
    Path("vgg.pth").write_text("others")


@pytest.mark.parametrize(
    ("request_", "change", "settings", "again"),
    [
        (BY_ITSELF, recoloured, {}, True),
        (BY_CLUSTERS, brighter, {}, True),
        (BY_MAP, brighter, {}, True),
        (BY_MAP, mirrored, {}, True),
        (NAMED, renamed, {}, True),
        (BY_CLUSTERS, other_estimators, {}, True),
        (BY_CLUSTERS, nothing, LAYERS, True),
        (BY_MAP, nothing, {"seed": 7}, True),
        (BY_MAP, nothing, {"patches": {"rounds": 3}}, True),
        (BY_MAP, touched, {}, False),
        (BY_MAP, other_estimators, {}, False),
        (BY_MAP, nothing, {"gan": {"training": {"iterations": 9}}}, False),
        (BY_MAP, nothing, {"working_side": 36, "threads": 2}, False),
        (BY_CLUSTERS, nothing, {"working_side": 36}, False),
    ],
)
def test_patches(
    request_: Request,
    change: Callable[[], None],
    settings: dict[str, Any],
    again: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, compose = [], flow.compose
    monkeypatch.setattr(flow, "compose", lambda *given: made.append(1) or compose(*given))
    make_layouts(request_, OUT, {})
    assert made == [1]
    change()
    make_layouts(request_, OUT, settings)
    assert len(made) == 1 + again


@pytest.mark.parametrize(
    ("gan", "change", "settings", "trained", "painted"),
    [
        ({}, other_estimators, {}, True, True),
        (VGG, other_weights, {}, True, True),
        ({}, brighter, {}, True, True),
        ({}, nothing, {"seed": 7}, True, True),
        ({}, nothing, {"gan": {"training": {"iterations": 5}}}, True, True),
        ({}, nothing, {"working_side": 44}, True, True),
        ({}, renamed, {}, False, True),
        ({}, mirrored, {}, False, True),
        (VGG, other_estimators, {}, False, False),
        ({}, other_weights, {}, False, False),
        ({}, touched, {}, False, False),
        ({}, nothing, {"gan": {"training": {"checkpoint_every": 1}}}, False, False),
        ({}, nothing, {"patches": {"rounds": 3}, "threads": 2}, False, False),
    ],
)
def test_the_gan(
    gan: dict[str, Any],
    change: Callable[[], None],
    settings: dict[str, Any],
    trained: bool,
    painted: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainings, paintings, write = [], [], flow.write_target

    def train(source: Any, settings: Any, *given: Any) -> tuple[Gan, list[dict[str, float]]]:
        trainings.append(1)
        torch.manual_seed(0)
        return Gan(source, settings.generator, settings.code).eval(), [{"seconds": 1.0}]

    monkeypatch.setattr(layout_training, "train_gan", train)
    monkeypatch.setattr(flow, "load_backbone", lambda *given: SimpleNamespace(name="b", layers=()))
    monkeypatch.setattr(flow, "write_target", lambda *given: paintings.append(1) or write(*given))
    before = {**GAN, "gan": gan}
    make_layouts(NAMED, OUT, before)
    assert (len(trainings), len(paintings)) == (1, 1)
    change()
    make_layouts(NAMED, OUT, flow._merged(before, settings))
    assert (len(trainings), len(paintings)) == (1 + trained, 1 + painted)
