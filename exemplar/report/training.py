"""What a training of pix2pix left behind: its losses as a plot, its pictures as a film strip.

The stage `pix2pix` writes both while it learns; the page shows them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.report.plots import losses_plot
from exemplar.report.tables import TableError
from exemplar.report.tiles import Tile, data_uri

MOMENTS = 5
"""Steps whose pictures are shown, the last one among them."""


@dataclass(frozen=True)
class Training:
    """A training of pix2pix.

    Attributes:
        plot: its losses, an `<svg>` element.
        strip: one column each: inputs, what was made of them at some steps, photographs.
        network: what was trained and for how long, in words.
    """

    plot: str
    strip: list[Tile]
    network: str


def read_training(folder: Path, config: Path, name: str) -> Training:
    """Reads what the stage `pix2pix` wrote.

    Args:
        folder: with `losses.csv` and `samples/<step>.png`, each of three columns of images: inputs,
            synthesised images, photographs.
        config: the generator's, beside its weights.
        name: of domain and condition, as in the stores.

    Raises:
        TableError: a file is missing or does not fit the others; the message says what to do.
    """
    again = f"`exemplar reproduce pix2pix@{name} --force` writes it anew"
    losses, samples = folder / "losses.csv", sorted((folder / "samples").glob("*.png"))
    for path in (losses, config):
        if not path.is_file():
            raise TableError(f"{path}: no such file; the stage pix2pix@{name} has not run: {again}")
    history = pd.read_csv(losses)
    if not samples or "step" not in history or not len(history) or len(history.columns) < 2:
        raise TableError(
            f"{folder}: expected `losses.csv` with steps and losses, and pictures in `samples/`, "
            f"got the columns {', '.join(history)}, {len(history)} rows and {len(samples)} "
            f"pictures; {again}"
        )
    network = json.loads(config.read_text()).get("settings", {})
    told = ", ".join(f"{key} {value}" for key, value in network.items())
    return Training(
        losses_plot(history, f"losses-{name}"),
        film_strip(samples, again),
        f"U-Net from scratch, {told}, {int(history['step'].iloc[-1]):,} steps",
    )


def film_strip(samples: list[Path], again: str = "") -> list[Tile]:
    """Pictures of a training as columns: what was given, steps from first to last, the photograph.

    Args:
        samples: PNG files named by their steps, ascending, all of three columns.
        again: what to do if they do not fit.

    Raises:
        TableError: a picture has not three columns, or another size than the others.
    """
    places = np.unique(np.linspace(0, len(samples) - 1, MOMENTS).round().astype(int))
    chosen = [samples[place] for place in places]
    sheets = [np.asarray(Image.open(path).convert("RGB")) for path in chosen]
    wrong = [
        f"{path.name}: {sheet.shape[1]} × {sheet.shape[0]}"
        for path, sheet in zip(chosen, sheets, strict=True)
        if sheet.shape != sheets[0].shape or sheet.shape[1] % 3
    ]
    if wrong:
        raise TableError(
            f"{samples[0].parent}: expected pictures of one size, with three columns, got "
            f"{', '.join(wrong)} pixels; {again}"
        )
    columns = [np.split(sheet, 3, axis=1) for sheet in sheets]
    made = [
        Tile(data_uri(column[1]), f"step {int(path.stem):,}")
        for path, column in zip(chosen, columns, strict=True)
    ]
    ends = [
        Tile(data_uri(columns[-1][place]), said) for place, said in ((0, "input"), (2, "truth"))
    ]
    return [ends[0], *made, ends[1]]
