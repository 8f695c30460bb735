"""GLANN's table in the terminal: methods as rows, data sets as columns, the published ones beside.

`exemplar tables glann` prints it; what differs from the paper stands on the page, too.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from exemplar.report.glann_published import PAPER
from exemplar.report.glann_scores import NOISY, TRAINING, Block, Column, blocks
from exemplar.report.tables import Row, grouped, number, records, text

NAME = "glann"
WIDTH = 100
INDENT, NAMES, GAP = 2, 19, 2  # characters: before a line, of a method, before a column
PUBLISHED = ", published"


@dataclass(frozen=True)
class Facts:
    """What a table does not say about a domain.

    Attributes:
        training: how many images were trained on.
        size: their height and width.
        loss: what reconstructions are compared by, in words.
        schedule: how long codes, generator and mapping were trained, in words.
        accuracy: the share of test images that the classifier names rightly, if it is the judge.
    """

    training: int
    size: tuple[int, int]
    loss: str
    schedule: str
    accuracy: float | None = None


def as_text(table: pd.DataFrame) -> str:
    """Prints our numbers and the published ones side by side, metric by metric.

    Args:
        table: ours, as in `reports/tables/glann.csv`.

    Returns:
        Lines of text, at most 100 characters wide; columns that a line cannot hold follow below.
    """
    lines = ["noise → image, scored by how the images are distributed", "─" * WIDTH]
    for block in blocks(table):
        lines += ["", f"{' ' * INDENT}{block.name}: {block.meaning}"]
        for part in _parts(block):
            lines += _lines(block, part)
    lines += [""]
    for said in warnings(table):
        lines += _hanging(f"{NOISY} {said}", "")
    lines += ["±: standard deviation over training seeds, where there are several."]
    lines += textwrap.wrap(f"Published: {PAPER}.", WIDTH)
    lines += ["What differs:"]
    for aspect, there, here in differences(table):
        lines += _hanging(f"{aspect}: the paper, {there}; here, {here}.", "  ")
    return "\n".join(lines) + "\n"


def warnings(table: pd.DataFrame) -> list[str]:
    """What is to be known of our numbers, each once with the data sets that it is about."""
    about: dict[str, dict[str, None]] = {}
    for row in records(table):
        if said := text(row, "warning"):
            about.setdefault(said, {})[text(row, "dataset")] = None
    return [f"{', '.join(datasets)}: {said}" for said, datasets in about.items()]


def differences(
    table: pd.DataFrame, facts: Mapping[str, Facts] | None = None
) -> list[tuple[str, str, str]]:
    """In what our measurement differs from the published one, aspect by aspect.

    Args:
        table: ours, as in `reports/tables/glann.csv`.
        facts: for each domain, what the table does not say; may be left out.

    Returns:
        Triples (aspect, the paper, here).
    """
    rows = records(table)
    made = [row for row in rows if text(row, "method") != TRAINING]
    return [
        ("data sets", "MNIST, Fashion-MNIST, CIFAR-10, CelebA", _each(rows, "dataset")),
        *_training(facts or {}),
        (
            "features",
            "Inception, trained on ImageNet, for FID and PRD",
            _by_dataset(rows, "fid_features"),
        ),
        (
            "images compared",
            "10,000 samples with the 10,000 test images (released code)",
            _counts(made),
        ),
        ("training seeds", "unstated; deviations are printed", _by_dataset(rows, "seeds")),
        (
            "the judge’s batch norm",
            "of the 50 images of a batch (released code)",
            "of its training: an image’s features do not depend on others",
        ),
        (
            "IMLE on pixels",
            "pictures only (Figure 3), from its own authors",
            "trained with the same generator as all others, and scored",
        ),
        (
            "VAE",
            "with L1, the numbers of Lucic et al.; with the perceptual loss, the paper’s own",
            "both trained here, with GLANN’s generator and, the second, its loss",
        ),
        (
            "VAE’s reconstruction against its divergence",
            "with L1, tuned by Lucic et al.; with the perceptual loss, unstated",
            "weighed by calibration: the most likely scale of the reconstruction error",
        ),
        (
            "bound",
            "none",
            "training images in the place of samples: no method can be expected to do better",
        ),
    ]


def _training(facts: Mapping[str, Facts]) -> list[tuple[str, str, str]]:
    """What differs in training."""
    if not facts:
        return []

    def each(told: Callable[[Facts], str]) -> str:
        return _distinct({name: told(of) for name, of in facts.items()})

    return [
        (
            "trained on",
            "50,000 each of MNIST, Fashion-MNIST and CIFAR-10; of CelebA’s 162,770, unstated",
            each(lambda of: f"{of.training:,} images"),
        ),
        (
            "pixels",
            "28 × 28, 32 × 32 and 64 × 64",
            each(lambda of: f"{of.size[1]} × {of.size[0]}"),
        ),
        (
            "perceptual loss",
            "VGG trained on ImageNet (released code: VGG-16)",
            each(lambda of: of.loss),
        ),
        (
            "epochs",
            "500 of codes and generator, 50 of the mapping",
            each(lambda of: of.schedule),
        ),
        *(
            [("classifier", "none", each(_right))]
            if any(of.accuracy is not None for of in facts.values())
            else []
        ),
    ]


def _right(of: Facts) -> str:
    """How good the classifier is that judges."""
    return "none" if of.accuracy is None else f"{of.accuracy:.1%} of test images named rightly"


def _parts(block: Block) -> Iterator[range]:
    """Columns by their places, as many at a time as a line holds."""
    widths = _widths(block)
    start = 0
    while start < len(widths):
        stop, used = start + 1, INDENT + NAMES + widths[start]
        while stop < len(widths) and used + widths[stop] <= WIDTH:
            used += widths[stop]
            stop += 1
        yield range(start, stop)
        start = stop


def _widths(block: Block) -> list[int]:
    """Of each column in characters, wide enough for what stands above several together."""
    widths = [
        GAP + max(len(column.dataset), *(len(cells[place].text) for _, cells in block.rows))
        for place, column in enumerate(block.columns)
    ]
    place = 0
    for column, span in block.spans:
        lacking = GAP + len(_heading(column)) - sum(widths[place : place + span])
        widths[place] += max(0, lacking)
        place += span
    return widths


def _heading(column: Column) -> str:
    """What stands above columns that are computed alike."""
    return column.metric + ("" if column.ours else PUBLISHED)


def _lines(block: Block, part: range) -> list[str]:
    """Headings, and the rows that have a number in these columns."""
    widths = _widths(block)
    above, datasets, last = "", "", None
    for place in part:
        column = block.columns[place]
        heading = _heading(column)
        above = above.ljust(len(datasets)) + (" " * GAP + heading if heading != last else "")
        datasets += f"{column.dataset:>{widths[place]}}"
        last = heading
    margin = " " * (INDENT + NAMES)
    lines = ["", (margin + above).rstrip(), margin + datasets]
    for method, cells in block.rows:
        if any(cells[place].value for place in part):
            values = "".join(f"{cells[place].text:>{widths[place]}}" for place in part)
            lines.append(f"{' ' * INDENT}{method:<{NAMES}}{values}")
    return lines


def _each(rows: Sequence[Row], column: str) -> str:
    """A column's different values, in order."""
    return ", ".join(dict.fromkeys(text(row, column) for row in rows))


def _by_dataset(rows: Sequence[Row], column: str) -> str:
    """A column's different values for each data set, such as `digits: 1; fashion: 3`."""
    parts = grouped(rows, "dataset").items()
    return _distinct({dataset: _each(group, column) for (dataset,), group in parts})


def _distinct(said: Mapping[str, str]) -> str:
    """What is said of each data set; once, if it is said of all."""
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    return "; ".join(f"{dataset}: {value}" for dataset, value in said.items())


def _counts(rows: Sequence[Row]) -> str:
    """How many samples were compared with how many photographs."""

    def many(group: Sequence[Row], column: str) -> str:
        counts = sorted({int(number(row, column)) for row in group})
        return " or ".join(f"{count:,}" for count in counts)

    parts = grouped(rows, "dataset").items()
    return _distinct(
        {name: f"{many(of, 'samples')} with {many(of, 'images')}" for (name,), of in parts}
    )


def _hanging(said: str, indent: str) -> list[str]:
    """Text in lines, those after the first set further in."""
    return textwrap.wrap(said, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")
