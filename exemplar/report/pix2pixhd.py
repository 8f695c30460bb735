"""What the page of pix2pixHD shows: pictures drawn from arrays, scores, and the page itself.

The stage `pix2pixhd_report` gathers the arrays; after this there is only text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.labels.colours import hexadecimal, label_palette
from exemplar.report.html import laid_out
from exemplar.report.network_training import NetworkTraining
from exemplar.report.pictures import PAPER as WHITE
from exemplar.report.pictures import condition_picture
from exemplar.report.pix2pixhd_table import (
    DECIMALS,
    PAPER,
    REAL,
    TOGETHER,
    differences,
    features_of,
    published,
    shown,
)
from exemplar.report.scores import Cell
from exemplar.report.tables import Row, independence, number, records, reservations, text
from exemplar.report.tiles import Tile, data_uri, smaller

HEADINGS = {
    "pixel_accuracy": "Pixel accuracy, %",
    "mean_iou": "Mean IoU",
    "pixel_accuracy_with_ignore": "Accuracy, unlabelled counted",
    "mean_iou_with_ignore": "IoU, unlabelled counted",
} | TOGETHER
PALE = 0.8  # of white, over what a picture is not about


@dataclass(frozen=True)
class Example:
    """One test layout: it, images of it in several looks, one by each network, the photograph."""

    id: str
    layout: Tile
    looks: list[Tile]
    networks: list[Tile]
    truth: Tile | None


@dataclass(frozen=True)
class Choices:
    """One object of a layout in every style of its class, all else alike."""

    what: str
    layout: Tile
    styles: list[Tile]


@dataclass(frozen=True)
class Relabelling:
    """A layout and its image before and after some of its classes were changed."""

    wish: str
    id: str
    before: tuple[Tile, Tile]
    after: tuple[Tile, Tile]


@dataclass(frozen=True)
class Domain:
    """Everything that is shown of a domain.

    Attributes:
        name: as in `params.yaml`.
        size: height and width.
        training: how many photographs the networks have seen.
        tested: layouts held out.
        classes: names and colours.
        examples: layouts at even steps through the test split.
        choices: objects of theirs in all styles.
        relabellings: edits of classes.
        trainings: of every network.
    """

    name: str
    size: tuple[int, int]
    training: int
    tested: int
    classes: list[tuple[str, str]]
    examples: list[Example]
    choices: list[Choices]
    relabellings: list[Relabelling]
    trainings: list[NetworkTraining]


@dataclass(frozen=True)
class Scores:
    """The rows of one domain and judge: generator, where it is published, discriminators, cells.

    `features` are those on which all images of a row together are compared with photographs;
    `notes` are sentences that stand beneath.
    """

    domain: str
    judge: str
    features: str
    ours: bool
    headings: list[str]
    rows: list[tuple[str, str, str, list[Cell], str]]
    notes: list[str]


def picture_tile(
    image: np.ndarray, side: int, caption: str = "", note: str = "", marked: bool = False
) -> Tile:
    """An image as a tile, made smaller if its longer side has more pixels than `side`."""
    return Tile(data_uri(smaller(image, side)), caption, note, marked=marked)


def layout_tile(
    labels: np.ndarray, side: int, caption: str = "layout", about: np.ndarray | None = None
) -> Tile:
    """A layout as a tile, in the colours of its classes.

    Args:
        labels: (H, W) u8.
        side: as for `picture_tile`; no new colours arise.
        caption: what stands under it.
        about: (H, W) bool, the pixels that it is about; the others are pale.

    Returns:
        The tile.
    """
    picture = condition_picture("labels", labels)
    if about is not None:
        pale = np.rint((1 - PALE) * picture + PALE * np.asarray(WHITE)).astype(np.uint8)
        picture = np.where(about[..., None], picture, pale)
    small = smaller(picture, side, Image.Resampling.NEAREST)
    return Tile(data_uri(small), caption, blocky=True)


def classes_in(classes: Sequence[str], labels: Sequence[np.ndarray]) -> list[tuple[str, str]]:
    """The names and colours of the classes that occur in some layouts."""
    there = sorted({int(label) for each in labels for label in np.unique(each)})
    palette = label_palette().tolist()
    return [
        (classes[label], hexadecimal((palette[label][0], palette[label][1], palette[label][2])))
        for label in there
        if label < len(classes)
    ]


def scores(table: pd.DataFrame) -> list[Scores]:
    """Our rows, then the published ones, by domain and judge.

    The best of the generators leads in each column; photographs are no generator.

    Args:
        table: the joined evaluation, as text.

    Returns:
        Blocks; columns that have no number are left out.
    """
    made = []
    for ours, rows in ((True, records(table)), (False, records(published()))):
        names = dict.fromkeys((text(row, "domain"), text(row, "judge")) for row in rows)
        for domain, judge in names:
            block = [r for r in rows if (text(r, "domain"), text(r, "judge")) == (domain, judge)]
            columns = [c for c in HEADINGS if any(number(r, c) == number(r, c) for r in block)]
            cells = {column: _cells(block, column) for column in columns}
            lines = [
                (
                    "photographs" if text(row, "generator") == REAL else text(row, "generator"),
                    text(row, "table"),
                    text(row, "discriminator"),
                    [cells[column][place] for column in columns],
                    text(row, "images"),
                )
                for place, row in enumerate(block)
            ]
            headings = [HEADINGS[c] for c in columns]
            features, notes = features_of(block), reservations(block)
            if said := independence(block[0]):
                notes = [f"Judge {said}.", *notes]
            made.append(Scores(domain, judge, features, ours, headings, lines, notes))
    return made


def _cells(block: list[Row], column: str) -> list[Cell]:
    """One column's numbers; of generators that are as good, as printed, all lead."""
    values = [number(row, column) for row in block]
    rivals = [
        round(value, DECIMALS.get(column, 4))
        for row, value in zip(block, values, strict=True)
        if text(row, "generator") != REAL and value == value
    ]
    best = min if column == "fid" else max
    cells = []
    for row, value in zip(block, values, strict=True):
        leads = len(rivals) > 1 and round(value, DECIMALS.get(column, 4)) == best(rivals)
        leads = leads and text(row, "generator") != REAL
        cells.append(Cell(text(row, column), shown(column, value), leads))
    return cells


def render(domains: Sequence[Domain], table: pd.DataFrame, parameters: str) -> str:
    """Lays out the page.

    Args:
        domains: in the order in which they are shown; at least one.
        table: the joined evaluation, as text.
        parameters: the settings used, as YAML.

    Returns:
        HTML; the same arguments give the same text.
    """
    return laid_out(
        "pix2pixhd.html.j2",
        domains=domains,
        scores=scores(table),
        differences=differences(table),
        paper=PAPER,
        parameters=parameters,
    )
