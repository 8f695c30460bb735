"""A domain of drawn heads, photographs and label maps, made by `prepare` in the current folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image

from exemplar.data.domains import prepare_domain
from exemplar.methods.pixelnn.whole.photographs import Photographs
from exemplar.methods.pixelnn.whole.settings import WholeSettings

DOMAIN, SIDE, STORED = "heads", 40, 20
CLASSES = ("ground", "skin", "left eye", "right eye", "hat")
GROUND, SKIN, LEFT, RIGHT, HAT = range(5)
PATCHES = {"coarsest": 10, "whole_side": 16, "rounds": 2, "patch": 5, "dimensions": 8}
WHOLE: dict[str, Any] = {
    "detail": SIDE, "leaders": 2, "exemplars": [1, 2], "near": 6, "few": 3, "patches": PATCHES,
    "tested": {"leaders": 2, "exemplars": [1, 2]},
}  # fmt: skip


def labels_of(seed: int, size: tuple[int, int] = (SIDE, SIDE)) -> NDArray[np.uint8]:
    """A head somewhere, its left eye to the right; every third wears a hat."""
    rng = np.random.default_rng(seed)
    height, width = size
    y, x = (np.mgrid[:height, :width] + 0.5) / np.array([height, width])[:, None, None]
    middle = 0.3 + 0.4 * rng.random()
    there = np.full(size, GROUND, np.uint8)
    there[np.hypot((y - 0.55) / 0.36, (x - middle) / 0.26) < 1] = SKIN
    there[np.hypot(y - 0.5, x - middle + 0.12) < 0.07] = RIGHT
    there[np.hypot(y - 0.45, x - middle - 0.1) < 0.08] = LEFT
    if seed % 3 == 0:
        there[(y < 0.3) & (abs(x - middle) < 0.25)] = HAT
    return there


def photograph_of(seed: int, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A colour for each class, and grain."""
    rng = np.random.default_rng(1000 + seed)
    colours = rng.integers(30, 226, (len(CLASSES), 3))
    grain = rng.integers(-25, 26, (*labels.shape, 3))
    return (colours[labels] + grain).clip(0, 255).astype(np.uint8)


def write_files(train: int, test: int = 1, sides: dict[int, int] | None = None) -> None:
    """Files of heads 0 … train − 1, and of the test images behind them."""
    for seed in range(train + test):
        side = (sides or {}).get(seed, SIDE)
        labels = labels_of(seed, (side, side))
        for name, values in (("images", photograph_of(seed, labels)), ("masks", labels)):
            path = Path("raw", "train" if seed < train else "test", name, f"{seed}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(path)


def params_of(domain: dict[str, Any] | None = None, **whole: Any) -> dict[str, Any]:
    """Settings of the domain, and what differs from `WHOLE`."""
    own = {
        "kind": "labelled", "root": "raw", "classes": list(CLASSES), "lacking": ["hat"],
        "splits": {"val": 0}, "min_side": 8, "licence": "ours",
    }  # fmt: skip
    return {
        "domains": {DOMAIN: own | (domain or {})},
        "prepare": {"image_size": STORED, "workers": 1},
        "removed": {},
        "whole": WHOLE | whole,
        "cluster": None,
    }


def write_heads(train: int = 6, test: int = 1, **given: Any) -> dict[str, Any]:
    """The whole domain, and `params.yaml`.

    Args:
        train: exemplars.
        test: images behind them.
        given: `sides` of some files, settings of the `domain`, and others than `WHOLE`.

    Returns:
        The settings that were written.
    """
    write_files(train, test, given.pop("sides", None))
    params = params_of(**given)
    Path("params.yaml").write_text(yaml.safe_dump(params))
    prepare_domain(DOMAIN, params)
    return params


def opened(params: dict[str, Any], side: int | None = None) -> tuple[Photographs, WholeSettings]:
    """The domain's photographs, and the section `whole`."""
    settings = WholeSettings.model_validate(params["whole"])
    return Photographs(DOMAIN, params, settings, side), settings
