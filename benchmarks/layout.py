"""What a layout by patches costs, and what its parts are worth, from one run.

    python -m benchmarks.layout               # two minutes on two cores
    python -m benchmarks.layout --threads 1

The source is a photograph that comes with scikit-image, its labels five steps of brightness, and
the target the same labels mirrored.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage import data

from benchmarks.record import Figure, best_times, cost, report, speed_up
from exemplar.measured import peak_memory
from exemplar.memory import keep_freed_memory
from exemplar.methods.semantic_analogy.patches import compose
from exemplar.methods.semantic_analogy.settings import PatchesSettings
from exemplar.methods.semantic_analogy.source import Source
from exemplar.metrics.patch_coherence import patch_distance

SIDE, OTHERS = 256, (128, 512)
SMALL = 128
"""The side at which searches are compared: all places of a larger one take minutes."""
CLASSES, BLUR = 5, 3.0
"""Steps of brightness, and the standard deviation in pixels by which it is blurred before."""
UNNORMALISED = 1e6
"""An α beside which the distances of patches do not count."""


def main() -> None:
    """Measures, prints, writes reports/benchmarks/layout.json."""
    parser = argparse.ArgumentParser("python -m benchmarks.layout", allow_abbrev=False)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    given = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(given.threads)
    report("layout", [*sizes(), *searches()])


def sizes() -> list[Figure]:
    """Time by size, and memory."""
    settings, before = PatchesSettings(), peak_memory()
    runs = {f"side_{side}": partial(made, side, settings) for side in (*OTHERS, SIDE)}
    times = best_times(2, **runs)
    said = f"{SIDE}×{SIDE}"
    return [
        *(
            cost(f"layout_{side}", times[f"side_{side}"], said, times[f"side_{SIDE}"])
            for side in OTHERS
        ),
        cost("memory", peak_memory(), "before any layout", before, "MB"),
    ]


def searches() -> list[Figure]:
    """The default search beside others: time, and how near patches of result and source are."""
    kinds = {
        "default": PatchesSettings(),
        "whole": PatchesSettings(whole_side=SMALL),
        "unnormalised": PatchesSettings(alpha=UNNORMALISED),
        "directions": PatchesSettings(dimensions=147),
    }
    times = best_times(1, **{name: partial(made, SMALL, kind) for name, kind in kinds.items()})
    source, target = labelled(SMALL)
    figures = []
    reference: dict[str, float] = {}
    said = f"the whole source searched at every level, {SMALL}×{SMALL}"
    for name in ("whole", *kinds):
        image = made(SMALL, kinds[name])
        coherence = patch_distance(image, source.image, (target, source.labels))
        completeness = patch_distance(source.image, image, (source.labels, target))
        reference = reference or {"coherence": coherence, "completeness": completeness}
        figures += [
            cost(f"{name}_{of}", value, said, reference[of], "of 255")
            for of, value in (("coherence", coherence), ("completeness", completeness))
        ]
        figures.append(speed_up(f"{name}_seconds", times[name], said, times["whole"]))
    return figures[3:]


def made(side: int, settings: PatchesSettings) -> NDArray[np.uint8]:
    """The mirrored layout, of some size."""
    source, target = labelled(side)
    return compose(source, target, settings).image


def labelled(side: int) -> tuple[Source, NDArray[np.uint8]]:
    """A photograph with its labels, and these mirrored."""
    photograph = Image.fromarray(data.chelsea()).crop((75, 0, 375, 300))
    image = np.asarray(photograph.resize((side, side), Image.Resampling.LANCZOS))
    grey = ndimage.gaussian_filter(image.mean(2), BLUR * side / SIDE)
    steps = np.quantile(grey, np.linspace(0, 1, CLASSES + 1)[1:-1])
    labels = np.digitize(grey, steps).astype(np.uint8)
    source = Source(image, labels, tuple(f"step {number}" for number in range(CLASSES)))
    return source, np.ascontiguousarray(labels[:, ::-1])


if __name__ == "__main__":
    main()
