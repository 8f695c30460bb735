"""Cues of a candidate's quality that need no truth: what a judge sees in it, against the input.

Candidates come in with what they were made from; numbers by which they are ranked go out
(`ranking`). The judge looks at each candidate once, for all cues and for telling candidates apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from exemplar.conditions import lowres
from exemplar.conditions.sources import ConditionsSettings, edge_network
from exemplar.estimators import load_estimators
from exemplar.labels.encoding import IGNORE
from exemplar.methods.pixelnn.compose import Composed
from exemplar.metrics.edges import average_precision, edge_counts
from exemplar.metrics.judge import Judge, Seen
from exemplar.metrics.normals import angular_error
from exemplar.metrics.seams import Residuals, seam_energy
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import name_list, open_group

EDGE = 0.5
"""A pixel of the input is an edge from this strength on."""
BLOCK = 8
"""Pixels a side of the blocks whose means are an image's low frequencies."""


class Cues(NamedTuple):
    """What is known of an input's candidates without the truth.

    Attributes:
        values: by cue's name (C,) float64, lower is better; NaN where a candidate has none.
        seen: what the judge saw in the candidates.
    """

    values: dict[str, np.ndarray]
    seen: Seen


@dataclass(frozen=True)
class Examiner:
    """Looks at candidates for inputs of one condition.

    Attributes:
        judge: sees in candidates what the condition was extracted from photographs by.
        condition: of the inputs.
        labels: whether the inputs' labels are the parts that the judge sees.
    """

    judge: Judge
    condition: str
    labels: bool = False

    def __call__(
        self, stored: np.ndarray, regressed: np.ndarray, composed: Composed, residual: Residuals
    ) -> Cues:
        """Looks at all candidates of an input.

        Args:
            stored: the condition, as it is stored.
            regressed: f(x), (H, W, 3) u8.
            composed: the candidates.
            residual: from exemplars' rows to y − f(x).

        Returns:
            The cues: `mismatch` between the input and the condition seen in the candidate, in
            degrees of normals, 1 − average precision of edges, mean squared error of small images
            in [0, 1], or share of labels; absent for labels that the judge does not know.
            `dissent`, the mean angle in degrees between the normals seen in the candidate and the
            mean of those seen in all: what most agree on is most likely so.
            `seam`, in grey levels (`seam_energy`). `drift` from f(x) in low frequencies, the root
            mean square of 8×8 blocks' means, in grey levels.
        """
        seen = self.judge(composed.image)
        values = {
            "dissent": _degrees(seen.normals, seen.normals.mean(0)),
            "seam": seam_energy(composed.image, composed.source, regressed, residual),
            "drift": drift(composed.image, regressed),
        }
        if self.condition != "labels" or self.labels:
            mismatch = {"mismatch": self.mismatch(stored, composed.image, seen)}
            values = mismatch | values
        return Cues(values, seen)

    def mismatch(self, stored: np.ndarray, images: np.ndarray, seen: Seen) -> np.ndarray:
        """Of the input (as it is stored) and images (C, H, W, 3) u8 with what is seen in them."""
        if self.condition == "normals":
            return _degrees(seen.normals, stored)
        if self.condition == "edges":
            precision = average_precision(edge_counts(seen.edges, stored >= EDGE))
            return np.nan_to_num(1 - precision)  # of an input without edges nothing can be said
        if self.condition == "lowres":
            small = lowres.extract(images).astype(np.float64)
            return np.square((small - stored) / 255).mean((1, 2, 3))
        known = stored != IGNORE
        return ((seen.parts != stored) & known).sum((1, 2)) / max(1, known.sum())


def open_examiner(domain: str, condition: str, device: torch.device | str = "cpu") -> Examiner:
    """Opens the judge of a domain's candidates: the networks that extract its conditions.

    Args:
        domain: whose candidates.
        condition: of the inputs.
        device: where the estimators look.

    Raises:
        WeightsError: a network is missing or damaged.
    """
    settings = section(load_params(), "conditions", ConditionsSettings)
    estimators = load_estimators(layout.ESTIMATORS, device)
    judge = Judge(estimators, *edge_network(settings.edges, estimators))
    labels = condition == "labels" and (
        name_list(open_group(layout.conditions(domain)), "classes") == estimators.parts
    )
    return Examiner(judge, condition, labels)


def drift(images: np.ndarray, regressed: np.ndarray) -> np.ndarray:
    """How far images (C, H, W, 3) u8 are from f(x), (H, W, 3) u8, in low frequencies, (C,)."""
    height, width = (max(1, side // BLOCK) for side in regressed.shape[:2])
    difference = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    difference -= torch.from_numpy(regressed).permute(2, 0, 1)
    means = functional.adaptive_avg_pool2d(difference, (height, width)).double()
    return means.square().mean((1, 2, 3)).sqrt().numpy()


def _degrees(normals: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The mean angles between (C, H, W, 3) and (H, W, 3), (C,)."""
    return angular_error(normals, other).mean((1, 2), dtype=np.float64)
