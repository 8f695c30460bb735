"""Pictures composed of patches of photographs, coarse to fine.

At every level each patch of the estimate, with the guides that are wanted there, takes the nearest
patch of the exemplars with theirs; overlapping copies are averaged to the next estimate. So every
pixel has its sources. Sources: Granot et al., "Drop the GAN", 2022, sections 3 and 4, which has no
guides; these guide as in Hertzmann et al., "Image Analogies", 2001.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from exemplar.patches import field as fields
from exemplar.patches.levels import Guides, Size, classes_of, reduced, scaled
from exemplar.patches.library import FINE_SIDE, Level, Library, guide_cells, put_colours, put_guides
from exemplar.patches.voting import rederive, to_sources, vote
from exemplar.patches.whole_search import search_whole, within_class

FEWEST_ROUNDS = 2
"""At fine levels, where little changes and most of the time goes."""


class Wanted(NamedTuple):
    """A picture to be made.

    Attributes:
        guides: of any size, of the same kinds as the exemplars'.
        exemplars: which of the library's may be used; none: all.
        start: (H, W, 3) u8 of any size, what the coarsest level begins with; none: guides alone.
        bias: (E,) or (E, C), of each of `exemplars` (in each class): added to the squared distance
            of its patches, whose unit is a channel from 0 to 1.
        seed: of random searches; equal seeds give equal pictures.
    """

    guides: Guides = Guides()
    exemplars: tuple[int, ...] | None = None
    start: NDArray[np.uint8] | None = None
    bias: NDArray[np.floating] | None = None
    seed: int = 0


class Composed(NamedTuple):
    """A picture and where it comes from.

    Attributes:
        image: (H, W, 3) u8.
        source: (H, W, 3) int32, of each pixel's match the exemplar in the library, and the row and
            column in that photograph itself, also if it is used smaller or mirrored.
        votes: each pixel is the mean of the copies that the matches of (2 votes + 1)² pixels around
            propose; `voting.rederive` makes the picture of them.
    """

    image: NDArray[np.uint8]
    source: NDArray[np.int32]
    votes: int


def compose(library: Library, wanted: Sequence[Wanted], size: Size) -> list[Composed]:
    """Makes pictures of a library's exemplars.

    Args:
        library: of exemplars, for pictures of this longest side.
        wanted: the pictures; level by level they are made side by side.
        size: rows and columns of each.

    Returns:
        As many pictures.

    Raises:
        ValueError: size, guides, exemplars or biases do not fit the library.
    """
    wrong = [
        f"picture {number}: {what}"
        for number, one in enumerate(wanted)
        for what in _misfits(library, one, size)
    ]
    if wrong:
        raise ValueError("; ".join(wrong))
    planes = [library.planes(one.guides, size) for one in wanted]
    matches: list[Tensor | None] = [None] * len(wanted)
    before: Tensor | None = None
    for number, scale in enumerate(library.scales):
        level = library.level(number)
        for place, one in enumerate(wanted):
            match = matches[place]
            patches = _Patches(library, level, one, planes[place], scaled(size, scale))
            if match is None:
                match = patches.first(one.start)
            elif before is not None:
                match = fields.enlarged(match, patches.size, before, level.sizes)
                match = within_class(match, patches.pair)
            rounds = max(FEWEST_ROUNDS, library.settings.rounds - number)
            if max(patches.size) > FINE_SIDE:
                rounds = FEWEST_ROUNDS
            matches[place] = patches.settled(match, rounds, one.seed * 64 + number)
        before = level.sizes
    return [_finished(library, match, before, size) for match in matches]


class _Patches:
    """A picture's patches at a level, of which colours change from round to round."""

    def __init__(
        self, library: Library, level: Level, wanted: Wanted, planes: Tensor, size: Size
    ) -> None:
        self.library, self.level, self.size = library, level, size
        settings, scale = library.settings, level.space.scale
        self.rows = torch.zeros(*size, scale.length, dtype=torch.int16)
        cells = guide_cells(planes, size, level.space.weights, settings.patch)
        put_guides(self.rows, cells, level.space, settings.place)
        allowed = torch.tensor(wanted.exemplars or range(len(library.exemplars)))
        classes = _classes(library, level, wanted, planes, size, allowed)
        device = library.device
        self.pair = fields.Pair(
            self.rows.to(device), classes.to(device), level.keys, level.classes, level.sizes,
            allowed.to(device), _bias(library, level, wanted, allowed).to(device),
            scale.cost(settings.change) if settings.change else 0,
        )  # fmt: skip
        self.whole = max(*size, int(level.sizes[allowed, 1:].max())) <= settings.whole_side
        self.alpha = settings.alpha * scale.factor**2

    def first(self, start: NDArray[np.uint8] | None) -> Tensor:
        """The first field: by a given picture and guides, or by guides and places alone."""
        if start is not None:
            self._seen(reduced(start, self.size))
            return search_whole(self.pair, self.alpha)
        blank = self.level.keys.clone()
        colours = len(self.level.space.colours.mean)
        blank[:, :colours] = 0
        return search_whole(self.pair._replace(keys=blank), self.alpha)

    def settled(self, match: Tensor, rounds: int, seed: int) -> Tensor:
        """A level's rounds: copies are averaged to an estimate, and its patches matched."""
        settings = self.library.settings
        for turn in range(rounds):
            estimate = vote(self.level.pixels, self.level.sizes, match, settings.patch // 2)
            self._seen(estimate.cpu().numpy())
            if self.whole:
                match = search_whole(self.pair, self.alpha)
            else:
                found = fields.start(self.pair, match)
                match = fields.improve(
                    self.pair, found, settings.searches, settings.radius, seed * 64 + turn,
                    fields.FINE_JUMPS if max(self.size) > FINE_SIDE else fields.JUMPS,
                ).match  # fmt: skip
        return match

    def _seen(self, estimate: NDArray[np.uint8]) -> None:
        put_colours(self.rows, estimate, self.level.space)
        self.pair = self.pair._replace(query=self.rows.to(self.library.device))


def _classes(
    library: Library, level: Level, wanted: Wanted, planes: Tensor, size: Size, allowed: Tensor
) -> Tensor:
    """(H, W) int16, the classes wanted; `ANY` where no exemplar has one at this size."""
    labels = wanted.guides.labels
    if labels is None:
        return torch.full(size, fields.ANY, dtype=torch.int16)
    count = len(library.label_weights)
    found = torch.from_numpy(classes_of(labels, planes[:count], size))
    there = torch.zeros(count, dtype=torch.bool)
    for start, height, width in level.sizes[allowed].tolist():
        there[level.classes[start : start + height * width].cpu().long()] = True
    return torch.where(there[found.long()], found, fields.ANY).to(torch.int16)


def _bias(library: Library, level: Level, wanted: Wanted, allowed: Tensor) -> Tensor:
    """(E, C) int32, of all of the library's exemplars."""
    if wanted.bias is None:
        return torch.zeros(len(library.exemplars), 1, dtype=torch.int32)
    given = np.asarray(wanted.bias, np.float64).reshape(len(allowed), -1)
    whole = np.zeros((len(library.exemplars), given.shape[1]))
    whole[allowed.numpy()] = given
    costs = np.vectorize(level.space.scale.cost)(whole)
    return torch.from_numpy(costs.astype(np.int32))


def _finished(library: Library, match: Tensor | None, sizes: Tensor | None, size: Size) -> Composed:
    """The picture at its own size, which may be larger than the finest level."""
    assert match is not None
    assert sizes is not None
    own = [(0, *exemplar.used_size(library.side)) for exemplar in library.exemplars]
    if tuple(match.shape[:2]) != size or not torch.equal(
        sizes[:, 1:].cpu(), torch.tensor(own)[:, 1:]
    ):
        match = fields.enlarged(match, size, sizes, torch.tensor(own))
    source = to_sources(match.cpu().numpy(), library.exemplars, library.side)
    votes = library.settings.votes
    return Composed(rederive(source, library.exemplars, votes), source, votes)


def _misfits(library: Library, wanted: Wanted, size: Size) -> list[str]:
    """All that does not fit the library."""
    wrong = []
    if max(size) != library.side:
        wrong.append(f"the library is for pictures of {library.side} pixels, got {max(size)}")
    used = wanted.exemplars or range(len(library.exemplars))
    if not all(0 <= place < len(library.exemplars) for place in used):
        wrong.append(f"exemplars {list(used)} of {len(library.exemplars)}")
    if wanted.bias is not None and len(wanted.bias) != len(used):
        wrong.append(f"{len(wanted.bias)} biases for {len(used)} exemplars")
    guides, known = wanted.guides, library.exemplars[0].guides
    if (guides.labels is None) != (known.labels is None):
        wrong.append("the picture and the exemplars both need labels, or neither")
    elif guides.labels is not None and int(guides.labels.max()) >= len(library.label_weights):
        highest = len(library.label_weights) - 1
        wrong.append(f"class {guides.labels.max()} is wanted, the exemplars' are 0 to {highest}")
    channels = [0 if g.values is None else g.values.shape[2] for g in (guides, known)]
    if channels[0] != channels[1]:
        wrong.append(f"{channels[0]} guides, while the exemplars have {channels[1]}")
    return wrong
