"""Similarities of chosen pairs of pixels: what the approximate searches spend their time on."""

from __future__ import annotations

import numba
import numpy as np
import torch
from torch import Tensor


def similarities(query: Tensor, keys: Tensor, positions: Tensor) -> Tensor:
    """The cosine of each query pixel with some exemplar pixels.

    Args:
        query: (N, D) float32, unit length.
        keys: (M, D) float32, unit length.
        positions: (N, P) int64, rows of `keys`.

    Returns:
        (N, P) float32.
    """
    if query.device.type != "cpu":
        return torch.stack(
            [torch.einsum("nd,nd->n", query, keys[column]) for column in positions.T], dim=1
        )
    out = np.empty(positions.shape, np.float32)
    _score(
        np.ascontiguousarray(query.numpy()),
        np.ascontiguousarray(keys.numpy()),
        positions.numpy(),
        out,
    )
    return torch.from_numpy(out)


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def cosine(a: np.ndarray, b: np.ndarray) -> np.float32:
    """The product of two rows; sums are reordered so that they are vectorised."""
    total = np.float32(0)
    for channel in range(a.shape[0]):
        total += a[channel] * b[channel]
    return total


@numba.njit(nogil=True, cache=True)
def _score(query: np.ndarray, keys: np.ndarray, positions: np.ndarray, out: np.ndarray) -> None:
    for row in range(positions.shape[0]):
        for column in range(positions.shape[1]):
            out[row, column] = cosine(query[row], keys[positions[row, column]])
