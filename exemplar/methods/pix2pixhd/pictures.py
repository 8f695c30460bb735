"""Pictures of a training: what the model makes of a few photographs' layouts, step by step.

Between `training`, which calls them before each checkpoint, and the report, which shows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from exemplar.methods.pix2pixhd.layouts import IGNORE
from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.methods.pix2pixhd.photographs import Photographs, batch_of
from exemplar.methods.pix2pixhd.sampling import to_bytes
from exemplar.store.files import written


@dataclass(frozen=True)
class Pictures:
    """Draws pictures of a model in training; an `Observer`.

    Attributes:
        shown: photographs and their layouts, at full resolution.
        folder: of the pictures, `<level>-<step>.png`.
    """

    shown: Photographs
    folder: Path

    def __call__(self, model: Pix2pixHD, done: int) -> None:
        """Writes the picture of a model after so many steps."""
        path = self.folder / f"{model.level}-{done:07d}.png"
        with written(path) as partial:
            Image.fromarray(picture(model, self.shown)).save(partial, format="PNG")


def picture(model: Pix2pixHD, shown: Photographs) -> np.ndarray:
    """Layouts, the images made of them, and the photographs, side by side.

    Objects have the looks that the model's encoder sees in the photographs, so that images and
    photographs are to be alike.

    Args:
        model: in evaluation mode.
        shown: N photographs; they are made as small as those that the level is trained on.

    Returns:
        (N·H, 3·W, 3) u8, a row for each.
    """
    reduction = 2 ** (model.settings.generator.enhancers - model.level)
    device = next(model.parameters()).device
    rows = []
    for number in range(len(shown.images)):  # one by one: as little memory as a single image takes
        batch = batch_of(shown, np.array([number]), reduction)
        images, labels, instances, objects = (values.to(device) for values in batch)
        with torch.inference_mode():
            features = model.encoder(images, objects)[1] if model.encoder else None
            made = model(labels, instances, features)
        layout = coloured(batch.labels[0].numpy(), len(model.classes))
        rows.append(np.concatenate([layout, to_bytes(made)[0], to_bytes(images)[0]], 1))
    return np.concatenate(rows)


def coloured(labels: np.ndarray, classes: int) -> np.ndarray:
    """A layout in colours: hues around the circle, light and dark in turn.

    Args:
        labels: (H, W) integers.
        classes: how many.

    Returns:
        (H, W, 3) u8; what is ignored is white.
    """
    number = np.arange(classes)
    # The golden section takes neighbouring numbers to hues far apart.
    hue = 2 * np.pi * (number * 0.618 % 1)
    around = np.stack([hue, hue - 2 * np.pi / 3, hue + 2 * np.pi / 3], 1)
    colours = (0.55 + 0.4 * np.cos(around)) * np.array([1.0, 0.65])[number % 2, None]
    table = np.full((IGNORE + 1, 3), 255, np.uint8)
    table[:classes] = np.rint(colours * 255)
    return table[labels]
