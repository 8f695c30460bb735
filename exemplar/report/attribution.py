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


def copied(field: np.ndarray, votes: int, size: tuple[int, int]) -> np.ndarray:
    """Which of a source's pixels an image has copies of.

    Args:
        field: i32 (H, W, 2): the row and column of the source that each pixel matches.
        votes: each pixel is the mean of what the matches of (2 · votes + 1)² pixels propose.
        size: (H', W') of the source.

    Returns:
        bool (H', W').
    """
    height, width = field.shape[:2]
    # Copies beyond the border fall into a margin.
    touched = np.zeros((size[0] + 2 * votes, size[1] + 2 * votes), bool)
    for down in range(-votes, votes + 1):
        for right in range(-votes, votes + 1):
            # Matches of the pixels that have another one at this distance.
            rows = slice(max(0, down), height + min(0, down))
            columns = slice(max(0, right), width + min(0, right))
            y, x = field[rows, columns, 0], field[rows, columns, 1]
            touched[y - down + votes, x - right + votes] = True
    return touched[votes : votes + size[0], votes : votes + size[1]]
