"""The examples in the docstrings of the metrics run, and give what they say."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

NAMES = (
    "comparison", "correspondence", "cycle", "diversity", "edges", "flow", "frechet", "keypoints",
    "normals", "patch_coherence", "prd", "ranked", "seams", "selection", "spectrum",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_module(name: str) -> None:
    found = doctest.testmod(import_module(f"exemplar.metrics.{name}"))
    assert found.attempted > 0
    assert found.failed == 0
