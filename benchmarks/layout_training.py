"""What each part of the GAN's schedule is worth: others trained as long, and judged alike.

    python -m benchmarks.layout_training                 # a quarter of an hour on one core
    python -m benchmarks.layout_training --source head --seconds 45

Each variant takes back one of the choices of the preset `fast`, as the paper has it. All are given
the same seconds of one processor, in which they do as many iterations as they can; their schedules
are as long as that. The source is one of the section `sources` of `params.yaml`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import Figure, cost, report
from exemplar.features.backbone import load_backbone
from exemplar.memory import keep_freed_memory
from exemplar.methods.semantic_analogy.evaluation import method_rows
from exemplar.methods.semantic_analogy.gan_settings import GanSettings
from exemplar.methods.semantic_analogy.judging import SemanticEvaluateSettings, judge_of
from exemplar.methods.semantic_analogy.sources import NamedSource
from exemplar.methods.semantic_analogy.stored import chosen_source, given_source
from exemplar.methods.semantic_analogy.training import train_gan
from exemplar.metrics.segmenters import Segmenter
from exemplar.settings import load_params, section
from exemplar.store import layout

FAST, PAPER = GanSettings(), GanSettings(preset="paper")
SHORT, LONG = 4, 24
"""Iterations of two trainings by which it is found how many fit into the time."""

TAKEN_BACK: dict[str, dict[str, dict[str, Any]]] = {
    "ten_generator_steps": {"training": {"generator_steps": 10}},
    "float32": {"training": {"precision": "float32"}},
    "whole_classifier": {
        "classifier": PAPER.classifier.model_dump(), "training": {"classifier_every": 1}
    },
    "whole_discriminator": {"discriminator": PAPER.discriminator.model_dump()},
    "backbone_every_step": {"coherence": {"every": 1}},
    "few_patches": {"coherence": {"every": 1, "counts": PAPER.coherence.counts}},
    "seldom_reconstructed": {"training": {"reconstruct_every": 10}},
    "no_difference_from_varied": {"weights": {"varied": 0.0}},
    "weights_of_one": {"weights": PAPER.weights.model_dump()},
    "learned_fixed_point": {"generator": {"fixed_point": "learned"}},
    "encoder_alone_modulated": {"generator": {"decoder": False}},
    "nothing_pasted": {"augmentation": {"pasted": 0.0}},
}  # fmt: skip
"""What of `fast` is as in the paper again, by a name for it."""


def main() -> None:
    """Measures, prints, writes reports/benchmarks/layout_training.json."""
    parser = argparse.ArgumentParser("python -m benchmarks.layout_training", allow_abbrev=False)
    parser.add_argument("--source", default="head", help="of the section sources")
    parser.add_argument("--seconds", type=float, default=45, help="of each training")
    parser.add_argument("--only", nargs="*", help="names of variants; default: all")
    asked = parser.parse_args()
    keep_freed_memory()
    params = load_params()
    given, source = given_source(params, asked.source), chosen_source(params, asked.source)
    settings: SemanticEvaluateSettings = section(
        params, "semantic_evaluate", SemanticEvaluateSettings
    )
    variants = {"fast": FAST} | {name: changed(more) for name, more in TAKEN_BACK.items()}
    variants |= {"paper": PAPER, "released": GanSettings(preset="released")}
    chosen = {k: v for k, v in variants.items() if k == "fast" or k in (asked.only or variants)}
    figures: list[Figure] = []
    reference: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        judge = judge_of(
            given, source, settings.trained, settings.judge_side, Path(folder) / "judge"
        )
        for name, variant in chosen.items():
            found = measured(given, variant, judge, asked.seconds)
            reference = reference or found
            said = f"fast, {asked.seconds:g} s of one core"
            rows = [
                cost(f"{name}_{what}", value, said, reference[what], UNITS[what])
                for what, value in found.items()
            ]
            print(name, {what: round(value, 2) for what, value in found.items()}, flush=True)
            figures += rows
    report("layout_training", figures)


UNITS = {
    "iterations": "", "identity_psnr": "dB", "unchanged_psnr": "dB", "psnr_to_truth": "dB",
    "patch_distance": "of 255", "mean_iou": "%",
}  # fmt: skip


def measured(
    given: NamedSource, settings: GanSettings, judge: Segmenter, seconds: float
) -> dict[str, float]:
    """What comes of a training of so many seconds."""
    taken = []
    for count in (SHORT, SHORT, LONG):  # the first warms up
        begun = time.process_time()
        trained(given, settings, count)
        taken.append(time.process_time() - begun)
    # What is done once, such as loading the backbone, is in both.
    each = (taken[2] - taken[1]) / (LONG - SHORT)
    iterations = max(LONG, int(seconds / each))
    images = trained(given, settings, iterations)
    named = {target.name: image for target, image in zip(given.targets, images, strict=True)}
    row = method_rows(given, "gan", named, judge, thorough=False)[-1]
    return {"iterations": float(iterations)} | {
        what: float(row[what]) for what in UNITS if what in row and np.isfinite(row[what])
    }


def trained(given: NamedSource, settings: GanSettings, iterations: int) -> np.ndarray:
    """The targets' images after so many iterations."""
    schedule = settings.training.model_copy(
        update={"iterations": iterations, "checkpoint_every": iterations}
    )
    with tempfile.TemporaryDirectory() as folder:
        gan, _ = train_gan(
            given.source,
            settings.model_copy(update={"training": schedule}),
            Path(folder),
            "benchmark",
            partial(load_backbone, settings.backbone, layout.ESTIMATORS, torch.device("cpu")),
        )
    return gan.render(np.stack([target.labels for target in given.targets]))


def changed(more: dict[str, dict[str, Any]]) -> GanSettings:
    """`fast` with some sections' values replaced."""
    values = FAST.model_dump()
    for name, section_values in more.items():
        values[name] = values[name] | section_values
    return GanSettings.model_validate(values)


if __name__ == "__main__":
    main()
