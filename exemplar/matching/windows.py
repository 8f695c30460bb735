"""Search windows and what a search in them returns: the words every matcher shares.

For a query and ranked exemplars, each described by a unit vector a pixel, a matcher finds for
every query pixel, exemplar and window the most similar exemplar pixel within the window. All
candidates of PixelNN are reductions over these arrays. Source: PixelNN, section 3, "Efficient
search".
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from exemplar.settings import SettingsError
from exemplar.store.arrays import StoreError

WHOLE = 0
"""The window that is the whole image."""


class Matches(NamedTuple):
    """The best match of every query pixel, for each exemplar (R) and window (T).

    Attributes:
        score: (R, T, H, W) float32, cosine similarity.
        position: (R, T, H, W) int64, the match's y · W + x in the exemplar.
    """

    score: Tensor
    position: Tensor


def offsets(window: int) -> tuple[int, int]:
    """The first and last offset of a window's side: centred, an even side one longer to the left.

    Args:
        window: a side in pixels, at least 1.

    Returns:
        For example (−5, 5) for 11 and (−5, 4) for 10.
    """
    return -(window // 2), window - 1 - window // 2


def reach(window: int, side: int) -> tuple[int, int]:
    """The first and last offset that a window allows along an image's side of `side` pixels."""
    return (-side, side) if window == WHOLE else offsets(window)


def largest(windows: tuple[int, ...]) -> int:
    """The window that holds all others."""
    return WHOLE if WHOLE in windows else max(windows)


def empty_matches(query: Tensor, exemplars: Tensor, windows: tuple[int, ...]) -> Matches:
    """Arrays for the matches of all pixels, to be filled."""
    shape = (exemplars.shape[0], len(windows), *query.shape[:2])
    return Matches(
        torch.empty(shape, dtype=torch.float32, device=query.device),
        torch.empty(shape, dtype=torch.int64, device=query.device),
    )


def check(query: Tensor, exemplars: Tensor, windows: tuple[int, ...]) -> None:
    """The boundary of every matcher: shapes, windows, finite values.

    Args:
        query: (H, W, D).
        exemplars: (R, H, W, D).
        windows: sides in pixels, or `WHOLE`.

    Raises:
        ValueError: shapes differ, a window does not fit the image, or a value is not finite; all
            that is wrong with the windows is named.
    """
    if query.ndim != 3 or exemplars.ndim != 4 or exemplars.shape[1:] != query.shape:
        raise ValueError(
            "expected a query (H, W, D) and exemplars (R, H, W, D) of the same size, "
            f"got {tuple(query.shape)} and {tuple(exemplars.shape)}"
        )
    height, width = query.shape[:2]
    wrong = [window for window in windows if not 0 <= window <= min(height, width)]
    if wrong or not windows:
        raise SettingsError(
            f"windows must be sides from 1 to {min(height, width)}, the image's shorter side, or "
            f"{WHOLE} for the whole image, got {wrong or list(windows)}; choose a smaller window "
            "or larger images"
        )
    for name, values in (("query", query), ("exemplars", exemplars)):
        if not torch.isfinite(values).all():
            raise StoreError(
                f"the descriptors of the {name} must be finite; the feature store is damaged: "
                "remove it and run `exemplar reproduce` to make it again"
            )
