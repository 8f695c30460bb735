"""Stage `pix2pixhd_evaluate`: samples and a judge → evaluation/pix2pixhd/<domain>-labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from pydantic import Field

from exemplar.estimators import Estimators, load_estimators
from exemplar.memory import keep_freed_memory
from exemplar.methods.pix2pixhd.layouts import IGNORE
from exemplar.methods.pix2pixhd.model import load_model
from exemplar.methods.pix2pixhd.stored import (
    METHODS,
    classes_of,
    model_path,
    rows_in,
)
from exemplar.metrics.segmentation import confusion, scores
from exemplar.settings import Settings, load_params, section
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, read_rows
from exemplar.store.files import written
from stages.arguments import domain_of

GENERATORS = {"global": "global", "enhancer": "global + enhancer"}


class Pix2pixHDEvaluateSettings(Settings):
    """The section `pix2pixhd_evaluate` of `params.yaml`."""

    threads: int = Field(default=1, ge=1)


def main() -> None:
    """Scores both networks' samples, and the photographs, by the labels a network sees in them."""
    domain = domain_of("pix2pixhd_evaluate")
    settings = section(load_params(), "pix2pixhd_evaluate", Pix2pixHDEvaluateSettings)
    torch.set_num_threads(settings.threads)
    keep_freed_memory()
    judge, classes = load_estimators(layout.ESTIMATORS), classes_of(domain)
    if judge.parts != classes:
        raise StoreError(
            f"{domain}: no network sees its classes ({', '.join(classes)}); the estimators see "
            f"{', '.join(judge.parts)}"
        )
    rows = rows_in(domain, "test")
    labels = read_rows(array(open_group(layout.conditions(domain)), "labels"), rows)
    photographs = array(open_group(layout.images(domain)), "image")
    made = [score(judge, read_rows(photographs, rows)[:, None], labels) | {"generator": "real"}]
    for network, method in METHODS.items():
        images = array(open_group(layout.candidates(method, domain, "labels"), "image"), "image")
        scales = len(load_model(model_path(domain, network)).discriminators.scales)
        row = score(judge, np.asarray(images), labels)
        row |= {"generator": GENERATORS[network]}
        made.append(row | {"discriminator": "multi-scale" if scales > 1 else "one"})
    table = pd.DataFrame(made).assign(domain=domain, judge=judge.identity)
    order = ["domain", "generator", "discriminator", *list(made[0])[:4], "images", "judge"]
    with written(layout.evaluation("pix2pixhd", domain, "labels") / "scores.csv") as partial:
        table[order].to_csv(partial, index=False, float_format="%.6g")


def score(judge: Estimators, images: np.ndarray, labels: np.ndarray) -> dict[str, float | str]:
    """The scores of images against the labels that they were to show.

    Args:
        judge: sees labels.
        images: (M, C, H, W, 3) u8.
        labels: (M, H, W) u8.

    Returns:
        Both scores, both ways, and how many images were seen.
    """
    counts = np.zeros((len(judge.parts) + 1,) * 2, np.int64)
    for several, truth in zip(images, labels, strict=True):
        seen = judge(torch.from_numpy(several).permute(0, 3, 1, 2).float() / 255)["parts"].numpy()
        wanted = np.broadcast_to(truth, seen.shape)
        counts += confusion(seen, wanted, len(judge.parts), IGNORE)
    return scores(counts)._asdict() | {"images": images.shape[0] * images.shape[1]}


if __name__ == "__main__":
    main()
