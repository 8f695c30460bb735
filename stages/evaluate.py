"""Stage `evaluate`: candidates and a judge → evaluation/pixelnn/<domain>-<condition>/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field

from exemplar import conditions
from exemplar.conditions.sources import EdgeSource, edge_network
from exemplar.estimators import Estimators, load_estimators
from exemplar.features.backbone import BackboneSettings, EstimatorTrunkSettings, load_backbone
from exemplar.features.perceptual import perceptual
from exemplar.features.pixelnet import LAYERS
from exemplar.memory import keep_freed_memory
from exemplar.methods.pixelnn.compose import Residual, residuals
from exemplar.metrics.correspondence import chance_error, correspondence_error
from exemplar.metrics.diversity import PLAIN, perceptual_name, plain
from exemplar.metrics.edges import edge_counts
from exemplar.metrics.evaluation import Evaluation, Measured, write_evaluation
from exemplar.metrics.judge import Judge, Seen
from exemplar.metrics.normals import angular_error
from exemplar.metrics.ranked import Ranking
from exemplar.metrics.seams import seam_energy
from exemplar.metrics.selection import Selections
from exemplar.settings import Settings, load_params, section
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, name_list, open_group, read_rows
from exemplar.store.files import written
from exemplar.store.items import read_items, rows_of
from exemplar.store.resident import Resident
from stages.arguments import domain_and_condition_of
from stages.ends import run

SECTIONS = {"global": "candidates", "pixelnn": "candidates", "coherent": "coherent"}
"""The methods that synthesise by copying, and the section of `params.yaml` that made each."""

NEAREST = "global_nearest"
"""Global with each of the nearest exemplars; `global` has of them what leads PixelNN's candidates,
each as often as it leads one, so that both draw on equally near ones."""

METHODS = ("regressor", "pix2pix", "global", NEAREST, "pixelnn", "coherent")

Looks = Callable[[np.ndarray, Seen], np.ndarray]
"""Features (C, P) by which images (C, H, W, 3), which the judge has seen, are told apart."""

KEPT_BYTES = 64 << 20
"""Of photographs, regressed images and surfaces each, kept in memory between test images."""

BATCH = 64
"""Photographs read at a time."""


class EvaluateSettings(Settings):
    """The section `evaluate` of `params.yaml`."""

    edges: EdgeSource = "estimator"
    """Which network judges edges."""
    edge_threshold: float = Field(default=0.5, gt=0, lt=1)
    """A pixel of the real photograph is an edge if the judge sees at least this."""
    perceptual: BackboneSettings | None = EstimatorTrunkSettings()
    """The network on whose features diversity is measured; None: on the pixels themselves."""
    rounds: int = Field(default=20, ge=1)
    """Draws of one candidate per image that rand-1 averages over."""
    photographs: int = Field(default=2000, ge=1)
    """Of the train split, drawn at random, with which all candidates together are compared: for
    the Fréchet distance, and for precision and recall."""
    seed: int = 0
    threads: int = Field(default=1, ge=1)


class Copied(BaseModel):
    """What is read of the sections in `SECTIONS`, which other stages check in full."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    residual: Residual = "rgb"


