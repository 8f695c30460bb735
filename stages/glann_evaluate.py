"""Stage `glann_evaluate`: samples and test photographs → evaluation/glann/<domain>-<seed>/."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import zarr
from pydantic import Field

from exemplar.memory import keep_freed_memory
from exemplar.methods.glann.model import METHODS, Method
from exemplar.metrics.distribution import Distribution, measured
from exemplar.metrics.embedding import (
    Embedding,
    EmbeddingSettings,
    PooledFeatures,
    load_embedding,
)
from exemplar.metrics.kernel_distance import kernel_distance
from exemplar.metrics.prd import Curve
from exemplar.metrics.sampled_columns import FEATURES, KID
from exemplar.settings import Settings, load_params, section
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, read_rows
from exemplar.store.files import written
from exemplar.store.items import read_items, rows_of
from stages.arguments import domain_and_seed_of
from stages.ends import run

TRAINING = "training"
"""Training images in the place of samples: what a model would score that learned all of them."""

COLUMNS = (
    "dataset", "method", "seed", "fid", "fid_features", "f8", "f1_8", "samples", "images",
    "warning", KID, FEATURES,
)  # fmt: skip
"""Of `scores.csv`: `samples` were judged by `images` photographs."""

BATCH = 256
"""Images read at a time."""


class KernelSettings(Settings):
    """How closely EfficientNet-Lite2 looks, for the kernel distance."""

    side: int = Field(default=96, ge=32)
    """Pixels a side that images are brought to."""
    images: int = Field(default=300, ge=2)
    """Of each method's samples and of the photographs, drawn at random."""


class GlannEvaluateSettings(Settings):
    """The section `glann_evaluate` of `params.yaml`."""

    features: dict[str, EmbeddingSettings] = Field(default_factory=dict)
    """Of domains. One that is not named is judged by its classifier or, if its images have no
    categories, by the estimators' fine layers."""
    photographs: int = Field(default=10_000, ge=2)
    """Of the split test at most, drawn at random, that samples are compared with."""
    kernel: KernelSettings | None = KernelSettings()
    """None: there is no kernel distance."""
    device: str = "cpu"
    threads: int = Field(default=1, ge=1)
    seed: int = 0


def main() -> None:
    """Scores the samples of all methods, and training images in their place."""
    domain, seed = domain_and_seed_of("glann_evaluate")
    settings = section(load_params(), "glann_evaluate", GlannEvaluateSettings)
    torch.set_num_threads(settings.threads)
    keep_freed_memory()
    photographs = array(open_group(layout.images(domain), "image"), "image")
    stores = opened(domain, seed, photographs.shape[1:])
    real = _drawn(domain, "test", settings.photographs, settings.seed)
    learned = _drawn(domain, "train", max(store.shape[0] for store in stores.values()), seed)
    see = load_embedding(
        settings.features.get(domain),
        layout.classifier(domain),
        layout.ESTIMATORS,
        settings.device,
    )
    wanted = embedded(see, photographs, real)
    judged = {TRAINING: (photographs, learned)}
    judged |= {method: (store, np.arange(store.shape[0])) for method, store in stores.items()}
    distance = kernel_distance_of(settings.kernel, photographs, real)
    rows, found = [], {}
    for method, (store, chosen) in judged.items():
        features = embedded(see, store, chosen)
        found[method] = measured(
            made=features, photographs=wanted, seed=settings.seed, threads=settings.threads
        )
        names = {"dataset": domain, "method": method, "seed": seed, "fid_features": see.name}
        counts = {"samples": len(features), "images": len(wanted)}
        rows.append(names | counts | numbers(found[method]) | {"warning": found[method].warning})
        rows[-1] |= distance(store, chosen)
        said = ", ".join(f"{name} {value:.4g}" for name, value in numbers(found[method]).items())
        told = f"glann_evaluate {domain}-{seed}: {method}"
        print(f"{told}: {said}", flush=True)
        if warning := found[method].warning:
            print(f"{told}: warning: {warning}", file=sys.stderr, flush=True)
    with written(layout.evaluation("glann", domain, str(seed))) as folder:
        write(folder, rows, found)


