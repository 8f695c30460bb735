"""What pictures of patches cost by size, and how near their fields are to searching everywhere.

    python -m benchmarks.patches               # two minutes on two cores
    python -m benchmarks.patches --threads 1

Four exemplars are quarters of photographs that come with scikit-image; labels are steps of
brightness, and the picture has those of another quarter, mirrored.
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
from exemplar.patches import field as fields
from exemplar.patches.composing import Composed, Wanted, compose
from exemplar.patches.exemplars import Exemplar
from exemplar.patches.levels import Guides
from exemplar.patches.library import Library, guide_cells, put_colours, put_guides
from exemplar.patches.settings import PatchSettings
from exemplar.patches.voting import rederive
from exemplar.patches.whole_search import search_whole

SIDE, OTHERS = 256, (384, 512, 1024)
SEARCHED = 96
"""The side at which fields are compared with searching everywhere."""
CLASSES, BLUR = 5, 3.0
"""Steps of brightness, and the standard deviation in pixels at 256 by which it is blurred."""
FAR = 1e9
"""An α beside which the distances of patches do not count."""


def main() -> None:
    """Measures, prints, writes reports/benchmarks/patches.json."""
    parser = argparse.ArgumentParser("python -m benchmarks.patches", allow_abbrev=False)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    given = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(given.threads)
    report("patches", [*searches(), *sizes()])


def sizes() -> list[Figure]:
    """Time by size, describing the exemplars included; memory; what keeping them saves."""
    before = peak_memory()
    made(64)
    runs = {f"side_{side}": partial(made, side) for side in (SIDE, *OTHERS)}
    times = best_times(1, **runs)
    said = f"{SIDE}×{SIDE}"
    figures = [
        cost(f"patches_{side}", times[f"side_{side}"], said, times[f"side_{SIDE}"])
        for side in (SIDE, *OTHERS)
    ]
    library, wanted = library_of(SIDE), Wanted(Guides(pictures(SIDE)[4][1]))
    first = compose(library, [wanted], (SIDE, SIDE))[0]
    again = best_times(
        2,
        kept=partial(compose, library, [wanted], (SIDE, SIDE)),
        rederived=partial(rederive, first.source, library.exemplars, first.votes),
    )
    whole = times[f"side_{SIDE}"]
    return [
        *figures,
        speed_up("described_before", again["kept"], f"{said}, exemplars described anew", whole),
        speed_up("rederived", again["rederived"], f"{said}, composed", whole),
        cost("memory", peak_memory(), "before any picture", before, "MB"),
    ]


def searches() -> list[Figure]:
    """A field's mean similarity beside that of searching everywhere, and the time of both."""
    pair, start = problem()
    runs = {
        # As many searches as the rounds of this level come to.
        "field": lambda: fields.improve(pair, fields.start(pair, start), 8, 8, seed=0),
        "everywhere": lambda: search_whole(pair, FAR),
    }
    times = best_times(2, **runs)
    best = similarity(pair, search_whole(pair, FAR))
    found = similarity(pair, runs["field"]().match)
    said = f"all exemplars searched, {SEARCHED}×{SEARCHED}"
    return [
        cost("similarity", found, said, best, "of 1"),
        speed_up("field", times["field"], said, times["everywhere"]),
    ]


def similarity(pair: fields.Pair, match: torch.Tensor) -> float:
    """The mean cosine of the picture's descriptions and those that they match."""
    which, y, x = match.long().unbind(-1)
    keys = pair.keys[pair.sizes[which, 0] + y * pair.sizes[which, 2] + x].double()
    return float(torch.cosine_similarity(pair.query.double(), keys, dim=-1).mean())


def problem() -> tuple[fields.Pair, torch.Tensor]:
    """A picture's patches, four exemplars', and a start from half the size."""
    settings = PatchSettings(coarsest=SEARCHED // 2)
    library, (image, labels) = library_of(SEARCHED, settings), pictures(SEARCHED)[4]
    size, guides = (SEARCHED, SEARCHED), Guides(labels)
    level = library.level(len(library.scales) - 1)
    rows = torch.zeros(*size, level.space.scale.length, dtype=torch.int16)
    cells = guide_cells(library.planes(guides, size), size, level.space.weights, settings.patch)
    put_guides(rows, cells, level.space, settings.place)
    put_colours(rows, image, level.space)
    exemplars = len(library.exemplars)
    bias = torch.zeros(exemplars, 1, dtype=torch.int32)
    classes = torch.from_numpy(labels.astype(np.int16))
    pair = fields.Pair(
        rows, classes, level.keys, level.classes, level.sizes, torch.arange(exemplars), bias, 0
    )
    half = SEARCHED // 2
    coarse = compose(library_of(half), [Wanted(guides)], (half, half))[0]
    before = level.sizes // 2
    start = fields.enlarged(torch.from_numpy(coarse.source), size, before, level.sizes)
    return pair, start


def made(side: int) -> Composed:
    """A picture of four exemplars, of some size."""
    wanted = Wanted(Guides(pictures(side)[4][1]))
    return compose(library_of(side), [wanted], (side, side))[0]


def library_of(side: int, settings: PatchSettings | None = None) -> Library:
    """The four exemplars, not described yet."""
    exemplars = [Exemplar(image, Guides(labels)) for image, labels in pictures(side)[:4]]
    return Library(exemplars, side, settings or PatchSettings(), [1.0] * CLASSES)


def pictures(side: int) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Five parts of two photographs with their labels; the last is mirrored."""
    cat, cup = Image.fromarray(data.chelsea()), Image.fromarray(data.coffee())
    boxes = [(cat, 40, 0), (cat, 90, 20), (cat, 150, 60), (cup, 100, 60), (cat, 110, 40)]
    found = []
    for photograph, left, top in boxes:
        part = photograph.crop((left, top, left + 240, top + 240))
        image = np.array(part.resize((side, side), Image.Resampling.LANCZOS))
        grey = ndimage.gaussian_filter(image.mean(2), BLUR * side / SIDE)
        steps = np.quantile(grey, np.linspace(0, 1, CLASSES + 1)[1:-1])
        found.append((image, np.digitize(grey, steps).astype(np.uint8)))
    image, labels = found[4]
    found[4] = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(labels[:, ::-1])
    return found


if __name__ == "__main__":
    main()
