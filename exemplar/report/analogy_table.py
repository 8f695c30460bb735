"""Deep Image Analogy's tables in the terminal: ours, the published ones, and what differs.

`exemplar tables analogy_flow` and `exemplar tables analogy_keypoints` print them; the page shows
the same blocks and differences.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import pandas as pd

from exemplar.report.analogy_scores import (
    FLOW,
    KEYPOINTS,
    PAPER,
    Block,
    flow_blocks,
    keypoint_blocks,
)

NAMES = (FLOW.stem, KEYPOINTS.stem)
WIDTH = 100
INDENT, GAP = 2, 2  # characters: before a line, before a column

MEANINGS = {
    FLOW.stem: {
        "PSNR": "of A′, made of pixels of B′, against A, in decibels; of views of one scene it "
        "says how well one is rebuilt from the other, of different animals how alike their "
        "colours are",
        "Endpoint": "distance between the found and the true place, in pixels, where it is known",
        "Corr.": "distance on the surface of rendered heads between a pixel and its match, from 0 "
        "to 1; where B′ hides a place, even the truth is some way off",
        "Cycle": "distance between a pixel and where the way there and back ends, in pixels",
    },
    KEYPOINTS.stem: {
        "PCK": "the percentage of keypoints, over all pairs of a category, that end within α times "
        "the longer side of the box around the true keypoints, or of the image for PASCAL 3D+",
    },
}
"""Of measures."""

_DIFFERENCES = {
    FLOW.stem: (
        (
            "pairs",
            "23 colour pairs of Middlebury, not named; a flow is published of eight",
            "those below the root, endpoint errors of those with a flow; and rendered heads",
        ),
        (
            "A′ of the baselines",
            "unstated",
            "overlapping copies of PatchMatch’s patches are averaged; flow is interpolated",
        ),
        ("flow", "SIFT Flow and DeepFlow2", "TV-L1, of scikit-image"),
        (
            "energy",
            "Eq. 2",
            "Eq. 2 with terms for textureless regions; without them in a row of its own",
        ),
    ),
    KEYPOINTS.stem: (
        (
            "data set",
            "PASCAL 3D+, 20 random pairs a category",
            "the sets named; whose pairs are drawn with our own seed",
        ),
        ("α", "unstated", "0.1 and 0.05"),
        (
            "votes of offsets",
            "has none; Hyperpixel Flow and SCOT, on PF-WILLOW, see by ResNet-101 or FCN-101",
            "see by EfficientNet-Lite2; we looked at PF-WILLOW five times while choosing layers",
        ),
        (
            "keypoints carried",
            "unstated",
            "by the median of what the 5×5 matches around say, for all methods",
        ),
        ("flow", "SIFT Flow, and Cycle consistency, a trained network", "TV-L1, of scikit-image"),
    ),
}


def as_text(name: str, table: pd.DataFrame) -> str:
    """Prints one of the two tables beside the published numbers.

    Args:
        name: of `NAMES`.
        table: ours, as in `reports/tables/<name>.csv`.

    Returns:
        Lines of text, at most 100 characters wide where names of sets and categories allow.
    """
    flow = name == FLOW.stem
    title = "how a pair's images correspond" if flow else "keypoints carried from A to B′"
    lines = [title, "─" * WIDTH]
    for block in flow_blocks(table) if flow else keypoint_blocks(table):
        lines += ["", f"{' ' * INDENT}{block.title}", *_lines(block)]
    lines.append("")
    for measure, meaning in MEANINGS[name].items():
        lines += _hanging(f"{measure}: {meaning}.", "")
    lines += [*_hanging(f"Published: {PAPER}.", ""), "What differs:"]
    for aspect, there, here in differences(name):
        lines += _hanging(f"{aspect}: the paper, {there}; here, {here}.", "  ")
    return "\n".join(lines) + "\n"


def differences(name: str) -> list[tuple[str, str, str]]:
    """In what our measurement differs from the published one, aspect by aspect.

    Args:
        name: of `NAMES`.

    Returns:
        Triples (aspect, the paper, here).
    """
    return list(_DIFFERENCES[name])


def _lines(block: Block) -> Iterator[str]:
    """Headings and rows; what stands in a column is aligned to the right."""
    names = INDENT + max(len(name) for name, _ in (*block.rows, (block.corner, ()))) + 1
    widths = [
        GAP + max(len(heading), *(len(cells[place]) for _, cells in block.rows))
        for place, heading in enumerate(block.headings)
    ]
    for name, cells in ((block.corner, block.headings), *block.rows):
        values = "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        yield f"{' ' * INDENT}{name}".ljust(names) + values


def _hanging(said: str, indent: str) -> list[str]:
    """Text in lines, those after the first set further in."""
    rest = indent + "  "
    return textwrap.wrap(
        said, WIDTH, initial_indent=indent, subsequent_indent=rest, break_on_hyphens=False
    )
