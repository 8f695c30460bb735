"""Figures: heads with a human face, so that what is learned here knows noses, lips and hair.

They share skeleton, eyes and canonical frame with the animals; the muzzle is replaced by a face,
and a cap of hair is a mesh of its own.
"""

from __future__ import annotations

import numpy as np

from exemplar.data.rendered import canonical
from exemplar.data.rendered.animals import Animal
from exemplar.data.rendered.coats import linear, mix, soft
from exemplar.data.rendered.fields import blob
from exemplar.data.rendered.meshes import Part, capsule, grid_faces, orient, unit
from exemplar.data.rendered.noise import noise

SKIN = ("f0c8ac", "e3b08e", "c98f68", "a06a45", "7a4c30", "5a3825", "f3d3bd", "d9a27c")
HAIR = ("1d1715", "2f211a", "4a3222", "6e4a2c", "a5773f", "cfae72", "8a4524", "9a948c", "d8d3ca")
SHIRT = ("3c5a86", "8f3f3f", "4f6b4a", "d9d4ca", "2e2e34", "b98a3f", "7b5a86", "5f8f95")


def face(a: Animal) -> list[np.ndarray]:
    """The blobs of a human face: skull, jaw, cheeks, nose, lips and chin."""
    x, y, z = a["skull_x"], a["skull_y"], a["skull_z"]
    wide, cheek = a["muzzle_wide"], a["cheek"]
    front = 0.87 * z
    rows = [
        blob((0, 0.16, -0.08), (x, y, z)),
        blob((0, -0.42, 0.1), (0.72 * x, 0.56, 0.66 * z), 0.3),
        blob((0, -0.8, front - 0.32), (0.2 * a["chin"], 0.16, 0.22), 0.2),
        blob((0, 0.0, front - 0.05), (0.09, 0.3, 0.14), 0.14, pitch=-0.35),
        blob((0, -0.17, front + 0.1), (0.6 * a["nose_wide"], 0.085, 0.12), 0.08),
        blob((0, -0.47, front - 0.1), (0.85 * wide, 0.07, 0.11), 0.06),
        blob((0, -0.56, front - 0.12), (0.7 * wide, 0.075, 0.11), 0.04),
    ]
    for side in (-1, 1):
        rows.append(blob((side * 0.42, -0.22, front - 0.42), (0.3 * cheek, 0.26, 0.3), 0.25))
        brow = (side * 0.3, a["eye_y"] + 1.35 * a["eye"], front - 0.2)
        rows.append(blob(brow, (0.22, 0.08, 0.11), 0.15))
        wing = (side * 0.55 * a["nose_wide"], -0.19, front)
        rows.append(blob(wing, (0.07, 0.06, 0.09), 0.05))
    return rows


def _style(a: Animal) -> str:
    return ("short", "short", "bob", "long", "long", "crop")[a.seed % 6]


def hair(a: Animal, warp: canonical.Warp) -> Part:
    """A cap of hair, short or down to the shoulders, open at the face.

    Args:
        a: the figure.
        warp: from its frame to the canonical head.

    Returns:
        The mesh, of kind `hair`.
    """
    x, y, z = a["skull_x"], a["skull_y"], a["skull_z"]
    style = _style(a)
    thick = {"crop": 1.02, "short": 1.07, "bob": 1.1, "long": 1.1}[style]
    rows = [blob((0, 0.22, -0.16), (x * thick, y * thick, z * thick))]
    if style in ("bob", "long"):
        length = 0.55 if style == "bob" else 1.0
        rows.append(blob((0, 0.1 - 0.6 * length, -0.5), (0.8 * x, length, 0.4), 0.2))
        for side in (-1, 1):
            place = (side * 0.86 * x, 0.1 - 0.7 * length, -0.12)
            rows.append(blob(place, (0.2, length, 0.34), 0.2))
    part = 0.35 * (a.seed % 7 - 3) / 3
    height = -0.12 + 0.14 * (a.seed % 5 - 2) / 2
    low = 0.0 if style in ("bob", "long") else 0.14
    rows.append(blob((part * 0.4, height, 1.0), (0.8 * x + low, 0.9, 0.9), 0.08, carve=True))
    if style in ("crop", "short"):  # free the ears and the nape
        rows.append(blob((0, -0.85, 0.5), (1.6, 0.75, 1.0), 0.1, carve=True))
        rows.append(blob((0, -1.35, -0.6), (1.6, 0.95, 1.2), 0.1, carve=True))
    axis = (np.array([0.0, 0.2, -0.2]), np.array([0.0, 0.1, 0.0]))
    points = capsule(np.stack(rows), axis, 72, 72, np.eye(3), 3.0)
    away = unit(points - [part, 0.2, -0.1])
    points = points + (0.03 * noise(points * [1, 0.35, 1], 6.0, 2, a.seed))[:, None] * away
    faces = orient(grid_faces(72, 72), points)
    comb = away * [1.0, 0.0, 1.0] * 0.6 + [0.0, -1.0, 0.0]
    comb = comb + np.clip(points[:, 1:2] - 0.75, 0, 1) * away * [3.0, 0, 3.0]
    flow = unit(comb - away * np.einsum("ij,ij->i", comb, away)[:, None])
    return Part("hair", 0, points, faces, points, warp(points), flow)


