"""Smooth noise in three dimensions: the grain of coats, eyes and backdrops.

Noise is a function of a position and a seed alone, so a pattern laid out in an animal's own frame
follows the animal, and the same picture comes out on every run.
"""

from __future__ import annotations

import numba
import numpy as np

_INV = 1.0 / 4294967295.0


@numba.njit(cache=True, inline="always")
def _lattice(i: int, j: int, k: int, seed: int) -> float:
    """A hash of a lattice point, in [-1, 1]."""
    h = (i * 374761393 + j * 668265263 + k * 2147483647 + seed * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 2246822519) & 0xFFFFFFFF
    h ^= h >> 15
    return h * _INV * 2.0 - 1.0


@numba.njit(cache=True)
def _value(x: float, y: float, z: float, seed: int) -> float:
    """Value noise with a quintic fade, in [-1, 1]."""
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    i, j, k = int(fx), int(fy), int(fz)
    u, v, w = x - fx, y - fy, z - fz
    u = u * u * u * (u * (u * 6.0 - 15.0) + 10.0)
    v = v * v * v * (v * (v * 6.0 - 15.0) + 10.0)
    w = w * w * w * (w * (w * 6.0 - 15.0) + 10.0)
    total = 0.0
    for di in range(2):
        a = u if di else 1.0 - u
        for dj in range(2):
            b = v if dj else 1.0 - v
            for dk in range(2):
                c = w if dk else 1.0 - w
                total += a * b * c * _lattice(i + di, j + dj, k + dk, seed)
    return total


@numba.njit(cache=True)
def _octaves(points: np.ndarray, octaves: int, seed: int) -> np.ndarray:
    out = np.empty(len(points), np.float32)
    for n in range(len(points)):
        x, y, z = float(points[n, 0]), float(points[n, 1]), float(points[n, 2])
        amplitude, total, norm = 1.0, 0.0, 0.0
        for octave in range(octaves):
            total += amplitude * _value(x, y, z, seed + 101 * octave)
            norm += amplitude
            amplitude *= 0.5
            x, y, z = 2.03 * x + 7.1, 2.03 * y + 3.7, 2.03 * z + 5.3
        out[n] = total / norm
    return out


def noise(points: np.ndarray, scale: float = 1.0, octaves: int = 3, seed: int = 0) -> np.ndarray:
    """Fractal value noise.

    Args:
        points: `(N, 3)` or `(N, 2)` positions.
        scale: cells per unit of length.
        octaves: how many layers, each half as strong and about twice as fine as the one before.
        seed: which noise.

    Returns:
        `(N,)` float32 in [-1, 1], mean about 0.
    """
    full = np.zeros((len(points), 3), np.float32)
    full[:, : points.shape[1]] = points
    return _octaves(full * np.float32(scale), octaves, seed & 0xFFFF)


def spots(points: np.ndarray, scale: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cellular noise: distance to the nearest of one jittered point a cell, and that point's id.

    Args:
        points: `(N, 3)` or `(N, 2)` positions.
        scale: cells per unit of length.
        seed: which noise.

    Returns:
        `(N,)` float32 distances in cells (0 at a point, rarely above 1), and `(N,)` float32 ids in
        [-1, 1], constant over each cell.
    """
    full = np.zeros((len(points), 3), np.float32)
    full[:, : points.shape[1]] = points
    return _cells(full * np.float32(scale), seed & 0xFFFF, points.shape[1])


@numba.njit(cache=True)
def _cells(points: np.ndarray, seed: int, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    distance = np.empty(len(points), np.float32)
    identity = np.empty(len(points), np.float32)
    depth = 1 if dimensions == 3 else 0
    for n in range(len(points)):
        x, y, z = float(points[n, 0]), float(points[n, 1]), float(points[n, 2])
        i, j, k = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
        best, name = 1e9, 0.0
        for a in range(i - 1, i + 2):
            for b in range(j - 1, j + 2):
                for c in range(k - depth, k + depth + 1):
                    dx = a + 0.5 + 0.45 * _lattice(a, b, c, seed) - x
                    dy = b + 0.5 + 0.45 * _lattice(a, b, c, seed + 1) - y
                    dz = (c + 0.5 + 0.45 * _lattice(a, b, c, seed + 2) - z) * depth
                    d = dx * dx + dy * dy + dz * dz
                    if d < best:
                        best, name = d, _lattice(a, b, c, seed + 3)
        distance[n], identity[n] = np.sqrt(best), name
    return distance, identity
