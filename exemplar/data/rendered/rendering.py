"""One picture with everything that is known about it: the `rendered` domain's only entrance.

compose -> build meshes -> cast rays -> paint -> light -> hair -> background -> average to pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, shift

from exemplar.data.rendered import backgrounds, hair
from exemplar.data.rendered.casting import Hits, camera_rays
from exemplar.data.rendered.lighting import Lights, draw_lights, occlusion, shade, shadow
from exemplar.data.rendered.meshes import unit
from exemplar.data.rendered.outlines import outlines
from exemplar.data.rendered.painting import Paint, paint
from exemplar.data.rendered.posing import Posing, posed
from exemplar.data.rendered.scene import Composition, Stage, build, compose
from exemplar.data.rendered.settings import RenderedSettings

SCALE = 3  # samples along a pixel's side


@dataclass(frozen=True)
class Rendering:
    """A picture and its exact truth."""

    image: np.ndarray  # (H, W, 3) uint8
    normals: np.ndarray  # (H, W, 3) float32, unit, x right, y up, z to the viewer; (0, 0, 1) behind
    labels: np.ndarray  # (H, W) uint8, index into PARTS
    instances: np.ndarray  # (H, W) uint16, 0 background, 1.. animals
    surface: np.ndarray  # (H, W, 3) float32, place on the canonical head; NaN on background
    edges: np.ndarray  # (H, W) float32 in [0, 1]
    category: str  # the first animal's breed
    attributes: dict[str, Any]  # what was drawn


@dataclass(frozen=True)
class _Layers:
    """Sample-wise pictures, `(S, S, ...)` with S = SCALE * size."""

    covered: np.ndarray
    light: np.ndarray
    normals: np.ndarray
    labels: np.ndarray
    instances: np.ndarray
    surface: np.ndarray
    depth: np.ndarray
    fur: np.ndarray
    flow: np.ndarray
    line: np.ndarray
    border: np.ndarray


def _facing(normal: np.ndarray, view: np.ndarray) -> np.ndarray:
    """Normals interpolated over a coarse silhouette may look away; they are turned back."""
    lean = np.einsum("ij,ij->i", normal, view)
    return unit(normal + np.maximum(0.03 - lean, 0.0)[:, None] * view)


def _painted(stage: Stage, composition: Composition, hits: Hits) -> Paint:
    count = len(hits.pixel)
    gloss, fur, line = (np.zeros(count, np.float32) for _ in range(3))
    label, border = np.zeros(count, np.uint8), np.zeros(count, np.uint8)
    out = Paint(np.zeros((count, 3), np.float32), label, gloss, fur, line, border)
    for number, part in enumerate(stage.parts):
        here = np.flatnonzero(hits.part == number)
        if len(here) == 0:
            continue
        owner = int(stage.owner[number])
        looks = paint(
            composition.animals[owner], stage.frames[owner], part.kind,
            hits.values[here, 3:6], hits.values[here, 6:9],
        )  # fmt: skip
        for name in ("colour", "label", "gloss", "fur", "line", "border"):
            getattr(out, name)[here] = getattr(looks, name)
    return out


def _layers(stage: Stage, composition: Composition, lights: Lights, side: int) -> _Layers:
    """Casts, paints and lights, and lays the results out as pictures."""
    camera = composition.camera
    rays = camera_rays(side, camera.height, camera.distance)
    hits = stage.scene.look(np.array([0.0, 0.0, camera.distance]), rays, stage.attributes)
    normal = _facing(unit(hits.values[:, :3]), hits.view)
    looks = _painted(stage, composition, hits)
    lit = shadow(stage.scene, hits, normal, lights, side)
    openness = occlusion(stage.scene, hits, normal, side)
    light = shade(looks.colour, looks.gloss, looks.fur, normal, hits.view, lights, lit, openness)
    hairs = hits.values[:, 9:12] + 0.3 * normal
    flow = np.stack([hairs[:, 0], -hairs[:, 1]], -1)

    def lay(values: np.ndarray, empty: float | tuple[float, ...], kind: type) -> np.ndarray:
        picture = np.empty((side * side, *values.shape[1:]), kind)
        picture[:] = empty
        picture[hits.pixel] = values
        return picture.reshape(side, side, *values.shape[1:])

    return _Layers(
        covered=lay(np.ones(len(hits.pixel)), 0, bool),
        light=lay(light, 0.0, np.float32),
        normals=lay(normal, (0.0, 0.0, 1.0), np.float32),
        labels=lay(looks.label, 0, np.uint8),
        instances=lay(stage.owner[hits.part] + 1, 0, np.uint16),
        surface=lay(hits.values[:, 6:9], np.nan, np.float32),
        depth=lay(hits.depth, np.inf, np.float32),
        fur=lay(looks.fur, 0.0, np.float32),
        flow=lay(flow, 0.0, np.float32),
        line=lay(looks.line, 0.0, np.float32),
        border=lay(looks.border, 0, np.uint8),
    )


def _with_hair(
    layers: _Layers, behind: np.ndarray, density: float, rng: np.random.Generator
) -> np.ndarray:
    """Strands of light and dark, colours pulled along them, and a fringe over the background."""
    reach = int(np.clip(0.05 * density, 2, 6))
    flow, fur = hair.spread(layers.covered, layers.flow, layers.fur, reach)
    steps = int(np.clip(0.09 * density * 0.5 * (1 + fur.max()), 2, 9))
    strands = hair.strands(flow, fur, steps, rng)
    picture = np.where(layers.covered[..., None], layers.light, behind)
    amount = np.clip(strands * 0.5 + 0.5, 0, 1.4) * fur
    length = np.clip(0.075 * density * amount, 0, 1.6 * reach)
    bare = (fur < 0.05) & layers.covered
    pulled = hair.pull(picture, flow, length, bare)
    tone = np.exp(np.clip(strands, -2.5, 2.5) * 0.13 * np.clip(0.35 + fur, 0, 1.1))
    onto = layers.covered & (fur > 0.05)
    return np.where(onto[..., None], pulled * tone[..., None], pulled)


def _with_whiskers(
    picture: np.ndarray, layers: _Layers, stage: Stage, composition: Composition,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    side, camera = len(picture), composition.camera
    for animal, pose, frame in zip(
        composition.animals, composition.poses, stage.frames, strict=True
    ):
        if animal["whiskers"] < 0.15:
            continue
        lines = hair.whisker_lines(frame.nose, animal["muzzle_wide"], 0.9, rng)
        points = pose.carry(lines.reshape(-1, 3), True).reshape(lines.shape)
        away = camera.distance - points[..., 2]
        scale = camera.distance / camera.height * side
        columns = points[..., 0] / away * scale + side / 2
        rows = -points[..., 1] / away * scale + side / 2
        depth = np.linalg.norm(points - [0, 0, camera.distance], axis=-1)
        dark = animal.choices["palette"] in ("white", "cream") and rng.random() < 0.4
        colour = np.full(3, 0.05 if dark else 0.8, np.float32)
        picture = hair.draw_lines(
            picture, np.stack([columns, rows], -1), depth, layers.depth, colour,
            0.75 * animal["whiskers"],
        )  # fmt: skip
    return picture


def _behind(
    settings: RenderedSettings, covered: np.ndarray, lights: Lights, rng: np.random.Generator
) -> tuple[np.ndarray, str]:
    """The background with the animals' shadow on it where it is a wall near by."""
    side = len(covered)
    names = sorted(backgrounds.TEXTURED)
    textured = rng.random() < settings.textured_background
    name = str(rng.choice(names)) if textured else "plain"
    picture = backgrounds.background(name, side, rng) * rng.uniform(0.45, 1.05)
    picture = picture * (0.5 * lights.key_colour / lights.key_colour.mean() + 0.5)
    strength = rng.uniform(0.0, 0.55) if name not in ("bokeh", "foliage", "window") else 0.0
    offset = 0.12 * side * rng.uniform(0.4, 1.4)
    moved = shift(covered.astype(np.float32), (0.6 * offset * lights.key[1],
                  -offset * lights.key[0]), order=1)  # fmt: skip
    soft = gaussian_filter(moved, side * rng.uniform(0.02, 0.07))
    return (picture * (1 - strength * soft)[..., None]).astype(np.float32), name


