"""Which whole pictures are good and differ, told without any network and without the truth.

A picture is the better the nearer its sources' guides are to those that were wanted, and the fewer
borders of copies it has. Source: ours; the two are the terms of a patch's distance that its copies
leave behind.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import from_numpy

from exemplar.features.look import looks
from exemplar.methods.pixelnn.whole.candidates import Asked, Whole
from exemplar.metrics.distinct import distinct
from exemplar.metrics.ranked import Ranking
from exemplar.patches.levels import Guides, fitted, resized, shares_of
from exemplar.patches.voting import to_matches

SIDE = 128
"""Pixels of the longer side at which guides are compared."""
CUES = ("astray", "broken")


def ranked(made: Sequence[Whole], asked: Asked, few: int, good: float) -> Ranking:
    """Ranks candidates of an input.

    Args:
        made: all of them.
        asked: what they are to show.
        few: how many distinct ones to choose, at most all.
        good: from which share of the candidates, the best ones.

    Returns:
        (C,) scores, lower is better: the mean over cues, each as deviations from these candidates'
        mean; and the few, best first.
    """
    cues = np.array([[astray(one, asked), broken(one)] for one in made])
    spread = cues.std(0)
    score = ((cues - cues.mean(0)) / np.where(spread > 1e-9, spread, 1)).mean(1)
    seen = np.concatenate([looks(one.image[None]) for one in made])
    chosen = _few([one.member.leader for one in made], seen, score, min(few, len(made)), good)
    return Ranking(score.astype(np.float32), np.array(chosen, np.int16))


def _few(
    leaders: list[int],
    seen: NDArray[np.floating],
    score: NDArray[np.floating],
    count: int,
    good: float,
) -> list[int]:
    """A distinct few: of each leader its best, which the others look like, while they last."""
    order = np.argsort(score, kind="stable").tolist()
    best: dict[int, int] = {}
    for place in order:
        best.setdefault(leaders[place], place)
    first = list(best.values())
    if len(first) >= count:
        return [first[place] for place in distinct(seen[first], score[first], count, good)]
    rest = [place for place in order if place not in first][: count - len(first)]
    return sorted([*first, *rest], key=order.index)


def astray(one: Whole, asked: Asked) -> float:
    """The mean squared distance between the guides of a picture's sources and those wanted."""
    wanted = _planes(asked.guides, asked)
    match = to_matches(one.source, one.exemplars)
    height, width = wanted.shape[1:]
    rows = (2 * np.arange(height) + 1) * match.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * match.shape[1] // (2 * width)
    places = match[np.ix_(rows, columns)]
    side = max(one.source.shape[:2])
    total = np.zeros((height, width))
    for number, exemplar in enumerate(one.exemplars):
        here = places[..., 0] == number
        if not here.any():
            continue
        found = _planes(exemplar.guides, asked)
        own = exemplar.used_size(side)
        down = places[here][:, 1] * found.shape[1] // own[0]
        right = places[here][:, 2] * found.shape[2] // own[1]
        total[here] = np.square(found[:, down, right] - wanted[:, here]).sum(0)
    return float(total.mean())


def broken(one: Whole) -> float:
    """The share of neighbouring pixels whose sources are not neighbours."""
    match = to_matches(one.source, one.exemplars).astype(np.int64)
    down = match[1:] - match[:-1] != [0, 1, 0]
    right = match[:, 1:] - match[:, :-1] != [0, 0, 1]
    return float((down.any(-1).mean() + right.any(-1).mean()) / 2)


def _planes(guides: Guides, asked: Asked) -> NDArray[np.float32]:
    """(G, h, w) guides at `SIDE`, classes' shares weighted."""
    size = fitted(asked.size, SIDE)
    if guides.labels is not None:
        assert asked.weights is not None
        shares = shares_of(guides.labels, len(asked.weights), size).numpy()
        return shares * np.array(asked.weights, np.float32)[:, None, None]
    assert guides.values is not None
    values = from_numpy(np.ascontiguousarray(guides.values.astype(np.float32)))
    return resized(values.permute(2, 0, 1), size).numpy()
