"""Distance fields of smoothly joined ellipsoids, and how a mesh is shrunk onto one.

A head or a body is described as a few ellipsoids ("blobs") that melt into each other; a template
mesh is pulled onto the surface once, in the animal's own frame, before any ray is cast.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np

COLUMNS = 17  # centre 3, radii 3, rotation 9 (world to blob), softness of the join, sign


def blob(
    centre: Sequence[float],
    radii: Sequence[float],
    soft: float = 0.15,
    *,
    pitch: float = 0.0,
    yaw: float = 0.0,
    carve: bool = False,
) -> np.ndarray:
    """One ellipsoid of a field.

    Args:
        centre: position of its centre.
        radii: its three half-axes.
        soft: width of the blend with what came before, in units of length.
        pitch: rotation about x in radians (positive: the front, +z, goes down).
        yaw: rotation about y in radians (positive: the front goes to +x).
        carve: whether it is taken away instead of added.

    Returns:
        `(17,)` float64, a row for `wrap` and `distances`.
    """
    c, s = np.cos(pitch), np.sin(pitch)
    about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    c, s = np.cos(yaw), np.sin(yaw)
    about_y = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    to_blob = (about_y @ about_x).T
    return np.concatenate([centre, radii, to_blob.ravel(), [soft, -1.0 if carve else 1.0]])


@numba.njit(cache=True)
def _distance(x: float, y: float, z: float, blobs: np.ndarray) -> float:
    total = 1e3
    for b in range(len(blobs)):
        row = blobs[b]
        dx, dy, dz = x - row[0], y - row[1], z - row[2]
        p = (row[6] * dx + row[7] * dy + row[8] * dz) / row[3]
        q = (row[9] * dx + row[10] * dy + row[11] * dz) / row[4]
        r = (row[12] * dx + row[13] * dy + row[14] * dz) / row[5]
        k0 = np.sqrt(p * p + q * q + r * r) + 1e-9
        k1 = np.sqrt((p / row[3]) ** 2 + (q / row[4]) ** 2 + (r / row[5]) ** 2) + 1e-9
        d = k0 * (k0 - 1.0) / k1
        soft = row[15]
        if row[16] > 0.0:
            h = min(max(0.5 + 0.5 * (total - d) / soft, 0.0), 1.0)
            total = total * (1.0 - h) + d * h - soft * h * (1.0 - h)
        else:
            h = min(max(0.5 - 0.5 * (total + d) / soft, 0.0), 1.0)
            total = total * (1.0 - h) - d * h + soft * h * (1.0 - h)
    return total


@numba.njit(cache=True)
def _distances(points: np.ndarray, blobs: np.ndarray) -> np.ndarray:
    out = np.empty(len(points))
    for n in range(len(points)):
        out[n] = _distance(points[n, 0], points[n, 1], points[n, 2], blobs)
    return out


@numba.njit(cache=True)
def _march(
    origins: np.ndarray, directions: np.ndarray, start: float, blobs: np.ndarray
) -> np.ndarray:
    out = np.empty_like(origins)
    for n in range(len(origins)):
        t = start
        for _ in range(60):
            x = origins[n, 0] + t * directions[n, 0]
            y = origins[n, 1] + t * directions[n, 1]
            z = origins[n, 2] + t * directions[n, 2]
            d = _distance(x, y, z, blobs)
            if d < 5e-4 or t <= 0.0:
                break
            t = max(t - 0.8 * d, 0.0)
        out[n] = origins[n] + t * directions[n]
    return out


def distances(points: np.ndarray, blobs: np.ndarray) -> np.ndarray:
    """Signed distance (approximate away from the surface) of points to a field.

    Args:
        points: `(N, 3)`.
        blobs: `(B, 17)` rows of `blob`.

    Returns:
        `(N,)` float64, negative inside.
    """
    return _distances(np.ascontiguousarray(points, np.float64), blobs)


def gradients(points: np.ndarray, blobs: np.ndarray, step: float = 1e-3) -> np.ndarray:
    """Unit outward directions of a field at points.

    Args:
        points: `(N, 3)`.
        blobs: `(B, 17)` rows of `blob`.
        step: half-width of the central differences.

    Returns:
        `(N, 3)` float64, unit.
    """
    points = np.asarray(points, np.float64)
    columns = [
        distances(points + offset, blobs) - distances(points - offset, blobs)
        for offset in step * np.eye(3)
    ]
    slope = np.stack(columns, -1)
    return slope / np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-12)


def wrap(
    origins: np.ndarray, directions: np.ndarray, blobs: np.ndarray, start: float
) -> np.ndarray:
    """The outermost points of a field's surface along rays.

    Each ray is walked from `start` inwards to the first point on the surface, or to its origin
    where it meets none.

    Args:
        origins: `(N, 3)` points inside.
        directions: `(N, 3)` unit directions outwards.
        blobs: `(B, 17)` rows of `blob`.
        start: distance from which to walk, beyond the surface.

    Returns:
        `(N, 3)` float64 points.
    """
    origins = np.ascontiguousarray(np.broadcast_to(origins, directions.shape), np.float64)
    return _march(origins, np.ascontiguousarray(directions, np.float64), start, blobs)
