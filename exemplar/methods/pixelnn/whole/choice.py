"""Which exemplars whole pictures are made of: leaders near the input, followers that complete them.

A follower is to show what is wanted where the leader does not, and to look like the leader. Source:
the choice of the nearest whole images is PixelNN's, section 3; completing is ours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Pick(NamedTuple):
    """An exemplar as it is used.

    Attributes:
        row: of the store.
        mirrored: whether it is used mirrored.
    """

    row: int
    mirrored: bool = False


class Ranked(NamedTuple):
    """Exemplars near an input, best first.

    Attributes:
        picks: n of them.
        apart: (n, C) float, squared distances from the input, cell by cell of the picture.
        looks: (n, L) float, by which their looks are compared.
    """

    picks: list[Pick]
    apart: NDArray[np.floating]
    looks: NDArray[np.floating]


def nearest_first(picks: list[Pick], apart: NDArray[np.floating], count: int) -> NDArray[np.intp]:
    """The places of the nearest, best first; each photograph once, as it is nearer.

    Args:
        picks: n of them.
        apart: (n,) squared distances.
        count: at most so many.
    """
    found, seen = [], set()
    for place in np.argsort(apart, kind="stable").tolist():
        if picks[place].row not in seen:
            seen.add(picks[place].row)
            found.append(place)
        if len(found) == count:
            break
    return np.array(found, np.intp)


def casts(
    ranked: Ranked,
    leaders: int,
    followers: int,
    likeness: float,
    wanted: NDArray[np.floating] | None = None,
) -> list[tuple[int, ...]]:
    """The exemplars of each leader's candidates.

    A set of exemplars costs, in the mean over cells, the distance of its nearest member there;
    followers are added one by one, each that which leaves the least cost and looks like the leader.

    Args:
        ranked: the exemplars.
        leaders: how many of the first lead.
        followers: how many each of them gets, fewer if there are fewer exemplars.
        likeness: how much the distance of looks counts beside what is left; that is told in the
            mean distance of leaders, squared distances of looks in their median from the leader's.
        wanted: (L,) the look to be like; the leader's own by default.

    Returns:
        Places in `ranked`, of each leader its own first.
    """
    unit = float(ranked.apart[: max(leaders, 1)].mean()) or 1.0
    found = []
    for leader in range(min(leaders, len(ranked.picks))):
        like = ranked.looks[leader] if wanted is None else wanted
        unlike = np.square(ranked.looks - like).sum(1)
        unlike = unlike / (np.median(unlike) or 1.0)
        chosen, least = [leader], ranked.apart[leader]
        free = np.ones(len(ranked.picks), bool)
        for _ in range(min(followers, len(ranked.picks) - 1)):
            free[chosen[-1]] = False
            left = np.minimum(ranked.apart, least).mean(1) / unit
            worth = np.where(free, left + likeness * unlike, np.inf)
            chosen.append(int(worth.argmin()))
            least = np.minimum(least, ranked.apart[chosen[-1]])
        found.append(tuple(chosen))
    return found
