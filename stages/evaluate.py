"""Stage `evaluate`: candidates and judges → evaluation/pixelnn/<domain>-<condition>/."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from pydantic import Field

from exemplar import conditions
from exemplar.conditions.sources import EdgeSource, edge_network
from exemplar.estimators import Estimators, load_estimators
from exemplar.features.backbone import BackboneSettings, EstimatorTrunkSettings, load_backbone
from exemplar.features.hed import WEIGHTS, HedSettings
from exemplar.features.perceptual import perceptual
from exemplar.features.pixelnet import LAYERS
from exemplar.memory import keep_freed_memory
from exemplar.methods.pixelnn.large import Large, examine
from exemplar.methods.pixelnn.outputs import SECTIONS, Outputs
from exemplar.metrics.correspondence import chance_error, correspondence_error
from exemplar.metrics.detail import Detail, DetailSettings
from exemplar.metrics.diversity import PLAIN, perceptual_name, plain
from exemplar.metrics.edges import edge_counts
from exemplar.metrics.evaluation import Evaluation, Measured, write_detail, write_evaluation
from exemplar.metrics.independence import most_independent, shared
from exemplar.metrics.judge import Judge, Seen
from exemplar.metrics.judged import Judged, Sight
from exemplar.metrics.normals import angular_error
from exemplar.metrics.sampled_distance import SampledDistances, SampledSettings
from exemplar.metrics.selection import Selections
from exemplar.settings import Settings, load_params, section
from exemplar.store import layout
from exemplar.store.arrays import array, name_list, open_group, read_rows
from exemplar.store.files import written
from exemplar.store.items import read_items, rows_of
from stages.arguments import domain_and_condition_of
from stages.ends import run

NEAREST = "global_nearest"
"""Global with each of the nearest exemplars; `global` has of them what leads PixelNN's candidates,
each as often as it leads one, so that both draw on equally near ones."""

METHODS = ("regressor", "pix2pix", "global", NEAREST, "pixelnn", "coherent", "whole")

Looks = Callable[[np.ndarray, Seen], np.ndarray]
"""Features (C, P) by which images (C, H, W, 3), which the estimators have seen, are told apart."""

BATCH = 64
"""Photographs read at a time."""


class SecondJudge(Settings):
    """The judge that the stage `judge` trained."""

    edges: EdgeSource = "estimator"
    """Which network judges edges beside it; `estimator`: it does so itself."""


class EvaluateSettings(Settings):
    """The section `evaluate` of `params.yaml`."""

    edges: EdgeSource = "estimator"
    """Which network judges edges beside the estimators."""
    second: SecondJudge = SecondJudge()
    edge_threshold: float = Field(default=0.5, gt=0, lt=1)
    """A pixel of the real photograph is an edge if the judge sees at least this."""
    perceptual: BackboneSettings | None = EstimatorTrunkSettings()
    """The network on whose features diversity is measured; None: on the pixels themselves."""
    sampled: SampledSettings | None = SampledSettings()
    """FD and KID on EfficientNet-Lite2's features, of a few candidates of each test image; None:
    there are none."""
    detail: DetailSettings | None = DetailSettings()
    """`coherent` and `whole` at the size of pictures; None: they are not looked at so."""
    rounds: int = Field(default=20, ge=1)
    """Draws of one candidate per image that rand-1 averages over."""
    photographs: int = Field(default=2000, ge=1)
    """Of the train split, drawn at random, with which all candidates together are compared: for
    the Fréchet distance, and for precision and recall."""
    seed: int = 0
    threads: int = Field(default=1, ge=1)


def main() -> None:
    """Scores every candidate of every test image and writes the table's rows."""
    domain, condition = domain_and_condition_of("evaluate")
    params = load_params()
    settings = section(params, "evaluate", EvaluateSettings)
    torch.set_num_threads(settings.threads)
    keep_freed_memory()
    estimators = load_estimators(layout.ESTIMATORS)
    judges = judges_of(domain, condition, settings, estimators)
    name, looks = _looks(settings.perceptual, estimators)
    outputs, items = Outputs(domain, condition, params), read_items(layout.items(domain))
    ids = items["id"].to_list()
    draws = settings.seed, settings.rounds
    judged = [
        Judged(judge.identity, shares, {method: Selections(*draws) for method in METHODS})
        for judge, shares in judges
    ]
    wanted = settings.sampled
    sampled = None if wanted is None else SampledDistances(wanted, settings.seed)
    result = Evaluation(judged, name, sampled)
    both = [judge for judge, _ in judges]
    look = Examination(result, both, estimators, looks, settings.edge_threshold)
    for place, row in enumerate(outputs.rows):
        look(outputs, place, ids[row])
        result.see("input", _input(domain, condition, int(row)))
        print(f"evaluate {domain}-{condition}: {ids[row]}", flush=True)

    chosen = rows_of(items, "train")
    if sampled is not None:
        for part in batches_of(sampled.chosen(chosen)):
            sampled.add_photographs(outputs.photographs.rows(part).numpy())
    if len(chosen) > settings.photographs:
        generator = np.random.default_rng(settings.seed)
        chosen = np.sort(generator.choice(chosen, settings.photographs, replace=False))
    for part in batches_of(chosen):
        photographs = outputs.photographs.rows(part).numpy()
        for (judge, _), mine in zip(judges, judged, strict=True):
            mine.photographs.append(judge.means(photographs))

    detail = None
    if settings.detail is not None:
        detail = detail_of(domain, condition, settings, settings.detail, judges)
        large = Large(domain, params, settings.detail.side)
        examine(detail, outputs, large, ids, rows_of(items, "train"), settings.detail.judged)

    names = {"domain": domain, "condition": condition}
    with written(layout.evaluation("pixelnn", domain, condition)) as folder:
        write_evaluation(folder, result, names, settings.seed, settings.threads)
        write_detail(folder, None if detail is None else detail.table(), names)


