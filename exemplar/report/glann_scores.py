"""GLANN's scores: read for every training seed, brought together over seeds, laid out in blocks.

`glann_evaluate` leaves the scores of each domain and seed; their means and deviations are
`reports/tables/glann.csv`. A block is one metric with methods as rows and data sets as columns,
ours first and the published ones beside them; the page and the terminal show the same blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path

import pandas as pd

from exemplar.metrics.sampled_columns import FEATURES as SAMPLED
from exemplar.metrics.sampled_columns import KID
from exemplar.report.glann_published import FEATURES, published
from exemplar.report.scores import Cell
from exemplar.report.tables import Row, TableError, grouped, number, records, text

SCORES = (
    "dataset", "method", "seed", "fid", "fid_features", "f8", "f1_8", "samples", "images",
    "warning", KID, SAMPLED,
)  # fmt: skip
"""The columns of one seed's scores."""

COLUMNS = (
    "dataset", "method", "fid", "fid_deviation", "fid_features", "f8", "f8_deviation", "f1_8",
    "f1_8_deviation", "samples", "images", "seeds", "warning", KID, f"{KID}_deviation",
    SAMPLED,
)  # fmt: skip
"""The columns of the table."""

TRAINING = "training"
"""Training images in the place of samples: what a perfect sampler would score."""

METHODS = {
    TRAINING: "training images",
    "glann": "GLANN",
    "glann_places": "GLANN, Places loss",
    "glo_gaussian": "GLO, Gaussian",
    "imle_pixels": "IMLE on pixels",
    "vae_l1": "VAE, L1",
    "vae_perceptual": "VAE, perceptual",
    "mm_gan": "MM GAN",
    "ns_gan": "NS GAN",
    "lsgan": "LSGAN",
    "wgan": "WGAN",
    "began": "BEGAN",
}
METRICS = {"fid": "FID", "f8": "F8", "f1_8": "F1/8", KID: "KID"}
MEANINGS = {
    "fid": "distance of the distributions, lower is better",
    "f8": "recall counts most, higher is better",
    "f1_8": "precision counts most, higher is better",
    KID: "distance without bias, of a few hundred images, lower is better",
}
DIGITS = 10  # decimals of means; what is beyond them is rounding
NOISY = "*"
"""After a number that a warning names."""


@dataclass(frozen=True)
class Column:
    """A data set, and by what name its metric goes, which says on what features it was computed."""

    dataset: str
    metric: str
    ours: bool


@dataclass(frozen=True)
class Block:
    """One metric: rows of methods over columns of data sets.

    Attributes:
        metric: of `METRICS`.
        columns: ours, then the published ones.
        rows: each method's name, and a cell a column, empty where there is no number.
    """

    metric: str
    columns: list[Column]
    rows: list[tuple[str, list[Cell]]]

    @property
    def name(self) -> str:
        """The metric's, without what it is computed on."""
        return METRICS[self.metric]

    @property
    def meaning(self) -> str:
        """What the metric is and which direction is better."""
        return MEANINGS[self.metric]

    @property
    def spans(self) -> list[tuple[Column, int]]:
        """Columns that go by one name of the metric: the first of them, and how many."""
        found: list[tuple[Column, int]] = []
        for column in self.columns:
            last = found[-1][0] if found else None
            if last and (last.metric, last.ours) == (column.metric, column.ours):
                found[-1] = (last, found[-1][1] + 1)
            else:
                found.append((column, 1))
        return found


def read_scores(folders: Mapping[tuple[str, int], Path]) -> pd.DataFrame:
    """Reads the scores that `glann_evaluate` wrote.

    Args:
        folders: of each domain and seed the folder with `scores.csv`.

    Returns:
        The columns of `SCORES`, as text, in the order of the folders.

    Raises:
        TableError: files are missing, have other columns or rows, or cannot be averaged; all
            problems of all files.
    """
    tables, problems = [], []
    for (domain, seed), folder in folders.items():
        path = folder / "scores.csv"
        again = f"`exemplar reproduce glann_evaluate@{domain}-{seed}`"
        if not path.is_file():
            problems.append(f"{path}: no such file; the stage has not run: {again}")
            continue
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        missing, unknown = set(SCORES) - set(table), set(table) - set(SCORES)
        if missing or unknown:
            problems.append(
                f"{path}: expected the columns {', '.join(SCORES)}; missing: "
                f"{sorted(missing) or 'none'}, unknown: {sorted(unknown) or 'none'}; {again}"
            )
            continue
        found = set(zip(table["dataset"], table["seed"], strict=True))
        if found != {(domain, str(seed))}:
            problems.append(
                f"{path}: expected rows of {domain} and seed {seed}, got {sorted(found) or 'none'};"
                f" {again}"
            )
            continue
        tables.append(table.loc[:, list(SCORES)])
    joined = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(SCORES))
    problems += _unequal(joined)
    if problems:
        raise TableError("\n".join(problems))
    return joined


