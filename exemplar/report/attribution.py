"""Whose pixels an image is made of: from the sources of a candidate to shares of exemplars."""

from __future__ import annotations

import numpy as np
import pandas as pd

NONE = "none"


def shares(source: np.ndarray, items: pd.DataFrame) -> pd.DataFrame:
    """The share of an image's pixels that each exemplar gave.

    Args:
        source: i32 (H, W, 3): exemplar row in `items`, y, x; row −1 where a pixel has no exemplar.
        items: the domain's items; row i describes exemplar i.

    Returns:
        Columns `id`, `source`, `licence`, `share`, one row for each exemplar used, the largest
        share first (equal shares by row); shares in (0, 1] add up to 1. The index, `row`, is the
        exemplar's row, −1 (id `none`) for pixels without one.

    Raises:
        ValueError: a row lies outside `items`.
    """
    rows, counts = np.unique(source[..., 0], return_counts=True)
    if rows.size and (rows[0] < -1 or rows[-1] >= len(items)):
        raise ValueError(
            f"sources name exemplar rows {rows[0]} to {rows[-1]}, "
            f"but there are {len(items)} items; they belong to another domain"
        )
    order = np.argsort(-counts, kind="stable")
    rows, counts = rows[order], counts[order]
    chosen = items.iloc[np.maximum(rows, 0)]
    known = rows >= 0
    return pd.DataFrame(
        {
            "id": np.where(known, chosen["id"], NONE),
            "source": np.where(known, chosen["source"], ""),
            "licence": np.where(known, chosen["licence"], ""),
            "share": counts / counts.sum(),
        },
        index=pd.Index(rows, name="row"),
    )