class Outputs:
    """What was made of a domain's test images, and what it was made from."""

    def __init__(self, domain: str, condition: str) -> None:
        """Opens the stores.

        Raises:
            StoreError: one is missing, or has other test images than the others, or pix2pix another
                number of candidates than PixelNN, or Global lacks an exemplar that leads one.
        """
        params, images = load_params(), open_group(layout.images(domain), "image")
        features = open_group(layout.features(domain, condition), "regressed")
        self.surfaces = (
            Resident(array(images, "surface"), budget=KEPT_BYTES) if "surface" in images else None
        )
        self.photographs = Resident(array(images, "image"), budget=KEPT_BYTES)
        self.regressed = Resident(array(features, "regressed"), budget=KEPT_BYTES)
        self.residual: dict[str, Residual] = {
            method: section(params, name, Copied).residual for method, name in SECTIONS.items()
        }
        arrays = {"pix2pix": ("image",)} | dict.fromkeys(SECTIONS, ("image", "source"))
        self.stores = {
            method: open_group(layout.candidates(method, domain, condition), *needed)
            for method, needed in arrays.items()
        }
        rows = {method: store.attrs["rows"] for method, store in self.stores.items()}
        task = f"{domain}-{condition}"
        if any(found != rows["coherent"] for found in rows.values()):
            raise StoreError(
                f"{layout.candidates('coherent', domain, condition)}: of other test images than "
                f"those of {', '.join(method for method in rows if method != 'coherent')}; run "
                f"`exemplar reproduce candidates@{task} pix2pix_candidates@{task} coherent@{task}`"
            )
        counts = [array(self.stores[m], "image").shape[1] for m in ("pix2pix", "pixelnn")]
        if counts[0] != counts[1]:
            raise StoreError(
                f"{layout.candidates('pix2pix', domain, condition)}: expected as many candidates "
                f"as PixelNN has, {counts[1]}, got {counts[0]}; run `exemplar reproduce "
                f"candidates@{task} pix2pix_candidates@{task}`"
            )
        self.rows = np.asarray(rows["coherent"], np.int64)
        # Global's candidates are the ranks of the nearest exemplars, from the first.
        members: Any = self.stores["pixelnn"].attrs["candidates"]
        self.leaders: list[int] = [first - 1 for _, first, _ in members]
        ranks = array(self.stores["global"], "image").shape[1]
        if max(self.leaders) >= ranks:
            raise StoreError(
                f"{layout.candidates('global', domain, condition)}: expected at least "
                f"{max(self.leaders) + 1} candidates, one for each exemplar that leads one of "
                f"PixelNN's, got {ranks}; run `exemplar reproduce candidates@{task} --force`"
            )

    def image(self, method: str, place: int) -> np.ndarray:
        """All candidates of a test image, (C, H, W, 3) u8."""
        if method == "regressor":
            return self.regressed.rows(self.rows[[place]]).numpy()
        return read_rows(array(self.stores[method], "image"), [place])[0]

    def source(self, method: str, place: int) -> np.ndarray:
        """Where the candidates' pixels come from, (C, H, W, 3) i32."""
        return read_rows(array(self.stores[method], "source"), [place])[0]

    def ranking(self, method: str, place: int) -> Ranking | None:
        """Of the candidates of a test image, if the method ranks them."""
        if method != "coherent":
            return None
        store = self.stores[method]
        return Ranking(*(read_rows(array(store, name), [place])[0] for name in ("score", "few")))

    def seam(self, method: str, place: int, images: np.ndarray, source: np.ndarray) -> np.ndarray:
        """The seam energy of a test image's candidates, (C,)."""
        regressed = self.regressed.rows(self.rows[[place]])[0].numpy()

        def residual(rows: np.ndarray) -> np.ndarray:
            pair = self.photographs.rows(rows), self.regressed.rows(rows)
            return residuals(*pair, self.residual[method]).numpy()

        return seam_energy(images, source, regressed, residual)

    def surface(self, place: int) -> np.ndarray | None:
        """Surface coordinates of a test image, (H, W, 3), if any are known."""
        if self.surfaces is None:
            return None
        found = self.surfaces_of(self.rows[[place]])[0]
        return found if np.isfinite(found).all(-1).any() else None

    def surfaces_of(self, rows: np.ndarray) -> np.ndarray:
        """Surface coordinates of exemplars, (K, H, W, 3)."""
        assert self.surfaces is not None
        return self.surfaces.rows(rows).numpy()


