"""Which candidates are made: (K, first rank, window). Source: PixelNN, section 3, and its code."""

from __future__ import annotations

from typing import Literal, NamedTuple

from exemplar.matching.windows import WHOLE

Schedule = Literal["released", "paper"]


class Candidate(NamedTuple):
    """One member of the family.

    Attributes:
        neighbours: K, how many exemplars pixels are chosen from.
        first: the rank of the first of them, from 1.
        window: the side T of the search window in pixels, or `WHOLE`.
    """

    neighbours: int
    first: int
    window: int

    @property
    def ranks(self) -> slice:
        """The exemplars used, as a slice of a ranked list."""
        return slice(self.first - 1, self.first - 1 + self.neighbours)

    def __str__(self) -> str:
        """As shown in captions and file names."""
        return f"K{self.neighbours}-from{self.first}-T{self.window or 'whole'}"


def candidates(schedule: Schedule) -> list[Candidate]:
    """The members of a schedule.

    Args:
        schedule: `released`, the 18 (K, first) × 4 windows of the authors' code, 72 in all; or
            `paper`, the K from 1 to 10 × T in 1, 3, 5, 10, whole of section 3, 50 in all.

    Returns:
        The candidates, in order.
    """
    if schedule == "paper":
        return [Candidate(k, 1, t) for k in range(1, 11) for t in (1, 3, 5, 10, WHOLE)]
    pairs = [(1, first) for first in range(1, 11)]
    pairs += [(3, first) for first in (1, 3, 5, 7, 9)]
    pairs += [(5, first) for first in (1, 4, 7)]
    return [Candidate(k, first, t) for k, first in pairs for t in (1, 7, 11, WHOLE)]


def exemplars_needed(members: list[Candidate]) -> int:
    """How many ranked exemplars the candidates draw on."""
    return max(member.ranks.stop for member in members)


def windows_of(members: list[Candidate]) -> tuple[int, ...]:
    """The distinct windows of the candidates, small first, the whole image last."""
    return tuple(sorted({m.window for m in members}, key=lambda t: (t == WHOLE, t)))
