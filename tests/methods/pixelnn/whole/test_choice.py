"""The exemplars of a candidate, against references written plainly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.methods.pixelnn.whole.choice import Pick, Ranked, casts, nearest_first

Row = st.tuples(st.integers(0, 5), st.booleans())


@given(st.lists(Row, min_size=1, max_size=12, unique=True), st.data(), st.integers(1, 7))
def test_each_photograph_comes_once_as_it_is_nearer(rows, data, count):
    """So a photograph never meets itself in a mirror."""
    picks = [Pick(*row) for row in rows]
    apart = np.array([data.draw(st.integers(0, 4)) for _ in picks], float)
    found = [picks[place] for place in nearest_first(picks, apart, count)]
    best: dict[int, tuple[float, int]] = {}
    for place, pick in enumerate(picks):
        best[pick.row] = min(best.get(pick.row, (np.inf, 0)), (apart[place], place))
    assert found == [picks[place] for _, place in sorted(best.values())[:count]]


def naive_cast(ranked, leader, followers, likeness, unit, like):
    """Every set of one more is tried."""
    unlike = [((look - like) ** 2).sum() for look in ranked.looks]
    scale = np.median(unlike) or 1
    chosen = [leader]
    while len(chosen) <= followers and len(chosen) < len(ranked.picks):
        costs = {
            place: np.mean([min(ranked.apart[p][cell] for p in [*chosen, place])
                            for cell in range(ranked.apart.shape[1])]) / unit
            + likeness * unlike[place] / scale
            for place in range(len(ranked.picks)) if place not in chosen
        }  # fmt: skip
        chosen.append(min(costs, key=lambda place: (round(costs[place], 9), place)))
    return tuple(chosen)


@pytest.mark.parametrize("likeness", [0, 0.7])
@pytest.mark.parametrize("wanted", [None, 5])
def test_followers_complete_the_leader_and_look_like_it(likeness, wanted):
    rng = np.random.default_rng(3)
    ranked = Ranked([Pick(row) for row in range(9)], rng.random((9, 6)), rng.random((9, 4)))
    look = None if wanted is None else ranked.looks[wanted]
    unit = np.mean([ranked.apart[leader].mean() for leader in range(3)])
    found = casts(ranked, 3, 4, likeness, look)
    assert found == [
        naive_cast(
            ranked, leader, 4, likeness, unit, ranked.looks[leader] if look is None else look
        )
        for leader in range(3)
    ]
    assert all(len(set(cast)) == 5 for cast in found)


def test_what_the_leader_lacks_decides_and_then_looks():
    apart = np.array([[0, 9], [5, 0.1], [0, 8], [5, 0]], float)
    looks = np.array([[0, 0], [0, 0], [0, 0], [3, 3]], float)
    ranked = Ranked([Pick(row) for row in range(4)], apart, looks)
    assert casts(ranked, 1, 1, 0) == [(0, 3)]
    assert casts(ranked, 1, 1, 1) == [(0, 1)]
    assert casts(ranked, 1, 1, 1, looks[3]) == [(0, 3)]


@pytest.mark.parametrize("count", [1, 2])
def test_there_may_be_fewer_exemplars_than_followers(count):
    ranked = Ranked([Pick(row) for row in range(count)], np.zeros((count, 3)), np.zeros((count, 2)))
    expected = [(0,)] if count == 1 else [(0, 1), (1, 0)]
    assert casts(ranked, 8, 4, 1) == expected
