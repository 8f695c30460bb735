"""How good layouts are: their patches against the source's, what a judge sees, and the truth.

Takes images that methods made of a source's targets and gives rows of its table. Source: Li et al.,
section 4.2 and Table 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from exemplar.methods.semantic_analogy.source_settings import IDENTITY
from exemplar.methods.semantic_analogy.sources import NamedSource, NamedTarget
from exemplar.metrics.flow import psnr
from exemplar.metrics.patch_coherence import patch_distance
from exemplar.metrics.segmentation import confusion, scores
from exemplar.metrics.segmenters import Segmenter, translation
from exemplar.metrics.unchanged import region_psnr, unchanged_region

ALL = "all"
"""In the place of a target: all but the source's own layout, together."""
SHARED = "shared"
"""In the place of a target: those that every method has, together, where that is not all."""
COPY, PHOTOGRAPH = "source", "photograph"
"""In the place of a method: the source as it is, and the photographs whose layouts are targets."""

MEASURES = (
    "patch_distance", "patch_distance_any", "completeness", "pixel_accuracy", "mean_iou",
    "identity_psnr", "unchanged_psnr", "psnr_to_truth",
)  # fmt: skip
_MEANS = ("patch_distance", "patch_distance_any", "completeness", "unchanged_psnr", "psnr_to_truth")

Image = NDArray[np.uint8]
Made = Mapping[str, Image]
"""Images (H, W, 3) u8 by the names of their targets."""


def method_rows(
    given: NamedSource, method: str, made: Made, judge: Segmenter, thorough: bool = True
) -> list[dict[str, Any]]:
    """Measures what a method made.

    Args:
        given: the source and its targets.
        method: its name.
        made: of some of the targets, or all.
        judge: sees classes in images.
        thorough: whether the two distances that Eq. 7 does not have are measured, too.

    Returns:
        A row for each target, one for the `shared_targets` together, if there are, and one for all
        but the identity together (for it alone, if it is the only one): `method`, `target`,
        `targets` (how many) and `MEASURES`, NaN where there is nothing to be measured. Counts of
        several targets' pixels are added up before accuracy and IoU are taken of them; their other
        measures are means.
    """
    rows, counts = [], {}
    for target in given.targets:
        if target.name not in made:
            continue
        row, seen = _measured(given, target, made[target.name], judge, thorough)
        rows.append({"method": method, "target": target.name, "targets": 1} | row)
        counts[target.name] = seen
    if not rows:
        return []
    own = [row for row in rows if row["target"] == IDENTITY]
    others = [row for row in rows if row["target"] != IDENTITY] or own
    shared = [row for row in others if row["target"] in shared_targets(given)]
    for name, several in ((SHARED, shared), (ALL, others)):
        if not several:
            continue
        together = scores(sum(counts[row["target"]] for row in several))
        summary = {"method": method, "target": name, "targets": len(several)}
        summary |= {measure: _mean([row[measure] for row in several]) for measure in _MEANS}
        summary |= {
            "pixel_accuracy": together.pixel_accuracy,
            "mean_iou": 100 * together.mean_iou,
            "identity_psnr": own[0]["identity_psnr"] if own else np.nan,
        }
        rows.append(summary)
    return rows


def shared_targets(given: NamedSource) -> tuple[str, ...]:
    """The targets that every method has: those with a photograph; none if that is all or none."""
    others = [target for target in given.targets if target.name != IDENTITY]
    shared = [target.name for target in others if target.photograph is not None]
    return tuple(shared) if len(shared) < len(others) else ()


def reference_rows(
    given: NamedSource, judge: Segmenter, thorough: bool = True
) -> list[dict[str, Any]]:
    """What the measures are for images that nothing was made of; arguments as of `method_rows`.

    Returns:
        Rows of `COPY`, the source whatever the target: what a method must surpass; and of
        `PHOTOGRAPH`, real images in the targets' layouts: what the judge says of them.
    """
    copies = {target.name: given.source.image for target in given.targets}
    photographs = {
        target.name: target.photograph
        for target in given.targets
        if target.photograph is not None and target.name != IDENTITY
    }
    return [
        *method_rows(given, COPY, copies, judge, thorough),
        *method_rows(given, PHOTOGRAPH, photographs, judge, thorough),
    ]


def _measured(
    given: NamedSource, target: NamedTarget, image: Image, judge: Segmenter, thorough: bool
) -> tuple[dict[str, float], NDArray[np.int64]]:
    """The measures of one image, and how often the judge sees which class as which."""
    source = given.source
    values = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
    seen = judge(values)[0].numpy()
    wanted = translation(source.classes, judge.classes)[target.labels]
    counts = confusion(seen, wanted, len(judge.classes))
    found = scores(counts)
    measures = {
        "patch_distance": patch_distance(image, source.image, (target.labels, source.labels)),
        "patch_distance_any": patch_distance(image, source.image) if thorough else np.nan,
        "completeness": patch_distance(source.image, image) if thorough else np.nan,
        "pixel_accuracy": found.pixel_accuracy,
        "mean_iou": 100 * found.mean_iou,
        "identity_psnr": np.nan,
        "unchanged_psnr": np.nan,
        "psnr_to_truth": np.nan,
    }
    if target.name == IDENTITY:
        measures["identity_psnr"] = psnr(image, source.image)
    elif target.truth is not None:
        measures["psnr_to_truth"] = psnr(image, target.truth)
    if target.edited:
        region = unchanged_region(target.labels, source.labels)
        measures["unchanged_psnr"] = region_psnr(image, source.image, region)
    return measures, counts


def _mean(values: list[float]) -> float:
    """The mean of those that are numbers, NaN if none is."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
