"""Painting: colour, part, gloss and hair at every point a ray met.

Eyes with lids, iris, pupil and rim; noses with nostrils; the line of the mouth; the inside of
ears; collars. Each painter gets the points of one part in that part's own frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exemplar.data.rendered import figures
from exemplar.data.rendered.anatomy import Anatomy
from exemplar.data.rendered.animals import Animal
from exemplar.data.rendered.coats import coat, linear, mix, soft
from exemplar.data.rendered.noise import noise

PARTS = (
    "background", "head", "ear", "inner ear", "muzzle", "nose", "mouth", "tongue",
    "eye", "iris", "pupil", "body", "collar", "tag", "hair",
)  # fmt: skip
LABEL = {name: number for number, name in enumerate(PARTS)}

IRIS = {
    "green": ("7f9a3f", "3d5a22"), "yellow": ("d9b13a", "8a6a1c"), "copper": ("c4702a", "6b3413"),
    "hazel": ("9a8a4a", "4f5a2a"), "blue": ("6fa3cf", "2f5f8f"), "ice": ("a9cfe6", "5588b0"),
    "brown": ("6b3f1f", "2b170c"), "dark": ("2b1a12", "140c08"), "amber": ("c08a3a", "6b431a"),
    "grey": ("9aa3a6", "50585c"), "olive": ("8f8f3a", "45481c"), "violet": ("8f86b8", "494272"),
}  # fmt: skip
NOSE = {
    "pink": "d48a86", "brick": "a5584a", "dark": "4a3230", "black": "1d1a1a", "liver": "6b4032",
    "slate": "4a5560",
}  # fmt: skip
COLLARS = ("b3262a", "23528f", "2f6b3a", "d9a326", "7a3f8f", "2a2a2c", "d06f9a", "7a4a2a")


@dataclass(frozen=True)
class Paint:
    """The looks of points."""

    colour: np.ndarray  # (M, 3) float32, linear
    label: np.ndarray  # (M,) uint8
    gloss: np.ndarray  # (M,) float32, strength of the highlight
    fur: np.ndarray  # (M,) float32, length of hair, 0 where bare
    line: np.ndarray  # (M,) float32 in [0, 1], thin drawn lines that count as outlines
    border: np.ndarray  # (M,) uint8, the label as far as outlines are concerned


def _plain(colour: np.ndarray, label: str, gloss: float, fur: float | np.ndarray) -> Paint:
    count = len(colour)
    labels = np.full(count, LABEL[label], np.uint8)
    return Paint(
        colour.astype(np.float32),
        labels,
        np.full(count, gloss, np.float32),
        np.broadcast_to(np.asarray(fur, np.float32), (count,)).copy(),
        np.zeros(count, np.float32),
        labels.copy(),
    )


def opening(animal: Animal, directions: np.ndarray) -> np.ndarray:
    """How far inside the opening of the lids points of an eyeball are.

    Args:
        animal: the drawn animal.
        directions: `(N, 3)` unit, in the eye's frame: outwards to the side, up, forwards.

    Returns:
        `(N,)` positive inside, in eye radii; 0 on the edge of a lid.
    """
    x, y, z = directions[:, 0], directions[:, 1], directions[:, 2]
    arch = np.clip(1 - (np.abs(x) / 0.93) ** 2.2, 0, 1)
    upper = animal["lid_up"] * arch**0.75 - y
    lower = y + animal["lid_low"] * arch**0.9
    return np.where(z > 0, np.minimum(upper, lower), -1.0)


def _eye(animal: Animal, local: np.ndarray, hair: np.ndarray) -> Paint:
    inside = opening(animal, local)
    x, y = local[:, 0], local[:, 1]
    radius = np.sqrt(x * x + y * y)
    light, deep = (linear(c) for c in IRIS[animal.choices["iris"]])
    reach = animal["iris_size"]
    angle = np.arctan2(y, x)
    streaks = noise(np.stack([np.cos(angle), np.sin(angle), 0.6 * radius], -1), 7.0, 2, animal.seed)
    ring = np.clip(radius / reach, 0, 1)
    iris = mix(light, deep, np.clip(0.2 + 0.55 * ring**3 + 0.35 * streaks, 0, 1))
    iris = iris * (1 + 0.5 * soft(-y / reach, 1.4) - 0.2 * soft(y / reach, 1.0))[:, None]
    iris = mix(iris, deep * 0.15, soft(radius - 0.9 * reach, 0.14))
    if animal.choices["pupil"] == "slit":
        wide = 0.14 + 0.4 * animal["pupil"] ** 2
        hole = 0.86 * reach - np.sqrt((x / wide) ** 2 * (0.86 * reach) ** 2 + y * y)
    else:
        hole = reach * (0.35 + 0.4 * animal["pupil"]) - radius
    white = linear("d8cfc4") + 0 * local
    colour = mix(white, iris, soft(reach - radius, 0.06))
    colour = mix(colour, linear("0b0a0a"), soft(hole, 0.05))
    rim = linear("1a1412") + 0 * local
    if animal.family == "figure":  # lashes above, skin below
        rim = mix(rim, 0.55 * hair, soft(-y - 0.05, 0.2))
    colour = mix(colour, rim, soft(0.05 - inside, 0.08))
    fringe = soft(-0.1 - inside, 0.08)
    colour = mix(colour, hair, fringe)
    label = np.full(len(x), LABEL["eye"], np.uint8)
    label[radius < reach] = LABEL["iris"]
    label[hole > 0] = LABEL["pupil"]
    label[inside < 0] = LABEL["head"]
    lit = soft(inside - 0.02, 0.05)
    return Paint(
        colour.astype(np.float32), label, (1.6 * lit).astype(np.float32),
        (0.5 * animal["fur"] * fringe).astype(np.float32), np.zeros(len(x), np.float32),
        label,
    )  # fmt: skip


def _nose(animal: Animal, local: np.ndarray) -> Paint:
    x, y, z = local.T
    skin = linear(NOSE[animal.choices["nose"]])
    nostril = np.sqrt(((np.abs(x) - 0.48) / 0.24) ** 2 + ((y + 0.12) / 0.26) ** 2)
    dark = soft(1 - nostril, 0.35) * (z > 0)
    grain = noise(local, 14.0, 1, animal.seed)
    colour = mix(skin * (1 + 0.12 * grain)[:, None], skin * 0.08, dark)
    groove = np.exp(-((x / 0.06) ** 2)) * soft(-0.1 - y, 0.2)
    paint = _plain(mix(colour, skin * 0.3, 0.6 * groove), "nose", 0.75, 0.0)
    np.multiply(paint.gloss, 1 - dark, out=paint.gloss)
    return paint


def _mouth_line(animal: Animal, frame: Anatomy, points: np.ndarray) -> np.ndarray:
    """Weight of the drawn line of the mouth on the head, `(M,)` in [0, 1]."""
    wide, long = animal["muzzle_wide"], animal["muzzle_long"]
    middle = frame.mouth
    pivot = frame.tip - 0.45 - 0.35 * long
    turn = np.arctan2(np.abs(points[:, 0]), np.maximum(points[:, 2] - pivot, 1e-3))
    end = 1.15 if long > 0.3 else 1.0
    s = np.clip(turn / end, 0, 1.3)
    sag = np.sin(np.pi * np.clip(s / 0.75, 0, 1)) * 0.22 * animal["muzzle_high"]
    y = middle[1] - sag + 0.3 * animal["smile"] * wide * s**2.5
    thick = 0.022 + 0.008 * animal["muzzle_wide"]
    curve = np.exp(-(((points[:, 1] - y) / thick) ** 2)) * soft(1.0 - s, 0.15)
    between = (points[:, 1] < frame.nose[1]) & (points[:, 1] > middle[1])
    groove = np.exp(-((points[:, 0] / (0.75 * thick)) ** 2)) * between
    front = points[:, 2] > pivot
    return (np.maximum(curve, groove) * front).astype(np.float32)


def _head(animal: Animal, frame: Anatomy, local: np.ndarray, place: np.ndarray, kind: str) -> Paint:
    colour = coat(animal, kind, place, np.zeros(len(place), np.float32))
    x, y, z = place.T
    around = np.sqrt((x / 0.42) ** 2 + ((y + 0.34) / 0.34) ** 2)
    snout = (around < 1) & (z > 0.72)
    line = np.zeros(len(place), np.float32)
    if kind == "head":
        line = _mouth_line(animal, frame, local)
        if animal["open"] > 0:
            line *= y > -0.3
        dots, pads = local[:, 1] - frame.mouth[1], np.abs(local[:, 0])
        freckle = np.sin(24 * dots + 1.0) * np.sin(26 * pads) * snout * (pads > 0.12)
        colour = mix(colour, colour * 0.45, 0.5 * soft(freckle - 0.7, 0.3))
    colour = mix(colour, linear("1c1210"), 0.88 * line)
    label = np.where(snout | (kind == "jaw"), LABEL["muzzle"], LABEL["head"]).astype(np.uint8)
    label[line > 0.6] = LABEL["mouth"]
    short = 1 - 0.6 * soft(z - 0.7, 0.5)
    fur = animal["fur"] * short * (1 - line)
    gloss = np.zeros(len(place), np.float32)
    # The muzzle passes into the head without a border.
    border = np.where(label == LABEL["muzzle"], LABEL["head"], label).astype(np.uint8)
    if kind == "jaw":
        border = label
    return Paint(colour, label, gloss, fur.astype(np.float32), line, border)


def _ear(animal: Animal, local: np.ndarray, place: np.ndarray) -> Paint:
    along, across, side = local.T
    hair = coat(animal, "ear", place, along.astype(np.float32))
    hangs = animal.choices["ear"] in ("floppy", "lop", "folded")
    reach = 0.78 - 0.25 * along**3
    hollow = soft(side, 0.3) * soft(reach - np.abs(across), 0.25) * soft(0.92 - along, 0.15)
    skin = mix(linear("d9a596"), hair, np.full(len(hair), 0.35, np.float32))
    tuft = noise(np.stack([5 * across, along, side], -1), 2.2, 2, animal.seed)
    skin = mix(skin, hair, np.clip(soft(0.3 - along, 0.4) + 0.3 * tuft, 0, 1))
    colour = mix(hair, skin * (0.6 + 0.4 * along)[:, None], hollow * (0.5 if hangs else 0.95))
    paint = _plain(colour, "ear", 0.0, animal["fur"] * (0.65 - 0.3 * hollow))
    paint.label[hollow > 0.5] = paint.border[hollow > 0.5] = LABEL["inner ear"]
    return paint


def _figure(animal: Animal, kind: str, local: np.ndarray, place: np.ndarray) -> Paint:
    """Skin, lips, brows, hair and shirt of a figure with a human face."""
    if kind == "hair":
        return _plain(figures.hair_colour(animal, local), "hair", 0.12, animal["fur"])
    if kind == "ear":
        return _plain(figures.skin(animal) * np.array([1.0, 0.9, 0.88]) + 0 * local, "ear", 0.1, 0)
    if kind == "body":
        colour, _ = figures.clothes(animal, local)
        return _plain(colour, "body", 0.05, 0.0)
    colour, lips, line = figures.face_colour(animal, local)
    paint = _plain(colour, "head", 0.14, 0.0)
    x, y, z = place.T
    tip = np.sqrt((x / 0.2) ** 2 + ((y + 0.12) / 0.16) ** 2)
    paint.label[(tip < 1) & (z > 1.0)] = LABEL["nose"]
    paint.label[lips > 0.5] = paint.border[lips > 0.5] = LABEL["mouth"]
    np.maximum(paint.line, line, out=paint.line)
    np.maximum(paint.gloss, 0.3 * lips, out=paint.gloss)
    return paint


def _collar(animal: Animal, kind: str, local: np.ndarray) -> Paint:
    tint = linear(COLLARS[animal.seed % len(COLLARS)])
    if kind == "tag":
        metal = linear("d8b45a" if animal.seed % 3 else "c9ccd1")
        slit = (np.abs(local[:, 1] + 0.3) < 0.08) & (animal.choices["collar"] == "bell")
        return _plain(mix(metal, metal * 0.1, slit.astype(np.float32)), "tag", 1.4, 0.0)
    weave = 1 + 0.08 * np.sin(60 * local[:, 0]) * np.sign(local[:, 2])
    stitch = (np.abs(np.abs(local[:, 2]) - 0.75) < 0.1) & (np.sin(70 * local[:, 0]) > 0)
    colour = tint * weave[:, None] * (1 + 0.5 * stitch)[:, None]
    return _plain(np.clip(colour, 0, 1), "collar", 0.25, 0.0)


def paint(animal: Animal, frame: Anatomy, kind: str, local: np.ndarray, place: np.ndarray) -> Paint:
    """Paints the points of one part.

    Args:
        animal: the drawn animal.
        frame: its anatomy.
        kind: the part's kind (`meshes.Part.kind`).
        local: `(M, 3)` positions in the part's frame.
        place: `(M, 3)` positions on the canonical head.

    Returns:
        The looks of each point.
    """
    if animal.family == "figure" and kind in ("head", "hair", "ear", "body"):
        return _figure(animal, kind, local, place)
    if kind in ("head", "jaw"):
        return _head(animal, frame, local, place, kind)
    if kind == "eye":
        length = np.maximum(np.linalg.norm(local, axis=1, keepdims=True), 1e-6)
        if animal.family == "figure":
            around = 0.9 * figures.skin(animal) + 0 * local
        else:
            around = coat(animal, "head", place, np.zeros(len(place), np.float32))
        return _eye(animal, local / length, around)
    if kind == "ear":
        return _ear(animal, local, place)
    if kind == "nose":
        return _nose(animal, local)
    if kind == "tongue":
        rough = 1 + 0.1 * noise(local, 12.0, 2, animal.seed)
        return _plain(linear("d0686c") * rough[:, None], "tongue", 0.45, 0.0)
    if kind == "mouth":
        return _plain(linear("34100f") + 0 * local, "mouth", 0.15, 0.0)
    if kind == "body":
        colour = coat(animal, "body", place, np.zeros(len(place), np.float32))
        return _plain(colour, "body", 0.0, 1.2 * animal["fur"])
    return _collar(animal, kind, local)
