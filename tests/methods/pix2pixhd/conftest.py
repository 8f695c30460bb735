"""A layout as a user's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from exemplar.methods.pix2pixhd.requests import Request
from tests.methods.pix2pixhd.test_editing import town


def save(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(values).save(path)
    return path


@pytest.fixture
def files(tmp_path: Path) -> Request:
    """A request for images of a town."""
    layout = town()
    return Request(
        save(tmp_path / "town.png", layout.labels),
        save(tmp_path / "instances.png", layout.instances.astype(np.uint16)),
    )
