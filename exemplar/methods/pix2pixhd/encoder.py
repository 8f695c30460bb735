"""The instance encoder: a photograph as a few numbers for each of its objects.

Trained beside the generator, which reads its output beside the layout. Source: pix2pixHD, section
3.4 and Figure 5.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from exemplar.methods.pix2pixhd.generators import (
    GeneratorSettings,
    GlobalGenerator,
    image_of,
    padded,
)
from exemplar.settings import Settings
from exemplar.training.patchgan import start


class EncoderSettings(Settings):
    """Sizes of the encoder; the defaults are the published ones."""

    features: int = Field(default=3, ge=1)
    """Numbers that describe an object's look."""
    width: int = Field(default=16, ge=1)
    downsamplings: int = Field(default=4, ge=1)


class InstanceEncoder(nn.Module):
    """E: an encoder-decoder whose output is averaged over each object.

    The front-end and back-end are those of the global generator, without residual blocks. They
    normalise over the whole image, as published, so a change of light that is the same everywhere
    is hardly seen: looks are those of objects beside each other.
    """

    def __init__(self, settings: EncoderSettings) -> None:
        super().__init__()
        size = GeneratorSettings(
            width=settings.width, downsamplings=settings.downsamplings, blocks=0, enhancers=0
        )
        self.maps = GlobalGenerator(3, size).maps
        self.features = image_of(settings.width, settings.features)
        self.multiple = 2**settings.downsamplings
        self.apply(start)

    def forward(self, images: Tensor, objects: Tensor) -> tuple[Tensor, Tensor]:
        """The features of the objects in photographs.

        Args:
            images: (B, 3, H, W) in [-1, 1], of any size.
            objects: (B, H, W) i64, from 0; the objects of each image have numbers of its own.

        Returns:
            Features of objects, (B, n, F) in [-1, 1], with n one more than the largest number and
            zeros for numbers that an image has not; and each pixel's, (B, F, H, W).
        """
        height, width = images.shape[2:]
        dense = torch.tanh(self.features(self.maps(padded(images, self.multiple))))
        means = object_means(dense[:, :, :height, :width], objects)
        return means, spread(means, objects)


def object_means(maps: Tensor, objects: Tensor) -> Tensor:
    """Instance-wise average pooling: the mean over each object, for a whole batch at once.

    All images' objects are numbered one after the other, and one scatter adds every pixel to its
    object's sum; so no image's objects are ever mixed with another's. On a GPU the order of that
    sum is not fixed, unless `torch.use_deterministic_algorithms` asks for it.

    Args:
        maps: (B, F, H, W) floating point.
        objects: (B, H, W) i64, from 0.

    Returns:
        (B, n, F) float32, n = the largest number + 1; zeros where an image has no such object.

    Raises:
        ValueError: the sizes differ.
    """
    if maps.shape[0] != objects.shape[0] or maps.shape[2:] != objects.shape[1:]:
        raise ValueError(
            f"expected objects {(maps.shape[0], *maps.shape[2:])} as the maps, "
            f"got {tuple(objects.shape)}"
        )
    batch, features = maps.shape[:2]
    count = int(objects.max()) + 1
    places = _places(objects, count)
    values = maps.float().permute(0, 2, 3, 1).reshape(-1, features)
    sums = values.new_zeros(batch * count, features).index_add(0, places, values)
    areas = torch.bincount(places, minlength=batch * count).clamp(min=1)
    return (sums / areas[:, None]).view(batch, count, features)


def spread(features: Tensor, objects: Tensor) -> Tensor:
    """Gives every pixel the features of its object.

    Args:
        features: (B, n, F).
        objects: (B, H, W) i64 below n.

    Returns:
        (B, F, H, W).
    """
    batch, height, width = objects.shape
    pixels = features.flatten(0, 1).index_select(0, _places(objects, features.shape[1]))
    return pixels.view(batch, height, width, -1).permute(0, 3, 1, 2)


def _places(objects: Tensor, count: int) -> Tensor:
    """Rows in a table of all images' objects, one a pixel."""
    first = torch.arange(len(objects), device=objects.device) * count
    return (objects + first[:, None, None]).flatten()
