"""What the page shows of one test input: whole pictures, the coherent few, and their sources.

Takes one image's rows of the stores (`stored`); the page places what it returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.labels.colours import hexadecimal
from exemplar.report.attribution import shares
from exemplar.report.palettes import EXEMPLARS, OTHER
from exemplar.report.pictures import (
    condition_picture,
    correspondence_picture,
    fourier_picture,
    position_picture,
)
from exemplar.report.stored import Candidate, Coherent, Picture, Stored
from exemplar.report.tiles import Tile, data_uri, photograph_uri, smaller, thumbnail

Reader = Callable[[list[int]], np.ndarray]

SIDE = 384
"""Pixels of the longer side of whole pictures, at most."""


@dataclass(frozen=True)
class Exemplar:
    """A line of the attribution: whose pixels, what share, in which colour they are drawn."""

    thumbnail: str
    id: str
    source: str
    licence: str
    share: float
    colour: str


@dataclass(frozen=True)
class Example:
    """One test input and what was made of it.

    Attributes:
        id: of the image.
        input: its condition.
        whole: the distinct few whole pictures, best first.
        regressed: f(x).
        few: distinct coherent candidates, best first; the best-ranked of all is marked.
        published: the published composition, of the same members as far as its schedule has them.
        best_global: Global's candidate nearest to the truth.
        truth: the photograph.
        best: the best-ranked coherent candidate, whose sources the rest explains.
        around: it amid its exemplars.
        positions: each of its pixels' place in its exemplar.
        exemplars: those with a colour, the largest share first.
        rest: the share of all others.
        copies: of how many copies a pixel is the mean at most; 1 where it is one copy.
        error: the mean over its coherent candidates, in degrees; infinite if not known.
    """

    id: str
    input: Tile
    whole: list[Tile]
    regressed: Tile
    few: list[Tile]
    published: list[Tile]
    best_global: Tile
    truth: Tile
    best: Tile
    around: Tile
    positions: Tile
    exemplars: list[Exemplar]
    rest: float
    copies: int
    error: float


def example(
    stored: Stored, items: pd.DataFrame, images: Reader, count: int, side: int = SIDE
) -> Example:
    """Draws what the page shows of one input.

    Args:
        stored: the input's rows of the stores.
        items: the domain's items.
        images: reads exemplars by row, u8 (E, H, W, 3).
        count: candidates to show, of the distinct few.
        side: pixels of the longer side of whole pictures, at most.

    Returns:
        The example.
    """
    coherent, errors = stored.coherent, stored.errors.get("coherent", {})
    few = coherent.few[:count]
    same = [place for place in map(stored.same, few) if place is not None]
    image, source = coherent.image[coherent.best], coherent.source[coherent.best]
    table = shares(source, items, coherent.votes)
    used = [int(row) for row in table.index if row >= 0][: len(EXEMPLARS)]
    exemplars = images(used)
    shown = condition_picture(stored.kind, stored.condition, stored.truth.shape[0])
    blocky = stored.kind in ("lowres", "labels")
    return Example(
        id=stored.id,
        input=Tile(data_uri(shown), "input", blocky=blocky),
        whole=[whole_tile(picture, items, side) for picture in stored.whole[:count]],
        regressed=Tile(data_uri(stored.regressed), "regressed f(x)"),
        few=[ranked_tile(coherent, candidate) for candidate in few],
        published=[Tile(data_uri(stored.published[i]), caption(stored.members[i])) for i in same],
        best_global=Tile(
            data_uri(stored.best_global),
            "Global’s best",
            "chosen by the truth" if stored.errors.get("global") else "",
        ),
        truth=Tile(data_uri(stored.truth), "ground truth"),
        best=ranked_tile(coherent, coherent.best),
        around=Tile(data_uri(correspondence_picture(image, source, exemplars, used)), ""),
        positions=Tile(data_uri(position_picture(source, *stored.truth.shape[:2])), "position"),
        exemplars=_attribution(table, used, exemplars),
        rest=float(table["share"].to_numpy()[~np.isin(table.index, used)].sum()),
        copies=(2 * coherent.votes + 1) ** 2,
        error=sum(errors.values()) / len(errors) if errors else inf,
    )


def ranked_tile(coherent: Coherent, candidate: int) -> Tile:
    """A coherent candidate, with its settings, its place and how much worse than the best it is.

    Args:
        coherent: all of the image's.
        candidate: one of them.

    Returns:
        The tile; that of the best-ranked is marked.
    """
    total, best = len(coherent.score), candidate == coherent.best
    behind = float(coherent.score[candidate] - coherent.score[coherent.best])
    place = f"rank {coherent.place(candidate)} of {total}"
    return Tile(
        data_uri(coherent.image[candidate]),
        caption(coherent.members[candidate]),
        f"best-ranked of {total}" if best else f"{place} · {behind:+.1f}°",
        marked=best,
    )


def whole_tile(picture: Picture, items: pd.DataFrame, side: int) -> Tile:
    """A whole picture, with its place and the photographs that it is composed of.

    Args:
        picture: one of the few.
        items: the domain's items.
        side: pixels of the longer side, at most.

    Returns:
        The tile; that of the best-ranked is marked.
    """
    exemplars, leader, start = picture.member
    began = "" if start == "guides" else f" · begun with the {start} one"
    place = f"rank {picture.place} of {picture.total}"
    parts = [f"{items.at[row, 'id']} {share:.0%}" for row, share in picture.shares.items()]
    return Tile(
        photograph_uri(smaller(picture.image, side, Image.Resampling.LANCZOS)),
        f"K {exemplars} · from {leader}{began}",
        f"{'best-ranked' if picture.place == 1 else place} · {', '.join(parts)}",
        marked=picture.place == 1,
    )


def caption(candidate: Candidate) -> str:
    """A candidate's settings, such as `K 3 · from 1 · T 11`; window 0 is the whole image."""
    neighbours, first, window = candidate
    return f"K {neighbours} · from {first} · T {window or 'all'}"


def _attribution(table: pd.DataFrame, used: list[int], images: np.ndarray) -> list[Exemplar]:
    """The exemplars that have a colour, the largest share first."""
    return [
        Exemplar(
            thumbnail=data_uri(thumbnail(image)),
            id=str(table.at[row, "id"]),
            source=str(table.at[row, "source"]),
            licence=str(table.at[row, "licence"]),
            share=float(table.at[row, "share"]),
            colour=hexadecimal(EXEMPLARS[place] if place < len(EXEMPLARS) else OTHER),
        )
        for place, (row, image) in enumerate(zip(used, images, strict=True))
    ]


def fourier_tiles(stored: Stored) -> list[tuple[Tile, Tile]]:
    """Each step's image of one input beside its Fourier transform, as in Figure 4.

    Args:
        stored: the input's rows of the stores.

    Returns:
        Pairs (image, transform): input, regressed, Global's best, the published composition of the
        member that is best-ranked (its best, if it lacks that member), the best-ranked coherent
        candidate, truth.
    """
    same = stored.same(stored.coherent.best)
    same = stored.nearest("pixelnn") or 0 if same is None else same
    steps = {
        "input": condition_picture(stored.kind, stored.condition, stored.truth.shape[0]),
        "regressed f(x)": stored.regressed,
        "Global’s best": stored.best_global,
        "published": stored.published[same],
        "coherent": stored.coherent.image[stored.coherent.best],
        "ground truth": stored.truth,
    }
    return [
        (Tile(data_uri(image), name), Tile(data_uri(fourier_picture(image)), f"spectrum, {name}"))
        for name, image in steps.items()
    ]
