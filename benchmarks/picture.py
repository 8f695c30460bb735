"""The README's picture: inputs, the distinct few of their whole pictures, and the truth.

exemplar reproduce index@rendered-edges
python -m benchmarks.picture
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from exemplar.methods.pixelnn.whole.candidates import of_input
from exemplar.methods.pixelnn.whole.opening import Opened, open_whole
from exemplar.methods.pixelnn.whole.ranking import ranked
from exemplar.methods.pixelnn.whole.settings import WholeSettings
from exemplar.report.pictures import condition_picture
from exemplar.settings import load_params, section
from exemplar.store.items import rows_of

DOMAIN = "rendered"  # the one whose pictures may be shown to anyone
INPUTS = {"edges": (9, 6), "labels": (0, 3)}  # places in the test set
MADE = {"leaders": 6, "exemplars": (1, 3), "threads": 2}  # candidates that the few are chosen from
FEW = 5
SIDE = 256  # pixels of each picture
GAP, APART = 6, 18  # pixels between pictures, and between groups of them
PATH = Path("docs/pictures/heads.jpg")


def main() -> None:
    """Draws a row for each input."""
    torch.set_num_threads(1)
    params = load_params()
    settings = section(params, "whole", WholeSettings).model_copy(update=MADE)
    rows = []
    for condition, places in INPUTS.items():
        opened = open_whole(DOMAIN, condition, params, settings, SIDE)
        test = rows_of(opened.photographs.items, "test")
        rows += [row(condition, int(test[place]), opened) for place in places]
    sheet = Image.fromarray(np.concatenate(rows)[:-GAP])
    sheet.save(PATH, quality=90, subsampling=0, optimize=True)
    print(PATH)


def row(condition: str, index: int, opened: Opened) -> np.ndarray:
    """Input, whole pictures and photograph side by side, on white."""
    small, large = opened.stored(index)
    given = opened.given(small, large)
    made = sorted(of_input(opened.finder, given, opened.settings), key=lambda one: one.member)
    ranking = ranked(made, opened.finder.asked(given), FEW, opened.settings.good)
    pictured = condition_picture(condition, large, SIDE)
    blocky = condition in ("lowres", "labels")
    few = [at_size(made[place].image) for place in ranking.few.tolist()]
    pictures = [at_size(pictured, blocky), *few, at_size(opened.photographs.image(index))]
    gaps = [APART, *[GAP] * (len(few) - 1), APART, 0]
    parts = [
        np.pad(picture, ((0, GAP), (0, gap), (0, 0)), constant_values=255)
        for picture, gap in zip(pictures, gaps, strict=True)
    ]
    return np.concatenate(parts, axis=1)


def at_size(image: np.ndarray, blocky: bool = False) -> np.ndarray:
    """A picture at the sheet's size, enlarged in blocks where its pixels are to be seen."""
    by = Image.Resampling.NEAREST if blocky else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize((SIDE, SIDE), by))


if __name__ == "__main__":
    main()
