"""What the page of Semantic Image Analogy shows: sources, targets, what came of them, the scores.

`gathered` draws what the stages left of a source; after this there is only text and pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from exemplar.labels.colours import hexadecimal, label_palette
from exemplar.methods.semantic_analogy.source_settings import IDENTITY
from exemplar.methods.semantic_analogy.sources import NamedSource, NamedTarget
from exemplar.report.analogy_pictures import identity_field, placed_picture
from exemplar.report.attribution import copied
from exemplar.report.html import laid_out
from exemplar.report.layout_scores import (
    GAN,
    MEANINGS,
    METHODS,
    PAPER,
    blocks,
    differences,
    useful_after,
)
from exemplar.report.palettes import Colour
from exemplar.report.plots import Curve, curves_plot
from exemplar.report.tables import number, records, text
from exemplar.report.tiles import Tile, data_uri, smaller

SHOWN = ("patches", GAN, "deep_analogy")
"""Methods in the order of their pictures."""
SERIES = {"patches": "coherent", GAN: "pixelnn", "deep_analogy": "global"}
"""The colours of their curves."""
CURVES = {"mean_iou": "mean IoU, %", "patch_distance": "patch distance, levels"}


@dataclass(frozen=True)
class Row:
    """A target: its layout, what methods made of it, where the pixels come from.

    Attributes:
        name: of the target.
        given: its layout, and its photograph or the true image if there is one.
        made: by each method.
        placed: the same, each pixel in the colour of its place in the source.
    """

    name: str
    given: list[Tile]
    made: list[Tile]
    placed: list[Tile]


@dataclass(frozen=True)
class Shown:
    """A source.

    Attributes:
        name: of the source.
        said: its size, origin and licence, in words.
        source: its image and labels, and its places as colours.
        classes: their names and colours.
        rows: its targets.
        plots: of the GAN's training, over seconds.
        reached: what is said of them.
    """

    name: str
    said: str
    source: list[Tile]
    classes: list[tuple[str, str]]
    rows: list[Row]
    plots: list[str]
    reached: str


def gathered(
    given: NamedSource, folder: Path, scores: pd.DataFrame, curve: pd.DataFrame, side: int
) -> Shown:
    """Draws a source and what was made of it.

    Args:
        given: the source and its targets.
        folder: `<method>/<target>.png`, and `.npz` with `places` where a method has them.
        scores: a row for each target and method, as `semantic_evaluate` writes them.
        curve: of its GAN, likewise.
        side: pixels of the longer side of pictures; smaller ones are enlarged in whole steps.

    Returns:
        What the page shows.
    """
    source = given.source
    height, width = source.labels.shape
    licence = f", {given.licence}" if given.licence else ""
    places = placed_picture(source.image, identity_field((height, width)), (height, width))
    measured = {(text(r, "method"), text(r, "target")): r for r in records(scores)}
    return Shown(
        given.name,
        f"{width}×{height} pixels of {Path(given.origin).name}{licence}",
        [
            _tile(source.image, "source", "", side),
            _tile(label_picture(source.labels), "its labels", "", side),
            _tile(places, "its places", "as colours", side),
        ],
        classes_of(given),
        [_row(target, given, folder, measured, side) for target in given.targets],
        training_plots(given.name, curve, scores),
        _reached(curve),
    )


def render(shown: Sequence[Shown], table: pd.DataFrame, parameters: str) -> str:
    """Lays out the page.

    Args:
        shown: sources, in the order in which they are shown; at least one.
        table: as in `reports/tables/semantic_analogy.csv`.
        parameters: the settings used, as YAML.

    Returns:
        HTML; the same arguments give the same text.
    """
    return laid_out(
        "layouts.html.j2",
        shown=shown,
        blocks=blocks(table),
        meanings=MEANINGS,
        differences=differences(records(table)),
        paper=PAPER,
        parameters=parameters,
    )


def label_picture(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Labels (H, W) as colours."""
    return label_palette()[labels]


