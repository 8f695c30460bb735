"""What flat places are told apart by: colours, and where the coarser level expects their match.

The paper's failure case is a textureless region, whose activations are low (section 7); it names
the two remedies taken here, pixel values and smoothness. Neither weighs anything where there is
texture, for they enter through the flat channels of `energy.described` alone.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from exemplar.matching.voting import vote
from exemplar.methods.deep_analogy.reconstruction import VOTES, Places

# Waves along an image's longer side: half a wave tells its ends apart, two its finer places.
_WAVES = (0.5, 2.0)
# Displacements are averaged over so many cells a side: smooth fields are expected.
_AROUND = 5
# Of the farthest colour from grey, so that no colour is longer than 1.
_LONGEST = math.sqrt(0.75)


def own_colours(image: Tensor, size: tuple[int, int]) -> Tensor:
    """An image's colours at a level.

    Args:
        image: (1, 3, H, W) in [0, 1].
        size: (h, w) of the level.

    Returns:
        (1, 3, h, w), 0 for grey, at most of length 1.
    """
    return (functional.interpolate(image, size, mode="area") - 0.5) / _LONGEST


def latent_colours(others: Tensor, places: Places) -> Tensor:
    """The other image's colours (1, 3, H', W'), brought to this one's places: (1, 3, H, W)."""
    return vote(others[0].movedim(0, -1).contiguous(), *places, VOTES).movedim(-1, 0)[None]


def own_places(size: tuple[int, int], device: torch.device) -> Tensor:
    """Where each cell of a map lies, (1, K, H, W) of length 1."""
    return _waves(*_grid(size, device), size)


def expected_places(places: Places, keys_size: tuple[int, int]) -> Tensor:
    """Where in the other image each cell's match should be, if the field were smooth.

    Args:
        places: the coarser level's field, enlarged: rows and columns (H, W).
        keys_size: (H', W') of the other map.

    Returns:
        (1, K, H, W) of length 1; its product with `own_places` of the other map is 1 at the
        expected place and falls with the distance from it.
    """
    y, x = places
    row, column = _grid((y.shape[0], y.shape[1]), y.device)
    moved = torch.stack([y - row, x - column])[None]
    padded = functional.pad(moved, (_AROUND // 2,) * 4, mode="replicate")
    smooth = functional.avg_pool2d(padded, _AROUND, 1)[0]
    return _waves(row + smooth[0], column + smooth[1], keys_size)


def cues(colours: Tensor, places: Tensor, colour: float, smoothness: float) -> Tensor:
    """Both, weighted: (1, 3 + K, H, W), at most of length 1 if the weights' squares add up to 1."""
    return torch.cat([colour * colours, smoothness * places], dim=1)


def _grid(size: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    row, column = torch.meshgrid(
        torch.arange(size[0], device=device, dtype=torch.float32),
        torch.arange(size[1], device=device, dtype=torch.float32),
        indexing="ij",
    )
    return row, column


def _waves(y: Tensor, x: Tensor, size: tuple[int, int]) -> Tensor:
    parts = []
    for place in (y / max(size), x / max(size)):
        for count in _WAVES:
            angle = 2 * math.pi * count * place
            parts += [angle.cos(), angle.sin()]
    return torch.stack(parts)[None] / math.sqrt(len(parts) / 2)
