"""Stage `evaluate`: candidates and a judge → evaluation/pixelnn/<domain>-<condition>/."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import zarr
from pydantic import Field

from exemplar import conditions
from exemplar.conditions.sources import EdgeSource, edge_network
from exemplar.estimators import load_estimators
from exemplar.metrics.correspondence import chance_error, correspondence_error
from exemplar.metrics.edges import edge_counts
from exemplar.metrics.judge import Judge
from exemplar.metrics.normals import angular_error
from exemplar.metrics.selection import METRICS, Selections
from exemplar.metrics.spectrum import radial_spectrum
from exemplar.settings import Settings, load_params, section
from exemplar.store import layout
from exemplar.store.arrays import array, name_list, open_group, read_rows
from exemplar.store.files import written
from exemplar.store.items import read_items
from stages.arguments import domain_and_condition_of

METHODS = ("regressor", "global", "pixelnn")


class EvaluateSettings(Settings):
    """The section `evaluate` of `params.yaml`."""

    edges: EdgeSource = "estimator"
    """Which network judges edges."""
    edge_threshold: float = Field(default=0.5, gt=0, lt=1)
    """A pixel of the real photograph is an edge if the judge sees at least this."""
    rounds: int = Field(default=20, ge=1)
    """Draws of one candidate per image that rand-1 averages over."""
    seed: int = 0
    threads: int = Field(default=1, ge=1)


def main() -> None:
    """Scores every candidate of every test image and writes the table's rows."""
    domain, condition = domain_and_condition_of("evaluate")
    settings = section(load_params(), "evaluate", EvaluateSettings)
    torch.set_num_threads(settings.threads)
    estimators = load_estimators(layout.ESTIMATORS)
    network, identity = edge_network(settings.edges, estimators)
    judge = Judge(estimators, network, identity)

    group = open_group(layout.images(domain), "image")
    surfaces = array(group, "surface") if "surface" in group else None
    ids = read_items(layout.items(domain))["id"].to_list()
    selections = {method: Selections(settings.seed, settings.rounds) for method in METHODS}
    chance: list[float] = []
    power: dict[str, list[np.ndarray]] = {}

    for row, truth, images, sources in _outputs(domain, condition):
        seen_normals, seen_edges = judge(truth[None])
        edges = seen_edges[0] >= settings.edge_threshold
        correspondence = _correspondence(surfaces, row, sources)
        for method in METHODS:
            normals, strengths = judge(images[method])
            errors = angular_error(normals, seen_normals[0]).reshape(len(normals), -1)
            counts = edge_counts(strengths, edges)
            selections[method].add(ids[row], errors, counts, correspondence.get(method))
        if "chance" in correspondence:
            chance.append(float(correspondence["chance"].mean()))
        for name, values in {**images, "input": _input(domain, condition, row)}.items():
            power.setdefault(name, []).append(radial_spectrum(values)[1].mean(0))
        power.setdefault("truth", []).append(radial_spectrum(truth[None])[1][0])
        print(f"evaluate {domain}-{condition}: {ids[row]}", flush=True)

    with written(layout.evaluation("pixelnn", domain, condition)) as folder:
        folder.mkdir()
        table = _table(domain, condition, judge.identity, selections, chance)
        _write(folder, table, selections, power)


def _correspondence(
    surfaces: zarr.Array | None, row: int, sources: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Each candidate's distance on the surface, by method and by chance, where it is known."""
    if surfaces is None:
        return {}
    surface = read_rows(surfaces, [row])[0]
    if not np.isfinite(surface).all(-1).any():
        return {}

    def exemplars(rows: np.ndarray) -> np.ndarray:
        return read_rows(surfaces, rows)

    found = {name: correspondence_error(surface, exemplars, s) for name, s in sources.items()}
    generator = np.random.default_rng(row)
    return found | {"chance": chance_error(surface, exemplars, sources["pixelnn"], generator)}


def _outputs(
    domain: str, condition: str
) -> Iterator[tuple[int, np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """Each test image's row, photograph, outputs (C, H, W, 3) and sources by method."""
    photographs = array(open_group(layout.images(domain), "image"), "image")
    features = open_group(layout.features(domain, condition), "regressed")
    stores: dict[str, zarr.Group] = {
        method: open_group(layout.candidates(method, domain, condition), "image", "source")
        for method in ("global", "pixelnn")
    }
    rows = np.asarray(stores["pixelnn"].attrs["rows"], dtype=np.int64)
    for place, row in enumerate(rows):
        images = {
            name: read_rows(array(group, "image"), [place])[0] for name, group in stores.items()
        }
        images["regressor"] = read_rows(array(features, "regressed"), [row])
        sources = {
            name: read_rows(array(group, "source"), [place])[0] for name, group in stores.items()
        }
        yield int(row), read_rows(photographs, [row])[0], images, sources


def _input(domain: str, condition: str, row: int) -> np.ndarray:
    """The encoded condition as luma, (1, H, W) in [0, 1]."""
    group = open_group(layout.conditions(domain), condition)
    size = array(open_group(layout.images(domain), "image"), "image").shape[1:3]
    stored = read_rows(array(group, condition), [row])
    if condition == "labels":
        return stored / max(1, len(name_list(group, "classes")) - 1)
    return conditions.of(condition).encode(stored, size).mean(1).numpy()


def _table(
    domain: str,
    condition: str,
    judge: str,
    selections: dict[str, Selections],
    chance: list[float],
) -> pd.DataFrame:
    """The rows of `reports/tables/pixelnn.csv` for one domain and condition."""
    rows = [
        {"domain": domain, "condition": condition, "method": method, **row, "judge": judge}
        for method, chosen in selections.items()
        for row in chosen.rows()
    ]
    if chance:
        rows.append(
            {
                "domain": domain,
                "condition": condition,
                "method": "chance",
                "selection": "expected",
                "images": len(chance),
                "candidates": rows[-1]["candidates"],
                "correspondence": float(np.mean(chance)),
            }
        )
    columns = ["domain", "condition", "method", "selection", *METRICS[:-1]]
    columns += ["images", "candidates", "judge", "correspondence"]
    table = pd.DataFrame(rows, columns=columns)
    return table if chance else table.drop(columns="correspondence")


def _write(
    folder: Path,
    table: pd.DataFrame,
    selections: dict[str, Selections],
    power: dict[str, list[np.ndarray]],
) -> None:
    """Writes table.csv, scores.csv, spectrum.csv and metrics.json."""
    table.to_csv(folder / "table.csv", index=False, float_format="%.6g")
    scores = pd.concat([chosen.scores().assign(method=name) for name, chosen in selections.items()])
    order = ["image", "method", "candidate", *METRICS]
    scores[order].to_csv(folder / "scores.csv", index=False, float_format="%.6g")
    spectrum = pd.concat(
        pd.DataFrame(
            {
                "series": name,
                "frequency": np.arange(len(values[0])),
                "power": np.mean(values, axis=0),
            }
        )
        for name, values in power.items()
    )
    spectrum.to_csv(folder / "spectrum.csv", index=False, float_format="%.6g")
    metrics: dict[str, dict[str, float]] = {}
    for row in table.to_dict("records"):
        name = f"{row['method']} {row['selection']}"
        metrics[name] = {
            metric: round(float(row[metric]), 6)
            for metric in METRICS
            if metric in row and pd.notna(row[metric])
        }
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")


if __name__ == "__main__":
    main()