def classes_of(given: NamedSource) -> list[tuple[str, str]]:
    """A source's classes and the colours that stand for them."""
    colours: list[Colour] = [tuple(c) for c in label_palette().tolist()]
    return [(n, hexadecimal(c)) for n, c in zip(given.source.classes, colours, strict=False)]


def training_plots(name: str, curve: pd.DataFrame, scores: pd.DataFrame) -> list[str]:
    """What the GAN's images are over the seconds of its training, and the others' as levels."""
    rows, plots = records(curve), []
    seconds = np.array([number(row, "seconds") for row in rows])
    others = [
        row for row in records(scores)
        if text(row, "target") == "all" and text(row, "method") in SHOWN
        and text(row, "method") != GAN
    ]  # fmt: skip
    for measure, words in CURVES.items():
        up = np.array([number(row, measure) for row in rows])
        curves = [Curve(METHODS[GAN], SERIES[GAN], seconds, up)]
        for row in others:
            method = text(row, "method")
            level = np.full(2, number(row, measure))
            ends = np.array([0, seconds[-1]])
            curves.append(Curve(METHODS[method], SERIES[method], ends, level))
        title = f"{name}: {words} over seconds of training"
        plots.append(curves_plot(curves, f"{name}-{measure}", title, "seconds of training", words))
    return plots


def _row(
    target: NamedTarget,
    given: NamedSource,
    folder: Path,
    measured: Mapping[tuple[str, str], dict],
    side: int,
) -> Row:
    tiles = [_tile(label_picture(target.labels), "layout", target.name, side)]
    if target.photograph is not None and target.name != IDENTITY:
        caption = "the truth" if target.truth is not None else "its photograph"
        tiles.append(_tile(target.photograph, caption, "", side))
    made, placed = [], []
    for method in SHOWN:
        path = folder / method / f"{target.name}.png"
        if not path.is_file():
            continue
        image = np.array(Image.open(path).convert("RGB"))
        made.append(_tile(image, METHODS[method], _note(measured, method, target.name), side))
        sources = path.with_suffix(".npz")
        if sources.is_file():
            placed.append(_placed(image, sources, METHODS[method], given, side))
    return Row(target.name, tiles, made, placed)


def _placed(
    image: NDArray[np.uint8], sources: Path, caption: str, given: NamedSource, side: int
) -> Tile:
    size = given.source.labels.shape[0], given.source.labels.shape[1]
    with np.load(sources) as found:
        places, votes = found["places"], int(found["votes"])
    share = float(copied(places, votes, size).mean())
    return _tile(placed_picture(image, places, size), caption, f"{share:.0%} of the source", side)


def _note(measured: Mapping[tuple[str, str], dict], method: str, target: str) -> str:
    row = measured.get((method, target))
    if row is None:
        return ""
    said = [f"IoU {number(row, 'mean_iou'):.0f}", f"patch {number(row, 'patch_distance'):.1f}"]
    for measure, name in (
        ("identity_psnr", "PSNR"), ("unchanged_psnr", "unchanged"), ("psnr_to_truth", "truth"),
    ):  # fmt: skip
        value = number(row, measure)
        if not np.isnan(value):
            said.append(f"{name} {value:.0f} dB" if np.isfinite(value) else f"{name} ∞")
    return ", ".join(said)


def _reached(curve: pd.DataFrame) -> str:
    row = records(curve)[-1]
    return (
        f"{number(row, 'step'):,.0f} steps in {number(row, 'seconds'):,.0f} seconds; useful after "
        f"{useful_after(curve):,.0f}: from then on mean IoU stays within 3 points of the end, and "
        "the patch distance within 5 %."
    )


def _tile(image: NDArray[np.uint8], caption: str, note: str, side: int) -> Tile:
    """A picture; a small one keeps its pixels as blocks."""
    factor = max(1, side // max(image.shape[:2]))
    large = image.repeat(factor, 0).repeat(factor, 1)
    return Tile(data_uri(smaller(large, side)), caption, note)