def skin(a: Animal) -> np.ndarray:
    """The figure's skin colour, `(3,)` linear."""
    return linear(SKIN[a.seed % len(SKIN)])


def hair_colour(a: Animal, points: np.ndarray) -> np.ndarray:
    """The colour of hair at `(M, 3)` points, in locks."""
    dark = a.seed % len(SKIN) in (3, 4, 5)
    choices = (*HAIR[:3], *HAIR[-2:]) if dark else HAIR
    tone = linear(choices[a.seed // 8 % len(choices)])
    locks = noise(points * [1, 0.3, 1], 5.0, 3, a.seed)
    return np.clip(tone * (1 + 0.45 * locks)[:, None], 0.004, 0.9).astype(np.float32)


def face_colour(a: Animal, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Skin with blush, lips and brows.

    Args:
        a: the figure.
        points: `(M, 3)` in the head's frame.

    Returns:
        Colour `(M, 3)`, weight of the lips `(M,)`, weight of the line between them `(M,)`.
    """
    x, y, z = points.T
    ax, tone = np.abs(x), skin(a)
    wide = a["muzzle_wide"]
    blush = np.exp(-(((ax - 0.45) / 0.2) ** 2) - ((y + 0.25) / 0.18) ** 2) * (z > 0.3)
    warm = np.clip(tone * np.array([1.0, 0.72, 0.68]), 0, 1)
    colour = mix(tone + 0 * points, warm, 0.55 * blush)
    colour = colour * (1 + 0.05 * noise(points, 3.0, 2, a.seed))[:, None]
    bend = 0.25 * a["smile"] * x * x / wide
    line = np.exp(-(((y + 0.515 - bend) / 0.016) ** 2)) * soft(0.9 * wide - ax, 0.06) * (z > 0.3)
    height = 0.1 * np.sqrt(np.clip(1 - (ax / (0.92 * wide)) ** 2, 0, 1))
    height = height * (1 - 0.18 * np.exp(-((x / 0.05) ** 2)) * (y > -0.5))
    lips = soft(height - np.abs(y + 0.515 - bend), 0.03) * soft(0.9 * wide - ax, 0.04) * (z > 0.3)
    rouge = np.array([0.95, 0.45, 0.45]) if a.seed % 3 else np.array([0.9, 0.22, 0.25])
    colour = mix(colour, tone * rouge, 0.75 * lips)
    arch = a["eye_y"] + 1.75 * a["eye"] - 0.9 * (ax - a["eye_x"]) ** 2 - 0.08 * (ax < a["eye_x"])
    thick = 0.03 * np.clip(1.3 - (ax - a["eye_x"] + 0.15) * 1.8, 0.4, 1.2)
    reach = soft(0.2 - np.abs(ax - a["eye_x"]), 0.06)
    brow = np.exp(-(((y - arch) / thick) ** 2)) * reach * (z > 0.2)
    colour = mix(colour, np.minimum(hair_colour(a, points), tone * 0.5), 0.85 * brow)
    nostril = np.exp(-(((ax - 0.3 * a["nose_wide"]) / 0.035) ** 2) - ((y + 0.245) / 0.022) ** 2)
    colour = mix(colour, tone * 0.18, 0.8 * nostril * (z > 0.6))
    colour = mix(colour, tone * 0.2, 0.8 * line)
    return colour.astype(np.float32), lips.astype(np.float32), line.astype(np.float32)


def clothes(a: Animal, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Neck and shirt at `(M, 3)` points of the body's frame: colour, and whether it is skin."""
    x, y, z = points.T
    neck = soft(y + 1.28 - 0.25 * x * x + 0.35 * np.clip(z, 0, 1), 0.03)
    cloth = linear(SHIRT[a.seed // 5 % len(SHIRT)])
    band = soft(np.sin(9 * y), 0.3) * (a.seed % 4 == 0)
    shirt = mix(cloth + 0 * points, linear("ddd6ca"), 0.8 * band)
    return mix(shirt, skin(a), neck).astype(np.float32), neck
