"""The README's picture: inputs, the distinct few of their coherent candidates, and the truth.

python -m benchmarks.picture
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from exemplar.report.pictures import condition_picture
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows

DOMAIN = "rendered"  # the one whose pictures may be shown to anyone
INPUTS = {"edges": (4, 15), "normals": (2, 11), "lowres": (7, 18)}  # places in the test set
FEW = 6
GAP, APART = 4, 12  # pixels between pictures, and between groups of them


def main() -> None:
    """Draws a row for each input."""
    rows = [row(condition, place) for condition, places in INPUTS.items() for place in places]
    path = Path("docs/pictures/heads.png")
    Image.fromarray(np.concatenate(rows)[:-GAP]).save(path, optimize=True)
    print(path)


def row(condition: str, place: int) -> np.ndarray:
    """Input, regressed image, candidates and photograph side by side, on white."""
    made = open_group(layout.candidates("coherent", DOMAIN, condition), "image", "few")
    photographs = array(open_group(layout.images(DOMAIN), "image"), "image")
    (index,) = read_rows(array(made, "few"), [place])
    (candidates,) = read_rows(array(made, "image"), [place])
    image = np.asarray(made.attrs["rows"])[place]

    def one(path: Path, name: str) -> np.ndarray:
        return read_rows(array(open_group(path, name), name), [image])[0]

    side = photographs.shape[1]
    given = condition_picture(condition, one(layout.conditions(DOMAIN), condition), side)
    regressed = one(layout.features(DOMAIN, condition), "regressed")
    pictures = [given, regressed, *candidates[index[:FEW]], read_rows(photographs, [image])[0]]
    gaps = [GAP, APART, *[GAP] * (FEW - 1), APART, 0]
    parts = [
        np.pad(picture, ((0, GAP), (0, gap), (0, 0)), constant_values=255)
        for picture, gap in zip(pictures, gaps, strict=True)
    ]
    return np.concatenate(parts, axis=1)


if __name__ == "__main__":
    main()
