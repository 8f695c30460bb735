"""Networks that are not there: told all together, and where they were named."""

from __future__ import annotations

from pathlib import Path

import pytest

from exemplar.features.vgg19_encoder import SmallVggSettings
from exemplar.methods.deep_analogy import networks
from exemplar.methods.deep_analogy.networks import load_networks
from exemplar.methods.deep_analogy.settings import AnalogySettings


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_networks_that_are_not_there_are_told() -> None:
    problems: list[str] = []
    assert load_networks(AnalogySettings(), problems) is None
    Path("other.safetensors").write_bytes(b"no weights")
    other = SmallVggSettings(weights=Path("other.safetensors"))
    assert load_networks(AnalogySettings(backbone=other), problems) is None
    assert len(problems) == 2
    assert "models/estimators.safetensors" in problems[0]
    assert "other.safetensors" in problems[1]


def test_a_missing_inverse_is_told_with_the_command_that_makes_it() -> None:
    problems: list[str] = []
    assert load_networks(AnalogySettings(reconstruction="learned"), problems) is None
    assert len(problems) == 2 and "models/estimators.safetensors" in problems[0]
    assert problems[1].startswith("models/analogy/inverse.safetensors: no such file, which the")
    assert "make it by `exemplar reproduce analogy_inverse`" in problems[1]


def test_weights_of_an_option_are_not_looked_for_in_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problems: list[str] = []
    named = AnalogySettings(backbone=SmallVggSettings(weights=Path("none.pth")))
    load_networks(named, problems)
    load_networks(named, problems, by_option=True)
    assert problems == [
        "none.pth: no such weights file; check the path in params.yaml",
        "none.pth: no such weights file; check the path in --backbone",
    ]

    def failing(*given):
        raise ValueError("name any local state dict with `weights:` in params.yaml")

    monkeypatch.setattr(networks, "load_pyramid", failing)
    load_networks(named, problems, by_option=True)
    assert problems[2] == "name any local state dict by --backbone torchvision:FILE"
