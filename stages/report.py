"""Stage `report`: evaluations, candidates, their sources, trainings → three tables and one page.

Reads the stores of every domain and condition of the run; writes `reports/tables/pixelnn.csv`,
`reports/tables/coherent.csv`, `reports/tables/detail.csv` and `reports/index.html`.

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
from exemplar.report.gallery import SIDE, example, fourier_tiles
from exemplar.report.page import Pair, render
from exemplar.report.plots import spectrum_plot
from exemplar.report.published import DomainFacts
from exemplar.report.spread import spread
from exemplar.report.stored import (
    Coherent,
    Picture,
    Stored,
    candidate_errors,
    candidate_spread,
    evenly,
)
from exemplar.report.tables import (
    evaluated,
    join_tables,
    read_comparison,
    read_detail,
    read_table,
)
from exemplar.report.training import Training, read_training
from exemplar.settings import Settings, load_params, section
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, read_rows
from exemplar.store.files import written
from exemplar.store.items import read_items, rows_of
from stages.ends import run

# The settings that the page prints; all of them must be dependencies of the stage.
PRINTED = (
    "run", "prepare", "domains", "estimators", "judge", "conditions", "regressor", "projection",
    "features", "candidates", "ranking", "coherent", "whole", "pix2pix", "evaluate", "report",
)  # fmt: skip


class ReportSettings(Settings):
    """Section `report`: how many test inputs to show, and candidates of each."""

    inputs: int = Field(4, ge=1)
    """Of each domain and condition."""
    total: int = Field(24, ge=1)
    """Of all together, shared evenly, at least one of each: every input takes a megabyte."""
    candidates: int = Field(8, ge=1)
    """Of each input, at most as many as its distinct few."""
    side: int = Field(SIDE, ge=32)
    """Pixels of the longer side of whole pictures, at most."""
    spreads: int = Field(2, ge=1)
    """Of the inputs of each domain and condition those whose spread is shown."""

    def shown(self, pairs: int) -> int:
        """Inputs of each of so many pairs of a domain and a condition."""
        return max(1, min(self.inputs, self.total // pairs))


class RunSettings(Settings):
    """Section `run`: the domains and conditions of the run, and those of the other systems."""

    domains: list[str] = Field(min_length=1)
    conditions: list[str] = Field(min_length=1)
    layouts: list[str] = Field(default_factory=list)
    """Domains that pix2pixHD is trained on; it has a page of its own."""
    sampled: list[str] = Field(default_factory=list)
    """Domains that GLANN is trained on, others than `domains`; it has a page of its own."""
    sources: list[str] = Field(default_factory=list)
    """Labelled images that Semantic Image Analogy is measured on; it has a page of its own."""
    seeds: list[int] = Field(default_factory=list)
    """Of GLANN's trainings."""


def main() -> None:
    """Writes the tables and the page."""
    params = load_params()
    run: RunSettings = section(params, "run", RunSettings)
    settings: ReportSettings = section(params, "report", ReportSettings)
    names = [(domain, condition) for domain in run.domains for condition in run.conditions]
    tables = [read_table(layout.evaluation("pixelnn", *name), *name) for name in names]
    against = [read_comparison(layout.evaluation("pixelnn", *name), *name) for name in names]
    large = [read_detail(layout.evaluation("pixelnn", *name), *name) for name in names]
    pairs = [pair(*name, settings.shown(len(names)), settings) for name in names]
    trained = {one.domain: one.training for one in reversed(pairs)}
    page = render(
        pairs,
        pd.concat(tables, ignore_index=True),
        pd.concat(against, ignore_index=True),
        pd.concat(large, ignore_index=True),
        {name: facts(name, params, run.conditions[0], trained[name]) for name in run.domains},
        printed(params, run.domains),
    )
    join_tables(tables, "reports/tables/pixelnn.csv")
    join_tables(against, "reports/tables/coherent.csv")
    join_tables(large, "reports/tables/detail.csv")
    with written("reports/index.html") as partial:
        partial.write_text(page)


def pair(domain: str, condition: str, inputs: int, settings: ReportSettings) -> Pair:
    """Draws everything that the page shows of one domain and condition."""
    name, folder = f"{domain}-{condition}", layout.evaluation("pixelnn", domain, condition)
    spectrum = pd.read_csv(evaluated(folder, "spectrum.csv"))
    items = read_items(layout.items(domain))
    image = array(open_group(layout.images(domain), "image"), "image")
    stores = open_candidates(domain, condition)
    shown = list(stored(domain, condition, inputs, items, stores))
    made = array(stores["coherent"], "image")
    return Pair(
        domain=domain,
        condition=condition,
        examples=[
            example(
                one, items, lambda rows: read_rows(image, rows), settings.candidates, settings.side
            )
            for one in shown
        ],
        spreads=[spread(one, settings.candidates) for one in shown[: settings.spreads]],
        training=read_training(
            layout.pix2pix_progress(domain, condition),
            layout.pix2pix(domain, condition).with_suffix(".json"),
            name,
        ),
        plot=spectrum_plot(spectrum, name),
        fourier=fourier_tiles(shown[0]),
        candidates=made.shape[1],
        tested=made.shape[0],
        descriptors=read_descriptors(
            layout.agreement(domain, condition),
            attribute(open_group(layout.features(domain, condition)), "dimensions"),
        ),
    )


