"""What Deep Image Analogy's coarsest level starts from, where votes of offsets say so.

Two whole images are compared once, by a network that has seen photographs, and each cell of the
coarsest level begins where its pixels were found. Patches are then searched as ever: the start is
no part of the energy, and what it gets wrong may be mended.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from exemplar.correspondence import Correspondence, CorrespondSettings, correspond
from exemplar.methods.deep_analogy.reconstruction import Places, Size

Number = TypeVar("Number", bound=np.generic)

LEVEL = 4
"""The coarsest level that is searched after votes, whose cells are no larger than theirs."""
RADIUS = 1
"""Of the random search after votes, in cells: they are right more often than features are."""


def voted(
    a: NDArray[np.uint8], b_prime: NDArray[np.uint8], device: str, mirror: str = "never"
) -> Correspondence:
    """Both fields by votes of offsets.

    Args:
        a: (H, W, 3) u8.
        b_prime: (H', W', 3) u8.
        device: where the network runs.
        mirror: as of `CorrespondSettings`.

    Raises:
        WeightsError: the network's package is missing or damaged.
    """
    settings = CorrespondSettings.model_validate({"device": device, "mirror": mirror})
    return correspond(a, b_prime, settings)


def at_level(
    field: NDArray[np.float32], other: tuple[int, int], size: Size, keys_size: Size, device: str
) -> Places:
    """A field of pixels as one of a level's cells: each goes where the pixels at its centre go.

    Args:
        field: (H, W, 2) rows and columns in an image of `other` pixels.
        other: (H', W').
        size: (h, w) of the level's map.
        keys_size: (h', w') of the other image's map.
        device: where the field is wanted.

    Returns:
        Rows and columns (h, w) int32, within `keys_size`.
    """
    own = [
        (np.arange(cells) * 2 + 1) * pixels // (2 * cells)
        for cells, pixels in zip(size, field.shape[:2], strict=True)
    ]
    # A cell has a pixel's place where their centres lie alike, as shares of the sides.
    there = (field[np.ix_(*own)] + 0.5) * np.divide(keys_size, other)
    cells = there.astype(np.int32).clip(0, np.array(keys_size) - 1)
    y, x = torch.from_numpy(cells).to(device).unbind(-1)
    return y.contiguous(), x.contiguous()


def in_mirror(
    forward: NDArray[Number], backward: NDArray[Number]
) -> tuple[NDArray[Number], NDArray[Number]]:
    """Both fields where B′ is turned over: each becomes the other again by the same.

    Args:
        forward: (H, W, 2) rows and columns in B′.
        backward: (H', W', 2) those in A of each pixel of B′.
    """
    width = backward.shape[1]
    forward = forward.copy()
    forward[..., 1] = width - 1 - forward[..., 1]
    return forward, backward[:, ::-1].copy()
