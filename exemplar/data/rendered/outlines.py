"""Outlines: the soft contour map that the scene's geometry implies.

Silhouettes and occlusions count most, then borders of visible parts and drawn lines, then sharp
creases. The map is smooth, about a pixel and a half wide, as an edge detector gives it before
thinning. Coat markings leave no trace.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from exemplar.data.rendered.painting import LABEL

# Strength of the border between two parts of one animal at about the same depth.
_WEAK = {("ear", "inner ear"): 0.35, ("head", "body"): 0.8}


def _strengths() -> np.ndarray:
    table = np.full((len(LABEL), len(LABEL)), 0.85, np.float32)
    np.fill_diagonal(table, 0.0)
    mouth = LABEL["mouth"]
    for name in ("head", "muzzle"):  # the mouth's line is drawn by its own weight
        table[mouth, LABEL[name]] = table[LABEL[name], mouth] = 0.0
    for (a, b), value in _WEAK.items():
        table[LABEL[a], LABEL[b]] = table[LABEL[b], LABEL[a]] = value
    return table


def _pairs(array: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Neighbouring entries along an axis."""
    if axis == 0:
        return array[:-1], array[1:]
    return array[:, :-1], array[:, 1:]


def outlines(
    labels: np.ndarray,
    instances: np.ndarray,
    depth: np.ndarray,
    normals: np.ndarray,
    line: np.ndarray,
    scale: int,
) -> np.ndarray:
    """The contour map.

    Args:
        labels: `(S, S)` part at each sample, `S = scale * size`; where one part passes smoothly
            into another, both bear one label (`painting.Paint.border`).
        instances: `(S, S)` animal at each sample, 0 for background.
        depth: `(S, S)` distance of each sample, any value on background.
        normals: `(S, S, 3)` unit.
        line: `(S, S)` weight of drawn lines, in [0, 1].
        scale: samples along a pixel's side.

    Returns:
        `(size, size)` float32 in [0, 1].
    """
    table = _strengths()
    size = len(labels) // scale
    strength = np.zeros(labels.shape, np.float32)
    near = np.where(instances > 0, depth, 1e3)
    for axis in (0, 1):
        (a, b), (i, j) = _pairs(labels, axis), _pairs(instances, axis)
        (p, q), (m, n) = _pairs(near, axis), _pairs(normals, axis)
        value = table[a, b]
        both = (i > 0) & (j > 0)
        step = np.abs(p - q) * both
        # A surface seen at a slant changes depth too; only more than its slant explains counts.
        slant = 0.02 / np.clip(np.minimum(m[..., 2], n[..., 2]), 0.15, 1)
        jump = np.clip((step - 2.5 * slant) / 0.12, 0, 1)
        turn = np.clip((0.86 - np.einsum("ijk,ijk->ij", m, n)) / 0.4, 0, 1) * both
        value = np.maximum(np.maximum(value, jump), 0.7 * turn)
        value = np.where(i != j, 1.0, value)
        first, second = _pairs(strength, axis)
        np.maximum(first, value, out=first)
        np.maximum(second, value, out=second)
    sigma = 0.42 * scale
    drawn = gaussian_filter(strength, sigma)
    drawn = drawn / _height_of_line(2, sigma)
    thin = gaussian_filter(np.clip(line, 0, 1).astype(np.float32), sigma)
    total = np.maximum(drawn, 0.9 * thin / 0.85)
    small = total.reshape(size, scale, size, scale).mean((1, 3))
    return np.clip(1.12 * small, 0, 1).astype(np.float32)


def _height_of_line(width: int, sigma: float) -> float:
    """The peak of a straight line of ones, `width` samples wide, after the blur."""
    row = np.zeros(41)
    row[20 : 20 + width] = 1
    return float(gaussian_filter(row, sigma).max())
