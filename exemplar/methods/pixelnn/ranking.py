"""Ranking without the truth: cues of candidates, weighed as they foretell the error.

Weights are fitted on the validation images, whose photographs are known, and are stored as plain
JSON in models/ranking/; with them the candidates of any input come out best first. Source: ours;
PixelNN has "no direct way of ranking the outputs" (section 4).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import Field, ValidationError
from scipy.optimize import nnls

from exemplar.methods.pixelnn.compose import Composed
from exemplar.methods.pixelnn.cues import Examiner, open_examiner
from exemplar.metrics.distinct import distinct
from exemplar.metrics.ranked import Ranking, mean_of_defined, rank_correlation
from exemplar.metrics.seams import Residuals
from exemplar.settings import Settings, load_params, section
from exemplar.store import layout
from exemplar.store.files import written

FLAT = 1e-9
"""A cue that varies less than this says nothing."""


class RankingSettings(Settings):
    """The section `ranking` of `params.yaml`."""

    images: int = Field(default=8, ge=1)
    """Of the split `val`, on which weights are fitted; fewer if there are fewer."""
    few: int = Field(default=8, ge=1)
    """How many distinct candidates are kept beside the ranking; at most all there are."""
    good: float = Field(default=0.6, gt=0, le=1)
    """The share of candidates, the best ones, that they are chosen from."""
    threads: int = Field(default=1, ge=1)
    """CPU threads; part of the settings because sums depend on it in the last bits."""


class RankingError(ValueError):
    """Candidates cannot be ranked: weights are missing, damaged, or of other networks."""


class CueWeights(Settings):
    """How much each cue counts; `models/ranking/<domain>-<condition>.json`."""

    weights: dict[str, float]
    """Of each cue, in degrees of mean angular error for one of its scales; 0 or more."""
    scales: dict[str, float]
    """A cue's spread among the candidates of an image, in its own unit."""
    images: int
    """How many the weights were fitted on."""
    rank_correlation: float | None
    """Of score and error on these images: Spearman's, the mean over images; null where one of them
    is the same for all candidates."""
    judge: str
    """The networks that saw cues and errors."""

    def score(self, cues: dict[str, np.ndarray]) -> np.ndarray:
        """How good candidates of one input are expected to be.

        Args:
            cues: by name (C,); others than the weighed ones do not count.

        Returns:
            (C,) float32, lower is better: the expected mean angular error in degrees above the
            mean of these candidates'. A cue that a candidate lacks counts as its mean.

        Raises:
            RankingError: a cue is missing.
        """
        if missing := sorted(self.weights.keys() - cues.keys()):
            raise RankingError(f"no cue {', '.join(missing)}: the weights are of another condition")
        total = sum(
            weight / self.scales[name] * centred(cues[name])
            for name, weight in self.weights.items()
        )
        return np.asarray(total, np.float32)


def centred(values: np.ndarray) -> np.ndarray:
    """Values (C,) less their mean, float64; 0 for one that is NaN."""
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    return np.where(known, values - (values[known].mean() if known.any() else 0), 0)


def fit(cues: list[dict[str, np.ndarray]], errors: list[np.ndarray], judge: str) -> CueWeights:
    """Weighs the cues by how they foretell the error, by non-negative least squares.

    What differs between images is left out: both are centred on each image's candidates.

    Args:
        cues: of each image, by name (C,), the same names for all.
        errors: (C,) of each image, mean angular errors in degrees.
        judge: the networks that saw them.

    Returns:
        A weight for every cue; 0 for one that adds nothing.

    Raises:
        RankingError: there is no image.
    """
    if not cues:
        raise RankingError("weights are fitted on images whose errors are known, got none")
    names = list(cues[0])
    columns = np.stack(
        [np.concatenate([centred(each[name]) for each in cues]) for name in names], axis=1
    )
    spread = columns.std(0)
    columns[:, spread <= FLAT] = 0
    scales = np.where(spread > FLAT, spread, 1)
    weights, _ = nnls(columns / scales, np.concatenate([centred(e) for e in errors]))
    fitted = CueWeights(
        weights=dict(zip(names, weights.tolist(), strict=True)),
        scales=dict(zip(names, scales.tolist(), strict=True)),
        images=len(cues),
        rank_correlation=None,
        judge=judge,
    )
    scored = zip(cues, errors, strict=True)
    found = mean_of_defined(rank_correlation(fitted.score(each), e) for each, e in scored)
    return fitted.model_copy(update={"rank_correlation": None if np.isnan(found) else found})


@dataclass(frozen=True)
class Ranker:
    """Ranks candidates.

    Attributes:
        examiner: sees their cues.
        weights: of these.
        few: how many distinct ones to choose, at most all.
        good: from which share of the candidates.
    """

    examiner: Examiner
    weights: CueWeights
    few: int
    good: float

    def __call__(
        self, stored: np.ndarray, regressed: np.ndarray, composed: Composed, residual: Residuals
    ) -> Ranking:
        """Ranks all candidates of an input; arguments as of `Examiner`."""
        cues = self.examiner(stored, regressed, composed, residual)
        score = self.weights.score(cues.values)
        few = distinct(cues.seen.perceptual, score, min(self.few, len(score)), self.good)
        return Ranking(score, np.array(few, np.int16))


def open_ranker(domain: str, condition: str, device: torch.device | str = "cpu") -> Ranker:
    """Opens the networks and weights that rank a domain's candidates.

    Args:
        domain: whose candidates.
        condition: of the inputs.
        device: where the networks look.

    Raises:
        RankingError: the weights are missing, damaged, or were fitted with other networks.
    """
    settings = section(load_params(), "ranking", RankingSettings)
    weights = load_ranking(domain, condition)
    examiner = open_examiner(domain, condition, device)
    if weights.judge != examiner.judge.identity:
        raise RankingError(
            f"{layout.ranking(domain, condition)}: fitted with {weights.judge}, the networks are "
            f"now {examiner.judge.identity}; run `exemplar reproduce ranking@{domain}-{condition}`"
        )
    return Ranker(examiner, weights, settings.few, settings.good)


def save_ranking(path: Path, weights: CueWeights) -> None:
    """Writes the weights as JSON."""
    with written(path) as partial:
        partial.write_text(json.dumps(weights.model_dump(), indent=2) + "\n")


def load_ranking(domain: str, condition: str) -> CueWeights:
    """Reads what `save_ranking` wrote.

    Raises:
        RankingError: the file is missing or damaged.
    """
    path = layout.ranking(domain, condition)
    remedy = f"run `exemplar reproduce ranking@{domain}-{condition}`"
    try:
        return CueWeights.model_validate_json(path.read_text())
    except FileNotFoundError:
        raise RankingError(f"{path}: no such file; {remedy}") from None
    except (ValidationError, UnicodeDecodeError) as error:
        raise RankingError(f"{path}: damaged ({error}); remove it and {remedy}") from error
