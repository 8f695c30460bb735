"""Whole pictures of label maps: what they show, and how far they are from photographs as a whole.

    exemplar reproduce prepare@faces-hq        # with faces-hq in run.domains
    python -m benchmarks.whole --domain faces-hq --images 40

A segmenter is trained on the domain's training photographs; it judges the test photographs and the
pictures that are made of their maps, and each map's nearest exemplar as it is. It has seen the
photographs that pictures are composed of: it tells where things are, not how real they look. KID
and FD are of EfficientNet-Lite2, which had no hand in anything (`docs/results.md`).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from exemplar.matching.exemplars import exemplar_rows
from exemplar.methods.pixelnn.whole.candidates import of_input
from exemplar.methods.pixelnn.whole.opening import open_whole
from exemplar.methods.pixelnn.whole.ranking import ranked
from exemplar.methods.pixelnn.whole.settings import WholeSettings
from exemplar.metrics.embedding import PooledFeatures
from exemplar.metrics.frechet import frechet_distance
from exemplar.metrics.kernel_distance import kernel_distance, kernel_interval
from exemplar.metrics.segmentation import judged
from exemplar.metrics.segmenters import Segmenter, TrainedJudge, train_segmenter
from exemplar.patches.levels import reduced
from exemplar.settings import load_params, section
from exemplar.store.items import rows_of
from exemplar.training.loop import TrainingSettings

STEPS = 1500
"""Of the segmenter's training."""


def main() -> None:
    """Prints the table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--domain", default="faces-hq")
    asked.add_argument("--images", type=int, default=40, help="of the test photographs' maps")
    asked.add_argument("--side", type=int, default=256, help="pixels of pictures")
    asked.add_argument("--steps", type=int, default=STEPS, help="of the segmenter's training")
    asked.add_argument("--out", type=Path, help="a folder for the pictures")
    given = asked.parse_args()
    params = load_params()
    settings = section(params, "whole", WholeSettings)
    opened = open_whole(given.domain, "labels", params, settings, given.side)
    photographs = opened.photographs
    train = exemplar_rows(photographs.items, params, given.domain)
    test = rows_of(photographs.items, "test")[: given.images]

    started = time.monotonic()
    images, maps, nearest = [], [], []
    for number, row in enumerate(test.tolist()):
        labels, _ = opened.stored(row)
        asked_for = opened.finder.asked(labels)
        made = sorted(of_input(opened.finder, labels, settings), key=lambda one: one.member)
        best = made[int(ranked(made, asked_for, 1, 1.0).few[0])]
        images.append(best.image)
        maps.append(photographs.stored_labels([row])[0])
        first = opened.finder.ranked(labels, 1).picks[0]
        image = photographs.image(first.row)
        nearest.append(image[:, ::-1] if first.mirrored else image)
        if given.out:
            given.out.mkdir(parents=True, exist_ok=True)
            Image.fromarray(best.image).save(given.out / f"{number:03d}-{best.member}.png")
        print(f"{number + 1} of {len(test)}, {time.monotonic() - started:.0f} s", flush=True)

    real = [photographs.image(int(row)) for row in test]
    segmenter = trained(photographs.stored(train), photographs.stored_labels(train),
                        photographs.classes, given.domain, given.steps)  # fmt: skip
    sets = {"photographs": real, "whole, best-ranked": images, "nearest exemplar": nearest}
    own = photographs.stored_size
    see = PooledFeatures(given.side)
    generator = np.random.default_rng(0)
    some = np.sort(generator.permutation(train)[:400])
    seen = np.concatenate([see(resized([photographs.image(int(row))], photographs.size))
                           for row in some])  # fmt: skip
    print(f"judge {segmenter.identity}; {see.name}; {len(test)} images of {given.side} pixels")
    print("| | pixel accuracy | mean IoU | of photographs' | KID × 1000 | interval | FD |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    base = 0.0
    for name, pictures in sets.items():
        small = np.stack([reduced(np.ascontiguousarray(each), own) for each in pictures])
        found, _ = judged(segmenter, small[:, None], np.stack(maps), len(photographs.classes))
        base = base or found.mean_iou
        features = np.concatenate([see(resized([each], photographs.size)) for each in pictures])
        distance = 1000 * kernel_distance(seen, features[:, None])
        low, high = (1000 * bound for bound in kernel_interval(seen, features[:, None]))
        frechet = frechet_distance(seen, features, 0)
        print(
            f"| {name} | {found.pixel_accuracy:.1f} | {found.mean_iou:.3f} "
            f"| {found.mean_iou / base:.2f} | {distance:.1f} | {low:.1f} to {high:.1f} "
            f"| {frechet:.0f} |"
        )


def trained(
    images: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], domain: str, steps: int
) -> Segmenter:
    """The segmenter; its training goes on where it was broken off."""
    torch.set_num_threads(1)
    training = TrainingSettings(steps=steps, batch=8, pixels=512, rate=0.004)
    folder = Path(".work", "benchmarks", f"segmenter-{domain}-{steps}")
    return train_segmenter(images, labels, classes, TrainedJudge(training=training), folder, domain)


def resized(pictures: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Pictures of one size."""
    return np.stack([reduced(np.ascontiguousarray(each), size) for each in pictures])


if __name__ == "__main__":
    main()
