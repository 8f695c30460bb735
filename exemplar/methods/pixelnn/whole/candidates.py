"""Candidates of one input, composed of patches of photographs: guides and photographs → pictures.

All candidates of a leader are made together, so that its exemplars are described once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Event
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from exemplar.methods.pixelnn.whole.choice import Pick, Ranked, casts
from exemplar.methods.pixelnn.whole.settings import Member, WholeSettings
from exemplar.patches.composing import Wanted, compose
from exemplar.patches.exemplars import Exemplar
from exemplar.patches.levels import Guides, Size, fitted
from exemplar.patches.library import Library
from exemplar.patches.recolouring import (
    FEWEST,
    GRID,
    LABEL_GAINS,
    ColourMap,
    clustered_memberships,
    label_memberships,
    recolour,
)


class Photo(NamedTuple):
    """A photograph with what is known of it.

    Attributes:
        pick: which, and whether it is used mirrored.
        image: (H, W, 3) u8, as it was photographed.
        guides: of the photograph as it is used.
        parts: (h, w, D), leading directions of descriptors of the photograph as it is used, of
            whose clusters colours are told apart; none where classes do that.
    """

    pick: Pick
    image: NDArray[np.uint8]
    guides: Guides
    parts: NDArray[np.floating] | None = None


class Asked(NamedTuple):
    """What is wanted of all candidates of an input.

    Attributes:
        guides: of the picture.
        size: its rows and columns.
        weights: (C,) how much the shares of classes count; none without classes.
        ground: the class of the picture's ground, if one is.
    """

    guides: Guides
    size: Size
    weights: tuple[float, ...] | None = None
    ground: int | None = None


class Whole(NamedTuple):
    """A candidate.

    Attributes:
        member: of the family.
        image: (H, W, 3) u8.
        source: (H, W, 3) int32: place in `exemplars`, row and column in the photograph itself.
        exemplars: with their colours as they were used; images are the photographs'.
        picks: which these are, in the store.
        votes: see `Composed`.
    """

    member: Member
    image: NDArray[np.uint8]
    source: NDArray[np.int32]
    exemplars: tuple[Exemplar, ...]
    picks: tuple[Pick, ...]
    votes: int


class Finder(Protocol):
    """Finds a domain's exemplars for an input of some form."""

    @property
    def grid(self) -> Size:
        """Rows and columns of the maps by which followers' colours are changed."""
        ...

    @property
    def guides_size(self) -> Size:
        """Rows and columns at which conditions are looked at."""
        ...

    def ranked(self, given: Any, count: int) -> Ranked:
        """The exemplars nearest to an input, best first, at most so many."""
        ...

    def photo(self, pick: Pick) -> Photo:
        """An exemplar with its guides."""
        ...

    def asked(self, given: Any) -> Asked:
        """What pictures of an input are to show."""
        ...

    def coherent(self, given: Any, leader: Pick, rank: int) -> NDArray[np.uint8] | None:
        """The coherent candidate (H, W, 3) that the start `coherent` begins with, if it can be."""
        ...


def of_input(
    finder: Finder,
    given: Any,
    settings: WholeSettings,
    look: NDArray[np.floating] | None = None,
) -> Iterator[Whole]:
    """The candidates of an input, as they are made: leaders side by side, by as many threads.

    Args:
        finder: of exemplars.
        given: the input, of the finder's form.
        settings: how many, and how they are composed.
        look: (L,) what followers are to look like; their leader by default.

    Yields:
        Candidates in no certain order; which there are, and each one's bytes, do not depend on it.
    """
    followers = max(settings.exemplars) - 1
    count = max(settings.leaders + followers, settings.near)
    ranked = finder.ranked(given, count)
    asked = finder.asked(given)
    chosen = casts(ranked, settings.leaders, followers, settings.likeness, look)
    members = settings.members(len(ranked.picks))
    made: SimpleQueue[Whole | Exception | None] = SimpleQueue()
    stopped = Event()

    def lead(rank: int, places: tuple[int, ...]) -> None:
        try:
            photos = [finder.photo(ranked.picks[place]) for place in places]
            mine = [member for member in members if member.leader == rank]
            begin = None
            if any(member.start == "coherent" for member in mine):
                begin = finder.coherent(given, photos[0].pick, rank)
            for one in of_leader(photos, mine, asked, settings, begin):
                if stopped.is_set():
                    return
                made.put(one)
            made.put(None)
        except Exception as error:
            made.put(error)

    with ThreadPoolExecutor(settings.threads) as pool:
        for rank, places in enumerate(chosen, start=1):
            pool.submit(lead, rank, places)
        try:
            for _ in chosen:
                while (one := made.get()) is not None:
                    if isinstance(one, Exception):
                        raise one
                    yield one
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)


def of_leader(
    photos: Sequence[Photo],
    members: Sequence[Member],
    asked: Asked,
    settings: WholeSettings,
    begin: NDArray[np.uint8] | None = None,
) -> Iterator[Whole]:
    """The candidates that one exemplar leads, one by one; exemplars are described once for all.

    Args:
        photos: the leader, then its followers.
        members: the candidates, of at most as many exemplars.
        asked: what they are to show.
        settings: how they are composed.
        begin: the picture (H', W', 3) that candidates of the start `coherent` begin with.
    """
    used = tuple(_exemplar(photo, photos[0], asked, settings) for photo in photos)
    library = Library(used, max(asked.size), settings.patches, asked.weights, settings.device)
    for member in members:
        count = member.exemplars
        wanted = Wanted(
            asked.guides,
            tuple(range(count)),
            begin if member.start == "coherent" else None,
            _bias(count, asked, settings),
            settings.seed,
        )
        (made,) = compose(library, [wanted], asked.size)
        picks = tuple(photo.pick for photo in photos[:count])
        yield Whole(member, made.image, made.source, used[:count], picks, made.votes)


def _exemplar(photo: Photo, leader: Photo, asked: Asked, settings: WholeSettings) -> Exemplar:
    """A photograph as an exemplar, in the leader's colours if it follows one."""
    exemplar = Exemplar(photo.image, photo.guides, mirrored=photo.pick.mirrored)
    if photo is leader or not settings.recolour:
        return exemplar
    return exemplar._replace(colours=_colours(leader, photo, asked))


def _colours(leader: Photo, follower: Photo, asked: Asked) -> ColourMap:
    images = [
        photo.image[:, ::-1] if photo.pick.mirrored else photo.image for photo in (leader, follower)
    ]
    pair = np.ascontiguousarray(images[0]), np.ascontiguousarray(images[1])
    if follower.parts is not None and leader.parts is not None:
        return recolour(*pair, clustered_memberships(leader.parts, follower.parts))
    assert asked.weights is not None
    count = len(asked.weights)
    labels = [photo.guides.labels for photo in (leader, follower)]
    grid = fitted(asked.size, GRID)
    ours, theirs = (label_memberships(each, count, grid) for each in labels if each is not None)
    return recolour(*pair, (ours, theirs), LABEL_GAINS, FEWEST)


def _bias(count: int, asked: Asked, settings: WholeSettings) -> NDArray[np.float64]:
    """(count, C), what a patch of each exemplar costs beside its distance, in each class."""
    classes = 1 if asked.weights is None else len(asked.weights)
    bias = np.zeros((count, classes))
    bias[1:] = settings.loyalty
    if asked.ground is not None:
        bias[1:, asked.ground] = settings.ground
    return bias
