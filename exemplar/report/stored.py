"""What the report reads of one test image: its rows of the stores of many stages.

From `prepare`, `conditions`, `features`, `whole`, `coherent`, `candidates` and `evaluate`; the
gallery draws them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
import pandas as pd

from exemplar.report.tables import number, records, text

Candidate = Sequence[int]


@dataclass(frozen=True)
class Coherent:
    """One image's coherent candidates.

    Attributes:
        image: u8 (C, H, W, 3).
        source: i32 (C, H, W, 3).
        members: (C) of (neighbours, first, window).
        score: (C,), the expected error in degrees, up to a constant; lower is better.
        few: the distinct few, best first.
        votes: a pixel is the mean of up to (2 · votes + 1)² copies; 0, it is one.
    """

    image: np.ndarray
    source: np.ndarray
    members: list[Candidate]
    score: np.ndarray
    few: list[int]
    votes: int

    @property
    def best(self) -> int:
        """The best-ranked candidate."""
        return self.few[0]

    def place(self, candidate: int) -> int:
        """A candidate's place in the ranking, from 1; equals share the best of theirs."""
        return 1 + int((self.score < self.score[candidate]).sum())


@dataclass(frozen=True)
class Picture:
    """A whole picture.

    Attributes:
        image: u8 (H, W, 3).
        member: how many exemplars it is composed of, the rank of the leader, and how it began.
        place: in the ranking, from 1; equals share the best of theirs.
        total: of how many.
        shares: row of each exemplar → its share of the pixels, the largest first.
    """

    image: np.ndarray
    member: tuple[int, int, str]
    place: int
    total: int
    shares: dict[int, float]


@dataclass(frozen=True)
class Spread:
    """How much a method's candidates of one image differ: all from all, and which the most.

    `diversity` is their mean distance, as it was written; `order` all of them, the most different
    first.
    """

    diversity: str
    order: list[int]


@dataclass(frozen=True)
class Stored:
    """One test image's rows of the stores, all (…, H, W, 3) u8 but `condition`.

    `truth` (H, W, 3); `condition` as stored, of the kind `kind`; `regressed` (H, W, 3); `published`
    (C', H, W, 3) of `members`, `global_` and `pix2pix` (…, H, W, 3); `errors` those of each
    method's candidates, as from `candidate_errors`, where known; `spread` by method, as from
    `candidate_spread`; `whole` the distinct few whole pictures, best first.
    """

    id: str
    kind: str
    truth: np.ndarray
    condition: np.ndarray
    regressed: np.ndarray
    coherent: Coherent
    published: np.ndarray
    members: list[Candidate]
    global_: np.ndarray
    errors: Mapping[str, Mapping[int, float]]
    pix2pix: np.ndarray
    spread: Mapping[str, Spread]
    whole: Sequence[Picture] = ()

    def nearest(self, method: str) -> int | None:
        """The method's candidate with the lowest error, the first of equals; None if unknown."""
        errors = self.errors.get(method, {})
        return min(errors, key=lambda candidate: (errors[candidate], candidate), default=None)

    @property
    def best_global(self) -> np.ndarray:
        """Global's picture that is nearest to the truth, (H, W, 3); the first if unknown.

        `global_` has one for each rank, of which those that lead a published candidate count.
        """
        chosen = self.nearest("global")
        return self.global_[0 if chosen is None else self.members[chosen][1] - 1]

    def same(self, candidate: int) -> int | None:
        """The published candidate of the same member as a coherent one; None if there is none."""
        members = [tuple(member) for member in self.members]
        member = tuple(self.coherent.members[candidate])
        return members.index(member) if member in members else None


def candidate_errors(scores: pd.DataFrame, image: str) -> dict[str, dict[int, float]]:
    """The mean angular errors of one image's candidates, as the first judge sees them.

    Args:
        scores: `scores.csv`, with columns `image`, `method`, `candidate`, `mean`, `judge`.
        image: the image's id.

    Returns:
        Method → candidate → error in degrees, without those that have none.
    """
    errors: dict[str, dict[int, float]] = {}
    rows = records(scores)
    for row in rows:
        if text(row, "judge") != text(rows[0], "judge"):
            continue
        error = number(row, "mean")
        if text(row, "image") == image and not isnan(error):
            errors.setdefault(text(row, "method"), {})[int(row["candidate"])] = error
    return errors


def candidate_spread(table: pd.DataFrame, image: str) -> dict[str, Spread]:
    """How much the candidates of one image differ.

    Args:
        table: `spread.csv` as text, with columns `image`, `method`, `diversity`, `order`.
        image: the image's id.

    Returns:
        By method, of those with many candidates.
    """
    return {
        text(row, "method"): Spread(
            text(row, "diversity"), [int(place) for place in text(row, "order").split()]
        )
        for row in records(table)
        if text(row, "image") == image
    }


def evenly(total: int, count: int) -> list[int]:
    """Up to `count` indices spread evenly through `range(total)`, ascending and distinct."""
    if total <= count:
        return list(range(total))
    return sorted({int((2 * i + 1) * total // (2 * count)) for i in range(count)})
