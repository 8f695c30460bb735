"""Wherever a training mirrors labels, left and right are exchanged: the same check of each."""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator

from exemplar import estimators
from exemplar.estimators import EstimatorsSettings
from exemplar.labels.sides import exchanged
from exemplar.methods.pix2pix.settings import Pix2PixSettings
from exemplar.methods.pix2pix.training import Pairs, batch_at
from exemplar.methods.pix2pixhd.photographs import draw, with_objects
from exemplar.methods.pix2pixhd.schedule import LevelSettings
from exemplar.methods.pixelnn.regressor import _mirror
from exemplar.methods.semantic_analogy.augmentation import AugmentationSettings, varied
from exemplar.training.augment import mirrored, similarity

CLASSES = ("skin", "l_eye", "r_eye")
SIDE = 32


def faces(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Photographs and labels: the left eye lies in the left half, and is the same to look at."""
    labels = np.zeros((count, SIDE, SIDE), np.uint8)
    for face in range(count):
        labels[face, 8:14, 2 + face : 10] = 1
        labels[face, 8:14, 20 : 30 - face] = 2
    images = np.repeat(np.where(labels > 0, 255, 40)[..., None], 3, axis=-1).astype(np.uint8)
    return images, labels


def sides_of(labels: np.ndarray) -> tuple[set[int], set[int]]:
    """The classes beside skin in the left and in the right half of (B, H, W)."""
    half = labels.shape[-1] // 2
    return tuple(set(np.unique(part)) - {0} for part in (labels[..., :half], labels[..., half:]))  # type: ignore[return-value]


def test_pix2pixhd_exchanges_sides():
    images, labels = faces(4)
    given = with_objects(images, labels, labels)
    settings, table = LevelSettings(batch=4), exchanged(CLASSES)
    moved = 0
    for step in range(6):
        batch = draw(given, step, settings, 1, sides=table)
        assert sides_of(batch.labels.numpy()) == ({1}, {2})
        plain = draw(given, step, settings, 1)
        assert torch.equal((batch.labels > 0), (plain.labels > 0))
        moved += sides_of(plain.labels.numpy()) != ({1}, {2})
    assert moved  # without the exchange a mirrored left eye would be a left eye still


def test_pix2pix_exchanges_sides():
    settings = Pix2PixSettings.model_validate(
        {"preset": "published", "training": {"batch": 8, "flip": True, "zoom": 1.0}}
    ).training
    images, labels = faces(4)
    for pairs, found in ((None, ({1}, {2})), ([], ({1, 2}, {1, 2}))):
        given = Pairs(labels, images, "labels", CLASSES, pairs)
        x, y = batch_at(0, given, settings)
        assert sides_of(x.argmax(1).numpy()) == found
        assert ((y[:, 0] > 0) == (x[:, 0] == 0)).all()


def test_the_regressor_exchanges_sides():
    _, labels = faces(1)
    x = torch.nn.functional.one_hot(torch.from_numpy(labels).long(), 3).permute(0, 3, 1, 2)
    table = exchanged(CLASSES)[:3].tolist()
    assert sides_of(_mirror(x, "labels", table).argmax(1).numpy()) == ({1}, {2})
    assert sides_of(_mirror(x, "edges", table).argmax(1).numpy()) == ({2}, {1})


def test_estimators_exchange_sides():
    images, labels = faces(4)
    normals = np.zeros((4, SIDE, SIDE, 3), np.float16)
    normals[..., 2] = 1
    truth = {"image": images, "normals": normals, "labels": labels, "edges": labels[...] * 0.0}
    settings = EstimatorsSettings.model_validate({"zoom": (1.0, 1.0), "degrees": 0.0})
    sides = torch.from_numpy(exchanged(CLASSES)).float()
    seen = set()
    for seed in range(6):
        generator = Generator().manual_seed(seed)
        maps = estimators._batch(truth, settings, generator, sides)
        assert sides_of(maps["labels"][:, 0].numpy()) == ({1}, {2})
        plain = estimators._batch(
            truth, settings, Generator().manual_seed(seed), torch.arange(256.0)
        )
        seen.add(sides_of(plain["labels"][:, 0].numpy()) == ({1}, {2}))
    assert False in seen


def test_layouts_of_one_image_exchange_sides_however_they_are_turned():
    images, labels = faces(1)
    image = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    how = AugmentationSettings(flip=0.5, enlarge=0.1, degrees=8)
    sides = torch.from_numpy(exchanged(CLASSES)).long()
    for seed in range(12):
        drawn = Generator().manual_seed(seed)
        _, layout = varied(image, torch.from_numpy(labels).long(), how, 1.0, drawn, sides)
        assert sides_of(layout.numpy()) == ({1}, {2})


def test_which_transforms_mirror_does_not_depend_on_turn_and_zoom():
    transform = similarity(64, Generator().manual_seed(0), (0.8, 1.5), 170.0, flip=True)
    u = torch.rand(64, 5, generator=Generator().manual_seed(0))
    assert torch.equal(mirrored(transform), u[:, 2] < 0.5)
