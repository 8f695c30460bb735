"""PCK: the share of keypoints that a correspondence carries to the right place.

Stands at the end of Deep Image Analogy's evaluation. A keypoint is right if it ends within
α · max(height, width) of where it should: of the image that it is carried to (Zhou et al., whose
images are cut out around one object), or of the box around that image's keypoints (Ham et al., for
PF-WILLOW). Sources: Zhou et al., Learning Dense Correspondence via 3D-guided Cycle Consistency,
2016, section 5; Ham et al., Proposal Flow, 2016, section 6.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Extent = Literal["image", "keypoints"]
"""What α is a share of: the image, or the box around its keypoints."""


def right(
    found: ArrayLike,
    truth: ArrayLike,
    alpha: float,
    extent: Extent,
    size: tuple[int, int] | None = None,
) -> NDArray[np.bool_]:
    """Which keypoints are near enough to where they should be.

    The shares of a category are taken over the keypoints of all its pairs.

    Args:
        found: (K, 2) rows and columns, where they were carried to.
        truth: (K, 2), where they are.
        alpha: α, such as 0.1.
        extent: what α is a share of.
        size: height and width of the image that they are carried to; needed by `image`.

    Returns:
        (K,); a point at exactly the distance is right.

    Raises:
        ValueError: the shapes differ, a point is NaN, the box has no extent, or no size is given.

    >>> right([[0, 4], [10, 0]], [[0, 0], [10, 3]], 0.1, "image", (20, 30)).tolist()
    [False, True]
    """
    found, truth = np.asarray(found, np.float64), np.asarray(truth, np.float64)
    if found.shape != truth.shape or truth.ndim != 2 or truth.shape[1] != 2 or not len(truth):
        raise ValueError(
            f"expected as many points found as true ones, (K, 2), got {found.shape} and "
            f"{truth.shape}"
        )
    if np.isnan(found).any() or np.isnan(truth).any():
        raise ValueError("expected keypoints that are known in both images, got NaN")
    apart = found - truth
    return np.hypot(apart[:, 0], apart[:, 1]) <= alpha * longest(truth, extent, size)


def longest(truth: NDArray[np.float64], extent: Extent, size: tuple[int, int] | None) -> float:
    """The longer side that α is a share of, in pixels; the arguments are those of `right`."""
    if extent == "image":
        if size is None:
            raise ValueError("extent `image`: expected the image's height and width, got none")
        return float(max(size))
    side = float(np.ptp(truth, axis=0).max())
    if side == 0:
        raise ValueError(
            "extent `keypoints`: expected keypoints that lie apart, got all of them in one place"
        )
    return side
