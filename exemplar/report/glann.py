"""What the page of GLANN shows: images drawn from arrays, scores, and the page itself.

`glann_gathered` reads the arrays from the stores; after this there is only text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd

from exemplar.report.glann_published import PAPER
from exemplar.report.glann_scores import METHODS, Block, blocks
from exemplar.report.glann_table import Facts, differences, warnings
from exemplar.report.html import laid_out
from exemplar.report.network_training import NetworkTraining
from exemplar.report.plots import Curve, distances_plot, shares_plot
from exemplar.report.tiles import Tile, data_uri, smaller

BLOCKY = 64
"""Pixels a side below which the page shows an image's pixels as squares."""

POINTS = 400  # of a curve of distances, at most

SERIES = {
    "training": "truth",
    "glann": "pixelnn",
    "glo_gaussian": "global",
    "imle_pixels": "regressor",
    "vae_l1": "coherent",
    "vae_perceptual": "pix2pix",
}
"""Whose colour each method has in plots."""


@dataclass(frozen=True)
class Mosaic:
    """Many images side by side: what they are, and their data URIs."""

    title: str
    images: list[str]


@dataclass(frozen=True)
class Couple:
    """Two images that ought to be alike, one above the other."""

    above: Tile
    below: Tile


@dataclass(frozen=True)
class Neighbours:
    """A sample and its nearest training images, by the distance of codes and that of features."""

    sample: Tile
    latent: list[Tile]
    perceptual: list[Tile]


@dataclass(frozen=True)
class Others:
    """Images whose distances samples' are compared with.

    Attributes:
        name: of the images, such as `training images`.
        what: they are near to, such as `the nearest other`.
        series: whose colour they have in plots.
        distances: (m,), each to the nearest.
    """

    name: str
    what: str
    series: str
    distances: np.ndarray


@dataclass(frozen=True)
class Closeness:
    """How near samples come to training images, beside how near other images do.

    Attributes:
        plot: shares of images over distances, as SVG.
        said: what the plot says, in a sentence.
    """

    plot: str
    said: str


@dataclass(frozen=True)
class Domain:
    """Everything that is shown of a domain; pictures are those of one training seed.

    Attributes:
        name: as in `params.yaml`.
        size: height and width.
        training: how many images the networks have seen.
        tested: images held out.
        made: samples of each method.
        mosaics: training images, then samples of every method.
        interpolations: strips of images.
        reconstructions: training images above images of their codes.
        inversions: test images above the images found for them.
        features: what is compared where nearest training images are sought perceptually.
        first: the first samples with their nearest training images.
        closest: those samples that come nearest to a training image.
        closeness: of all samples.
        precision: precision over recall, as SVG.
        trainings: of every network.
    """

    name: str
    size: tuple[int, int]
    training: int
    tested: int
    made: int
    mosaics: list[Mosaic]
    interpolations: list[Mosaic]
    reconstructions: list[Couple]
    inversions: list[Couple]
    features: str
    first: list[Neighbours]
    closest: list[Neighbours]
    closeness: list[Closeness]
    precision: str
    trainings: list[NetworkTraining]

    @property
    def blocky(self) -> bool:
        """Whether pixels are shown as squares."""
        return max(self.size) < BLOCKY


def image_tile(image: np.ndarray, side: int, caption: str = "", note: str = "") -> Tile:
    """An image as a tile, made smaller if its longer side has more pixels than `side`."""
    blocky = max(image.shape[:2]) < BLOCKY
    return Tile(data_uri(smaller(image, side)), caption, note, blocky)


def mosaic(title: str, images: np.ndarray, side: int) -> Mosaic:
    """Images (n, H, W, 3) u8 side by side."""
    return Mosaic(title, [data_uri(smaller(image, side)) for image in images])


def precision_plot(curves: pd.DataFrame, name: str) -> str:
    """Precision over recall of every method.

    Args:
        curves: columns `method`, `precision`, `recall`, each in [0, 1], points in order.
        name: tells this plot's ids from those of other plots in the same page.

    Returns:
        An `<svg>` element; empty of no curve, for there were too few images.
    """
    if not len(curves):
        return ""
    drawn = [
        Curve(METHODS[method], series, *(np.asarray(points[c]) for c in ("recall", "precision")))
        for method, series in SERIES.items()
        if len(points := curves[curves["method"] == method])
    ]
    return shares_plot(drawn, name, f"Precision over recall, {name}", "recall", "precision")


def closeness(
    samples: np.ndarray, others: Sequence[Others], space: str, across: str, name: str
) -> Closeness:
    """Distances of samples to training images beside those of other images.

    A model that copies has samples much nearer to training images than other images are.

    Args:
        samples: (n,) distances, each to the nearest training image.
        others: at least one; the sentence compares with the last.
        space: where distances are taken, such as `latent space`.
        across: what they are, for the axis.
        name: tells this plot's ids from those of other plots in the same page.

    Returns:
        The plot and a sentence with the share of samples that are nearer to a training image than
        half of the others are: one half, if they are distributed alike.
    """
    drawn = [("samples to the nearest training image", SERIES["glann"], samples)]
    drawn += [(f"{of.name} to {of.what}", of.series, of.distances) for of in others]
    curves = [Curve(label, series, *_rising(values)) for label, series, values in drawn]
    measure = others[-1]
    share = float((samples < np.median(measure.distances)).mean())
    said = (
        f"In {space} {share:.0%} of the samples are nearer to a training image than half of the "
        f"{measure.name} are to {measure.what}: 50% would be as near as these, 100% copies."
    )
    return Closeness(distances_plot(curves, name, f"Distances, {name}", across), said)


def _rising(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances, ascending, and the share of all that are at most so large; of many, some."""
    places = np.unique(np.linspace(0, len(distances) - 1, POINTS).round().astype(int))
    return np.sort(distances)[places], (places + 1) / len(distances)


def render(
    domains: Sequence[Domain], table: pd.DataFrame, facts: dict[str, Facts], parameters: str
) -> str:
    """Lays out the page.

    Args:
        domains: in the order in which they are shown; at least one.
        table: as in `reports/tables/glann.csv`.
        facts: of each domain, what the table does not say.
        parameters: the settings used, as YAML.

    Returns:
        HTML; the same arguments give the same text.
    """
    scores: list[Block] = blocks(table)
    return laid_out(
        "glann.html.j2",
        domains=domains,
        hero=list(islice(domains[0].mosaics[1].images, 24)),
        scores=scores,
        warnings=warnings(table),
        differences=differences(table, facts),
        paper=PAPER,
        parameters=parameters,
    )
