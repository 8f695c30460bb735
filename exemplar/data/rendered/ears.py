"""Ears: a thin sheet along a bent line, pointed, round, folded, floppy, long or lop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exemplar.data.rendered import canonical
from exemplar.data.rendered.anatomy import Anatomy
from exemplar.data.rendered.animals import Animal
from exemplar.data.rendered.fields import distances, gradients
from exemplar.data.rendered.meshes import Part, grid_faces, orient, unit

ROWS, COLUMNS = 22, 20


@dataclass(frozen=True)
class _Style:
    """How an ear goes: its first and last direction, where it bends, and its outline."""

    start: tuple[float, float, float]  # for the ear at x > 0
    end: tuple[float, float, float]
    bend: float  # share of the length at which it bends
    sharp: float  # how suddenly
    outline: tuple[float, float]  # exponents of s and 1 - s
    base: float  # width at the base, relative
    curl: float  # how far the edges come forward


_STYLES = {
    "pointed": _Style((0.25, 1.0, 0.0), (0.12, 1.0, -0.05), 0.5, 0.5, (0.12, 0.8), 0.9, 0.32),
    "round": _Style((0.5, 1.0, 0.0), (0.4, 1.0, 0.0), 0.5, 0.5, (0.4, 0.42), 0.45, 0.35),
    "folded": _Style((0.35, 1.0, 0.0), (0.3, -0.75, 0.75), 0.45, 0.18, (0.2, 0.55), 0.7, 0.05),
    "floppy": _Style((1.0, 0.25, 0.0), (0.1, -1.0, 0.12), 0.16, 0.16, (0.55, 0.4), 0.3, -0.12),
    "long": _Style((0.1, 1.0, -0.1), (0.2, 1.0, -0.25), 0.6, 0.5, (0.45, 0.45), 0.25, 0.4),
    "side": _Style((0.35, 1.0, -0.55), (0.3, 1.0, -0.2), 0.5, 0.5, (0.35, 0.4), 0.5, 0.3),
    "lop": _Style((0.9, 0.5, 0.0), (0.15, -1.0, 0.15), 0.2, 0.2, (0.5, 0.4), 0.25, -0.1),
}


def _outline(s: np.ndarray, style: _Style) -> np.ndarray:
    """Half-width along the ear, at most 1."""
    p, q = style.outline
    width = s**p * (1 - s) ** q
    width = width / width.max()
    return np.maximum(width, style.base * (1 - s) ** 2 * (s < 0.5))


def _line(style: _Style, side: int, animal: Animal, base: np.ndarray, length: float) -> np.ndarray:
    """The ear's middle line `(ROWS, 3)`."""
    s = np.linspace(0, 1, ROWS)
    weight = np.clip((s - style.bend) / (2 * style.sharp) + 0.5, 0, 1)
    weight = (weight * weight * (3 - 2 * weight))[:, None]
    lean = animal["perk"] + 0.05 * animal.asymmetry[3] * side
    start = np.array(style.start) * [side, 1, 1] + [side * lean, 0, 0]
    end = np.array(style.end) * [side, 1, 1] + [side * lean, 0, 0]
    heading = unit(unit(start) * (1 - weight) + unit(end) * weight + 1e-4)
    steps = heading * (length / (ROWS - 1))
    return base + np.concatenate([np.zeros((1, 3)), np.cumsum(steps[:-1], 0)])


def _drape(line: np.ndarray, head: np.ndarray, clearance: np.ndarray) -> np.ndarray:
    """Lifts the line out of the head where it would hang inside it."""
    for _ in range(3):
        depth = clearance - distances(line, head)
        push = gradients(line, head) * np.maximum(depth, 0)[:, None]
        push[:2] = 0
        line = line + push
    smooth = line.copy()
    smooth[1:-1] = 0.25 * line[:-2] + 0.5 * line[1:-1] + 0.25 * line[2:]
    return smooth


def _sheet(
    line: np.ndarray, across: np.ndarray, width: np.ndarray, thick: np.ndarray, curl: float
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices `(ROWS * COLUMNS, 3)` and ear coordinates (along, across, inner side)."""
    heading = unit(np.gradient(line, axis=0))
    across = unit(across - heading * (heading @ across)[:, None])
    inner = unit(np.cross(across, heading))
    around = np.linspace(0, 2 * np.pi, COLUMNS, endpoint=False)
    c, s = np.cos(around)[None], np.sin(around)[None]
    x = width[:, None] * c
    h = thick[:, None] * s + curl * width[:, None] * c * c
    points = line[:, None] + x[..., None] * across[:, None] + h[..., None] * inner[:, None]
    along = np.broadcast_to(np.linspace(0, 1, ROWS)[:, None], x.shape)
    local = np.stack([along, np.broadcast_to(c, x.shape), np.broadcast_to(s, x.shape)], -1)
    return points.reshape(-1, 3), local.reshape(-1, 3)


def ear(animal: Animal, frame: Anatomy, side: int) -> Part:
    """Builds one ear.

    Args:
        animal: the drawn animal.
        frame: its anatomy.
        side: 1 for the ear at x > 0, -1 for the other.

    Returns:
        The mesh; `local` is (along 0..1, across -1..1, side: positive on the inner side).
    """
    kind = animal.choices["ear"]
    style = _STYLES[kind]
    length = animal["ear_length"]
    base = frame.ears[(side + 1) // 2]
    inwards = unit(np.array([0.0, 0.0, 0.0]) - base)
    if kind == "side":
        base = base + np.array([0.0, -0.16, 0.0])
    base = base + 0.12 * inwards
    line = _line(style, side, animal, base, length + 0.12)
    s = np.linspace(0, 1, ROWS)
    width = animal["ear_width"] * np.maximum(_outline(s, style), 0.02)
    thick = 0.07 * np.maximum((1 - s) ** 0.5, 0.12) + 0.015
    hanging = kind in ("floppy", "lop")
    if hanging or kind == "folded":
        start = 0.3 if hanging else 0.6
        line = _drape(line, frame.head, np.where(s > start, thick + 0.03, -1.0))
    turn = animal["ear_turn"] * side
    across = np.array([np.cos(turn), -0.25 * side, -np.sin(turn)])
    if hanging:
        across = np.array([0.35 * side, 0.0, -1.0]) * side
    points, local = _sheet(line, unit(across), width, thick, style.curl)
    points[:COLUMNS] = points[:COLUMNS].mean(0)
    points[-COLUMNS:] = points[-COLUMNS:].mean(0)
    faces = orient(grid_faces(ROWS, COLUMNS), points)
    home = canonical.mirrored(canonical.EAR, side)
    place = np.stack(
        [
            home[0] + side * 0.2 * local[:, 0] + 0.28 * local[:, 1] * (1 - 0.7 * local[:, 0]),
            home[1] + 0.75 * local[:, 0],
            home[2] + 0.06 * local[:, 2],
        ],
        -1,
    )
    flow = np.repeat(unit(np.gradient(line, axis=0)), COLUMNS, 0)
    return Part("ear", side, points, faces, local, place, flow)
