"""The spread of one input's outputs: what a method offers where the input leaves something open.

After Figure 2 of the PixelNN paper, which shows that pix2pix's outputs differ little, however
often its dropout is drawn. Takes one image's rows of the stores (`stored`) and the joined table.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd

from exemplar.report.pictures import condition_picture
from exemplar.report.scores import Bar, Cell, bars
from exemplar.report.stored import Stored
from exemplar.report.tables import (
    METHODS,
    Row,
    grouped,
    measured_on,
    number,
    records,
    shown,
    text,
)
from exemplar.report.tiles import Tile, data_uri

BRIGHTEST = 64.0
"""Grey levels of deviation that are drawn white."""


@dataclass(frozen=True)
class Line:
    """A method's outputs for an input.

    Attributes:
        method: its name in words.
        chosen: how those shown were chosen.
        outputs: some of its candidates.
        deviation: where all its candidates differ, and how much.
        diversity: the mean distance of all its candidates from each other.
    """

    method: str
    chosen: str
    outputs: list[Tile]
    deviation: Tile
    diversity: Cell


@dataclass(frozen=True)
class Spread:
    """An input, and the lines of the methods that are compared on it."""

    id: str
    input: Tile
    lines: list[Line]


def spread(stored: Stored, count: int) -> Spread:
    """Draws Figure 2 for one input: pix2pix's outputs above PixelNN's.

    Args:
        stored: the input's rows of the stores.
        count: outputs of each. Of pix2pix those that differ most, whatever they look like; of the
            coherent candidates the distinct few, which differ only as far as they are good.

    Returns:
        The figure's row.
    """
    shape = condition_picture(stored.kind, stored.condition, stored.truth.shape[0])
    coherent = stored.coherent
    apart = stored.spread["pix2pix"].order[:count]
    return Spread(
        id=stored.id,
        input=Tile(data_uri(shape), "input", blocky=stored.kind in ("lowres", "labels")),
        lines=[
            _line(stored, "pix2pix", stored.pix2pix, apart, "the most different"),
            _line(stored, "coherent", coherent.image, coherent.few[:count], "a distinct few"),
        ],
    )


def deviation_picture(images: np.ndarray) -> np.ndarray:
    """Where images of one input differ: each pixel's standard deviation over them.

    Args:
        images: u8 (C, H, W, 3).

    Returns:
        u8 (H, W, 3), grey: black where all are alike, white at `BRIGHTEST` grey levels and above;
        the root mean square of the colours' deviations.
    """
    level = 255 * np.minimum(_deviation(images) / BRIGHTEST, 1)
    return np.rint(level).astype(np.uint8)[..., None].repeat(3, -1)


def diversities(table: pd.DataFrame) -> list[tuple[str, str, list[Bar], str, str]]:
    """How much two candidates of one input differ, by method.

    Args:
        table: the joined evaluation, as text.

    Returns:
        For each domain and condition: both names, the bars, what it was measured on, and a
        sentence computed from the bars.
    """
    rows = [row for row in records(table) if text(row, "selection") == "rand-1"]
    rows = [row for row in rows if text(row, "diversity")]
    found = []
    for (domain, condition), group in grouped(rows, "domain", "condition").items():
        named = measured_on(group).get("diversity", "")
        found.append((domain, condition, bars(group, "diversity"), named, _sentence(group)))
    return found


def _line(stored: Stored, kind: str, images: np.ndarray, places: list[int], chosen: str) -> Line:
    """One method's line."""
    levels = float(np.sqrt(np.square(_deviation(images)).mean()))
    diversity = stored.spread[kind].diversity
    return Line(
        method=METHODS[kind],
        chosen=f"{chosen} of {len(images)}",
        outputs=[Tile(data_uri(images[place]), f"no. {place + 1}") for place in places],
        deviation=Tile(data_uri(deviation_picture(images)), f"± {levels:.1f} levels"),
        diversity=Cell(diversity, shown("diversity", float(diversity or nan))),
    )


def _deviation(images: np.ndarray) -> np.ndarray:
    """(H, W) grey levels."""
    return np.sqrt(images.astype(np.float32).var(0).mean(-1))


def _sentence(rows: list[Row]) -> str:
    """How the other methods' diversity relates to pix2pix's."""
    found = {text(row, "method"): number(row, "diversity") for row in rows}
    least = found.get("pix2pix", 0.0)
    if not least > 0:
        return ""
    told = [
        f"{METHODS[method]} {found[method] / least:.1f}"
        for method in ("whole", "coherent", "pixelnn", "global")
        if method in found
    ]
    return f"In multiples of Pix-to-Pix’s: {', '.join(told)}." if told else ""
