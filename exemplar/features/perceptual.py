"""Perceptual features: images as points whose distances are about those that people see.

A backbone's maps come in; one vector an image goes out, by which candidates are told apart and
their diversity is measured.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from exemplar.features.pixelnet import chunks

CELLS = 4
"""Cells a side over which a layer is averaged: coarse enough that a detail may move a little."""


def perceptual(
    network: Callable[[Tensor], list[Tensor]],
    images: np.ndarray,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Features of which the Euclidean distance of two images is their perceptual distance.

    As in LPIPS, but without its learned weights, and with its mean over places taken cell by cell
    before the difference instead of after it: texture is compared by what there is of it, not by
    where each of its pixels lies.

    Args:
        network: (B, 3, H, W) float32 in [0, 1] → L maps (B, C_l, H_l, W_l): a `Backbone`, or an
            estimator's `network.trunk_maps`.
        images: (B, H, W, 3) u8.
        device: the network's.

    Returns:
        (B, P) float32, P = 16 x the sum of the C_l; distances are from 0 to 2, of images without
        anything in common about 1.4.

    Raises:
        ValueError: the images have another type or shape.

    Source: Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric",
    2018, Eq. 1.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(f"images: expected (B, H, W, 3) uint8, got {images.shape} {images.dtype}")
    parts = []
    with torch.inference_mode():
        for part in chunks(len(images)):
            x = torch.from_numpy(images[part]).to(device).permute(0, 3, 1, 2).float() / 255
            parts.append(embedded(network(x)).cpu())
    return torch.cat(parts).numpy() if parts else np.empty((0, 0), np.float32)


def embedded(maps: list[Tensor]) -> Tensor:
    """The features of images whose maps are at hand.

    At each place of a layer the channels are scaled to unit length; the layer is averaged over
    4 x 4 cells. A layer's squared distance is the mean over cells of the cells' squared distances,
    and the whole is the mean over layers, so every layer counts alike, whatever its size.

    Args:
        maps: L maps (B, C_l, H_l, W_l), not negative if the scale of `perceptual` is to hold.

    Returns:
        (B, P) float32 on the maps' device.

    >>> white, black = torch.ones(1, 2, 8, 8), torch.zeros(1, 2, 8, 8)
    >>> float((embedded([white, white]) - embedded([white, black])).norm())
    0.7071...
    """
    share = (CELLS * CELLS * len(maps)) ** -0.5
    cells = [
        functional.adaptive_avg_pool2d(functional.normalize(level.float(), dim=1), CELLS).flatten(1)
        for level in maps
    ]
    return torch.cat(cells, dim=1) * share
