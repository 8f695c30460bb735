"""The running sums of `support`: compiled loops over blocks of similarities."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)
def along_rows(similar, sums, radius):
    """Sums along image rows: Σ_d similar[x + d, :, u + d], columns clamped, d from −r to r.

    Args:
        similar: (W, k, W) float32.
        sums: (W, ≥ k, W) float32, written to.
        radius: r.
    """
    width, rows, _ = similar.shape
    for row in range(rows):
        for u in range(width):
            total = np.float32(0)
            for d in range(-radius, radius + 1):
                total += similar[min(max(d, 0), width - 1), row, min(max(u + d, 0), width - 1)]
            sums[0, row, u] = total
    for x in range(1, width):
        # One step along the diagonal: a pair enters at one end and one leaves at the other.
        enters, leaves = min(x + radius, width - 1), max(x - 1 - radius, 0)
        for row in range(rows):
            total = np.float32(0)
            for d in range(-radius, radius + 1):
                total += similar[min(max(x + d, 0), width - 1), row, min(max(d, 0), width - 1)]
            sums[x, row, 0] = total
            _step(
                sums[x, row], sums[x - 1, row], similar[enters, row], similar[leaves, row], radius
            )


@numba.njit(nogil=True, cache=True)
def down_columns(held, sums, y, height, radius, low):
    """Sums of sums down image columns, brought from row y − 1 to row y.

    Args:
        held: (n, W, s, W) float32, row i's sums along rows in place i mod n; entry o of the third
            axis belongs to key row i + low + o.
        sums: (W, s, W) float32, of row y − 1, updated.
        y: the query row.
        height: H.
        radius: r.
        low: the first key row's offset.
    """
    width, span = sums.shape[0], sums.shape[1]
    slots = len(held)
    enters, leaves = min(y + radius, height - 1), max(y - 1 - radius, 0)
    for x in range(width):
        for offset in range(span):
            key = y + low + offset
            if not 0 <= key < height:
                continue
            here = sums[x, offset]
            if y == 0 or key == 0:  # no pair before it on the diagonal
                here[:] = 0
                for d in range(-radius, radius + 1):
                    row = min(max(y + d, 0), height - 1)
                    other = min(max(key + d, 0), height - 1) - row - low
                    _add(here, held[row % slots, x, other])
            else:
                entering = min(key + radius, height - 1) - enters - low
                leaving = max(key - 1 - radius, 0) - leaves - low
                _swap(
                    here,
                    held[enters % slots, x, entering],
                    held[leaves % slots, x, leaving],
                )


@numba.njit(nogil=True, cache=True)
def _step(after, before, enters, leaves, radius):
    width = after.shape[0]
    for u in range(1, min(radius + 1, width)):
        after[u] = before[u - 1] + enters[min(u + radius, width - 1)] - leaves[0]
    inner = max(width - radius, radius + 1)
    if inner > radius + 1:  # written without clamping, so that it is vectorised
        _slide(
            after[radius + 1 : inner],
            before[radius : inner - 1],
            enters[2 * radius + 1 :],
            leaves[: inner - radius - 1],
        )
    for u in range(inner, width):
        after[u] = before[u - 1] + enters[width - 1] - leaves[u - 1 - radius]


@numba.njit(nogil=True, cache=True)
def _slide(after, before, enters, leaves):
    for u in range(after.shape[0]):
        after[u] = before[u] + enters[u] - leaves[u]


@numba.njit(nogil=True, cache=True)
def _add(total, more):
    for u in range(total.shape[0]):
        total[u] += more[u]


@numba.njit(nogil=True, cache=True)
def _swap(total, enters, leaves):
    for u in range(total.shape[0]):
        total[u] += enters[u] - leaves[u]
