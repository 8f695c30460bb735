"""Light: a soft key with shadows, an unshadowed fill, a rim light, and a sky dimmed by occlusion.

No lamp is ever in view: lights are directions, not things.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter

from exemplar.data.rendered.casting import Hits, Scene, cosine_rays
from exemplar.data.rendered.meshes import unit

WARMTHS = {
    "daylight": (1.0, 0.98, 0.94),
    "lamp": (1.0, 0.86, 0.68),
    "window": (0.94, 0.98, 1.05),
    "evening": (1.05, 0.8, 0.58),
    "studio": (1.0, 1.0, 1.0),
}


@dataclass(frozen=True)
class Lights:
    """The lights of one picture; directions point towards the light."""

    name: str
    key: np.ndarray  # (3,)
    key_colour: np.ndarray  # (3,)
    spread: float  # radius of the key as seen from the animal: softness of shadows
    fill: np.ndarray
    fill_colour: np.ndarray
    rim: np.ndarray
    rim_colour: np.ndarray
    sky: np.ndarray  # (3,) colour from above
    ground: np.ndarray  # (3,) colour from below
    wrap: float  # how far light creeps around hair


def draw_lights(rng: np.random.Generator) -> Lights:
    """Draws the lights of a picture."""
    name = str(rng.choice(list(WARMTHS)))
    warm = np.array(WARMTHS[name])
    cool = 2.0 - warm
    side = rng.choice([-1.0, 1.0])
    angle, height = side * rng.uniform(0.15, 1.15), rng.uniform(0.25, 1.0)
    key = np.array([np.sin(angle) * np.cos(height), np.sin(height), np.cos(angle) * np.cos(height)])
    contrast = rng.uniform(0.35, 1.0)
    fill = unit(np.array([-side * 0.9, 0.15, 0.6]))
    rim = unit(np.array([-side * rng.uniform(0.5, 1.0), 0.5, -0.7]))
    ambient = 0.78 - 0.38 * contrast
    tint = 0.5 * (cool + 1.0)
    bounce = np.array([0.5, 0.42, 0.34]) * rng.uniform(0.5, 1.2)
    return Lights(
        name,
        key,
        warm * (0.75 + 0.75 * contrast),
        float(rng.uniform(0.08, 0.35)),
        fill,
        tint * 0.3 * (1.1 - contrast),
        rim,
        warm * rng.uniform(0.0, 0.9),
        tint * ambient,
        bounce * ambient * 1.3,
        float(rng.uniform(0.25, 0.45)),
    )


def _tangents(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first = unit(np.cross(normal, [0.31, 0.87, 0.12]))
    return first, np.cross(normal, first)


def shadow(scene: Scene, hits: Hits, normal: np.ndarray, lights: Lights, side: int) -> np.ndarray:
    """How much of the key light reaches each hit.

    Neighbouring rays look at different spots of the light, in a fixed pattern, and a small blur
    gathers them: soft shadows without noise.

    Args:
        scene: what may be in the way.
        hits: the points seen.
        normal: `(M, 3)` shading normals.
        lights: the lights.
        side: rays along a side of the picture.

    Returns:
        `(M,)` float32 in [0, 1].
    """
    first, second = _pattern(hits.pixel, side, 4)
    radius, angle = lights.spread * np.sqrt(first), 2 * np.pi * second
    a, b = _tangents(lights.key)
    rays = (
        lights.key + (radius * np.cos(angle))[:, None] * a + (radius * np.sin(angle))[:, None] * b
    )
    rays = unit(rays)
    start = hits.point + 0.02 * normal + 0.01 * rays
    open_sky = 1.0 - scene.blocked(start, rays, 20.0)
    return _gather(open_sky, hits, side, 5)


def occlusion(scene: Scene, hits: Hits, normal: np.ndarray, side: int) -> np.ndarray:
    """How open each hit is to its surroundings, from short cosine-distributed rays.

    Args:
        scene: what may be in the way.
        hits: the points seen.
        normal: `(M, 3)` shading normals.
        side: rays along a side of the picture.

    Returns:
        `(M,)` float32 in [0, 1].
    """
    total = np.zeros(len(hits.pixel), np.float32)
    for turn in range(2):
        first, second = _pattern(hits.pixel + turn * 2 * side, side, 4)
        rays = cosine_rays(normal, first, (second + 0.5 * turn) % 1.0)
        start = hits.point + 0.02 * normal
        total += 1.0 - scene.blocked(start, rays, 0.9)
    return _gather(total / 2, hits, side, 5)


def _pattern(pixel: np.ndarray, side: int, period: int) -> tuple[np.ndarray, np.ndarray]:
    """Two stratified numbers in [0, 1) that repeat over blocks of rays."""
    count = period * period
    order = (pixel // side % period) * period + pixel % side % period
    first = (order * 7 % count + 0.5) / count
    second = (order * 0.6180339887 + 0.25) % 1.0
    return first, second


def _gather(values: np.ndarray, hits: Hits, side: int, width: int) -> np.ndarray:
    """Mean over the hits of a square around each, within the same animal part or one touching."""
    total = np.zeros(side * side, np.float32)
    weight = np.zeros(side * side, np.float32)
    total[hits.pixel], weight[hits.pixel] = values, 1.0
    total = uniform_filter(total.reshape(side, side), width, mode="constant")
    weight = uniform_filter(weight.reshape(side, side), width, mode="constant")
    return (total.ravel()[hits.pixel] / weight.ravel()[hits.pixel]).astype(np.float32)


def shade(
    colour: np.ndarray,
    gloss: np.ndarray,
    fur: np.ndarray,
    normal: np.ndarray,
    view: np.ndarray,
    lights: Lights,
    lit: np.ndarray,
    openness: np.ndarray,
) -> np.ndarray:
    """The light that leaves each hit towards the camera.

    Args:
        colour: `(M, 3)` linear reflectance.
        gloss: `(M,)` strength of the highlight.
        fur: `(M,)` length of hair.
        normal: `(M, 3)` unit.
        view: `(M, 3)` unit, towards the camera.
        lights: the lights.
        lit: `(M,)` share of the key that arrives.
        openness: `(M,)` share of the surroundings that is seen.

    Returns:
        `(M, 3)` float32 linear light.
    """
    wrap = lights.wrap * np.clip(0.4 + fur, 0, 1)
    towards = np.clip((normal @ lights.key + wrap) / (1 + wrap), 0, None) * lit
    fill = np.clip(normal @ lights.fill * 0.6 + 0.4, 0, None) * openness
    up = normal[:, 1:2] * 0.5 + 0.5
    ambient = lights.ground + (lights.sky - lights.ground) * up
    # Light that bounces inside a crease takes the surface's colour: pale hair darkens less.
    grey = colour.mean(1)
    shut = openness ** (1.6 - 0.8 * grey)
    light = towards[:, None] * lights.key_colour + fill[:, None] * lights.fill_colour
    out = colour * (light + ambient * shut[:, None])
    grazing = np.clip(1 - np.einsum("ij,ij->i", normal, view), 0, 1)
    edge = grazing**2.5 * np.clip(normal @ lights.rim + 0.35, 0, None) * openness
    out += (edge * (0.25 + 0.5 * fur))[:, None] * lights.rim_colour * (0.25 + 0.75 * colour)
    out += (0.05 * fur * grazing**3 * openness)[:, None] * lights.sky
    halfway = unit(view + lights.key)
    sharp = np.clip(np.einsum("ij,ij->i", normal, halfway), 0, 1)
    wet = gloss > 1  # eyes and metal: a small bright light instead of a broad sheen
    broad = np.where(wet, 0.35 * sharp**90, 0.5 * sharp**28)
    shine = gloss * (broad + wet * 1.1 * sharp**220) * (0.25 + 0.75 * lit)
    out += shine[:, None] * lights.key_colour * 0.8
    second = unit(view + lights.fill)
    soft_shine = gloss * np.clip(np.einsum("ij,ij->i", normal, second), 0, 1) ** 40 * 0.12
    out += soft_shine[:, None]
    return out.astype(np.float32)
