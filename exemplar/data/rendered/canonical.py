"""The canonical head: a frame that all animals share, in which noses meet noses and ears ears.

A smooth warp (a thin-plate spline in three dimensions) carries an animal's landmarks onto those of
one average head; eyes, ears, nose and collar have fixed places of their own there. The stored
`surface` of a rendering is in this frame, and coats are painted in it.
"""

from __future__ import annotations

import numpy as np

EYE = np.array([0.42, 0.15, 0.78])  # the one with x > 0; the other is mirrored
NOSE = np.array([0.0, -0.1, 1.4])
MOUTH = np.array([0.0, -0.34, 1.3])
EAR = np.array([0.58, 0.86, -0.15])
COLLAR = np.array([0.0, -1.1, -0.25])

_mirror = np.array([-1.0, 1.0, 1.0])
_corner = np.array([0.2, 0.0, -0.1])

# Nose, mouth, chin, muzzle sides, eyes, eye corners, brow, stop, ears, crown, back, cheeks, throat.
LANDMARKS = np.stack(
    [
        NOSE,
        MOUTH,
        np.array([0.0, -0.62, 1.1]),
        np.array([-0.3, -0.34, 1.05]),
        np.array([0.3, -0.34, 1.05]),
        EYE * _mirror,
        EYE,
        (EYE + _corner) * _mirror,
        (EYE - [0.2, 0.0, -0.05]) * _mirror,
        EYE - [0.2, 0.0, -0.05],
        EYE + _corner,
        np.array([0.0, 0.6, 0.72]),
        np.array([0.0, 0.15, 0.88]),
        EAR * _mirror,
        EAR,
        np.array([0.0, 1.02, -0.05]),
        np.array([0.0, 0.05, -1.0]),
        np.array([0.98, -0.28, 0.1]),
        np.array([-0.98, -0.28, 0.1]),
        np.array([0.0, -0.82, 0.12]),
    ]
)


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a[:, None] - b[None], axis=-1)


class Warp:
    """The thin-plate spline that carries source points onto target points."""

    def __init__(self, source: np.ndarray, target: np.ndarray, smooth: float = 0.01) -> None:
        """Solves for the spline.

        Args:
            source: `(L, 3)` landmarks.
            target: `(L, 3)` where they go.
            smooth: how much a landmark may be missed for a smoother warp.
        """
        count = len(source)
        affine = np.concatenate([np.ones((count, 1)), source], 1)
        system = np.zeros((count + 4, count + 4))
        system[:count, :count] = _kernel(source, source) - smooth * np.eye(count)
        system[:count, count:] = affine
        system[count:, :count] = affine.T
        values = np.concatenate([target, np.zeros((4, 3))])
        self._source = source
        self._weights = np.linalg.solve(system, values)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Carries `(N, 3)` points over."""
        points = np.asarray(points, np.float64)
        affine = np.concatenate([np.ones((len(points), 1)), points], 1)
        basis = np.concatenate([_kernel(points, self._source), affine], 1)
        return basis @ self._weights


def warp_of(landmarks: np.ndarray) -> Warp:
    """The warp from an animal's frame to the canonical head.

    Args:
        landmarks: `(20, 3)`, in the order of `LANDMARKS`.

    Returns:
        A function of `(N, 3)` points.
    """
    return Warp(landmarks, LANDMARKS)


def mirrored(point: np.ndarray, side: int) -> np.ndarray:
    """A canonical point on the animal's left (side 1) or right (side -1)."""
    return point if side > 0 else point * _mirror
