"""The README's picture: inputs, the distinct few of their whole pictures, and the truth.

python -m benchmarks.picture
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from exemplar.methods.pixelnn.whole.photographs import Photographs
from exemplar.methods.pixelnn.whole.settings import WholeSettings
from exemplar.methods.pixelnn.whole.stored import Stored
from exemplar.report.pictures import condition_picture
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows

DOMAIN = "rendered"  # the one whose pictures may be shown to anyone
INPUTS = {"edges": (4, 15), "normals": (2,), "lowres": (7,)}  # places in the test set
FEW = 5
SIDE = 256  # pixels of each picture
GAP, APART = 6, 18  # pixels between pictures, and between groups of them
PATH = Path("docs/pictures/heads.jpg")


def main() -> None:
    """Draws a row for each input."""
    params = load_params()
    photographs = Photographs(DOMAIN, params, section(params, "whole", WholeSettings))
    rows = [
        row(condition, place, photographs)
        for condition, places in INPUTS.items()
        for place in places
    ]
    sheet = Image.fromarray(np.concatenate(rows)[:-GAP])
    sheet.save(PATH, quality=90, subsampling=0, optimize=True)
    print(PATH)


def row(condition: str, place: int, photographs: Photographs) -> np.ndarray:
    """Input, whole pictures and photograph side by side, on white."""
    stored = Stored(DOMAIN, condition)
    index = int(stored.rows[place])
    conditions = array(open_group(layout.conditions(DOMAIN), condition), condition)
    (values,) = read_rows(conditions, [index])
    given = condition_picture(condition, values, SIDE)
    blocky = condition in ("lowres", "labels")
    few = stored.images(place)[stored.ranking(place).few[:FEW]]
    pictures = [at_size(given, blocky), *map(at_size, few), at_size(photographs.image(index))]
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
