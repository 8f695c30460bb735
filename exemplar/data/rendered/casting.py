"""Casting rays: Embree finds what each ray meets, and what lies in its way.

Cameras look along -z, so world normals are already in the viewer's axes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene


@dataclass(frozen=True)
class Hits:
    """What the camera's rays met, one row per ray that met something."""

    pixel: np.ndarray  # (M,) int64, index into the flattened picture
    part: np.ndarray  # (M,) int32, index of the part
    depth: np.ndarray  # (M,) float32, distance along the ray
    point: np.ndarray  # (M, 3) float32
    view: np.ndarray  # (M, 3) float32, unit, towards the camera
    values: np.ndarray  # (M, C) float32, vertex attributes interpolated


class Scene:
    """Triangles in Embree."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray, part: np.ndarray) -> None:
        """Builds the acceleration structure.

        Args:
            vertices: `(V, 3)`.
            faces: `(F, 3)` int32.
            part: `(F,)` int32, the part each face belongs to.
        """
        self._faces = np.ascontiguousarray(faces, np.int32)
        self._part = part
        self._scene = EmbreeScene()
        TriangleMesh(self._scene, np.ascontiguousarray(vertices, np.float32), self._faces)

    def look(self, origin: np.ndarray, rays: np.ndarray, attributes: np.ndarray) -> Hits:
        """Casts rays from one point.

        Args:
            origin: `(3,)`.
            rays: `(N, 3)` float32, unit.
            attributes: `(V, C)` float32 per vertex.

        Returns:
            The hits, in the order of the rays.
        """
        origins = np.ascontiguousarray(np.broadcast_to(origin, rays.shape), np.float32)
        found = self._scene.run(origins, rays, output=1)
        pixel = np.flatnonzero(found["primID"] >= 0)
        face = found["primID"][pixel]
        depth = found["tfar"][pixel]
        values = _interpolate(self._faces[face], found["u"][pixel], found["v"][pixel], attributes)
        point = origins[pixel] + depth[:, None] * rays[pixel]
        return Hits(pixel, self._part[face], depth, point, -rays[pixel], values)

    def blocked(self, origins: np.ndarray, rays: np.ndarray, reach: float) -> np.ndarray:
        """Whether something lies within `reach` along each ray, `(N,)` bool."""
        if len(origins) == 0:
            return np.zeros(0, bool)
        found = self._scene.run(
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(rays, np.float32),
            np.full(len(origins), reach, np.float32),
            query="OCCLUDED",
        )
        return found >= 0


@numba.njit(cache=True)
def _interpolate(
    corners: np.ndarray, u: np.ndarray, v: np.ndarray, attributes: np.ndarray
) -> np.ndarray:
    out = np.empty((len(corners), attributes.shape[1]), np.float32)
    for n in range(len(corners)):
        a, b, c = corners[n]
        p, q = u[n], v[n]
        for k in range(attributes.shape[1]):
            out[n, k] = (1 - p - q) * attributes[a, k] + p * attributes[b, k] + q * attributes[c, k]
    return out


def camera_rays(size: int, height: float, distance: float) -> np.ndarray:
    """Unit rays of a square picture.

    Args:
        size: rays along a side.
        height: how much of the plane z = 0 the picture shows, in units of length.
        distance: of the camera from that plane.

    Returns:
        `(size * size, 3)` float32, row by row from the top left.
    """
    steps = ((np.arange(size) + 0.5) / size - 0.5) * height
    x, y = np.meshgrid(steps, -steps)
    rays = np.stack([x, y, np.full_like(x, -distance)], -1).reshape(-1, 3)
    return (rays / np.linalg.norm(rays, axis=1, keepdims=True)).astype(np.float32)


def cosine_rays(normal: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Directions around normals, distributed by the cosine.

    Args:
        normal: `(N, 3)` unit.
        first: `(N,)` in [0, 1).
        second: `(N,)` in [0, 1).

    Returns:
        `(N, 3)` float32, unit.
    """
    angle = 2 * np.pi * second
    height = np.sqrt(1 - first)
    ring = np.stack([np.sqrt(first) * np.cos(angle), np.sqrt(first) * np.sin(angle), height], -1)
    # A vector on the unit sphere added to the normal is cosine-distributed; the one given by
    # spherical coordinates around the normal keeps the pattern stratified.
    sign = np.where(normal[:, 2] >= 0, 1.0, -1.0)
    a = -1.0 / (sign + normal[:, 2])
    b = normal[:, 0] * normal[:, 1] * a
    tangent = np.stack([1 + sign * normal[:, 0] ** 2 * a, sign * b, -sign * normal[:, 0]], -1)
    other = np.stack([b, sign + normal[:, 1] ** 2 * a, -normal[:, 1]], -1)
    out = ring[:, :1] * tangent + ring[:, 1:2] * other + ring[:, 2:] * normal
    return out.astype(np.float32)
