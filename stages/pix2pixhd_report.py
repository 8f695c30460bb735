"""Stage `pix2pixhd_report`: evaluations, images and networks → a table and a page.

Reads what the stages of pix2pixHD left of every domain in `run.layouts`; writes
`reports/tables/pix2pixhd.csv` and `reports/pix2pixhd.html`.

    python -m stages.pix2pixhd_report
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml
from PIL import Image
from pydantic import Field

from exemplar.methods.pix2pixhd.layouts import Layout
from exemplar.methods.pix2pixhd.model import load_model
from exemplar.methods.pix2pixhd.networks import GENERATORS, NETWORKS, Network
from exemplar.methods.pix2pixhd.stored import (
    SamplesSettings,
    candidates_path,
    classes_of,
    photographed,
    rows_in,
)
from exemplar.methods.pix2pixhd.styles import load_styles
from exemplar.report.network_training import NetworkTraining, pictures_at_even_steps
from exemplar.report.pix2pixhd import (
    Domain,
    Example,
    classes_in,
    layout_tile,
    picture_tile,
    render,
)
from exemplar.report.pix2pixhd_edits import Editor
from exemplar.report.pix2pixhd_table import read_scores
from exemplar.report.plots import losses_plot
from exemplar.report.stored import evenly
from exemplar.report.tables import join_tables
from exemplar.settings import Settings, load_params, section
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, read_rows
from exemplar.store.files import written
from exemplar.store.items import read_items
from exemplar.training.images import seed_at
from stages.ends import run

# The settings that the page prints; all of them must be dependencies of the stage.
PRINTED = (
    "run", "pix2pixhd_global", "pix2pixhd_enhancer", "pix2pixhd_styles", "pix2pixhd_samples",
    "pix2pixhd_evaluate", "pix2pixhd_report",
)  # fmt: skip
DISCRIMINATORS = {"one": ", one discriminator"}


class ReportSettings(Settings):
    """The section `pix2pixhd_report` of `params.yaml`."""

    inputs: int = Field(default=4, ge=1)
    """Test layouts of each domain."""
    looks: int = Field(default=6, ge=1)
    """Images of each, at most as many as were made."""
    choices: int = Field(default=2, ge=0)
    """Layouts of which one object is shown in all styles."""
    relabel: dict[str, list[str]] = Field(default_factory=dict)
    """Of domains, edits FROM=TO or INSTANCE:FROM=TO, each shown on the first test layout that has
    it."""
    training: int = Field(default=2, ge=0)
    """Pictures of each training, from its beginning to its end."""
    side: int = Field(default=256, ge=16)
    """Pixels; pictures with a longer side are made smaller."""


class RunSettings(Settings):
    """What is read of the section `run`."""

    model_config = Settings.model_config | {"extra": "ignore"}
    layouts: list[str] = Field(min_length=1)


def main() -> None:
    """Writes the table and the page."""
    torch.set_num_threads(1)
    params = load_params()
    run: RunSettings = section(params, "run", RunSettings)
    settings: ReportSettings = section(params, "pix2pixhd_report", ReportSettings)
    sampled: SamplesSettings = section(params, "pix2pixhd_samples", SamplesSettings)
    tables = [
        read_scores(layout.evaluation("pix2pixhd", domain, "labels"), domain)
        for domain in run.layouts
    ]
    page = render(
        [gathered(domain, settings, sampled) for domain in run.layouts],
        pd.concat(tables, ignore_index=True),
        printed(params),
    )
    join_tables(tables, "reports/tables/pix2pixhd.csv")
    with written("reports/pix2pixhd.html") as partial:
        partial.write_text(page)


def gathered(domain: str, settings: ReportSettings, sampled: SamplesSettings) -> Domain:
    """Draws everything that the page shows of a domain."""
    rows, classes = rows_in(domain, "test"), classes_of(domain)
    images = images_of(domain, rows)
    layouts = layouts_of(domain, rows)
    places = evenly(len(rows), settings.inputs)
    editor = Editor(
        load_model(layout.pix2pixhd(domain, "enhancer"), sampled.device),
        load_styles(layout.pix2pixhd_styles(domain, "enhancer")),
        layouts,
        [seed_at(int(row), sampled.seed) for row in rows],
        settings.side,
    )
    photographs = array(open_group(layout.images(domain), "image"), "image")
    examples = []
    for place in places:
        looks = images["enhancer"][place][: settings.looks]
        row = rows[place : place + 1]
        truth = read_rows(photographs, photographed(domain, row))
        examples.append(
            Example(
                id=layouts[place].name,
                layout=layout_tile(layouts[place].labels, settings.side),
                looks=[picture_tile(look, settings.side) for look in looks],
                networks=[
                    picture_tile(
                        images[network][place][0],
                        settings.side,
                        generator + DISCRIMINATORS.get(network, ""),
                    )
                    for network, generator in GENERATORS.items()
                ],
                truth=picture_tile(truth[0], settings.side, "photograph") if len(truth) else None,
            )
        )
    return Domain(
        name=domain,
        size=layouts[0].labels.shape[:2],
        training=len(photographed(domain, rows_in(domain, "train"))),
        tested=len(rows),
        classes=classes_in(classes, [layouts[place].labels for place in places]),
        examples=examples,
        choices=editor.choices(places[: settings.choices]),
        relabellings=editor.relabellings(settings.relabel.get(domain, [])),
        trainings=[t for network in NETWORKS for t in trainings(domain, network, settings)],
    )


def layouts_of(domain: str, rows: np.ndarray) -> list[Layout]:
    """Layouts named by the ids of their images."""
    ids = read_items(layout.items(domain))["id"].astype(str).tolist()
    labels = read_rows(array(open_group(layout.conditions(domain), "labels"), "labels"), rows)
    group = open_group(layout.images(domain), "image")
    mapped = "instances" in group
    instances = read_rows(array(group, "instances"), rows) if mapped else labels
    return [
        Layout(ids[row], one, many.astype(np.int64), mapped)
        for row, one, many in zip(rows.tolist(), labels, instances, strict=True)
    ]


def images_of(domain: str, rows: np.ndarray) -> dict[Network, Any]:
    """Each network's images, arrays (M, C, H, W, 3) u8 in Zarr.

    Raises:
        StoreError: some are missing, or not of the domain's test layouts.
    """
    images = {}
    for network in NETWORKS:
        path = candidates_path(domain, network)
        group = open_group(path, "image")
        if group.attrs["rows"] != rows.tolist():
            raise StoreError(
                f"{path}: expected images of the {len(rows)} layouts of the split test, got "
                f"others; `exemplar reproduce pix2pixhd_samples@{domain}-{network}` makes them anew"
            )
        images[network] = array(group, "image")
    return images


def trainings(domain: str, network: Network, settings: ReportSettings) -> list[NetworkTraining]:
    """Each level of a network's training: losses, and pictures at even steps to the last."""
    folder, made = layout.pix2pixhd_progress(domain, network), []
    for path in sorted(folder.glob("losses-*.csv")):
        level = int(path.stem.removeprefix("losses-"))
        history = pd.read_csv(path)
        history = history.loc[:, (history != 0).any()]  # a loss that is not in use
        pictures = pictures_at_even_steps(folder / "samples", settings.training, f"{level}-")
        name = GENERATORS[network] + DISCRIMINATORS.get(network, "")
        enhancer = f": enhancer {level}" if level else ""
        made.append(
            NetworkTraining(
                title=f"{name}{enhancer}, {int(history['step'].max()):,} steps",
                plot=losses_plot(history, f"{domain}-{network}-{level}"),
                pictures=[
                    picture_tile(
                        np.asarray(Image.open(picture).convert("RGB")),
                        2 * settings.side,
                        f"after {step:,} steps",
                    )
                    for step, picture in pictures
                ],
            )
        )
    return made


def printed(params: dict[str, Any]) -> str:
    """The settings of the run as YAML."""
    chosen = {name: params[name] for name in PRINTED if name in params}
    return yaml.safe_dump(chosen, sort_keys=False, default_flow_style=None, width=90)


if __name__ == "__main__":
    run(main)
