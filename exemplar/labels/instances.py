"""Instance maps beside their label maps: whether objects are of one class each, or of several.

After `recognition`, for domains of layouts and for those that a user gives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exemplar.labels.encoding import IGNORE
from exemplar.labels.snapping import RARE
from exemplar.labels.values import per_cent


def short(instances: NDArray[np.integer]) -> NDArray[np.uint16]:
    """Instance numbers as u16; those that do not fit are numbered anew, in their order."""
    if instances.min() < 0 or instances.max() > np.iinfo(np.uint16).max:
        instances = np.unique(instances, return_inverse=True)[1].reshape(instances.shape)
    return instances.astype(np.uint16)


def said_of_instances(instances: NDArray[np.integer], labels: NDArray[np.uint8]) -> tuple[str, ...]:
    """What a user should know of an instance map; it is used all the same.

    Of stuff, such as sky, all that there is may have one number, as in Cityscapes, and a thing a
    number of its own; in either case all pixels of a number have one class. An animal may be one
    object of several parts.

    Args:
        instances: (H, W) integers, the object of each pixel.
        labels: (H, W) u8, places of classes, or 255 where there is none.

    Returns:
        Sentences; none where each number has one class, but for some stray pixels.
    """
    if len(np.unique(labels)) == 1:
        return ()
    numbers, owners = np.unique(instances, return_inverse=True)
    if len(numbers) == 1:
        said = (
            f"its instance map is {numbers[0]} everywhere, so that everything is one object; leave "
            "it out, and every class is one, or give each object a number"
        )
        return (said,)
    pairs = owners.ravel().astype(np.int64) * (IGNORE + 1) + labels.ravel()
    own, counts = np.unique(pairs, return_counts=True)
    most = np.zeros(len(numbers), np.int64)
    np.maximum.at(most, own // (IGNORE + 1), counts)
    other = (labels.size - most.sum()) / labels.size
    if other < RARE:
        return ()
    said = (
        f"{per_cent(other)} of its pixels have another class than most of their instance, as "
        "where objects have parts; if yours have none, see that label and instance map belong "
        "together"
    )
    return (said,)
