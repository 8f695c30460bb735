"""The parts of one animal as meshes, in the frame of its head (or of its body)."""

from __future__ import annotations

import numpy as np

from exemplar.data.rendered import canonical
from exemplar.data.rendered.anatomy import Anatomy, Eye
from exemplar.data.rendered.animals import Animal
from exemplar.data.rendered.ears import ear
from exemplar.data.rendered.fields import wrap
from exemplar.data.rendered.figures import hair
from exemplar.data.rendered.meshes import Part, capsule, grid_faces, orient, sphere, unit

UPRIGHT = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])  # template pole +z to body +y


def _combed(points: np.ndarray, normal: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Directions laid flat onto a surface."""
    return unit(direction - normal * np.einsum("ij,ij->i", direction, normal)[:, None])


def _eased(points: np.ndarray, frame: Anatomy, rows: int, columns: int) -> np.ndarray:
    """Smooths a head around its eyes, where brows overhang and the template has few vertices."""
    near = np.zeros(len(points))
    for each in frame.eyes:
        distance = np.linalg.norm(points - each.centre, axis=1) / each.radius
        near = np.maximum(near, np.clip(2.6 - distance, 0, 1))
    grid, weight = points.reshape(rows, columns, 3), 0.7 * near.reshape(rows, columns, 1)
    for _ in range(8):
        around = np.roll(grid, 1, 1) + np.roll(grid, -1, 1)
        around[1:-1] += grid[:-2] + grid[2:]
        around[[0, -1]] *= 2
        grid = grid + weight * (around / 4 - grid)
    return grid.reshape(-1, 3)


def head(frame: Anatomy, warp: canonical.Warp) -> Part:
    """The skull with cheeks, brow and muzzle, hair combed away from the nose."""
    points = _eased(capsule(frame.head, frame.axis, 96, 72, np.eye(3), 3.0), frame, 96, 72)
    faces = orient(grid_faces(96, 72), points)
    away = unit(points - frame.nose) + np.array([0.0, -0.25, 0.0])
    normal = unit(points - np.array([0.0, 0.0, 0.1]))
    return Part("head", 0, points, faces, points, warp(points), _combed(points, normal, away))


def eye(frame: Eye, opening) -> Part:
    """An eyeball with its lids: the sphere is a little thicker where `opening` says lid."""
    template = sphere(30, 40)
    lid = np.clip(0.5 - 6.0 * opening(template), 0, 1)
    lid = lid * lid * (3 - 2 * lid)
    points = frame.centre + (frame.radius * (1 + 0.09 * lid))[:, None] * (template @ frame.axes)
    faces = orient(grid_faces(30, 40), points)
    home = canonical.mirrored(canonical.EYE, frame.side)
    place = home + 0.2 * (template * [frame.side, 1, 1])
    flow = np.broadcast_to(unit(np.array([0.6 * frame.side, 0.5, 0.0])), points.shape)
    return Part("eye", frame.side, points, faces, template, place, flow)


def nose(animal: Animal, frame: Anatomy) -> Part:
    """The nose: wide above, narrow below, a little sunk into the muzzle."""
    template = sphere(22, 28)
    x, y, z = template.T
    cat = animal.family in ("cat", "big cat", "rabbit", "mouse")
    taper = 1.0 + (0.55 if cat else 0.28) * y
    bottom = np.where(y < 0, 0.9, 0.75)
    points = np.stack(
        [
            animal["nose_wide"] * x * np.clip(taper, 0.3, None),
            animal["nose_high"] * (y * bottom + 0.25 * (1 - np.abs(x)) * np.minimum(y, 0)),
            0.62 * animal["nose_wide"] * z,
        ],
        -1,
    )  # fmt: skip
    pitch = -0.25
    c, s = np.cos(pitch), np.sin(pitch)
    points = points @ np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
    points = points + frame.nose + [0.0, 0.02, -0.1 * animal["nose_wide"]]
    faces = orient(grid_faces(22, 28), points)
    place = canonical.NOSE + np.array([0.2, 0.14, 0.14]) * (template - [0, 0, 1])
    return Part("nose", 0, points, faces, template, place, np.zeros_like(points))


def _jaw_turn(animal: Animal, frame: Anatomy) -> tuple[np.ndarray, np.ndarray]:
    """Rotation and hinge of an open jaw."""
    reach = 0.55 + 0.25 * animal["muzzle_long"]
    angle = animal["open"] * 0.42 / reach
    c, s = np.cos(angle), np.sin(angle)
    hinge = np.array([0.0, frame.mouth[1] - 0.05, 0.2])
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]]), hinge


def open_mouth(animal: Animal, frame: Anatomy, warp: canonical.Warp) -> list[Part]:
    """Jaw, the dark inside and, sometimes, a tongue."""
    turn, hinge = _jaw_turn(animal, frame)
    tip, wide, high = frame.tip, animal["muzzle_wide"], animal["muzzle_high"]
    rest = (np.array([0.0, frame.mouth[1] - 0.42 * high, 0.1]),
            np.array([0.0, frame.mouth[1] - 0.42 * high, max(tip - 0.55, 0.2)]))  # fmt: skip
    closed = capsule(frame.jaw, rest, 40, 36, np.eye(3), 2.0)
    points = (closed - hinge) @ turn.T + hinge
    faces = orient(grid_faces(40, 36), points)
    back = np.broadcast_to(np.array([0.0, -0.3, -1.0]), points.shape)
    flow = _combed(points, unit(points - points.mean(0)), back)
    parts = [Part("jaw", 0, points, faces, closed, warp(closed), flow)]

    template = sphere(20, 24)
    gape = animal["open"] * 0.42
    middle = np.array([0.0, frame.mouth[1] - 0.3 * high - 0.42 * gape, 0.4 * tip])
    radii = np.array([0.62 * wide, 0.32 * high + 0.42 * gape, 0.4 * tip])
    inside = middle + template * radii
    place = canonical.MOUTH + np.array([0.18, 0.08, 0.12]) * (template - [0, 0.6, 1])
    still = np.zeros_like(template)
    faces = orient(grid_faces(20, 24), inside)
    parts.append(Part("mouth", 0, inside, faces, template, place, still))
    if animal["tongue"] > 0.0:
        parts.append(_tongue(animal, frame, turn, hinge))
    return parts


def _tongue(animal: Animal, frame: Anatomy, turn: np.ndarray, hinge: np.ndarray) -> Part:
    """A tongue that lies on the jaw and may hang over its end."""
    s = np.linspace(0, 1, 20)
    end = frame.tip - 0.12
    out = animal["tongue"] * (0.1 + 0.22 * animal["muzzle_long"])
    z = 0.3 + (end + 0.4 * out - 0.3) * np.sin(s * np.pi / 2)
    y = frame.mouth[1] - 0.42 * animal["muzzle_high"] - 0.9 * out * s**6
    line = np.stack([0 * s, y + 0.06, z], -1)
    width = 0.5 * animal["muzzle_wide"] * np.sqrt(np.clip(1 - ((s - 0.5) / 0.5) ** 6, 0, 1))
    around = np.linspace(0, 2 * np.pi, 20, endpoint=False)[None]
    heading = unit(np.gradient(line, axis=0))
    inner = np.cross(heading, [1.0, 0.0, 0.0])
    x = width[:, None] * np.cos(around)
    groove = 0.03 * (np.cos(around) ** 2 - 0.5)
    h = 0.05 * (width / width.max())[:, None] * np.sin(around) + groove
    points = line[:, None] + x[..., None] * [1.0, 0, 0] - h[..., None] * inner[:, None]
    points = (points.reshape(-1, 3) - hinge) @ turn.T + hinge
    local = np.stack(np.broadcast_arrays(s[:, None], np.cos(around), np.sin(around)), -1)
    local = local.reshape(-1, 3)
    place = canonical.MOUTH + np.array([0.0, -0.1, -0.3]) + local * [0.0, 0.0, 0.0]
    place = place + np.stack([0.15 * local[:, 1], 0.02 * local[:, 2], 0.4 * local[:, 0]], -1)
    faces = orient(grid_faces(20, 20), points)
    return Part("tongue", 0, points, faces, local, place, np.zeros_like(points))


def body(animal: Animal, frame: Anatomy) -> Part:
    """Neck, chest and forelegs, hair hanging down."""
    axis = (np.array([0.0, -4.2, -0.4]), np.array([0.0, -0.9, -0.3]))
    points = capsule(frame.body, axis, 60, 48, UPRIGHT, 3.0)
    faces = orient(grid_faces(60, 48), points)
    wide = animal["neck"] + 0.3
    place = points * [0.95 / wide, 1.0, 0.95 / wide] + [0.0, -0.1, 0.0]
    down = np.broadcast_to(np.array([0.0, -1.0, 0.0]), points.shape)
    normal = unit(points - np.array([0.0, 0.0, -0.35]) - points * [0, 1, 0])
    return Part("body", 0, points, faces, points, place, _combed(points, normal, down))


def collar(animal: Animal, frame: Anatomy) -> list[Part]:
    """A band around the neck, and what hangs from it."""
    turns, tube = 48, 12
    around = np.linspace(0, 2 * np.pi, turns, endpoint=False)
    middle = np.array([0.0, -1.17, -0.3])
    rays = np.stack([np.sin(around), -0.28 * np.cos(around), np.cos(around)], -1)
    ring = wrap(middle, unit(rays), frame.body, 3.0)
    outwards = unit(ring - middle)
    section = np.linspace(0, 2 * np.pi, tube, endpoint=False)
    points = (
        ring[:, None]
        + 0.045 * np.cos(section)[None, :, None] * outwards[:, None]
        + 0.1 * np.sin(section)[None, :, None] * np.array([0.0, 1.0, 0.0])
    )
    points = np.concatenate([points, points[:1]]).reshape(-1, 3)
    faces = orient(grid_faces(turns + 1, tube), points)
    angle = np.concatenate([around, [2 * np.pi]])
    local = np.stack(np.broadcast_arrays(angle[:, None], np.cos(section), np.sin(section)), -1)
    local = local.reshape(-1, 3)
    place = canonical.COLLAR + (points - middle) * 0.8 / np.linalg.norm(ring - middle, axis=1).max()
    parts = [Part("collar", 0, points, faces, local, place, np.zeros_like(points))]
    style = animal.choices["collar"]
    if style in ("tag", "bell"):
        template = sphere(20, 24)
        radii = np.array([0.15, 0.15, 0.03]) if style == "tag" else np.full(3, 0.14)
        hang = ring[0] + np.array([0.0, -0.24, 0.06])
        medal = hang + template * radii
        home = canonical.COLLAR + np.array([0.0, -0.3, 0.85]) + 0.12 * template
        faces = orient(grid_faces(20, 24), medal)
        parts.append(Part("tag", 0, medal, faces, template, home, np.zeros_like(medal)))
    return parts


def parts(animal: Animal, frame: Anatomy, opening) -> tuple[list[Part], list[Part]]:
    """All meshes of an animal.

    Args:
        animal: the drawn animal.
        frame: its anatomy.
        opening: from unit directions in an eye's frame `(N, 3)` to how far inside the lids'
            opening they are (positive inside), `(N,)`.

    Returns:
        The parts that move with the head, and those that stay with the body.
    """
    warp = canonical.warp_of(frame.landmarks)
    moving = [head(frame, warp)]
    if animal.family == "figure":
        moving.append(hair(animal, warp))
    else:
        moving.append(nose(animal, frame))
    moving += [ear(animal, frame, side) for side in (-1, 1)]
    moving += [eye(each, opening) for each in frame.eyes]
    if animal["open"] > 0.0:
        moving += open_mouth(animal, frame, warp)
    still = [body(animal, frame)]
    if animal.choices["collar"] != "none":
        still += collar(animal, frame)
    return moving, still
