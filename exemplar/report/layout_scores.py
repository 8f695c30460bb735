"""Semantic Image Analogy's scores: tables of all sources brought together, and the published ones.

`semantic_evaluate` leaves a table of each source with a row for each target and method, and one of
the GAN on its way. Here they become `reports/tables/semantic_analogy.csv`; the page and the
terminal show the same blocks. Published numbers are typed in from the paper's Table 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, isnan, nan
from pathlib import Path

import pandas as pd

from exemplar.report.tables import Row, TableError, grouped, independence, number, records, text

TABLE = Path("reports/tables/semantic_analogy.csv")
COLUMNS = (
    "source", "method", "patch_distance", "pixel_accuracy", "mean_iou", "seconds", "peak_mb",
    "judge", "targets", "patch_distance_any", "completeness", "identity_psnr", "unchanged_psnr",
    "psnr_to_truth", "seconds_each", "useful_seconds", "over", "judge_shares",
)  # fmt: skip
"""A row for each source, judge and method, over all targets but the source's own layout that the
method has; and where some method lacks some, one over those that all have: `over` is `all` or
`shared`. What no judge sees stands in the first judge's rows."""

PAPER = (
    "Semantic Image Analogy with a Conditional Single-Image GAN (Li, Xiong, Liu, Chen, Zha), Table "
    "1"
)
ALL = "all"
SHARED = "shared"
"""In the place of a target, in a source's table: all of them; and those that all methods have."""
GAN = "gan"
METHODS = {
    GAN: "GAN of one image",
    "patches": "Patches of the source",
    "deep_analogy": "Deep Image Analogy",
    "source": "· the source as it is",
    "photograph": "· the targets’ photographs",
}
"""Methods; the last two are what measures are of images that nothing was made of."""
MEASURES = {
    "patch_distance": ("Patch ↓", 2),
    "patch_distance_any": ("any ↓", 2),
    "completeness": ("missing ↓", 2),
    "pixel_accuracy": ("Accuracy ↑", 1),
    "mean_iou": ("Mean IoU ↑", 1),
    "identity_psnr": ("identity ↑", 1),
    "unchanged_psnr": ("unchanged ↑", 1),
    "psnr_to_truth": ("truth ↑", 1),
    "seconds": ("Seconds", 1),
    "seconds_each": ("each", 2),
    "useful_seconds": ("useful", 0),
    "peak_mb": ("MB", 0),
}
"""Headings and decimals."""
MEANINGS = {
    "Patch": "the mean over an image’s 7×7 patches of colours of the distance to the nearest patch "
    "of the source whose middle has the same class, in levels of 255 (Eq. 7)",
    "any": "the same with patches of every class",
    "missing": "the same from the source’s patches to the image’s: what of the source is not there",
    "Accuracy": "percent of pixels in which the judge sees the class that the layout has",
    "Mean IoU": "percent, the mean over the classes that the layouts have or the judge sees",
    "identity": "PSNR of what comes of the source’s own layout, against the source",
    "unchanged": "PSNR against the source where an edited layout is the source’s, three pixels "
    "away from every change",
    "truth": "PSNR against the true image, where a rendered scene was posed otherwise",
    "Seconds": "to a source’s first image, learning included; each: to every further one",
    "useful": "seconds of learning after which mean IoU stays within 3 points, and the patch "
    "distance within 5 %, of what they are in the end",
    "MB": "the most memory beyond the program itself",
}
"""Of headings."""

USEFUL_POINTS, USEFUL_SHARE = 3.0, 0.05
"""How near to its end a training is useful: points of mean IoU, share of the patch distance."""

# Mean rank by users, pixel accuracy and mean IoU in percent.
_TABLE_1 = (
    ("Image Analogies", 2.26, 43.9, 44.0),
    ("Deep Image Analogy", 2.005, 41.9, 38.7),
    ("Semantic Image Analogy", 1.735, 54.0, 45.7),
)


