"""Stage `pix2pixhd_evaluate`: samples and judges → evaluation/pix2pixhd/<domain>-labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pydantic import Field

from exemplar.estimators import load_estimators
from exemplar.features.backbone import load_backbone
from exemplar.features.espnet import ESPNetSettings, load_espnet
from exemplar.memory import keep_freed_memory
from exemplar.methods.pix2pixhd.model import load_model
from exemplar.methods.pix2pixhd.networks import GENERATORS
from exemplar.methods.pix2pixhd.stored import (
    EnhancerSettings,
    GlobalSettings,
    candidates_path,
    classes_of,
    inputs,
    mirrored_in,
    photographed,
    rows_in,
    training_set,
)
from exemplar.metrics.distribution import known_scores
from exemplar.metrics.embedding import FINE_LAYERS, Embedding, NetworkSettings, load_network
from exemplar.metrics.independence import most_independent, shared
from exemplar.metrics.segmentation import COLUMNS, SegmentationScores, judged
from exemplar.metrics.segmenters import (
    EstimatorsJudge,
    JudgeSettings,
    PartsSegmenter,
    Segmenter,
    TrainedJudge,
    train_segmenter,
    translation,
)
from exemplar.settings import Settings, load_params, section
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, read_rows
from exemplar.store.files import workplace, written
from exemplar.store.weights import save_weights
from stages.arguments import domain_of
from stages.ends import run

REAL = "real"
"""In the place of a generator: the photographs."""

BATCH = 16
"""Photographs read at a time."""


class Pix2pixHDEvaluateSettings(Settings):
    """The section `pix2pixhd_evaluate` of `params.yaml`."""

    judges: dict[str, JudgeSettings] = Field(default_factory=dict)
    """Of domains. One that is not named is judged by the estimators if they see all its classes,
    else by a network that is trained on its own training photographs, as `trained` says."""
    trained: TrainedJudge = TrainedJudge()
    features: NetworkSettings = FINE_LAYERS
    """By which all images together are compared with photographs: Fréchet distance and PRD."""
    photographs: int = Field(default=2000, ge=1)
    """Of the train split at most, drawn at random, for that."""
    seed: int = 0
    threads: int = Field(default=1, ge=1)


def main() -> None:
    """Scores all networks' samples, and the photographs, by the classes that a network sees."""
    domain = domain_of("pix2pixhd_evaluate")
    params = load_params()
    settings = section(params, "pix2pixhd_evaluate", Pix2pixHDEvaluateSettings)
    torch.set_num_threads(settings.threads)
    keep_freed_memory()
    out = layout.evaluation("pix2pixhd", domain, "labels")
    judges = judges_of(domain, settings, out, params)
    stored = array(open_group(layout.conditions(domain)), "labels")
    see = load_network(settings.features, layout.ESTIMATORS)
    learned, photographs = learned_from(domain, settings, see)
    made: list[list[dict[str, str | float]]] = [[] for _ in judges]
    for generator, discriminator, images, rows in shown(domain):
        for (judge, shares), mine in zip(judges, made, strict=True):
            table = translation(classes_of(domain), judge.classes)
            labels = table[read_rows(stored, rows)]
            found, count = judged(judge, images, labels, len(judge.classes))
            names = {"judge": judge.identity, "judge_shares": shares}
            mine.append(names | row(generator, discriminator, found, count))
        if generator != REAL or not np.isin(rows, learned).any():
            features = np.concatenate([see(several) for several in images])
            known = known_scores(
                made=features,
                photographs=photographs,
                seed=settings.seed,
                threads=settings.threads,
            )
            made[0][-1] |= known | ({"fid_features": see.name} if known else {})
    scores = pd.DataFrame([each for mine in made for each in mine]).assign(domain=domain)
    with written(out / "scores.csv") as partial:
        scores.reindex(columns=list(COLUMNS)).to_csv(partial, index=False, float_format="%.6g")