def batches_of(rows: np.ndarray) -> list[np.ndarray]:
    """Rows that are read at a time."""
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]


def judges_of(
    domain: str, condition: str, settings: EvaluateSettings, estimators: Estimators
) -> list[tuple[Judge, str]]:
    """The judges, the most independent first, each with what it shares with what it judges."""
    other = load_estimators(layout.JUDGE)
    judges = [
        Judge(other, *edge_network(settings.second.edges, other)),
        Judge(estimators, *edge_network(settings.edges, estimators)),
    ]
    made = made_by(domain, condition)
    shares = [shared(judge.identity, made, domain) for judge in judges]
    return [(judges[place], shares[place]) for place in most_independent(shares)]


def detail_of(
    domain: str,
    condition: str,
    settings: EvaluateSettings,
    wanted: DetailSettings,
    judges: list[tuple[Judge, str]],
) -> Detail:
    """What looks at pictures at their own size: normals as the more independent judge sees them."""
    normals, made = judges[0][0].estimators, made_by(domain, condition)
    edges = wanted.edges
    if edges is None:
        hed = WEIGHTS.found() is not None and not made["input"].startswith("hed@")
        edges = HedSettings(magnify=1) if hed else "estimator"
    judge = Judge(normals, *edge_network(edges, normals))
    shares = shared(judge.identity, made, domain)
    return Detail(wanted, settings.seed, judge, shares, settings.edge_threshold)


def made_by(domain: str, condition: str) -> dict[str, str]:
    """Which networks made the inputs, the descriptors and the ranking, as their files say."""
    origins: Any = open_group(layout.conditions(domain), condition).attrs.get("origins", {})
    described = open_group(layout.features(domain, condition)).attrs
    path = layout.ranking(domain, condition)
    ranked = json.loads(path.read_text()) if path.is_file() else {}
    return {
        "input": str(origins.get(condition, "")),
        "descriptors": str(described.get("backbone", "")),
        "ranking": str(ranked.get("judge", "")),
    }


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


@dataclass(frozen=True)
class Examination:
    """Shows test images, with all that was made of them, to the judges.

    Attributes:
        result: takes in what is found.
        judges: in its order; one of them is the estimators.
        estimators: see the features of `looks`.
        looks: tell candidates apart.
        threshold: of true edges.
    """

    result: Evaluation
    judges: list[Judge]
    estimators: Estimators
    looks: Looks
    threshold: float

    def __call__(self, outputs: Outputs, place: int, image_id: str) -> None:
        """Takes in one test image with all that was made of it."""
        truth = outputs.photographs.rows(outputs.rows[[place]]).numpy()
        real = [judge(truth) for judge in self.judges]
        self.result.see("truth", truth)
        nearest = self._measured(outputs, place, "global", real)
        for method in METHODS:
            if method == NEAREST:
                # Its spectrum is Global's, whichever exemplars are taken.
                self.result.add(method, image_id, nearest)
                continue
            found = (
                nearest.chosen(outputs.leaders)
                if method == "global"
                else self._measured(outputs, place, method, real)
            )
            self.result.add(method, image_id, found, outputs.ranking(method, place))
            self.result.see(method, found.images)

    def _measured(self, outputs: Outputs, place: int, method: str, real: list[Seen]) -> Measured:
        images, surface = outputs.image(method, place), outputs.surface(place)
        correspondence = seam = None
        if method in SECTIONS or (method == "whole" and surface is not None):
            source = outputs.source(method, place)
            if method in SECTIONS:
                seam = outputs.seam(method, place, images, source)
            if surface is not None:
                correspondence = correspondence_error(surface, outputs.surfaces_of, source)
            if surface is not None and method == "pixelnn":
                generator = np.random.default_rng(int(outputs.rows[place]))
                by_chance = chance_error(surface, outputs.surfaces_of, source, generator)
                self.result.chance.append(float(by_chance.mean()))
        seen = [judge(images) for judge in self.judges]
        sights = tuple(self._sight(one, truth) for one, truth in zip(seen, real, strict=True))
        own = next(
            one
            for judge, one in zip(self.judges, seen, strict=True)
            if judge.estimators is self.estimators
        )
        return Measured(images, sights, correspondence, seam, self.looks(images, own))

    def _sight(self, seen: Seen, real: Seen) -> Sight:
        errors = angular_error(seen.normals, real.normals[0]).reshape(len(seen.normals), -1)
        counts = edge_counts(seen.edges, real.edges[0] >= self.threshold)
        return Sight(errors, counts, seen.means)


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
