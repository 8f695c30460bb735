"""The scene: which animals stand where, how they hold their heads, and what the camera sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exemplar.data.rendered.anatomy import Anatomy, anatomy
from exemplar.data.rendered.animals import Animal, draw
from exemplar.data.rendered.breeds import BREEDS
from exemplar.data.rendered.casting import Scene
from exemplar.data.rendered.meshes import Part, normals
from exemplar.data.rendered.painting import opening
from exemplar.data.rendered.parts import parts
from exemplar.data.rendered.settings import RenderedSettings

PIVOT = np.array([0.0, -0.6, -0.25])  # where the head turns on the neck


@dataclass(frozen=True)
class Pose:
    """How an animal stands in the world."""

    head: np.ndarray  # (3, 3) rotation about the pivot
    body: np.ndarray  # (3, 3) rotation about the pivot
    place: np.ndarray  # (3,) of the skull's middle at rest
    scale: float

    def carry(self, points: np.ndarray, moves: bool) -> np.ndarray:
        """Points of the animal's frame in the world; `moves`: with the head."""
        turn = self.head if moves else self.body
        return self.scale * ((points - PIVOT) @ turn.T + PIVOT) + self.place


@dataclass(frozen=True)
class Camera:
    """A camera on the z axis, looking along -z."""

    height: float  # what the picture shows of the plane z = 0
    distance: float


@dataclass(frozen=True)
class Composition:
    """Everything drawn about a picture but its light and background."""

    animals: tuple[Animal, ...]
    poses: tuple[Pose, ...]
    camera: Camera
    close: bool


@dataclass(frozen=True)
class Stage:
    """The composition as triangles."""

    scene: Scene
    attributes: np.ndarray  # (V, 12) float32: normal, local, canonical, flow
    parts: tuple[Part, ...]
    owner: np.ndarray  # (P,) int, the animal each part belongs to
    frames: tuple[Anatomy, ...]


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Turns about y (to the viewer's right), then x (down), then z, as a matrix."""
    c, s = np.cos(yaw), np.sin(yaw)
    about_y = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    c, s = np.cos(pitch), np.sin(pitch)
    about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    c, s = np.cos(roll), np.sin(roll)
    about_z = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def _pose(rng: np.random.Generator, place: np.ndarray, scale: float, towards: float) -> Pose:
    yaw = float(np.clip(rng.normal(towards, 0.42), -1.05, 1.05))
    pitch = float(np.clip(rng.normal(0.05, 0.14), -0.35, 0.4))
    roll = float(np.clip(rng.normal(0, 0.13), -0.4, 0.4))
    stance = rotation(0.5 * yaw + rng.normal(0, 0.25), 0.0, 0.0)
    return Pose(rotation(yaw, pitch, roll), stance, place, scale)


def compose(rng: np.random.Generator, settings: RenderedSettings) -> Composition:
    """Draws the animals of a picture, their poses and the camera.

    Args:
        rng: where the randomness comes from.
        settings: probabilities and breeds.

    Returns:
        The composition.
    """
    names = sorted(settings.breeds or BREEDS)
    count = 2 if rng.random() < settings.two_animals else 1
    close = count == 1 and rng.random() < settings.close_up
    animals = tuple(
        draw(rng, str(rng.choice(names)), open_mouth=settings.open_mouth, collar=settings.collar)
        for _ in range(count)
    )
    height = rng.uniform(1.9, 2.5) if close else rng.uniform(2.6, 4.2)
    if count == 2:
        height = rng.uniform(4.4, 5.4)
    poses = []
    for number, animal in enumerate(animals):
        tall = animal["ear_length"] * (animal.choices["ear"] in ("pointed", "long", "round"))
        x, y = rng.normal(0, 0.06 * height), rng.normal(0.02 * height, 0.05 * height)
        y -= 0.0 if close else 0.3 * max(tall - 0.4, 0.0)
        depth, scale, towards = 0.0, 1.0, 0.0
        if count == 2:
            side = -1.0 if number == 0 else 1.0
            x += side * rng.uniform(0.95, 1.2)
            depth, scale, towards = rng.uniform(-0.7, 0.7), rng.uniform(0.85, 1.05), -0.15 * side
        poses.append(_pose(rng, np.array([x, y, depth]), scale, towards))
    camera = Camera(float(height), float(rng.uniform(6.5, 12.0)))
    return Composition(animals, tuple(poses), camera, bool(close))


def build(composition: Composition) -> Stage:
    """Makes the meshes of a composition and hands them to Embree.

    Args:
        composition: what `compose` drew.

    Returns:
        The scene with what its vertices carry.
    """
    vertices, faces, owners, part_of, attributes = [], [], [], [], []
    everything: list[Part] = []
    frames = []
    offset = 0
    for number, (animal, pose) in enumerate(
        zip(composition.animals, composition.poses, strict=True)
    ):
        frame = anatomy(animal)
        frames.append(frame)
        moving, still = parts(animal, frame, lambda way, a=animal: opening(a, way))
        for moves, part in [(True, p) for p in moving] + [(False, p) for p in still]:
            world = pose.carry(part.vertices, moves)
            turn = pose.head if moves else pose.body
            columns = [normals(world, part.faces), part.local, part.canonical, part.flow @ turn.T]
            attributes.append(np.concatenate(columns, 1).astype(np.float32))
            vertices.append(world)
            faces.append(part.faces + offset)
            part_of.append(np.full(len(part.faces), len(everything), np.int32))
            owners.append(number)
            everything.append(part)
            offset += len(world)
    scene = Scene(np.concatenate(vertices), np.concatenate(faces), np.concatenate(part_of))
    return Stage(
        scene, np.concatenate(attributes), tuple(everything), np.array(owners), tuple(frames)
    )
