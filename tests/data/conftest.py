"""Files of images made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


def noise(seed: int, width: int = 40, height: int = 30) -> np.ndarray:
    """(height, width, 3) u8 blocks of colour; different for every seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture(scope="session")
def colours() -> Callable[..., np.ndarray]:
    return noise


@pytest.fixture(scope="session")
def save() -> Callable[..., Path]:
    """Writes an image of a seed's colours: `save(path, seed, width, height, **options)`."""

    def write(path: Path, seed: int = 0, width: int = 40, height: int = 30, **options: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(seed, width, height)).save(path, **options)
        return path

    return write


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unfinished work goes to a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