def open_candidates(domain: str, condition: str) -> dict[str, zarr.Group]:
    """The candidates of every method, by its name.

    Raises:
        StoreError: a store is missing, or they are not of the same test images.
    """
    needed = {"coherent": ["source", "score", "few"], "pixelnn": [], "global": [], "pix2pix": []}
    needed["whole"] = ["source", "exemplar", "score", "few"]
    stores = {
        method: open_group(layout.candidates(method, domain, condition), "image", *names)
        for method, names in needed.items()
    }
    rows = {method: list(attribute(group, "rows")) for method, group in stores.items()}
    if any(other != rows["coherent"] for other in rows.values()):
        counts = ", ".join(f"{method} of {len(of)}" for method, of in rows.items())
        raise StoreError(
            f"{domain}-{condition}: expected candidates of the same test images by every method, "
            f"got {counts} that differ; `exemplar reproduce` brings all up to date"
        )
    return stores


def stored(
    domain: str, condition: str, count: int, items: pd.DataFrame, stores: dict[str, zarr.Group]
) -> Iterator[Stored]:
    """The stores' rows of some test inputs, one input at a time."""
    image = array(open_group(layout.images(domain), "image"), "image")
    given = array(open_group(layout.conditions(domain), condition), condition)
    regressed = array(open_group(layout.features(domain, condition), "regressed"), "regressed")
    folder = layout.evaluation("pixelnn", domain, condition)
    scores = pd.read_csv(evaluated(folder, "scores.csv"), dtype={"image": str})
    apart = pd.read_csv(evaluated(folder, "spread.csv"), dtype=str, keep_default_na=False)
    rows = attribute(stores["coherent"], "rows")
    for place in evenly(len(rows), count):
        row = rows[place]
        identity = str(items.at[row, "id"])
        yield Stored(
            id=identity,
            kind=condition,
            truth=one(image, row),
            condition=one(given, row),
            regressed=one(regressed, row),
            coherent=coherent(stores["coherent"], place),
            published=one(array(stores["pixelnn"], "image"), place),
            members=attribute(stores["pixelnn"], "candidates"),
            global_=one(array(stores["global"], "image"), place),
            errors=candidate_errors(scores, identity),
            pix2pix=one(array(stores["pix2pix"], "image"), place),
            spread=candidate_spread(apart, identity),
            whole=whole(stores["whole"], place),
        )


def coherent(group: zarr.Group, place: int) -> Coherent:
    """One input's coherent candidates."""
    return Coherent(
        image=one(array(group, "image"), place),
        source=one(array(group, "source"), place),
        members=attribute(group, "candidates"),
        score=one(array(group, "score"), place),
        few=[int(candidate) for candidate in one(array(group, "few"), place)],
        votes=int(attribute(group, "votes")),
    )


def whole(group: zarr.Group, place: int) -> list[Picture]:
    """One input's distinct few whole pictures, best first."""
    image, source, exemplar, score, few = (
        one(array(group, name), place) for name in ("image", "source", "exemplar", "score", "few")
    )
    found = []
    for candidate in few.tolist():
        slots, counts = np.unique(source[candidate, ..., 0], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        shares = {
            int(exemplar[candidate, slots[i]]): float(counts[i] / counts.sum()) for i in order
        }
        member = tuple(attribute(group, "candidates")[candidate])
        rank = 1 + int((score < score[candidate]).sum())
        found.append(Picture(image[candidate], member, rank, len(score), shares))
    return found


def one(source: zarr.Array, row: int) -> np.ndarray:
    """One image's values, without the first axis."""
    return read_rows(source, [row])[0]


def attribute(group: zarr.Group, name: str) -> Any:
    """An attribute of a group, of whatever form its stage gave it."""
    return group.attrs[name]


def facts(domain: str, params: dict[str, Any], condition: str, training: Training) -> DomainFacts:
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
        pix2pix=training.network,
    )


def printed(params: dict[str, Any], domains: list[str]) -> str:
    """The settings of the run as YAML, of the domains only those that it has."""
    chosen = {name: params[name] for name in PRINTED if name in params}
    if isinstance(chosen.get("domains"), dict):
        chosen["domains"] = {d: v for d, v in chosen["domains"].items() if d in domains}
    return yaml.safe_dump(chosen, sort_keys=False, default_flow_style=None, width=90)


if __name__ == "__main__":
    run(main)
