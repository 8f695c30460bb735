"""How good the judges are: what they see in rendered heads, against the exact truth.

    make reproduce
    python -m benchmarks.judges

Prints a table of the estimators and of the judge on the heads that neither has learned from: the
splits val and test of the default domain. The docs quote it (`docs/results.md`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from exemplar.estimators import Estimators, load_estimators
from exemplar.features.pixelnet import chunks
from exemplar.metrics.edges import EdgeCounts, average_precision, edge_counts, pooled
from exemplar.metrics.normals import angular_error, statistics
from exemplar.metrics.segmentation import confusion, scores
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows
from exemplar.store.items import read_items, rows_of

DOMAIN = "rendered"
HEADINGS = ("mean °", "median °", "mean ° on heads", "edges' AP", "parts, %", "mean IoU")


def measured(network: Estimators, known: dict[str, np.ndarray]) -> list[float]:
    """The table's numbers.

    Args:
        network: that is looked at.
        known: `image`, `normals`, `labels` and `edges` of heads.

    Returns:
        Mean and median angular error of all pixels, the mean of those on heads, the average
        precision of edges (truth: at least 0.5), pixel accuracy in percent and mean IoU of parts.
    """
    images = torch.from_numpy(known["image"]).permute(0, 3, 1, 2).float() / 255
    parts = [network(images[part]) for part in chunks(len(images))]
    seen = {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}
    normals = seen["normals"].transpose(0, 2, 3, 1)
    errors = angular_error(normals, known["normals"].astype(np.float32))
    found = statistics(errors)
    counts = [
        edge_counts(one, truth >= 0.5)
        for one, truth in zip(seen["edges"], known["edges"].astype(np.float32), strict=True)
    ]
    together = pooled(EdgeCounts(*(np.stack(part) for part in zip(*counts, strict=True))))
    labels = scores(confusion(seen["parts"], known["labels"], len(network.parts)))
    return [
        float(found.mean),
        float(found.median),
        float(errors[known["labels"] > 0].mean()),
        float(average_precision(together)),
        labels.pixel_accuracy,
        labels.mean_iou,
    ]


def main(models: tuple[Path, ...] = (layout.ESTIMATORS, layout.JUDGE)) -> None:
    """Prints the table."""
    group, items = open_group(layout.images(DOMAIN), "image"), read_items(layout.items(DOMAIN))
    rows = np.sort(np.concatenate([rows_of(items, split) for split in ("val", "test")]))
    names = ("image", "normals", "labels", "edges")
    known = {name: read_rows(array(group, name), rows) for name in names}
    print(f"{len(rows)} heads of {DOMAIN}")
    print("| network | " + " | ".join(HEADINGS) + " |")
    print("| --- |" + " --- |" * len(HEADINGS))
    for path in models:
        network = load_estimators(path)
        values = measured(network, known)
        digits = (1, 1, 1, 2, 1, 2)
        shown = [f"{value:.{places}f}" for value, places in zip(values, digits, strict=True)]
        print(f"| {network.identity} | {' | '.join(shown)} |")


if __name__ == "__main__":
    main()
