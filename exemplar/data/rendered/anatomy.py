"""From an animal's proportions to its head and body: blobs, and where its features sit.

Everything is in the animal's own frame: x to its left (the viewer's right), y up, z forwards, the
skull's middle at the origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exemplar.data.rendered.animals import Animal
from exemplar.data.rendered.fields import blob, gradients, wrap
from exemplar.data.rendered.figures import face


@dataclass(frozen=True)
class Eye:
    """An eyeball: its middle, radius and axes (rows: outwards to the side, up, forwards)."""

    centre: np.ndarray
    radius: float
    axes: np.ndarray
    side: int


@dataclass(frozen=True)
class Anatomy:
    """The frame on which meshes and coats are laid."""

    head: np.ndarray  # (B, 17) blobs
    body: np.ndarray  # (B, 17) blobs
    jaw: np.ndarray  # (B, 17) blobs, empty when the mouth is closed
    eyes: tuple[Eye, Eye]
    nose: np.ndarray  # (3,) middle of the nose
    ears: np.ndarray  # (2, 3) where the ears grow
    mouth: np.ndarray  # (3,) middle of the mouth line, on the muzzle
    tip: float  # z of the muzzle's end
    axis: tuple[np.ndarray, np.ndarray]  # inner segment from which the head is wrapped
    landmarks: np.ndarray  # (L, 3), matched to `canonical.LANDMARKS`


def _front(blobs: np.ndarray, x: float, y: float) -> np.ndarray:
    """The frontmost point of a field at (x, y)."""
    return wrap(np.array([[x, y, 0.0]]), np.array([[0.0, 0.0, 1.0]]), blobs, 3.5)[0]


def _skull(a: Animal) -> list[np.ndarray]:
    x, y, z = a["skull_x"], a["skull_y"], a["skull_z"]
    cheek = a["cheek"]
    rows = [
        blob((0, 0.08, -0.08), (x, y, z)),
        blob((0, -0.3, 0.08), (0.72 * x, 0.52, 0.74 * z), 0.3),
    ]
    for side in (-1, 1):
        reach = side * x * (0.3 + 0.2 * cheek)
        rows.append(blob((reach, -0.3, 0.12), (0.42 * cheek, 0.4 * cheek, 0.5 * cheek), 0.3))
        rows.append(
            blob(
                (side * 0.36, a["eye_y"] + 1.25 * a["eye"], 0.84 * z - 0.2),
                (0.3, 0.12 + 0.05 * a["brow"], 0.22 * (0.6 + 0.5 * a["brow"])),
                0.18,
                pitch=-0.3,
            )
        )
    return rows


def _muzzle(a: Animal, y: float, tip: float) -> list[np.ndarray]:
    long, wide, high = a["muzzle_long"], a["muzzle_wide"], a["muzzle_high"]
    middle, half = (0.45 + tip) / 2, (tip - 0.45) / 2
    rows = [
        blob((0, y + 0.1 * high, middle), (0.72 * wide, 0.85 * high, half + 0.05), 0.22, pitch=0.1),
        blob((0, y + 0.22, 0.62), (0.26, 0.3, 0.3 + 0.25 * long), 0.2, pitch=0.25),
    ]
    for side in (-1, 1):
        rows.append(
            blob(
                (side * 0.44 * wide, y - 0.12 * high, tip - 0.24 - 0.12 * long),
                (0.6 * wide, 0.62 * high, 0.26 + 0.18 * long),
                0.07,
                yaw=side * 0.25,
            )
        )
    return rows


def _chin(a: Animal, y: float, tip: float, scale: float = 1.0) -> np.ndarray:
    wide, high, long = a["muzzle_wide"], a["muzzle_high"], a["muzzle_long"]
    return blob(
        (0, y - 0.8 * high, tip - 0.34 - 0.22 * long),
        (0.62 * wide * scale, 0.42 * high * a["chin"] * scale, 0.26 + 0.26 * long),
        0.09,
    )


def _eye(a: Animal, blobs: np.ndarray, side: int) -> Eye:
    radius = a["eye"]
    lean = 1.0 + 0.02 * a.asymmetry[0] * side
    surface = _front(blobs, side * a["eye_x"] * lean, a["eye_y"] + 0.01 * a.asymmetry[1] * side)
    outwards = gradients(surface[None], blobs)[0]
    forwards = outwards + np.array([0.0, 0.0, 1.1])
    forwards /= np.linalg.norm(forwards)
    across = np.cross([0.0, 1.0, 0.0], forwards)
    across /= np.linalg.norm(across)
    up = np.cross(forwards, across)
    roll = a["tilt"] * side
    axes = np.stack(
        [
            side * (np.cos(roll) * across + np.sin(roll) * up),
            np.cos(roll) * up - np.sin(roll) * across,
            forwards,
        ]
    )
    return Eye(surface - 0.62 * radius * forwards, radius, axes, side)


def _body(a: Animal) -> np.ndarray:
    neck = a["neck"]
    rows = [
        blob((0, -0.7, -0.32), (neck, 0.9, 0.9 * neck)),
        blob((0, -1.85, -0.32), (neck + 0.36, 0.95, neck + 0.22), 0.45),
        blob((0, -3.4, -0.5), (neck + 0.5, 1.7, neck + 0.45), 0.4),
    ]
    for side in (-1, 1):
        rows.append(blob((side * (neck + 0.16), -2.0, -0.3), (0.44, 0.85, 0.5), 0.3))
        rows.append(blob((side * 0.42, -3.6, 0.15), (0.33, 1.3, 0.36), 0.2))
    return np.stack(rows)


def _landmarks(
    a: Animal, head: np.ndarray, eyes: tuple[Eye, Eye], nose: np.ndarray, mouth: np.ndarray,
    ears: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Points every head has, in the order of `canonical.LANDMARKS`."""
    rays = np.array([[0, 1, 0], [0, 0, -1], [1, -0.3, 0.1], [-1, -0.3, 0.1], [0, -1, 0.15]], float)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    outer = wrap(np.zeros(3), rays, head, 3.0)
    corners = [
        eye.centre + eye.radius * (side * eye.axes[0] * 0.9 + 0.4 * eye.axes[2])
        for eye in eyes
        for side in (-1, 1)
    ]
    brow = _front(head, 0.0, a["eye_y"] + 2.0 * a["eye"])
    stop = _front(head, 0.0, a["eye_y"])
    chin = mouth + np.array([0.0, -0.9 * a["muzzle_high"], -0.15])
    sides = [_front(head, side * 0.75 * a["muzzle_wide"], mouth[1]) for side in (-1, 1)]
    centres = [eye.centre + eye.radius * eye.axes[2] for eye in eyes]
    return np.stack([nose, mouth, chin, *sides, *centres, *corners, brow, stop, *ears, *outer])