def judges_of(
    domain: str, settings: Pix2pixHDEvaluateSettings, out: Path, params: dict[str, Any]
) -> list[tuple[Segmenter, str]]:
    """The judges, the most independent first, each with what it shares with what it judges.

    Beside the one that settings name stands that of the stage `judge`, if it sees all classes.
    """
    judges = [judge_of(domain, settings, out)]
    other = PartsSegmenter(load_estimators(layout.JUDGE))
    if set(other.classes) >= set(classes_of(domain)):
        judges.insert(0, other)
    origins: Any = open_group(layout.conditions(domain), "labels").attrs.get("origins", {})
    losses = [
        section(params, "pix2pixhd_global", GlobalSettings).backbone,
        section(params, "pix2pixhd_enhancer", EnhancerSettings).backbone,
    ]
    loaded = [load_backbone(each, layout.ESTIMATORS).name for each in losses if each is not None]
    made = {"input": str(origins.get("labels", "")), "loss": ", ".join(loaded)}
    shares = [shared(judge.identity, made, domain) for judge in judges]
    return [(judges[place], shares[place]) for place in most_independent(shares)]


def learned_from(
    domain: str, settings: Pix2pixHDEvaluateSettings, see: Embedding
) -> tuple[np.ndarray, np.ndarray]:
    """Training photographs, with which all images of a network together are compared.

    Returns:
        The rows of all of them, and the features (n, M) of as many as the settings want.
    """
    learned = photographed(domain, rows_in(domain, "train"))
    chosen = learned
    if len(chosen) > settings.photographs:
        generator = np.random.default_rng(settings.seed)
        chosen = np.sort(generator.choice(chosen, settings.photographs, replace=False))
    stored = array(open_group(layout.images(domain), "image"), "image")
    parts = np.array_split(chosen, -(-len(chosen) // BATCH))
    return learned, np.concatenate([see(read_rows(stored, part)) for part in parts])


def judge_of(domain: str, settings: Pix2pixHDEvaluateSettings, out: Path) -> Segmenter:
    """The network that judges a domain; one that is trained for it is kept beside the scores.

    Raises:
        StoreError: it sees none of the domain's classes.
    """
    classes = classes_of(domain)
    chosen = settings.judges.get(domain)
    if chosen is None:
        seen = set(load_estimators(layout.ESTIMATORS).parts)
        chosen = EstimatorsJudge() if seen >= set(classes) else settings.trained
    if isinstance(chosen, TrainedJudge):
        by = chosen.model_dump(mode="json")
        with workplace(f"pix2pixhd_evaluate/{domain}", *inputs(domain), by) as folder:
            known = training_set(domain, folder)
            sides = mirrored_in(domain)
            judge = train_segmenter(
                known.images, known.labels, classes, chosen, folder, domain, sides
            )
            config = judge.network.config | {"classes": list(classes), "data": domain}
            save_weights(out / "judge.safetensors", judge.network.state_dict(), config)
        return judge
    judge = (
        load_espnet(chosen)
        if isinstance(chosen, ESPNetSettings)
        else PartsSegmenter(load_estimators(layout.ESTIMATORS))
    )
    if not set(judge.classes) & set(classes):
        raise StoreError(
            f"pix2pixhd_evaluate.judges.{domain}: {judge.identity} sees none of the domain's "
            f"classes ({', '.join(classes)}) but {', '.join(judge.classes)}; name another judge "
            "in params.yaml, or none, and one is trained on the domain's own photographs"
        )
    return judge


def shown(domain: str) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """What is judged: generator, discriminator, images (M, C, H, W, 3) u8 and their rows (M,).

    The real photographs are those of the test split; where its layouts have none, all that there
    are.
    """
    rows, photographs = rows_in(domain, "test"), array(open_group(layout.images(domain)), "image")
    real = photographed(domain, rows)
    if not len(real):
        real = photographed(domain, np.arange(photographs.shape[0]))
    yield REAL, "", read_rows(photographs, real)[:, None], real
    for network, generator in GENERATORS.items():
        images = array(open_group(candidates_path(domain, network), "image"), "image")
        scales = len(load_model(layout.pix2pixhd(domain, network)).discriminators.scales)
        discriminator = "multi-scale" if scales > 1 else "one"
        yield generator, discriminator, np.asarray(images), rows


def row(
    generator: str, discriminator: str, found: SegmentationScores, images: int
) -> dict[str, str | float]:
    """A row of the table."""
    names = {"generator": generator, "discriminator": discriminator, "images": images}
    return names | found._asdict()


if __name__ == "__main__":
    run(main)
