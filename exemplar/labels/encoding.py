"""Labels as networks read them: one channel a class.

The last step in the way of label maps, for every method.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor  # many that know the label of no class need no torch

IGNORE = 255
"""The label of pixels without a class, in all stores; so there may be 255 classes."""


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """One channel a class.

    Args:
        labels: (B, H, W) integers below `classes`, or `IGNORE`.
        classes: C.

    Returns:
        (B, C, H, W) float32; all zeros at ignored pixels.

    Raises:
        ValueError: a label has no class.
    """
    numbers = labels.long()
    wrong = (numbers < 0) | (numbers >= classes) & (numbers != IGNORE)
    if wrong.any():
        raise ValueError(
            f"labels {numbers[wrong].unique().tolist()[:20]} have no class; expected 0 to "
            f"{classes - 1}, or {IGNORE} to ignore"
        )
    channels = numbers.new_tensor(range(classes))[:, None, None]
    return (numbers[:, None] == channels).float()
