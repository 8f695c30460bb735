"""`exemplar tables`: the papers' tables, recomputed and printed beside the published numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from exemplar.report import analogy_table, detail, glann_table, layout_table, pix2pixhd_table
from exemplar.report.against import features_of
from exemplar.report.terminal import against_as_text, as_text
from tasks.plan import open_repository

FOLDER = Path("reports/tables")
# Compares two of our own methods; its features are named in the table of their scores.
AGAINST, SCORES = "coherent", "pixelnn"


class TableError(ValueError):
    """A table was asked for that no stage makes."""


def stages_of(names: Sequence[str]) -> dict[str, str]:
    """Which stage makes each table.

    Args:
        names: tables, as `reports/tables/NAME.csv`; all there are if empty.

    Returns:
        The stage's address by the table's name.

    Raises:
        TableError: a name is not known; the message has those that are.
    """
    with open_repository() as repo:
        made = {
            Path(out.fs_path).stem: stage.addressing
            for stage in repo.index.stages
            for out in stage.outs
            if Path(out.fs_path).parent == FOLDER.resolve() and out.fs_path.endswith(".csv")
        }
    unknown = [name for name in names if name not in made]
    if unknown or not made:
        raise TableError(
            f"no stage of dvc.yaml makes {', '.join(unknown) or 'any table'} in {FOLDER}; "
            f"there are: {', '.join(sorted(made)) or 'none'}"
        )
    return {name: made[name] for name in names or sorted(made)}


def show(names: Sequence[str]) -> str:
    """The tables as text, each under its name.

    Args:
        names: of tables that have been made.

    Returns:
        The scores beside the published numbers, of each system its own; `coherent` against the
        published composition; whole pictures against coherent ones, at their own size.
    """
    parts = []
    for name in names:
        path = FOLDER / f"{name}.csv"
        table = pd.read_csv(path)
        if name == AGAINST:
            features = features_of(pd.read_csv(FOLDER / f"{SCORES}.csv"))
            printed = against_as_text(table, features)
        elif name == detail.NAME:
            printed = detail.as_text(table)
        elif name == pix2pixhd_table.NAME:
            printed = pix2pixhd_table.as_text(table)
        elif name == glann_table.NAME:
            printed = glann_table.as_text(table)
        elif name in analogy_table.NAMES:
            printed = analogy_table.as_text(name, table)
        elif name == layout_table.NAME:
            printed = layout_table.as_text(table)
        else:
            printed = as_text(name, table)
        parts.append(f"{path}\n\n{printed}")
    return "\n".join(parts)
