"""Segmentation scores: do synthesised images show what their label maps asked for?

Stands at the end of the way of the data: a segmentation network looks at a synthesised image, and
its labels are compared with those the image was made from. Counts of images are added, so a table
needs one matrix however many images there are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

COLUMNS = (
    "domain", "generator", "discriminator", "pixel_accuracy", "mean_iou",
    "pixel_accuracy_with_ignore", "mean_iou_with_ignore", "images", "judge", "judge_shares", "fid",
    "f8", "f1_8", "fid_features",
)  # fmt: skip
"""Of the table of all domains: for each judge a row for each generator and discriminator, and for
photographs. `judge_shares` is what the judge shares with what it judges (`independence`). The last
four are of all images together (`distribution`), in the first judge's rows, empty where there are
too few."""


class SegmentationScores(NamedTuple):
    """The scores of a table's row, each with the ignored pixels left out and counted.

    Attributes:
        pixel_accuracy: percent of the labelled pixels that have their label.
        mean_iou: in [0, 1], mean over the classes that labelled pixels have or are seen as; one
            that is seen where none of it is counts as 0.
        pixel_accuracy_with_ignore: percent of all pixels; an ignored pixel that is given a class
            counts as wrong.
        mean_iou_with_ignore: the same over all pixels: ignored ones count against the class that
            they are seen as. To ignore is no class of its own.
    """

    pixel_accuracy: float
    mean_iou: float
    pixel_accuracy_with_ignore: float
    mean_iou_with_ignore: float


def confusion(
    predicted: ArrayLike, truth: ArrayLike, classes: int, ignore: int = 255
) -> NDArray[np.int64]:
    """How often each true class was seen as each class.

    Args:
        predicted: (..., H, W) integers below `classes`, or `ignore` where no class was seen.
        truth: (..., H, W), the same.
        classes: C.
        ignore: the label of pixels without a class; not below C.

    Returns:
        (C + 1, C + 1): row, the true class; column, the predicted; the last of both is `ignore`.
        The matrices of several images are added.

    Raises:
        ValueError: the shapes differ, the values are no integers, or have no class.

    >>> confusion([[0, 1, 1]], [[0, 0, 255]], classes=2)
    array([[1, 1, 0],
           [0, 0, 0],
           [0, 1, 0]])
    """
    if classes < 1 or 0 <= ignore < classes:
        raise ValueError(f"expected an ignore label outside 0…{classes - 1}, got {ignore}")
    maps = {"predicted": np.asarray(predicted), "truth": np.asarray(truth)}
    if maps["predicted"].shape != maps["truth"].shape:
        shapes = " and ".join(str(labels.shape) for labels in maps.values())
        raise ValueError(f"predicted and truth must be of one shape, got {shapes}")
    flat = {}
    for name, labels in maps.items():
        if labels.dtype.kind not in "iu":
            raise ValueError(f"{name}: expected integer labels, got {labels.dtype}")
        numbers = labels.astype(np.int64).ravel()
        unknown = np.unique(numbers[(numbers != ignore) & ((numbers < 0) | (numbers >= classes))])
        if unknown.size:
            raise ValueError(
                f"{name}: labels {unknown.tolist()[:10]} have no class; expected 0…{classes - 1}, "
                f"or {ignore} to ignore"
            )
        flat[name] = np.where(numbers == ignore, classes, numbers)
    side = classes + 1
    pairs = flat["truth"] * side + flat["predicted"]
    return np.bincount(pairs, minlength=side * side).reshape(side, side).astype(np.int64)


def scores(counts: ArrayLike) -> SegmentationScores:
    """Pixel accuracy and mean IoU, both ways.

    A class's intersection over union is its pixels that were found, divided by those that are it,
    are seen as it, or both. A class without any of these is left out of the mean.

    Args:
        counts: (C + 1, C + 1), from `confusion`, of one image or the sum of many.

    Returns:
        The four scores; NaN where there are no pixels to score.

    Raises:
        ValueError: it is no such matrix.

    Source: pix2pixHD, section 4.1 and Table 1; Long et al., "Fully convolutional networks for
    semantic segmentation", 2015, section 5.

    >>> scores([[3, 1, 0], [0, 4, 0], [0, 2, 0]]).pixel_accuracy
    87.5

    Nothing has the second class, so what is seen as it is wrong; nothing is seen as the third.

    >>> scores([[3, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 4, 0, 0]]).mean_iou
    0.375
    """
    matrix = np.asarray(counts)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
        raise ValueError(f"counts: expected (C + 1, C + 1) of `confusion`, got {matrix.shape}")
    labelled = matrix.copy()
    labelled[-1] = 0
    return SegmentationScores(
        _accuracy(labelled), _mean_iou(labelled), _accuracy(matrix), _mean_iou(matrix)
    )


def judged(
    see: Callable[[Tensor], Tensor], images: NDArray[np.uint8], labels: NDArray, classes: int
) -> tuple[SegmentationScores, int]:
    """The scores of images against the labels that they were to show.

    Args:
        see: (B, 3, H, W) float32 in [0, 1] → (B, H, W) integers, classes or 255.
        images: (M, C, H, W, 3) u8, C of each layout.
        labels: (M, H, W) u8, classes or 255.
        classes: how many there are.

    Returns:
        The scores of all images together, and how many there are.
    """
    counts = np.zeros((classes + 1, classes + 1), np.int64)
    for several, truth in zip(images, labels, strict=True):
        seen = see(torch.from_numpy(several).permute(0, 3, 1, 2).float() / 255).numpy()
        counts += confusion(seen, np.broadcast_to(truth, seen.shape), classes)
    return scores(counts), images.shape[0] * images.shape[1]


def _accuracy(counts: NDArray[np.int64]) -> float:
    total = counts.sum()
    return float(100 * np.trace(counts) / total) if total else float("nan")


def _mean_iou(counts: NDArray[np.int64]) -> float:
    found = np.diagonal(counts)[:-1]
    union = (counts.sum(0) + counts.sum(1))[:-1] - found
    occurs = union > 0
    return float(np.mean(found[occurs] / union[occurs])) if occurs.any() else float("nan")
