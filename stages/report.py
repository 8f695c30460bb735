"""Stage `report`: evaluations, candidates and their sources → one table and one page.

Reads the stores of every domain and condition of the run; writes `reports/tables/pixelnn.csv` and
`reports/index.html`.

    python -m stages.report
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import yaml
import zarr
from pydantic import Field

from exemplar.report.descriptors import read_descriptors
from exemplar.report.gallery import Stored, candidate_errors, example, fourier_tiles
from exemplar.report.page import Pair, render
from exemplar.report.plots import spectrum_plot
from exemplar.report.published import DomainFacts
from exemplar.report.spread import evenly
from exemplar.report.tables import evaluated, join_tables, read_table
from exemplar.settings import Settings, load_params, section
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows
from exemplar.store.files import written
from exemplar.store.items import read_items, rows_of

# The settings that the page prints; all of them must be dependencies of the stage.
PRINTED = (
    "run", "prepare", "domains", "estimators", "conditions", "regressor", "projection", "features",
    "candidates", "evaluate", "report",
)  # fmt: skip


class ReportSettings(Settings):
    """Section `report`: how many test inputs of each condition to show, and candidates of each."""

    inputs: int = Field(4, ge=1)
    candidates: int = Field(8, ge=1)


class RunSettings(Settings):
    """Section `run`: the domains and conditions of the run."""

    domains: list[str] = Field(min_length=1)
    conditions: list[str] = Field(min_length=1)


def main() -> None:
    """Writes the table and the page."""
    params = load_params()
    run: RunSettings = section(params, "run", RunSettings)
    settings: ReportSettings = section(params, "report", ReportSettings)
    names = [(domain, condition) for domain in run.domains for condition in run.conditions]
    tables = [read_table(layout.evaluation("pixelnn", *name), *name) for name in names]
    page = render(
        [pair(domain, condition, settings) for domain, condition in names],
        pd.concat(tables, ignore_index=True),
        {domain: facts(domain, params, run.conditions[0]) for domain in run.domains},
        printed(params, run.domains),
    )
    join_tables(tables, "reports/tables/pixelnn.csv")
    with written("reports/index.html") as partial:
        partial.write_text(page)


def pair(domain: str, condition: str, settings: ReportSettings) -> Pair:
    """Draws everything that the page shows of one domain and condition."""
    name, folder = f"{domain}-{condition}", layout.evaluation("pixelnn", domain, condition)
    spectrum = pd.read_csv(evaluated(folder, "spectrum.csv"))
    items = read_items(layout.items(domain))
    image = array(open_group(layout.images(domain), "image"), "image")
    pixelnn = open_group(layout.candidates("pixelnn", domain, condition), "image", "source")
    inputs = list(stored(domain, condition, settings.inputs, items, pixelnn))
    return Pair(
        domain=domain,
        condition=condition,
        examples=[
            example(one, items, lambda rows: read_rows(image, rows), settings.candidates)
            for one in inputs
        ],
        plot=spectrum_plot(spectrum, name),
        fourier=fourier_tiles(inputs[0]),
        candidates=array(pixelnn, "image").shape[1],
        tested=array(pixelnn, "image").shape[0],
        descriptors=read_descriptors(
            layout.agreement(domain, condition),
            attribute(open_group(layout.features(domain, condition)), "dimensions"),
        ),
    )


def stored(
    domain: str, condition: str, count: int, items: pd.DataFrame, pixelnn: zarr.Group
) -> Iterator[Stored]:
    """The stores' rows of some test inputs, one input at a time."""
    image = array(open_group(layout.images(domain), "image"), "image")
    given = array(open_group(layout.conditions(domain), condition), condition)
    regressed = array(open_group(layout.features(domain, condition), "regressed"), "regressed")
    whole = array(open_group(layout.candidates("global", domain, condition), "image"), "image")
    folder = layout.evaluation("pixelnn", domain, condition)
    scores = pd.read_csv(evaluated(folder, "scores.csv"), dtype={"image": str})
    rows = attribute(pixelnn, "rows")
    for place in evenly(len(rows), count):
        row = rows[place]
        identity = str(items.at[row, "id"])
        yield Stored(
            id=identity,
            kind=condition,
            truth=one(image, row),
            condition=one(given, row),
            regressed=one(regressed, row),
            pixelnn=one(array(pixelnn, "image"), place),
            source=one(array(pixelnn, "source"), place),
            global_=one(whole, place),
            candidates=attribute(pixelnn, "candidates"),
            errors=candidate_errors(scores, identity),
        )


def one(source: zarr.Array, row: int) -> np.ndarray:
    """One image's values, without the first axis."""
    return read_rows(source, [row])[0]


def attribute(group: zarr.Group, name: str) -> Any:
    """An attribute of a group, of whatever form its stage gave it."""
    return group.attrs[name]


def facts(domain: str, params: dict[str, Any], condition: str) -> DomainFacts:
    """What the tables do not say about a domain; networks are alike for all its conditions."""
    items = read_items(layout.items(domain))
    height, width = array(open_group(layout.images(domain), "image"), "image").shape[1:3]
    described = open_group(layout.features(domain, condition), "regressed")
    layers = ", ".join(str(name).removeprefix("conv") for name in attribute(described, "layers"))
    network = params.get("regressor", {}).get("network", {})
    return DomainFacts(
        training=len(rows_of(items, "train")),
        size=(height, width),
        regressor="PixelNet from scratch"
        + "".join(f", {name} {value}" for name, value in network.items()),
        descriptors=f"conv{{{layers}}} of {attribute(described, 'backbone')}, "
        f"projected to {attribute(described, 'dimensions')} dimensions",
    )


def printed(params: dict[str, Any], domains: list[str]) -> str:
    """The settings of the run as YAML, of the domains only those that it has."""
    chosen = {name: params[name] for name in PRINTED if name in params}
    if isinstance(chosen.get("domains"), dict):
        chosen["domains"] = {d: v for d, v in chosen["domains"].items() if d in domains}
    return yaml.safe_dump(chosen, sort_keys=False, default_flow_style=None, width=90)


if __name__ == "__main__":
    main()
