"""Whose pixels an image is made of: from the sources of a candidate to shares of exemplars.

A candidate is its sources and what was added to them, to the byte, whatever composed it:

    image[c, y, x] = photographs[row, v, u] + added[c, y, x],  (row, v, u) = source[c, y, x]

and the added values alone where a pixel has no source (row −1). No network is needed to check it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
import zarr

from exemplar.matching.voting import credits
from exemplar.store.arrays import StoreError, read_rows

NONE = "none"

Photographs = np.ndarray | zarr.Array
"""u8 (N, H, W, 3), the exemplars at the size at which candidates are made; row i is item i's."""


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
        StoreError: a row lies outside `items`.
    """
    named = source[..., 0]
    if named.size and (named.min() < -1 or named.max() >= len(items)):
        raise StoreError(
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


def added(image: np.ndarray, source: np.ndarray, photographs: Photographs) -> np.ndarray:
    """What an image has beyond the pixels that are its sources.

    Of Eq. 3 it is the level f(x) − f(x_k), which every copy is moved by, cut where the sum leaves
    [0, 255]; of a seamless candidate also what the joining spread, of a voted one the mean of its
    neighbours' copies less its own. Where a pixel has no single source it is the pixel.

    Args:
        image: u8 (…, H, W, 3), one candidate or several.
        source: i32 (…, H, W, 3): exemplar row, y, x; row −1 where a pixel has no exemplar.
        photographs: of which the rows are; only those used are read.

    Returns:
        i16 (…, H, W, 3), from −255 to 255.

    Raises:
        ValueError: image and sources differ in shape, or a source is no pixel of the photographs.

    >>> photographs = np.full((1, 1, 2, 3), 100, np.uint8)
    >>> source = np.array([[[0, 0, 1], [-1, -1, -1]]])
    >>> image = np.array([[[90, 100, 120], [7, 8, 9]]], np.uint8)
    >>> added(image, source, photographs).tolist()
    [[[-10, 0, 20], [7, 8, 9]]]
    """
    _same_shape("image", image, source)
    return image.astype(np.int16) - _pixels(source, photographs)


def rederived(source: np.ndarray, added: np.ndarray, photographs: Photographs) -> np.ndarray:
    """An image from its sources and what was added to them: the inverse of `added`.

    Args:
        source: i32 (…, H, W, 3), as in `sources.npz`.
        added: i16 (…, H, W, 3), as there.
        photographs: of which the rows are, `image` of the domain's `images.zarr`.

    Returns:
        u8 (…, H, W, 3), to the byte what was synthesised.

    Raises:
        ValueError: the shapes differ, a source is no pixel of the photographs, or sums leave
            [0, 255], so that these are not the photographs that were used.
    """
    _same_shape("added", added, source)
    image = _pixels(source, photographs) + added
    if image.size and not 0 <= image.min() <= image.max() <= 255:
        raise StoreError(
            f"sources and what was added to them make values from {image.min()} to {image.max()}, "
            "expected 0 to 255: the photographs are not those that the image was made of; give "
            "the domain's images.zarr as it was then"
        )
    return image.astype(np.uint8)


def mean_added(source: np.ndarray, added: np.ndarray) -> pd.Series:
    """How much was added to each exemplar's pixels.

    Args:
        source: i32 (H, W, 3), of one candidate.
        added: i16 (H, W, 3), to it.

    Returns:
        Mean absolute grey levels over the pixels whose source an exemplar is, and their colours;
        by the exemplar's row, −1 for pixels without one.
    """
    levels = np.abs(added.astype(np.int32)).mean(-1).ravel()
    rows, places = np.unique(source[..., 0], return_inverse=True)
    means = np.bincount(places.ravel(), levels) / np.bincount(places.ravel())
    return pd.Series(means, index=pd.Index(rows, name="row"))


def _pixels(source: np.ndarray, photographs: Photographs) -> np.ndarray:
    """The pixels that are sources, i16; 0 for those without one."""
    row, y, x = np.moveaxis(source, -1, 0)
    count, height, width = photographs.shape[:3]
    known = row >= 0
    outside = known & ((row >= count) | (y < 0) | (y >= height) | (x < 0) | (x >= width))
    if outside.any() or (row < -1).any():
        wrong = source[outside | (row < -1)][0].tolist()
        raise ValueError(
            f"the source {wrong} (row, y, x) is no pixel of {count} photographs of {height}×"
            f"{width}; they belong to another domain, or to another run"
        )
    used = np.unique(row[known])
    stored = isinstance(photographs, zarr.Array)
    pixels = read_rows(photographs, used) if stored else photographs[used]
    found = np.zeros(source.shape, np.int16)
    found[known] = pixels[np.searchsorted(used, row[known]), y[known], x[known]]
    return found


def _same_shape(name: str, values: np.ndarray, source: np.ndarray) -> None:
    if values.shape != source.shape or source.shape[-1:] != (3,):
        raise StoreError(
            f"expected {name} and sources of one shape (…, H, W, 3), got {values.shape} and "
            f"{source.shape}"
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
