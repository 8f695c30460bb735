"""Where conditions come from, as params.yaml names it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from exemplar.conditions import sources
from exemplar.conditions.sources import ConditionsSettings, edge_network
from exemplar.features.hed import WEIGHTS, HedSettings
from exemplar.features.pidinet import PiDiNetSettings
from exemplar.settings import SettingsError, section

ESTIMATORS = SimpleNamespace(identity="estimators#0")


def read(edges: object) -> object:
    return section({"conditions": {"edges": edges}}, "conditions", ConditionsSettings).edges


def test_params_name_each_source() -> None:
    assert read("estimator") == "estimator"
    assert read({"kind": "hed", "magnify": 3}) == HedSettings(magnify=3)
    assert read({"kind": "pidinet", "weights": "a.pth"}) == PiDiNetSettings(weights=Path("a.pth"))
    assert ConditionsSettings(edges=HedSettings()).edges == HedSettings()


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        ("canny", "conditions.edges: Input tag 'canny' .* 'estimator', 'hed', 'pidinet'"),
        ({"kind": "canny"}, "conditions.edges: Input tag 'canny' .* 'estimator', 'hed', 'pidinet'"),
        ({"kind": "pidinet"}, r"conditions\.edges\.pidinet\.weights: Field required"),
        ({"kind": "hed", "magnify": 0}, r"conditions\.edges\.hed\.magnify: .* greater than 0"),
        ({"kind": "hed", "weights": "a"}, r"conditions\.edges\.hed\.weights: Extra inputs"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(edges: object, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as error:
        read(edges)
    assert len(str(error.value).splitlines()) == 2  # the file, and its one problem


def test_each_source_becomes_its_network(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"load_hed": "hed@2x#1", "load_pidinet": "pidinet@2x#2"}
    for loader, identity in made.items():
        monkeypatch.setattr(
            sources, loader, lambda source, found=identity: SimpleNamespace(identity=found)
        )
    assert edge_network("estimator", ESTIMATORS) == (None, "estimators#0")
    assert edge_network(HedSettings(), ESTIMATORS)[1] == "hed@2x#1"
    assert edge_network(PiDiNetSettings(weights=Path("a")), ESTIMATORS)[1] == "pidinet@2x#2"


@pytest.mark.skipif(WEIGHTS.found() is None, reason="needs the extra `networks`")
def test_hed_sees_a_step() -> None:
    network, name = edge_network(HedSettings(magnify=1), ESTIMATORS)
    images = torch.full((1, 3, 32, 48), 0.2)
    images[..., 24:] = 0.8
    assert network is not None
    edges = network(images)[0]
    assert name == network.identity
    assert int(edges.mean(0).argmax()) in (23, 24)
