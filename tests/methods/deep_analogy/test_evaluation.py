"""What measurements depend on, as the folder of unfinished work is told by."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from exemplar.data.flow_pairs import FlowPair
from exemplar.methods.deep_analogy import evaluation
from exemplar.methods.deep_analogy.evaluation import Set, inputs
from exemplar.methods.deep_analogy.settings import AnalogySettings
from exemplar.store.files import content_hash
from tests.methods.deep_analogy.small_pyramid import small_pyramid


class OnAnotherDevice:
    """A parameter that gives its values to NumPy only after it was brought to the CPU."""

    def __init__(self, value: float) -> None:
        self.value = value

    def numpy(self) -> np.ndarray:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    def cpu(self) -> Any:
        return SimpleNamespace(numpy=lambda: np.float32([self.value]))


def ready(weight: float | None = None, brightness: int = 0, **analogy: Any) -> list[Set]:
    weights = SimpleNamespace(state_dict=lambda: {"w": OnAnotherDevice(weight or 0)})
    matcher: Any = SimpleNamespace(
        analogy=AnalogySettings(**analogy),
        pyramid=small_pyramid(),
        inverse=None if weight is None else weights,
    )
    image = np.full((4, 5, 3), brightness, np.uint8)
    return [Set("heads", [FlowPair("p", image, image, None)], matcher)]


def identity(sets: list[Set], stage: str = "analogy_flow", **settings: Any) -> str:
    return content_hash(*inputs(sets, stage, settings))


def test_a_learned_inverse_on_another_device_counts_by_its_values() -> None:
    assert identity(ready(1.0)) == identity(ready(1.0)) != identity(ready(2.0))
    assert identity(ready(1.0)) != identity(ready())


def test_pairs_settings_and_stages_are_told_apart() -> None:
    found = [
        identity(ready()),
        identity(ready(brightness=1)),
        identity(ready(strength="3")),
        identity(ready(), methods=["identity"]),
        identity(ready(), "analogy_keypoints"),
    ]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("place", ["exemplar/store/flow.py", "exemplar/data", "exemplar/metrics"])
def test_other_code_is_told_apart(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = identity(ready())
    hashed = evaluation.sources_hash

    def changed(*places: str) -> str:
        return "changed" if place in places else hashed(*places)

    monkeypatch.setattr(evaluation, "sources_hash", changed)
    assert identity(ready()) != before
