"""Meshes: one template grid, pulled into head, body, ears, eyes, nose, jaw, tongue and collar.

Every vertex carries what painting and the stored truth need: a normal, a position in its part's
own frame, its place on the canonical head, and the direction in which fur grows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numba
import numpy as np

from exemplar.data.rendered.fields import wrap


@dataclass(frozen=True)
class Part:
    """A mesh of one animal, in that animal's frame."""

    kind: str
    side: int  # -1 or 1 for paired parts, else 0
    vertices: np.ndarray  # (V, 3) float64
    faces: np.ndarray  # (F, 3) int32
    local: np.ndarray  # (V, 3)
    canonical: np.ndarray  # (V, 3)
    flow: np.ndarray  # (V, 3), unit or zero: where hair points


@lru_cache(maxsize=16)
def grid_faces(rows: int, columns: int) -> np.ndarray:
    """Faces of a tube of `rows` rings of `columns` vertices, closed around but not at the ends."""
    i, j = np.mgrid[0 : rows - 1, 0:columns]
    k = (j + 1) % columns
    a, b, c, d = i * columns + j, i * columns + k, (i + 1) * columns + j, (i + 1) * columns + k
    faces = np.concatenate([np.stack([a, c, b], -1), np.stack([b, c, d], -1)])
    return faces.reshape(-1, 3).astype(np.int32)


@lru_cache(maxsize=16)
def sphere(rows: int, columns: int) -> np.ndarray:
    """Unit vectors `(rows * columns, 3)` in rings around the z axis, from +z to -z."""
    polar = np.linspace(1e-3, np.pi - 1e-3, rows)[:, None]
    around = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    ring = np.sin(polar)
    points = [ring * np.cos(around), ring * np.sin(around), np.cos(polar) + 0 * around]
    return np.stack(points, -1).reshape(-1, 3)


@numba.njit(cache=True)
def _accumulate(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    out = np.zeros_like(vertices)
    for f in range(len(faces)):
        a, b, c = faces[f]
        ux = vertices[b, 0] - vertices[a, 0]
        uy = vertices[b, 1] - vertices[a, 1]
        uz = vertices[b, 2] - vertices[a, 2]
        vx = vertices[c, 0] - vertices[a, 0]
        vy = vertices[c, 1] - vertices[a, 1]
        vz = vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in (a, b, c):
            out[corner, 0] += nx
            out[corner, 1] += ny
            out[corner, 2] += nz
    return out


def normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area-weighted vertex normals.

    Args:
        vertices: `(V, 3)`.
        faces: `(F, 3)` int32, counter-clockwise seen from outside.

    Returns:
        `(V, 3)` float64, unit.
    """
    total = _accumulate(np.ascontiguousarray(vertices, np.float64), faces)
    return unit(total)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors `(..., 3)` scaled to unit length; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(length, 1e-9)


def capsule(
    blobs: np.ndarray,
    axis: tuple[np.ndarray, np.ndarray],
    rows: int,
    columns: int,
    towards: np.ndarray,
    reach: float,
) -> np.ndarray:
    """Shrinks a capsule-shaped template onto a field.

    Args:
        blobs: `(B, 17)` rows of `fields.blob`.
        axis: the two ends of the inner segment; the template's first pole is beyond the second.
        rows: rings from pole to pole.
        columns: vertices a ring.
        towards: `(3, 3)` rotation from the template's frame (pole +z) to the field's.
        reach: distance from the axis that is surely outside.

    Returns:
        `(rows * columns, 3)` float64 points on the field's surface.
    """
    back, front = axis
    first, middle = int(0.42 * rows), int(0.22 * rows)
    polar = np.concatenate(
        [
            np.linspace(1e-3, np.pi / 2, first, endpoint=False),
            np.full(middle, np.pi / 2),
            np.linspace(np.pi / 2, np.pi - 1e-3, rows - first - middle),
        ]
    )
    along = np.concatenate(
        [np.ones(first), np.linspace(1, 0, middle, endpoint=False), np.zeros(rows - first - middle)]
    )
    around = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    ring = np.sin(polar)[:, None]
    directions = np.stack(
        [ring * np.cos(around), ring * np.sin(around), np.cos(polar)[:, None] + 0 * around], -1
    )
    origins = back + along[:, None] * (front - back)
    origins = np.repeat(origins, columns, 0)
    return wrap(origins, directions.reshape(-1, 3) @ towards.T, blobs, reach)


def orient(faces: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Flips all faces if the mesh encloses a negative volume."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    centre = vertices.mean(0)
    volume = np.einsum("ij,ij->", a - centre, np.cross(b - centre, c - centre))
    return faces if volume > 0 else np.ascontiguousarray(faces[:, ::-1])