def _developed(light: np.ndarray, exposure: float) -> np.ndarray:
    """Linear light to display values in [0, 1], highlights rolled off."""
    x = np.maximum(light, 0.0) * exposure
    x = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)
    return np.clip(x, 0.0, 1.0) ** np.float32(1 / 2.2)


def _pixels(picture: np.ndarray) -> np.ndarray:
    """Means over blocks of samples."""
    side = len(picture) // SCALE
    return picture.reshape(side, SCALE, side, SCALE, -1).mean((1, 3))


def _truth(layers: _Layers) -> dict[str, np.ndarray]:
    """Per pixel: part, animal and surface of the middle sample, and that animal's mean normal."""
    middle = slice(SCALE // 2, None, SCALE)
    instances = layers.instances[middle, middle]
    same = layers.instances == np.repeat(np.repeat(instances, SCALE, 0), SCALE, 1)
    normals = unit(_pixels(layers.normals * same[..., None])).astype(np.float32)
    normals[instances == 0] = (0.0, 0.0, 1.0)
    return {
        "normals": normals,
        "labels": layers.labels[middle, middle].copy(),
        "instances": instances.copy(),
        "surface": layers.surface[middle, middle].copy(),
        "edges": outlines(
            layers.border, layers.instances, layers.depth, layers.normals, layers.line, SCALE
        ),
    }


def render(
    index: int,
    settings: RenderedSettings,
    size: int = 96,
    seed: int = 0,
    posing: Posing | None = None,
) -> Rendering:
    """Renders one picture.

    Args:
        index: which picture; each index is a different one.
        settings: probabilities and breeds.
        size: side of the picture in pixels, at least 16.
        seed: of the whole domain.
        posing: how the first animal is moved in the picture, all else being equal; as it was drawn
            if none.

    Returns:
        The picture with its truth; the same for the same arguments, to the bit.

    Raises:
        ValueError: the index or the seed is negative, or the size too small.
    """
    if index < 0 or seed < 0 or size < 16:
        raise ValueError(
            "render needs index >= 0, seed >= 0 and size >= 16, "
            f"got index {index}, seed {seed}, size {size}"
        )
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence([seed, index]).spawn(5)]
    composition = compose(streams[0], settings)
    if posing is not None:
        composition = posed(composition, posing)
    lights = draw_lights(streams[1])
    side = SCALE * size
    stage = build(composition)
    layers = _layers(stage, composition, lights, side)
    behind, background = _behind(settings, layers.covered, lights, streams[2])
    density = side / composition.camera.height
    picture = _with_hair(layers, behind, density, streams[3])
    picture = _with_whiskers(picture, layers, stage, composition, streams[4])
    exposure = float(streams[1].uniform(0.62, 0.95))
    image = np.rint(255 * _pixels(_developed(picture, exposure))).astype(np.uint8)
    animals = composition.animals
    attributes = {
        "breeds": [a.breed for a in animals],
        "choices": [dict(a.choices) for a in animals],
        "open_mouth": [a["open"] > 0 for a in animals],
        "close_up": composition.close,
        "background": background,
        "light": lights.name,
    }
    return Rendering(
        image=image, category=animals[0].breed, attributes=attributes, **_truth(layers)
    )
