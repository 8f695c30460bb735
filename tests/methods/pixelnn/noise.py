"""A library of noise, made by the stages themselves in the current folder."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
import zarr

from exemplar.store import layout
from stages import features, projection
from tests.stages.small_domain import (
    CONDITION,
    DOMAIN,
    write_images,
    write_networks,
    write_params,
)


def run(stage: ModuleType) -> None:
    """Runs one stage in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["stage", "--domain", DOMAIN, "--condition", CONDITION])
        stage.main()


def write_features(count: int, val: int = 0) -> None:
    """All as far as the feature store; the last images are `val` for validation and two tests."""
    write_params()
    write_images(list(range(count)), val)
    zarr.open_group(str(layout.conditions(DOMAIN)), mode="r+").attrs["classes"] = []
    write_networks()
    run(projection)
    run(features)
