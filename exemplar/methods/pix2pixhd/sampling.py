"""Images of layouts: every object gets one of its class's styles, and the generator draws them.

Layouts and styles in, images out; `editing` changes what comes in. Source: pix2pixHD, section 3.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from exemplar.methods.pix2pixhd.encoder import spread
from exemplar.methods.pix2pixhd.encoding import Objects, objects_of
from exemplar.methods.pix2pixhd.layouts import Layout
from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.methods.pix2pixhd.styles import Styles
from exemplar.methods.pix2pixhd.wishes import Key

NO_STYLE = -1
"""The style of an object whose class the training set did not have, or whose look is its own."""


class Looks(NamedTuple):
    """The looks of a layout's objects.

    Attributes:
        features: (n, F) float32, what the generator reads.
        styles: (n,) i64, numbers of styles, or `NO_STYLE`.
    """

    features: np.ndarray
    styles: np.ndarray


def drawn_looks(
    objects: Objects,
    styles: Styles,
    seed: int = 0,
    sample: int = 0,
    chosen: Mapping[Key, int] | None = None,
) -> Looks:
    """Draws a style for every object.

    What an object gets depends on its instance number, its class, the seed and the sample, not on
    what else there is: when others are changed, added or removed, it keeps its style. Where styles
    are `combined`, all objects of an instance get those of one training instance, as far as it
    has their classes, and of the next one drawn for what it lacks.

    Args:
        objects: of a layout.
        styles: of all classes.
        seed: of all samples.
        sample: which, from 0.
        chosen: styles of objects that are not to be drawn.

    Returns:
        The looks; of a class without styles, features 0.

    Raises:
        ValueError: a class has no style of such a number.
    """
    chosen = chosen or {}
    features = np.zeros((len(objects.labels), styles.centres.shape[1]), np.float32)
    numbers = np.full(len(features), NO_STYLE, np.int64)
    for row, key in enumerate(keys(objects)):
        own = styles.of(key[1])
        if key in chosen and not 0 <= chosen[key] < len(own):
            raise ValueError(
                f"style {chosen[key]} of instance {key[0]}: its class {key[1]} has "
                f"{len(own)} styles, numbered from 0"
            )
        if len(own):
            drawn = _drawn(styles, key, seed, sample, len(own))
            numbers[row] = chosen.get(key, drawn)
            features[row] = own[numbers[row]]
    return Looks(features, numbers)


def _drawn(styles: Styles, key: Key, seed: int, sample: int, count: int) -> int:
    """The number of the style that an object gets."""
    unsigned = key[0] % 2**64
    if key[1] < styles.combinations.shape[1]:
        # The first, in an order of the instance's own, of the training instances with the class.
        order = np.random.default_rng([seed, sample, unsigned]).random(len(styles.combinations))
        known = styles.combinations[:, key[1]]
        if (known >= 0).any():
            return int(known[np.where(known >= 0, order, 1).argmin()])
    return int(np.random.default_rng([seed, sample, unsigned, key[1]]).integers(count))


def keys(objects: Objects) -> list[Key]:
    """Instance number and class of every object, in order."""
    return list(zip(objects.instances.tolist(), objects.labels.tolist(), strict=True))


def seen_looks(model: Pix2pixHD, image: np.ndarray, objects: Objects) -> Looks:
    """The looks that objects have in a photograph.

    Args:
        model: with an encoder.
        image: (H, W, 3) u8, of the layout's size.
        objects: of the layout.

    Returns:
        Features as the encoder sees them; no styles.

    Raises:
        ValueError: the model has no encoder, or the sizes differ.
    """
    if model.encoder is None:
        raise ValueError("the model was trained without an encoder; it cannot see looks")
    if image.shape != (*objects.index.shape, 3):
        raise ValueError(
            f"expected a photograph {(*objects.index.shape, 3)} as its layout, got {image.shape}"
        )
    device = next(model.parameters()).device
    x = torch.from_numpy(image).to(device).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.inference_mode():
        features, _ = model.encoder(x, torch.from_numpy(objects.index)[None].to(device))
    return Looks(features[0].cpu().numpy(), np.full(len(objects.labels), NO_STYLE, np.int64))


def synthesise(model: Pix2pixHD, labels: np.ndarray, objects: Objects, looks: Looks) -> np.ndarray:
    """The image of a layout whose objects have these looks.

    Args:
        model: in evaluation mode.
        labels: (H, W) u8.
        objects: of the layout.
        looks: of its objects; not read by a model without an encoder.

    Returns:
        (H, W, 3) u8.
    """
    device = next(model.parameters()).device
    index = torch.from_numpy(objects.index)[None].to(device)
    instances = torch.from_numpy(objects.instances).to(device)[index]
    features = None
    if model.encoder is not None:
        features = spread(torch.from_numpy(looks.features)[None].to(device), index)
    with torch.inference_mode():
        image = model(torch.from_numpy(labels)[None].to(device), instances, features)
    return to_bytes(image)[0]


def samples(
    model: Pix2pixHD, layout: Layout, styles: Styles, count: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Several images of one layout, with other styles each.

    Args:
        model: in evaluation mode.
        layout: of any size.
        styles: of all classes.
        count: how many images.
        seed: of the draw; the first images do not depend on how many are asked for.

    Returns:
        Images (count, H, W, 3) u8, and styles (count, n) i64 of `objects_of` the layout.
    """
    objects = objects_of(layout.labels, layout.instances)
    looks = [drawn_looks(objects, styles, seed, number) for number in range(count)]
    images = [synthesise(model, layout.labels, objects, each) for each in looks]
    return np.stack(images), np.stack([each.styles for each in looks])


def to_bytes(images: Tensor) -> np.ndarray:
    """(B, 3, H, W) in [-1, 1] to (B, H, W, 3) u8, rounded."""
    levels = ((images.float() + 1) * 127.5).round().clamp(0, 255)
    return levels.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
