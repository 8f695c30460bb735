"""`items.parquet`: row i describes image i of the domain's arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from exemplar.store.files import written

COLUMNS = ("id", "split", "category", "source", "sha256", "licence", "width", "height")
SPLITS = ("train", "val", "test")


def write_items(path: Path | str, items: pd.DataFrame) -> None:
    """Writes the table of a domain's images.

    Args:
        path: a file ending in `.parquet`.
        items: the columns of `COLUMNS`; ids unique, splits from `SPLITS`.

    Raises:
        ValueError: a column is missing, an id repeats, or a split is unknown.
    """
    missing = [name for name in COLUMNS if name not in items]
    if missing:
        raise ValueError(f"{path}: items need the columns {COLUMNS}, missing {missing}")
    repeated = items["id"][items["id"].duplicated()].tolist()
    if repeated:
        raise ValueError(f"{path}: ids must be unique, repeated: {repeated[:10]}")
    unknown = sorted(set(items["split"]) - set(SPLITS))
    if unknown:
        raise ValueError(f"{path}: splits must be {SPLITS}, got {unknown}")
    with written(path) as partial:
        items.loc[:, list(COLUMNS)].to_parquet(partial, index=False, compression="zstd")


def read_items(path: Path | str) -> pd.DataFrame:
    """Reads what `write_items` wrote."""
    return pd.read_parquet(path)


def rows_of(items: pd.DataFrame, split: str) -> np.ndarray:
    """The rows (int64, ascending) of a split."""
    return np.flatnonzero((items["split"] == split).to_numpy())