@dataclass(frozen=True)
class Block:
    """Numbers under headings.

    Attributes:
        title: of what, and who judges.
        headings: of the columns, with an arrow that points to the better.
        rows: a name, and a cell for each column, a dash where there is no number.
        ours: whether it was measured here.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    ours: bool = True


def read_source_scores(path: Path, curve: Path, source: str) -> pd.DataFrame:
    """Reads what `semantic_evaluate` left of a source, as rows of the table of all.

    Args:
        path: its table, `reports/semantic/<source>.csv`.
        curve: of its GAN, beside it.
        source: its name.

    Returns:
        `COLUMNS`, judge by judge the methods in the order of `METHODS`; those over shared targets
        last.

    Raises:
        TableError: a file is missing or has another form.
    """
    table = _read(path, ("source", "method", "target", *COLUMNS[2:14]), source)
    judges = dict.fromkeys(table["judge"])
    places = [(m, over, j) for over in (ALL, SHARED) for j in judges for m in METHODS]
    rows = table.assign(over=table["target"])
    rows = rows.set_index(["method", "target", "judge"], drop=False)
    rows = rows.loc[[place for place in places if place in rows.index]]
    points = _read(curve, ("seconds", "mean_iou", "patch_distance", "judge"), source)
    reached = useful_after(points)
    by = points["judge"].iloc[0]
    named = zip(rows["method"], rows["judge"], strict=True)
    rows = rows.assign(
        useful_seconds=[reached if (m, judge) == (GAN, by) else nan for m, judge in named]
    )
    return rows.reindex(columns=list(COLUMNS)).reset_index(drop=True)


def _read(path: Path, needed: Sequence[str], source: str) -> pd.DataFrame:
    if not path.is_file():
        raise TableError(
            f"{path}: no such file; the stage semantic_evaluate@{source} has not run: `exemplar "
            "reproduce`"
        )
    table = pd.read_csv(path)
    missing = [name for name in needed if name not in table]
    if missing or not len(table):
        raise TableError(
            f"{path}: expected rows with the columns {', '.join(needed)}; missing: "
            f"{', '.join(missing) or 'rows'}; `exemplar reproduce` writes it anew"
        )
    return table


def useful_after(curve: pd.DataFrame) -> float:
    """How many seconds a training took until its result was nearly as good as in the end.

    Args:
        curve: rows in the order of `seconds`, with `mean_iou` and `patch_distance`.

    Returns:
        The seconds of the first row from which on mean IoU is at most `USEFUL_POINTS` below that of
        the last row, and the patch distance at most `USEFUL_SHARE` above it.
    """
    rows = records(curve)
    final = rows[-1]
    reached = number(final, "seconds")
    for row in reversed(rows):
        lower = number(final, "mean_iou") - number(row, "mean_iou") > USEFUL_POINTS
        most = (1 + USEFUL_SHARE) * number(final, "patch_distance")
        if lower or number(row, "patch_distance") > most:
            break
        reached = number(row, "seconds")
    return reached


def blocks(table: pd.DataFrame) -> list[Block]:
    """Our numbers, a block or two for each source, and the published ones.

    Args:
        table: as in `TABLE`.
    """
    made = []
    for (source, over, judge), rows in grouped(records(table), "source", "over", "judge").items():
        # A column in which nothing is known says nothing.
        measures = [m for m in MEASURES if any(not isnan(number(row, m)) for row in rows)]
        lines = tuple(
            (METHODS[text(row, "method")], tuple(shown(m, number(row, m)) for m in measures))
            for row in rows
        )
        counts = {int(number(row, "targets")) for row in rows}
        title = f"{source}, {_targets(counts, over)} (judge: {judge})"
        if note := independence(rows[0]):
            title += f"; the judge is {note}"
        made.append(Block(title, tuple(MEASURES[m][0] for m in measures), lines))
    paper = tuple(
        (name, (f"{rank:g}", f"{accuracy:.1f}", f"{iou:.1f}"))
        for name, rank, accuracy, iou in _TABLE_1
    )
    title = "published, 10 pairs of COCO-Stuff (judge: Detectron2’s panoptic segmentation)"
    headings = ("Users’ rank ↓", "Accuracy ↑", "Mean IoU ↑")
    return [*made, Block(title, headings, paper, ours=False)]


def _targets(counts: set[int], over: str) -> str:
    """Over how many targets numbers are, in words."""
    least, most = min(counts), max(counts)
    said = f"{most} target{'s' * (most > 1)}"
    if over == SHARED:
        return f"the {said} that all methods have"
    # Means over unlike targets are not to be compared.
    return said if least == most else f"{said}, or the {least} with a photograph"


def shown(measure: str, value: float) -> str:
    """A number with its decimals; a dash for NaN, ∞ for equal images' PSNR."""
    if isnan(value):
        return "–"
    return f"{value:.{MEASURES[measure][1]}f}" if isfinite(value) else "∞"


def differences(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """In what our measurement differs from the published one: (aspect, the paper, here)."""
    sources = ", ".join(dict.fromkeys(text(row, "source") for row in rows))
    judges = ", ".join(dict.fromkeys(text(row, "judge") for row in rows))
    return [
        (
            "images",
            "10 pairs of COCO-Stuff with the same classes, a source and a layout each",
            f"{sources}; layouts of other images, edited ones, and scenes posed otherwise",
        ),
        ("judge", "Detectron2’s panoptic segmentation", judges),
        (
            "likeness in looks",
            "20 users ranked three results each",
            "the patch distance, which patches of the source nearly minimise; nobody was asked",
        ),
        (
            "training",
            "above 2,000 iterations, 1 to 3 days on a Titan XP",
            "as the seconds say, by the preset in params.yaml",
        ),
        (
            "Deep Image Analogy",
            "of the pair’s photographs, VGG-19",
            "likewise, the features named in params.yaml; layouts without a photograph it has not",
        ),
        (
            "Image Analogies",
            "as published in 2001",
            "not measured; patches of the source descend from it",
        ),
    ]