def main() -> None:
    """Scores every candidate of every test image and writes the table's rows."""
    domain, condition = domain_and_condition_of("evaluate")
    settings = section(load_params(), "evaluate", EvaluateSettings)
    torch.set_num_threads(settings.threads)
    keep_freed_memory()
    estimators = load_estimators(layout.ESTIMATORS)
    judge = Judge(estimators, *edge_network(settings.edges, estimators))
    name, looks = _looks(settings.perceptual, estimators)
    outputs, items = Outputs(domain, condition), read_items(layout.items(domain))
    ids = items["id"].to_list()
    empty = {method: Selections(settings.seed, settings.rounds) for method in METHODS}
    result = Evaluation(empty, judge.identity, name)
    for place, row in enumerate(outputs.rows):
        _evaluate(result, judge, looks, outputs, place, ids[row], settings.edge_threshold)
        result.see("input", _input(domain, condition, int(row)))
        print(f"evaluate {domain}-{condition}: {ids[row]}", flush=True)

    chosen = rows_of(items, "train")
    if len(chosen) > settings.photographs:
        generator = np.random.default_rng(settings.seed)
        chosen = np.sort(generator.choice(chosen, settings.photographs, replace=False))
    for start in range(0, len(chosen), BATCH):
        photographs = outputs.photographs.rows(chosen[start : start + BATCH]).numpy()
        result.photographs.append(judge.means(photographs))

    names = {"domain": domain, "condition": condition}
    with written(layout.evaluation("pixelnn", domain, condition)) as folder:
        write_evaluation(folder, result, names, settings.seed, settings.threads)


def _looks(named: BackboneSettings | None, estimators: Estimators) -> tuple[str, Looks]:
    """By which features diversity is measured: their name, and what makes them."""
    if named is None:
        return PLAIN, lambda images, _: plain(images)
    if named == EstimatorTrunkSettings():
        # The judge made them in the pass in which it looked.
        return perceptual_name(estimators.identity, LAYERS), lambda _, seen: seen.perceptual
    network = load_backbone(named, layout.ESTIMATORS)
    return perceptual_name(network.name, network.layers), lambda images, _: perceptual(
        network, images
    )


def _evaluate(
    result: Evaluation,
    judge: Judge,
    looks: Looks,
    outputs: Outputs,
    place: int,
    image_id: str,
    threshold: float,
) -> None:
    """Takes in one test image with all that was made of it."""
    truth = outputs.photographs.rows(outputs.rows[[place]]).numpy()
    real = judge(truth)
    result.see("truth", truth)
    surface = outputs.surface(place)

    def measured(method: str) -> Measured:
        images = outputs.image(method, place)
        correspondence = seam = None
        if method in SECTIONS:
            source = outputs.source(method, place)
            seam = outputs.seam(method, place, images, source)
            if surface is not None:
                correspondence = correspondence_error(surface, outputs.surfaces_of, source)
            if surface is not None and method == "pixelnn":
                generator = np.random.default_rng(int(outputs.rows[place]))
                by_chance = chance_error(surface, outputs.surfaces_of, source, generator)
                result.chance.append(float(by_chance.mean()))
        seen = judge(images)
        errors = angular_error(seen.normals, real.normals[0]).reshape(len(images), -1)
        counts = edge_counts(seen.edges, real.edges[0] >= threshold)
        features = looks(images, seen)
        return Measured(images, errors, counts, correspondence, seam, features, seen.means)

    nearest = measured("global")
    for method in METHODS:
        if method == NEAREST:
            # Its spectrum is Global's, whichever exemplars are taken.
            result.add(method, image_id, nearest)
            continue
        found = nearest.chosen(outputs.leaders) if method == "global" else measured(method)
        result.add(method, image_id, found, outputs.ranking(method, place))
        result.see(method, found.images)


def _input(domain: str, condition: str, row: int) -> np.ndarray:
    """The encoded condition as luma, (1, H, W) in [0, 1]."""
    group = open_group(layout.conditions(domain), condition)
    size = array(open_group(layout.images(domain), "image"), "image").shape[1:3]
    stored = read_rows(array(group, condition), [row])
    if condition == "labels":
        last = len(name_list(group, "classes")) - 1
        return np.where(stored > last, 0, stored) / max(1, last)  # 255 is no class
    return conditions.of(condition).encode(stored, size).mean(1).numpy()


if __name__ == "__main__":
    run(main)
