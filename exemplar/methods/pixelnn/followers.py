"""Which exemplars lend a candidate its pixels: a leader, and followers that look like it.

A condition leaves much of the look open, so the nearest exemplars share a shape but not a coat.
Where a candidate draws on several, those after the leading one are chosen among the near ones by
how their photographs look as well as by what they show. Source: the choice of the closest
exemplars is PixelNN's, section 3; the looks are ours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import zarr

from exemplar.matching.images import Images, nearest
from exemplar.matching.scenes import unit
from exemplar.methods.pixelnn.schedule import Candidate, exemplars_needed
from exemplar.store.arrays import StoreError, read_rows


class Cast(NamedTuple):
    """The exemplars of all candidates of an input.

    Attributes:
        rows: (R,) int64, each exemplar once.
        members: for every candidate the K places in `rows` that it draws on, its leader first.
    """

    rows: np.ndarray
    members: list[tuple[int, ...]]


def cast(
    images: Images,
    scene: np.ndarray,
    look: zarr.Array,
    members: list[Candidate],
    likeness: float = 0.0,
    near: int = 60,
    wanted: np.ndarray | None = None,
) -> Cast:
    """Chooses the exemplars of all candidates.

    Args:
        images: the exemplars.
        scene: (G,) float32, of the input.
        look: (N, L) float32, of every image of the store (`features.look`).
        members: the candidates, whose `first` is the rank of their leader.
        likeness: s ≥ 0; followers are those with the highest scene cosine less s times the
            distance of looks. With 0 they are the next in rank, as published.
        near: followers are among so many nearest exemplars.
        wanted: (L,) the look to be like; the leader's own by default.

    Returns:
        Exemplars and, for each candidate, which of them it draws on.

    Raises:
        SearchError: there are fewer exemplars than the candidates draw on.
        StoreError: a look is not finite.
    """
    needed = exemplars_needed(members)
    if likeness == 0:
        return by_rank(nearest(images, scene[None], needed)[0], members)
    count = max(needed, min(near, len(images.rows)))
    rows = nearest(images, scene[None], count)[0]
    cosine = unit(read_rows(images.scene, rows)) @ unit(scene[None])[0]
    looks = _looks(look, rows)
    chosen = [_chosen(member, cosine, looks, likeness, wanted) for member in members]
    used = sorted({place for places in chosen for place in places})
    return Cast(rows[used], [tuple(used.index(place) for place in places) for places in chosen])


def by_rank(rows: np.ndarray, members: list[Candidate]) -> Cast:
    """The published choice: each candidate draws on its ranks of the nearest exemplars.

    Args:
        rows: (R,) the nearest exemplars, best first.
        members: the candidates.
    """
    return Cast(rows, [tuple(range(len(rows))[member.ranks]) for member in members])


def _chosen(
    member: Candidate,
    cosine: np.ndarray,
    looks: np.ndarray,
    likeness: float,
    wanted: np.ndarray | None,
) -> tuple[int, ...]:
    """The ranks, from 0, of a candidate's leader and followers."""
    leader = member.first - 1
    like = looks[leader] if wanted is None else wanted
    distance = np.sqrt(np.square(looks[leader + 1 :] - like).sum(1))
    worth = cosine[leader + 1 :] - likeness * distance
    order = np.argsort(-worth, kind="stable")[: member.neighbours - 1]
    return leader, *(leader + 1 + int(place) for place in order)


def _looks(look: zarr.Array, rows: np.ndarray) -> np.ndarray:
    """The looks of some exemplars."""
    looks = read_rows(look, rows).astype(np.float64)
    bad = rows[~np.isfinite(looks).all(axis=1)].tolist()
    if bad:
        raise StoreError(
            f"{look.store_path}: values that are not finite in rows {bad}; the store is damaged: "
            "remove it and run `exemplar reproduce`"
        )
    return looks
