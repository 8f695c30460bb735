"""`labels`: a class for every pixel. Source: PixelNN, section 1 (label masks)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from exemplar.conditions.files import InputError
from exemplar.data.problems import Problems
from exemplar.labels.encoding import one_hot
from exemplar.labels.known import Known, shown_colours
from exemplar.labels.recognition import read_known, said_of

CHANNELS = 0  # as many as there are classes
REMEDY = "relabel them; for a photograph, add --photographs"


def encode(stored: np.ndarray, size: tuple[int, int], classes: int = 0) -> Tensor:
    """One channel a class.

    Args:
        stored: (B, H, W) u8, below `classes`, or 255 where a pixel has no class.
        size: not used.
        classes: how many there are.

    Returns:
        (B, classes, H, W) float32, one-hot; all zeros where there is no class.

    Raises:
        ValueError: a label has no class.
    """
    return one_hot(torch.from_numpy(stored.astype(np.int64)), classes)


def read(
    path: Path, size: tuple[int, int], classes: Sequence[str], known: Known | None = None
) -> np.ndarray:
    """A user's label map: numbers of classes, or their colours; says how it was understood.

    Args:
        path: an image file.
        size: (H, W) to which it is brought.
        classes: names.
        known: the numbers and colours that stand for them; without it 0, 1, …, and the colours
            that maps are shown in.

    Returns:
        (H, W) u8, places of classes, or 255 where a pixel has none.

    Raises:
        InputError: it cannot be used: numbers or colours without a class, or too few with one.
    """
    if known is None:
        numbers = tuple(range(len(classes)))
        known = Known(tuple(classes), numbers, colours=shown_colours(numbers), remedy=REMEDY)
    problems: Problems = []
    found = read_known(path, known, problems)
    if found is None:
        raise InputError("\n".join(problems))
    print("\n".join(said_of(path, found, known)), file=sys.stderr, flush=True)
    image = Image.fromarray(found.labels)
    return np.array(image.resize((size[1], size[0]), Image.Resampling.NEAREST))
