"""Whose pixels an image is made of: from the sources of a candidate to shares of exemplars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from exemplar.matching.voting import credits

NONE = "none"


def shares(source: np.ndarray, items: pd.DataFrame, votes: int = 0) -> pd.DataFrame:
    """The share of an image's pixels that each exemplar gave.

    Args:
        source: i32 (H, W, 3): exemplar row in `items`, y, x; row −1 where a pixel has no exemplar.
        items: the domain's items; row i describes exemplar i.
        votes: of a `voted` candidate, whose pixels are means of (2 · votes + 1)² copies: each
            exemplar is credited with its part of every pixel.

    Returns:
        Columns `id`, `source`, `licence`, `share`, one row for each exemplar used, the largest
        share first (equal shares by row); shares in (0, 1] add up to 1. The index, `row`, is the
        exemplar's row, −1 (id `none`) for pixels without one.

    Raises:
        ValueError: a row lies outside `items`.
    """
    named = source[..., 0]
    if named.size and (named.min() < -1 or named.max() >= len(items)):
        raise ValueError(
            f"sources name exemplar rows {named.min()} to {named.max()}, "
            f"but there are {len(items)} items; they belong to another domain"
        )
    rows, counts = (part.numpy() for part in credits(torch.from_numpy(source), votes))
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
