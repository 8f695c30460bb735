"""A run of GLANN as its stages would leave it, written from random numbers; for its report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.methods.glann.model import METHODS as SAMPLED
from exemplar.report.glann_gathered import TRAININGS
from exemplar.report.glann_scores import SCORES, TRAINING
from exemplar.store import layout
from exemplar.store.arrays import write_group
from exemplar.store.files import remove
from exemplar.store.items import write_items

SIDE, TRAINED, TESTED, MADE, KEPT, STEPS = 16, 12, 6, 9, 3, 5
WARNING = "FID is noisy and too large: of 6 photographs, fewer than 2,048"


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Random images (…, SIDE, SIDE, 3) u8."""
    values = np.random.default_rng(seed).integers(0, 256, (*shape, SIDE, SIDE, 3))
    return values.astype(np.uint8)


def scores(domain: str, seed: int, warning: str = "") -> pd.DataFrame:
    """Scores that get worse from method to method and by a tenth from seed to seed."""
    rows = [
        {
            "dataset": domain,
            "method": method,
            "seed": seed,
            "fid": 1.5 + 10 * place + 0.1 * seed,
            "fid_features": "classifier#ab12",
            "f8": 0.9 - 0.05 * place,
            "f1_8": 0.8 - 0.05 * place,
            "samples": MADE,
            "images": TESTED,
            "warning": warning,
        }
        for place, method in enumerate((TRAINING, *SAMPLED))
    ]
    return pd.DataFrame(rows, columns=list(SCORES))


def write_domain(domain: str) -> None:
    """Training images, then test images."""
    count = TRAINED + TESTED
    remove(layout.images(domain))
    layout.images(domain).parent.mkdir(parents=True, exist_ok=True)
    write_group(layout.images(domain), {"image": noise(count)})
    split = ["train"] * TRAINED + ["test"] * TESTED
    table = {"id": [f"{domain}-{i}" for i in range(count)], "split": split, "category": "",
             "source": "a file", "sha256": "", "licence": "", "width": SIDE,
             "height": SIDE}  # fmt: skip
    write_items(layout.items(domain), pd.DataFrame(table))


def write_evaluation(domain: str, seed: int, warning: str = "") -> None:
    """Scores and curves."""
    folder = layout.evaluation("glann", domain, str(seed))
    folder.mkdir(parents=True, exist_ok=True)
    scores(domain, seed, warning).to_csv(folder / "scores.csv", index=False)
    share = np.linspace(0, 1, 11)
    curves = [
        pd.DataFrame({"method": method, "precision": 1 - share**2, "recall": share})
        for method in (TRAINING, *SAMPLED)
    ]
    pd.concat(curves).to_csv(folder / "prd.csv", index=False)


def write_samples(domain: str, seed: int) -> None:
    """Samples of all methods, neighbours of GLANN's, strips and couples.

    Sample i's nearest training images are i, i + 1, … (modulo their number); the last samples are
    the nearest.
    """
    folder = layout.samples(domain, seed)
    remove(folder)
    folder.mkdir(parents=True)
    nearest = (np.arange(MADE)[:, None] + np.arange(KEPT)) % TRAINED
    distance = np.arange(MADE, 0, -1)[:, None] * 0.25 + np.arange(KEPT) * 0.0625
    beside = {
        f"nearest_{space}{of}": values.astype(kind)
        for space in ("latent", "perceptual")
        for of, values, kind in (("", nearest, np.int32), ("_distance", distance, np.float32))
    }
    for place, method in enumerate(SAMPLED):
        arrays = {"image": noise(MADE, seed=place + 1)} | (beside if method == "glann" else {})
        attributes = {"method": method, "seed": seed, "perceptual_features": "a net"}
        write_group(folder / f"{method}.zarr", arrays, attributes)
    write_group(folder / "interpolations.zarr", {"image": noise(2, STEPS, seed=20)})
    rows = list(range(4))
    write_group(folder / "reconstructions.zarr", {"image": noise(4, 2, seed=21)}, {"rows": rows})
    found = {"image": noise(3, 2, seed=22), "loss": np.array([0.5, 0.25, 0.125], np.float32)}
    tested = [TRAINED, TRAINED + 1, TRAINED + 2]
    write_group(folder / "inversions.zarr", found, {"rows": tested})
    # Training images are 1 to 2 from each other, held-out ones 2 to 3 from them.
    for name, count, spaces, least in (
        ("training", TRAINED, ("latent", "perceptual"), 1), ("held_out", TESTED, ("perceptual",), 2)
    ):  # fmt: skip
        own: dict[str, np.ndarray] = {"row": np.arange(count, dtype=np.int32)}
        apart = np.linspace(least, least + 1, count)[:, None] + np.arange(KEPT) * 0.0625
        for space in spaces:
            own[f"nearest_{space}"] = np.zeros((count, KEPT), np.int32)
            own[f"nearest_{space}_distance"] = apart.astype(np.float32)
        write_group(folder / f"{name}.zarr", own)


def write_trainings(domain: str, seed: int) -> None:
    """Losses of every training, and three pictures of the first."""
    for part in TRAININGS:
        folder = layout.glann_progress(domain, seed, part)
        folder.mkdir(parents=True, exist_ok=True)
        history = pd.DataFrame({"step": [50, 1500], "reconstruction": [0.5, 0.25]})
        history.to_csv(folder / "losses.csv", index=False)
    pictures = layout.glann_progress(domain, seed, "glo") / "samples"
    pictures.mkdir(exist_ok=True)
    for step in (50, 750, 1500):
        picture = Image.fromarray(np.full((2 * SIDE, 6 * SIDE, 3), step // 8, np.uint8))
        picture.save(pictures / f"{step:07d}.png")


def write_run(domains: tuple[str, ...], seeds: tuple[int, ...]) -> None:
    """All that the report reads; pictures are of the first seed alone."""
    for domain in domains:
        write_domain(domain)
        for seed in seeds:
            write_evaluation(domain, seed, WARNING)
        write_samples(domain, seeds[0])
        write_trainings(domain, seeds[0])


def page() -> str:
    """The page as it was written."""
    return Path("reports/glann.html").read_text()
