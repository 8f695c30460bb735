"""pix2pixHD's table: scores gathered, and printed beside the published numbers of three tables.

`pix2pixhd_evaluate` leaves scores of each domain; together they are
`reports/tables/pix2pixhd.csv`. The published numbers are typed in from the paper; nothing of them
is computed.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from math import isnan
from pathlib import Path

import pandas as pd

from exemplar.metrics.segmentation import COLUMNS
from exemplar.report.tables import (
    Row,
    TableError,
    grouped,
    independence,
    number,
    records,
    reservations,
    text,
)

NAME = "pix2pixhd"
PAPER = (
    "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs "
    "(Wang, Liu, Zhu, Tao, Kautz, Catanzaro), Tables 1, 3 and 5"
)
SCORES = {
    "pixel_accuracy": "Pixel acc.",
    "mean_iou": "Mean IoU",
    "pixel_accuracy_with_ignore": "Pixel acc.*",
    "mean_iou_with_ignore": "Mean IoU*",
}
"""Headings; a star marks the scores in which ignored pixels count."""
TOGETHER = {"fid": "FID", "f8": "F8", "f1_8": "F1/8"}
"""Headings of what all images of a row have together."""
# As in the paper; IoU has 4.
DECIMALS = {"pixel_accuracy": 2, "pixel_accuracy_with_ignore": 2, "fid": 3, "f8": 3, "f1_8": 3}
DOMAIN, JUDGE, IMAGES = "Cityscapes", "PSPNet", 500
REAL = "real"
WIDTH = 100

# Generator, discriminator, table, then pixel accuracy and mean IoU. The paper's own generator is
# the coarse-to-fine one; its discriminators are of several scales but for the last row.
_PUBLISHED = (
    (REAL, "", "1", 84.29, 0.6857),
    ("pix2pix", "", "1", 78.34, 0.3948),
    ("CRN", "", "1", 70.55, 0.3483),
    ("U-Net", "multi-scale", "3", 77.86, 0.3905),
    ("CRN", "multi-scale", "3", 78.96, 0.3994),
    ("global + enhancer", "one", "5", 82.87, 0.5775),
    ("global + enhancer", "multi-scale", "1, 3, 5", 83.78, 0.6389),
)


def published() -> pd.DataFrame:
    """The numbers of the paper's Tables 1, 3 and 5.

    Returns:
        The columns of `COLUMNS` and `table`. The paper does not say whether ignored pixels count;
        its scores stand where they do not; what it has not is NaN.
    """
    columns = ["generator", "discriminator", "table", "pixel_accuracy", "mean_iou"]
    table = pd.DataFrame(list(_PUBLISHED), columns=columns)
    table = table.assign(domain=DOMAIN, judge=JUDGE, images=IMAGES)
    return table.reindex(columns=[*COLUMNS, "table"])


def read_scores(folder: Path | str, domain: str) -> pd.DataFrame:
    """Reads the scores that `pix2pixhd_evaluate` wrote for one domain, their digits untouched.

    Args:
        folder: the evaluation's folder, which has `scores.csv`.
        domain: a domain's name.

    Returns:
        The columns of `COLUMNS`, as text; empty where there is no value.

    Raises:
        TableError: the file is missing, has other columns, or describes another domain.
    """
    path = Path(folder) / "scores.csv"
    if not path.is_file():
        raise TableError(
            f"{path}: no such file; the stage pix2pixhd_evaluate@{domain} has not run: "
            "`exemplar reproduce pix2pixhd_evaluate`"
        )
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing, unknown = set(COLUMNS) - set(table), set(table) - set(COLUMNS)
    found = set(table["domain"]) if "domain" in table else set()
    if missing or unknown or found != {domain}:
        raise TableError(
            f"{path}: expected the columns {', '.join(COLUMNS)} with rows of {domain}; "
            f"missing: {sorted(missing) or 'none'}, unknown: {sorted(unknown) or 'none'}, rows of "
            f"{sorted(found) or 'none'}; `exemplar reproduce` writes it anew"
        )
    return table.loc[:, list(COLUMNS)]


def shown(column: str, value: float) -> str:
    """A score as it is printed: percent with two decimals, IoU with four; a dash for NaN."""
    return "–" if isnan(value) else f"{value:.{DECIMALS.get(column, 4)}f}"


def differences(table: pd.DataFrame) -> list[tuple[str, str, str]]:
    """In what our measurement differs from the published one, aspect by aspect.

    Args:
        table: ours, as in `reports/tables/pix2pixhd.csv`.

    Returns:
        Triples (aspect, the paper, here).
    """
    rows = records(table)
    real = [row for row in rows if text(row, "generator") == REAL]
    made = [row for row in rows if text(row, "generator") != REAL]
    return [
        ("data set", "Cityscapes, 2,975 photographs to learn from", _each(rows, "domain")),
        ("images judged", "500", f"synthesised, {_counts(made)}; real, {_counts(real)}"),
        ("judge", "PSPNet", _each(rows, "judge")),
        (
            "generators",
            "each with all else alike, at full resolution",
            (
                "U-Net and global network with all else alike, trained at the global network's "
                "resolution, their images enlarged; the enhancer's are of full resolution"
            ),
        ),
        (
            "one discriminator",
            "against the whole generator",
            "against the global network, to be compared with its row of several scales",
        ),
        (
            "ignored pixels",
            "unstated; the accuracy of real photographs suggests that they count",
            "both: left out, and (*) counted as wrong unless the judge sees no class there",
        ),
        (
            "oracle",
            "the photographs of the same 500 layouts",
            "the test photographs; where the test layouts have none, those that there are",
        ),
    ]


def as_text(table: pd.DataFrame) -> str:
    """Prints our table, domain by domain, and the published one under it.

    Args:
        table: ours, as in `reports/tables/pix2pixhd.csv`.

    Returns:
        Lines of text, at most 100 characters wide where the names allow.
    """
    lines = ["labels → image, scored by what a segmentation network sees in it", "─" * WIDTH]
    for (domain, judge), rows in grouped(records(table), "domain", "judge").items():
        lines += ["", f"  {domain} (judge: {judge})"]
        if note := independence(rows[0]):
            lines += textwrap.wrap(
                f"judge {note}", WIDTH, initial_indent="  ", subsequent_indent="    "
            )
        lines += _lines(rows, list(SCORES))
        together = [row for row in rows if features_of([row])]
        if together:
            said = f"{domain}, all images together (features: {features_of(together)})"
            lines += [
                "",
                *textwrap.wrap(said, WIDTH, initial_indent="  ", subsequent_indent="    "),
            ]
            lines += _lines(together, list(TOGETHER))
            for sentence in reservations(together):
                lines += textwrap.wrap(sentence, WIDTH, initial_indent="  ", subsequent_indent="  ")
    paper = records(published())
    lines += ["", f"  published, {DOMAIN} (judge: {JUDGE})"]
    lines += [*_lines(paper, ["pixel_accuracy", "mean_iou"], "table"), ""]
    lines += ["Pixel accuracy: %. Higher is better. *: ignored pixels count."]
    lines += ["FID: distance to training photographs, lower is better. F8: recall of them, F1/8:"]
    lines += ["precision; 1 is best."]
    lines += [*textwrap.wrap(f"Published: {PAPER}.", WIDTH), "What differs:"]
    for aspect, there, here in differences(table):
        sentence = f"{aspect}: the paper, {there}; here, {here}."
        lines += textwrap.wrap(sentence, WIDTH, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(lines) + "\n"


def features_of(rows: Sequence[Row]) -> str:
    """The features on which all images together are compared; empty where none are."""
    return ", ".join(dict.fromkeys(named for row in rows if (named := text(row, "fid_features"))))


def _lines(rows: Sequence[Row], scores: Sequence[str], last: str = "") -> list[str]:
    """Headings and rows; `last` is one more column of text."""
    headings = "".join(f"{(SCORES | TOGETHER)[name]:>13}" for name in scores)
    lines = [f"   {'generator':<20}{'discriminator':<15}{headings}{'images':>9}   {last}".rstrip()]
    for row in rows:
        values = "".join(f"{shown(name, number(row, name)):>13}" for name in scores)
        names = f"{text(row, 'generator'):<20}{text(row, 'discriminator'):<15}"
        images = f"{number(row, 'images'):>9.0f}"
        lines.append(f"   {names}{values}{images}   {text(row, last) if last else ''}".rstrip())
    return lines


def _each(rows: Sequence[Row], column: str) -> str:
    """A column's different values, in order."""
    return ", ".join(dict.fromkeys(text(row, column) for row in rows))


def _counts(rows: Sequence[Row]) -> str:
    """How many images of each domain, such as `rendered: 120`."""
    parts = []
    for (domain,), group in grouped(rows, "domain").items():
        found = sorted({int(number(row, "images")) for row in group})
        parts.append(f"{domain}: {' or '.join(map(str, found))}")
    return "; ".join(parts)
