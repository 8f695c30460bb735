"""A labelled image of three classes and a domain of such: what the evaluation's tests work on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from exemplar.methods.semantic_analogy.source import Source
from exemplar.methods.semantic_analogy.sources import NamedSource, NamedTarget
from exemplar.store import layout
from exemplar.store.arrays import write_group
from exemplar.store.items import write_items

DOMAIN, SIDE, COUNT = "blocks", 40, 4
CLASSES = ("ground", "wall", "door", "roof")
COLOURS = np.array([[40, 160, 60], [200, 180, 150], [120, 30, 30], [60, 60, 90]])


def labels_of(number: int, side: int = SIDE) -> np.ndarray:
    """A wall with a door on the ground; of odd numbers the door is on the other side."""
    labels = np.zeros((side, side), np.uint8)
    labels[side // 4 : 3 * side // 4, side // 8 : 7 * side // 8] = 1
    left = side // 4 if number % 2 == 0 else 5 * side // 8
    labels[side // 2 : 3 * side // 4, left : left + side // 8] = 2
    return labels


def image_of(labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """Each class in its colour, with some grain."""
    grain = np.random.default_rng(seed).integers(-12, 13, (*labels.shape, 1))
    return (COLOURS[labels] + grain).astype(np.uint8)


def given(targets: dict[str, np.ndarray] | None = None, side: int = SIDE) -> NamedSource:
    """A source and targets; the second is its labels edited, and what should come of it known."""
    labels = labels_of(0, side)
    image = image_of(labels)
    source = Source(image, labels, CLASSES[:3])
    made = [NamedTarget("identity", labels, image, image)]
    for name, wanted in (targets or {"other": labels_of(1, side)}).items():
        truth = image_of(wanted)
        made.append(NamedTarget(name, wanted, truth, truth, edited=True))
    return NamedSource("house", source, tuple(made), "a house", "CC0-1.0")


def write_domain() -> None:
    """Images and labels of the domain, below the current folder."""
    labels = np.stack([labels_of(number) for number in range(COUNT)])
    labels[3, :4] = 3
    images = np.stack([image_of(each, seed) for seed, each in enumerate(labels)])
    Path(layout.images(DOMAIN)).parent.mkdir(parents=True)
    arrays = {"image": images, "labels": labels}
    write_group(layout.images(DOMAIN), arrays, {"classes": list(CLASSES)})
    table = {"id": [f"b-{i}" for i in range(COUNT)], "split": ["train"] * 3 + ["test"],
             "category": "", "source": "", "sha256": [f"{i}" for i in range(COUNT)],
             "licence": "CC0-1.0", "width": SIDE, "height": SIDE}  # fmt: skip
    write_items(layout.items(DOMAIN), pd.DataFrame(table))
