"""What the page shows of one test input: pictures, the choice of candidates, and their sources.

Takes one image's rows of the stores of `conditions`, `features`, `candidates` and `evaluate`; the
page places what it returns.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.report.attribution import shares
from exemplar.report.palettes import EXEMPLARS, OTHER, hexadecimal
from exemplar.report.pictures import (
    condition_picture,
    correspondence_picture,
    fourier_picture,
    position_picture,
)
from exemplar.report.spread import spread
from exemplar.report.tables import number, records, text

Candidate = Sequence[int]
Reader = Callable[[list[int]], np.ndarray]


@dataclass(frozen=True)
class Tile:
    """A picture (a data URI), the caption under it, and whether its pixels are to stay blocks."""

    picture: str
    caption: str
    blocky: bool = False
    marked: bool = False


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
    """One test input and everything made of it; `error` is the mean over its candidates."""

    id: str
    input: Tile
    regressed: Tile
    candidates: list[Tile]
    bent: list[Tile]
    best_global: Tile
    truth: Tile
    composed: Tile
    around: Tile
    positions: Tile
    exemplars: list[Exemplar]
    rest: float
    error: float


@dataclass(frozen=True)
class Stored:
    """One test image's rows of the stores, all (…, H, W, 3) u8 but `condition` and `source`.

    `truth` (H, W, 3); `condition` as stored, of the kind `kind`; `regressed` (H, W, 3); `pixelnn`
    and `global_` (C, H, W, 3); `source` i32 (C, H, W, 3) of `pixelnn`; `candidates` (C) of
    (neighbours, first, window); `errors` those of each method's candidates, as from
    `candidate_errors`, where known.
    """

    id: str
    kind: str
    truth: np.ndarray
    condition: np.ndarray
    regressed: np.ndarray
    pixelnn: np.ndarray
    source: np.ndarray
    global_: np.ndarray
    candidates: list[Candidate]
    errors: Mapping[str, Mapping[int, float]]

    def best(self, method: str) -> int | None:
        """The method's candidate with the lowest error, the first of equals; None if unknown."""
        errors = self.errors.get(method, {})
        return min(errors, key=lambda candidate: (errors[candidate], candidate), default=None)


def example(stored: Stored, items: pd.DataFrame, images: Reader, count: int) -> Example:
    """Chooses and draws what the page shows of one input.

    Args:
        stored: the input's rows of the stores.
        items: the domain's items.
        images: reads exemplars by row, u8 (E, H, W, 3).
        count: candidates to show.

    Returns:
        The example. The first candidate is the whole-image exemplar, then the best where it is
        known, then those that differ most.
    """
    best = stored.best("pixelnn")
    known = [] if best is None else [best]
    chosen = spread(stored.pixelnn, count, [whole_image(stored.candidates), *known])
    errors = stored.errors.get("pixelnn", {})
    composed = composition(stored.candidates)
    source = stored.source[composed]
    table = shares(source, items)
    used = [int(row) for row in table.index if row >= 0][: len(EXEMPLARS)]
    exemplars = images(used)
    side = stored.truth.shape[0]
    shown = condition_picture(stored.kind, stored.condition, side)
    image = stored.pixelnn[composed]
    return Example(
        id=stored.id,
        input=Tile(data_uri(shown), "input", stored.kind in ("lowres", "labels")),
        regressed=Tile(data_uri(stored.regressed), "regressed f(x)"),
        candidates=[
            Tile(data_uri(stored.pixelnn[i]), caption(stored.candidates[i]), marked=i in known)
            for i in chosen
        ],
        bent=_bent(stored),
        best_global=Tile(data_uri(stored.global_[stored.best("global") or 0]), "Global’s best"),
        truth=Tile(data_uri(stored.truth), "ground truth"),
        composed=Tile(data_uri(image), caption(stored.candidates[composed])),
        around=Tile(data_uri(correspondence_picture(image, source, exemplars, used)), ""),
        positions=Tile(data_uri(position_picture(source, *stored.truth.shape[:2])), "position"),
        exemplars=_attribution(table, used, exemplars),
        rest=float(table["share"].to_numpy()[~np.isin(table.index, used)].sum()),
        error=sum(errors.values()) / len(errors) if errors else inf,
    )


def whole_image(candidates: Sequence[Candidate]) -> int:
    """The candidate that copies one whole exemplar, pixel for pixel: K 1, from 1, T 1."""
    return min(range(len(candidates)), key=lambda i: tuple(abs(v - 1) for v in candidates[i]))


def composition(candidates: Sequence[Candidate]) -> int:
    """The candidate to explain: of most exemplars, from the nearest, in the widest real window."""
    return min(
        range(len(candidates)),
        key=lambda i: (-candidates[i][0], candidates[i][1], -candidates[i][2]),
    )


def bending(candidates: Sequence[Candidate]) -> list[int]:
    """The candidates that bend one exemplar each to the input: K 1, in the widest real window."""
    window = max((t for k, _, t in candidates if k == 1), default=0)
    return [i for i, (k, _, t) in enumerate(candidates) if k == 1 and t == window]


def caption(candidate: Candidate) -> str:
    """A candidate's settings, such as `K 3 · from 1 · T 11`; window 0 is the whole image."""
    neighbours, first, window = candidate
    return f"K {neighbours} · from {first} · T {window or 'all'}"


def candidate_errors(scores: pd.DataFrame, image: str) -> dict[str, dict[int, float]]:
    """The mean angular errors of one image's candidates.

    Args:
        scores: `scores.csv`, with columns `image`, `method`, `candidate`, `mean`.
        image: the image's id.

    Returns:
        Method → candidate → error in degrees, without those that have none.
    """
    errors: dict[str, dict[int, float]] = {}
    for row in records(scores):
        error = number(row, "mean")
        if text(row, "image") == image and not isnan(error):
            errors.setdefault(text(row, "method"), {})[int(row["candidate"])] = error
    return errors


def data_uri(image: np.ndarray) -> str:
    """A u8 (H, W, 3) picture as a PNG in a data URI."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _bent(stored: Stored, count: int = 6) -> list[Tile]:
    """A few different exemplars, each bent to the input."""
    members = bending(stored.candidates) or list(range(len(stored.candidates)))
    chosen = [members[i] for i in spread(stored.pixelnn[members], count)]
    return [Tile(data_uri(stored.pixelnn[i]), caption(stored.candidates[i])) for i in chosen]


def _attribution(table: pd.DataFrame, used: list[int], images: np.ndarray) -> list[Exemplar]:
    """The exemplars that have a colour, the largest share first."""
    return [
        Exemplar(
            thumbnail=data_uri(image),
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
        Pairs (image, transform): input, regressed, Global's and PixelNN's best, truth.
    """
    best = stored.best("pixelnn")
    best = whole_image(stored.candidates) if best is None else best
    steps = {
        "input": condition_picture(stored.kind, stored.condition, stored.truth.shape[0]),
        "regressed f(x)": stored.regressed,
        "Global’s best": stored.global_[stored.best("global") or 0],
        "PixelNN’s best": stored.pixelnn[best],
        "ground truth": stored.truth,
    }
    return [
        (Tile(data_uri(image), name), Tile(data_uri(fourier_picture(image)), f"spectrum, {name}"))
        for name, image in steps.items()
    ]
