"""What the page of GLANN reads: samples, their neighbours, trainings; each drawn as it is read.

From what `glann_samples`, `glann_evaluate` and the trainings left of a domain and one training
seed. Only the images that are shown are read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import zarr
from PIL import Image
from pydantic import Field

from exemplar.methods.glann.model import BASELINES
from exemplar.methods.glann.model import METHODS as SAMPLED
from exemplar.report.glann import (
    BLOCKY,
    Couple,
    Domain,
    Mosaic,
    image_tile,
    mosaic,
    precision_plot,
)
from exemplar.report.glann_neighbours import Kinship
from exemplar.report.glann_scores import METHODS, TRAINING
from exemplar.report.network_training import NetworkTraining, pictures_at_even_steps
from exemplar.report.plots import losses_plot
from exemplar.report.stored import evenly
from exemplar.report.tables import TableError
from exemplar.report.tiles import Tile, data_uri, smaller
from exemplar.settings import Settings
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, read_rows, read_slice
from exemplar.store.items import read_items, rows_of

TRAININGS = {
    "glo": "Generator and codes of GLANN",
    "imle": "Mapping from noise to codes",
    **{baseline: METHODS[baseline] for baseline in BASELINES},
}
"""Whose losses are shown."""

PICTURE = 8  # images wide are the pictures of a training


class ReportSettings(Settings):
    """The section `glann_report` of `params.yaml`."""

    samples: int = Field(default=48, ge=1)
    """Of each method, and as many training images."""
    interpolations: int = Field(default=6, ge=0)
    """Strips."""
    reconstructions: int = Field(default=12, ge=0)
    """Training images beside images of their codes."""
    inversions: int = Field(default=12, ge=0)
    """Test images beside what is found for them."""
    nearest: int = Field(default=4, ge=1)
    """Samples with their nearest training images: so many of the first, and of the closest."""
    neighbours: int = Field(default=4, ge=1)
    """Training images beside each of them, at most as many as were kept."""
    training: int = Field(default=3, ge=0)
    """Pictures of each training, from its beginning to its end."""
    side: int = Field(default=128, ge=8)
    """Pixels; pictures with a longer side are made smaller."""


def gathered(domain: str, seed: int, settings: ReportSettings) -> Domain:
    """Draws everything that the page shows of a domain.

    Args:
        domain: of `run.sampled`.
        seed: the training seed whose pictures are shown.
        settings: how much is shown.

    Raises:
        StoreError: a store is missing or does not fit the others.
        TableError: another file is missing.
    """
    items = read_items(layout.items(domain))
    photographs = array(open_group(layout.images(domain), "image"), "image")
    train = rows_of(items, "train")
    made = array(_samples(domain, seed, "glann"), "image")
    _require_one_size(domain, photographs, made)
    kin = Kinship(domain, seed, items, photographs, settings.neighbours, settings.side)
    return Domain(
        name=domain,
        size=(photographs.shape[1], photographs.shape[2]),
        training=len(train),
        tested=len(rows_of(items, "test")),
        made=made.shape[0],
        mosaics=_mosaics(domain, seed, photographs, train, settings),
        interpolations=_strips(domain, seed, settings),
        reconstructions=_couples(domain, seed, "reconstructions", items, settings),
        inversions=_couples(domain, seed, "inversions", items, settings),
        features=kin.features,
        first=kin.first(settings.nearest),
        closest=kin.closest(settings.nearest),
        closeness=kin.closeness(),
        precision=precision_plot(read_curves(domain, seed), f"{domain}-precision"),
        trainings=[_training(domain, seed, part, settings) for part in TRAININGS],
    )


def read_curves(domain: str, seed: int) -> pd.DataFrame:
    """Precision and recall of every method: columns `method`, `precision`, `recall`.

    Raises:
        TableError: the file is missing or has other columns.
    """
    path = layout.evaluation("glann", domain, str(seed)) / "prd.csv"
    again = f"`exemplar reproduce glann_evaluate@{domain}-{seed}`"
    if not path.is_file():
        raise TableError(f"{path}: no such file; the stage has not run: {again}")
    curves = pd.read_csv(path)
    columns = ("method", "precision", "recall")
    if set(columns) - set(curves):
        raise TableError(
            f"{path}: expected the columns {', '.join(columns)}, got {', '.join(curves)}; {again}"
        )
    return curves


def _samples(domain: str, seed: int, name: str) -> zarr.Group:
    return open_group(layout.samples(domain, seed) / f"{name}.zarr", "image")


def _require_one_size(domain: str, photographs: zarr.Array, made: zarr.Array) -> None:
    if photographs.shape[1:] != made.shape[1:]:
        raise StoreError(
            f"{domain}: expected samples of {photographs.shape[1:]}, as the images are, got "
            f"{made.shape[1:]}; `exemplar reproduce glann_samples` makes them anew"
        )


def _mosaics(
    domain: str, seed: int, photographs: zarr.Array, train: np.ndarray, settings: ReportSettings
) -> list[Mosaic]:
    """Training images at even steps, then the first samples of every method."""
    rows = train[evenly(len(train), settings.samples)]
    drawn = [mosaic(METHODS[TRAINING], read_rows(photographs, rows), settings.side)]
    for method in SAMPLED:
        made = array(_samples(domain, seed, method), "image")
        first = read_slice(made, slice(0, min(settings.samples, made.shape[0])))
        drawn.append(mosaic(METHODS[method], first, settings.side))
    return drawn


def _strips(domain: str, seed: int, settings: ReportSettings) -> list[Mosaic]:
    images = array(_samples(domain, seed, "interpolations"), "image")
    strips = read_slice(images, slice(0, min(settings.interpolations, images.shape[0])))
    return [mosaic("", strip, settings.side) for strip in strips]


def _couples(
    domain: str, seed: int, name: str, items: pd.DataFrame, settings: ReportSettings
) -> list[Couple]:
    """Images and what the generator makes in their place; with a loss where it was searched."""
    group = _samples(domain, seed, name)
    images, rows = array(group, "image"), np.asarray(group.attrs["rows"], np.int64)
    places = evenly(images.shape[0], getattr(settings, name))
    losses = read_rows(array(group, "loss"), places) if "loss" in group else None
    couples = []
    for index, (place, (above, below)) in enumerate(
        zip(places, read_rows(images, places), strict=True)
    ):
        said = "" if losses is None else f"loss {losses[index]:.3g}"
        id = str(items["id"][rows[place]])
        couples.append(
            Couple(image_tile(above, settings.side, id), image_tile(below, settings.side, said))
        )
    return couples


def _training(domain: str, seed: int, part: str, settings: ReportSettings) -> NetworkTraining:
    """One part's losses, and its pictures, if it has any, at even steps to the last."""
    folder = layout.glann_progress(domain, seed, part)
    path = folder / "losses.csv"
    if not path.is_file():
        raise TableError(
            f"{path}: no such file; the training has not run: `exemplar reproduce glann_report`"
        )
    history = pd.read_csv(path)
    pictures = pictures_at_even_steps(folder / "samples", settings.training)
    return NetworkTraining(
        title=f"{TRAININGS[part]}, {history['step'].to_numpy()[-1]:,} steps",
        plot=losses_plot(history, f"{domain}-{part}"),
        pictures=[
            _picture(picture, PICTURE * settings.side, f"after {step:,} steps")
            for step, picture in pictures
        ],
    )


def _picture(path: Path, side: int, caption: str) -> Tile:
    """Images above their reconstructions."""
    image = np.asarray(Image.open(path).convert("RGB"))
    return Tile(data_uri(smaller(image, side)), caption, blocky=image.shape[0] // 2 < BLOCKY)