def opened(domain: str, seed: int, size: tuple[int, ...]) -> dict[Method, zarr.Array]:
    """The samples of all methods.

    Args:
        domain: whose.
        seed: of the trainings.
        size: (H, W, 3), of the domain's images.

    Returns:
        (n, H, W, 3) u8 by method.

    Raises:
        StoreError: a store is missing or of another form; all problems of all stores are listed.
    """
    found, problems = {}, []
    for method in METHODS:
        path = layout.samples(domain, seed) / f"{method}.zarr"
        try:
            store = array(open_group(path, "image"), "image")
        except StoreError as error:
            problems.append(str(error))
            continue
        if store.shape[1:] != size or store.dtype != np.uint8 or store.shape[0] < 2:
            problems.append(
                f"{path}: expected at least two images {size} uint8, as those of the domain, got "
                f"{store.shape[0]} {store.shape[1:]} {store.dtype}"
            )
        found[method] = store
    if problems:
        listed = "\n  ".join(problems)
        raise StoreError(
            f"samples that cannot be judged; run `exemplar reproduce glann_samples@{domain}-{seed}`"
            f":\n  {listed}"
        )
    return found


def kernel_distance_of(
    settings: KernelSettings | None, photographs: zarr.Array, real: np.ndarray
) -> Callable[[zarr.Array, np.ndarray], dict[str, float | str]]:
    """What measures samples, given as a store and rows, by KID on a large network's features."""
    if settings is None:
        return lambda _store, _rows: {}
    see, most, draw = PooledFeatures(settings.side), settings.images, np.random.default_rng(0)
    wanted = embedded(see, photographs, np.sort(draw.permutation(real)[:most]))

    def measure(store: zarr.Array, rows: np.ndarray) -> dict[str, float | str]:
        features = embedded(see, store, np.sort(draw.permutation(rows)[:most]))
        name = f"{see.name}, of {len(features):,} samples and {len(wanted):,} photographs"
        return {KID: kernel_distance(wanted, features), FEATURES: name}

    return measure


def embedded(see: Embedding, store: zarr.Array, rows: np.ndarray) -> np.ndarray:
    """Features (n, M) of some images, read and looked at in batches."""
    parts = np.array_split(rows, -(-len(rows) // BATCH))
    return np.concatenate([see(read_rows(store, part)) for part in parts])


def numbers(found: Distribution) -> dict[str, float]:
    """The three scores by name."""
    return {"fid": found.fid, "f8": found.scores.f8, "f1_8": found.scores.f1_8}


def write(folder: Path, rows: list[dict[str, Any]], found: dict[str, Distribution]) -> None:
    """Writes scores.csv, prd.csv and metrics.json into a new folder."""
    folder.mkdir()
    _csv(pd.DataFrame(rows, columns=list(COLUMNS)), folder / "scores.csv")
    curves = [
        pd.DataFrame({"method": method, **one.curve._asdict()})
        for method, one in found.items()
        if one.curve is not None
    ]
    empty = pd.DataFrame(columns=["method", *Curve._fields])
    _csv(pd.concat(curves) if curves else empty, folder / "prd.csv")
    known = {
        method: {n: float(f"{v:.6g}") for n, v in numbers(one).items() if isfinite(v)}
        for method, one in found.items()
    }
    (folder / "metrics.json").write_text(json.dumps(known, indent=2) + "\n")


def _drawn(domain: str, split: str, most: int, seed: int) -> np.ndarray:
    """Rows of a split: all of them, or as many as wanted, at random, in order."""
    rows = rows_of(read_items(layout.items(domain)), split)
    if len(rows) < 2:
        raise StoreError(
            f"{layout.items(domain)}: expected at least two images of the split {split}, got "
            f"{len(rows)}; give domains.{domain} some in params.yaml and run `exemplar reproduce`"
        )
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, float_format="%.6g")


if __name__ == "__main__":
    run(main)