def anatomy(a: Animal) -> Anatomy:
    """Lays out an animal's head and body.

    Args:
        a: the drawn animal.

    Returns:
        Blobs and the places of its features.
    """
    y = -0.2 - a["drop"]
    tip = 0.86 * a["skull_z"] + 0.1 + a["muzzle_long"]
    person = a.family == "figure"
    bones = face(a) if person else _skull(a)
    muzzle = [] if person else _muzzle(a, y, tip)
    bare = np.stack(bones + muzzle)
    eyes = (_eye(a, bare, -1), _eye(a, bare, 1))
    sockets = [
        blob(
            eye.centre + 0.55 * eye.radius * eye.axes[2], (0.88 * eye.radius,) * 3, 0.15, carve=True
        )
        for eye in eyes
    ]
    rows = [*bones, *sockets, *muzzle]
    if a["open"] == 0.0 and not person:
        rows.append(_chin(a, y, tip))
    head = np.stack(rows)
    nose = _front(head, 0.0, -0.17 if person else y + 0.36 * a["muzzle_high"])
    mouth = _front(head, 0.0, -0.515 if person else y - 0.42 * a["muzzle_high"])
    angles = [side * (a["ear_angle"] + 0.03 * a.asymmetry[2] * side) for side in (-1, 1)]
    rays = np.stack([[np.sin(angle), np.cos(angle), -0.12] for angle in angles])
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    ears = wrap(np.array([0.0, 0.1, -0.08]), rays, head, 3.0)
    jaw = np.zeros((0, 17))
    if a["open"] > 0.0:
        jaw = np.stack([_chin(a, y, tip, 1.08), blob((0, y - 0.55, 0.3), (0.45, 0.3, 0.5), 0.2)])
    axis = (np.array([0.0, 0.05, -0.2]), np.array([0.0, y, max(tip - 0.45, 0.2)]))
    return Anatomy(
        head, _body(a), jaw, eyes, nose, ears, mouth, tip, axis,
        _landmarks(a, head, eyes, nose, mouth, ears),
    )  # fmt: skip