def _unequal(scores: pd.DataFrame) -> list[str]:
    """What keeps seeds of one data set from being averaged."""
    problems = []
    rows = records(scores)
    for (dataset,), group in grouped(rows, "dataset").items():
        seeds = grouped(group, "seed")
        methods = {seed: [text(row, "method") for row in of] for (seed,), of in seeds.items()}
        if len({tuple(sorted(names)) for names in methods.values()}) > 1:
            said = "; ".join(f"seed {seed}: {', '.join(names)}" for seed, names in methods.items())
            problems.append(
                f"{dataset}: expected the same methods of every seed, got {said}; "
                f"`exemplar reproduce glann_evaluate` scores them all"
            )
        judges = {text(row, "fid_features") for row in group}
        if len(judges) > 1:
            problems.append(
                f"{dataset}: expected one set of features in all rows of all seeds, got "
                f"{', '.join(sorted(judges))}; `exemplar reproduce glann_evaluate` scores them all"
            )
    return problems


def over_seeds(scores: pd.DataFrame) -> pd.DataFrame:
    """Means and deviations over training seeds.

    Args:
        scores: from `read_scores`.

    Returns:
        The columns of `COLUMNS`, a row for each data set and method. A deviation is that of a
        sample (its square divided by one less than the count), NaN of one seed; `samples` and
        `images` are the fewest of any seed; different warnings are joined.
    """
    made = []
    for (dataset, method), rows in grouped(records(scores), "dataset", "method").items():
        row: Row = {"dataset": dataset, "method": method}
        for metric in METRICS:
            values = pd.Series([number(each, metric) for each in rows], dtype=float)
            row[metric] = round(values.mean(skipna=False), DIGITS)
            row[f"{metric}_deviation"] = round(values.std(ddof=1, skipna=False), DIGITS)
        for count in ("samples", "images"):
            row[count] = int(min(number(each, count) for each in rows))
        warnings = dict.fromkeys(text(each, "warning") for each in rows)
        for features in ("fid_features", SAMPLED):
            row[features] = text(rows[0], features)
        row["seeds"] = len(rows)
        row["warning"] = "; ".join(warning for warning in warnings if warning)
        made.append(row)
    return pd.DataFrame(made, columns=list(COLUMNS))


def named(metric: str, features: str) -> str:
    """A metric's name with what it is computed on, such as `FID (classifier)`.

    Args:
        metric: of `METRICS`.
        features: their identity, such as `classifier#1a2b`. Only those of the published Inception
            network bear the bare name, for these alone compare with published numbers.
    """
    kind = features.partition("#")[0].strip()
    return METRICS[metric] if kind in ("", FEATURES) else f"{METRICS[metric]} ({kind})"


def blocks(table: pd.DataFrame) -> list[Block]:
    """Every metric with methods as rows and data sets as columns, ours and the published ones.

    Args:
        table: as in `reports/tables/glann.csv`.

    Returns:
        A block for each of `METRICS` that some data set has. In each column the best leads;
        training images are no method.
    """
    made = []
    for metric in METRICS:
        columns, cells = [], []
        for source, ours in ((table, True), (published(), False)):
            for (dataset,), rows in grouped(records(source), "dataset").items():
                numbers = _cells(rows, metric, ours)
                if metric == KID and not numbers:
                    continue  # nobody published one
                features = text(rows[0], SAMPLED if metric == KID else "fid_features")
                columns.append(Column(dataset, named(metric, features), ours))
                cells.append(numbers)
        if not cells:
            continue
        methods = [name for name in METHODS if any(name in column for column in cells)]
        empty = Cell("", "–")
        rows = [(METHODS[m], [column.get(m, empty) for column in cells]) for m in methods]
        made.append(Block(metric, columns, rows))
    return made


def _cells(rows: Sequence[Row], metric: str, ours: bool) -> dict[str, Cell]:
    """One column's numbers by method, without those that have none; the best as shown leads."""
    decimals = {"fid": 2 if ours else 1, KID: 4}.get(metric, 3)
    values = {
        text(row, "method"): round(value, decimals)
        for row in rows
        if not isnan(value := number(row, metric))
    }
    rivals = [value for method, value in values.items() if method != TRAINING]
    best = (min if metric in ("fid", KID) else max)(rivals, default=None)
    made = {}
    for row in rows:
        method = text(row, "method")
        if method not in values:
            continue
        shown, deviation = f"{values[method]:.{decimals}f}", number(row, f"{metric}_deviation")
        shown += "" if isnan(deviation) else f" ± {deviation:.{decimals}f}"
        shown += NOISY if METRICS[metric] in text(row, "warning") else ""
        leads = method != TRAINING and len(rivals) > 1 and values[method] == best
        made[method] = Cell(text(row, metric), shown, leads)
    return made
