"""Kind `digits`: the handwritten digits that scikit-learn brings, so that no file is needed.

Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository, 1998; of its two parts scikit-learn has the smaller, 1,797 images of 8×8 pixels in 17
levels.
"""

from __future__ import annotations

import numpy as np

from exemplar.data.image_set_settings import DigitsSettings
from exemplar.data.inputs import Stack

LEVELS = 16  # white


def stacks(settings: DigitsSettings) -> list[Stack]:
    """All the digits, white on black, divided by the settings."""
    from sklearn.datasets import load_digits  # takes a second, and most domains need none

    images, labels = map(np.asarray, load_digits(return_X_y=True))
    levels = np.rint(images * (255 / LEVELS)).astype(np.uint8).reshape(-1, 8, 8)
    return [Stack("digit", "", "scikit-learn/digits", levels, labels.astype(np.uint8))]


def names(settings: DigitsSettings) -> tuple[str, ...]:
    """The name of each label."""
    return tuple("0123456789")
