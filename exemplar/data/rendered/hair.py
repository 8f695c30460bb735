"""Hair: fine strands brushed along the coat, a soft fringe at outlines, and whiskers.

White noise is smeared along the direction in which hair grows, as seen by the camera; the result
lightens and darkens strands, and pulls colours a little along them, so that borders interlock.
"""

from __future__ import annotations

import numba
import numpy as np
from scipy.ndimage import distance_transform_edt

from exemplar.data.rendered.meshes import unit


@numba.njit(cache=True)
def _smear(noise: np.ndarray, dx: np.ndarray, dy: np.ndarray, steps: int) -> np.ndarray:
    height, width = noise.shape
    out = np.zeros_like(noise)
    for i in range(height):
        for j in range(width):
            if dx[i, j] == 0.0 and dy[i, j] == 0.0:
                continue
            total, weight = noise[i, j], 1.0
            for sign in (-1.0, 1.0):
                x, y = j + 0.5, i + 0.5
                for step in range(steps):
                    a, b = int(y), int(x)
                    length = np.sqrt(dx[a, b] ** 2 + dy[a, b] ** 2)
                    if length < 1e-6:
                        break
                    x += sign * dx[a, b] / length
                    y += sign * dy[a, b] / length
                    if x < 0 or y < 0 or x >= width or y >= height:
                        break
                    w = 1.0 - (step + 1.0) / (steps + 1.0)
                    total += w * noise[int(y), int(x)]
                    weight += w * w
            out[i, j] = total / np.sqrt(weight)
    return out


def strands(flow: np.ndarray, fur: np.ndarray, steps: int, rng: np.random.Generator) -> np.ndarray:
    """Noise drawn out along hair.

    Args:
        flow: `(H, W, 2)` direction of hair on the picture (right, down); zero where bare.
        fur: `(H, W)` length of hair; where 0, no strands.
        steps: half the length of a strand, in samples.
        rng: where the noise comes from.

    Returns:
        `(H, W)` float32, mean 0 and deviation about 1 on hair, 0 elsewhere.
    """
    white = rng.standard_normal(fur.shape).astype(np.float32)
    moving = np.where((fur > 0.02)[..., None], flow, 0).astype(np.float32)
    return _smear(white, moving[..., 0].copy(), moving[..., 1].copy(), steps)


def spread(
    covered: np.ndarray, flow: np.ndarray, fur: np.ndarray, reach: int
) -> tuple[np.ndarray, np.ndarray]:
    """Continues hair a little beyond the outline of what it grows on.

    Args:
        covered: `(H, W)` bool, where an animal is.
        flow: `(H, W, 2)`, as for `strands`.
        fur: `(H, W)`.
        reach: how far, in samples.

    Returns:
        `flow` and `fur`, continued from the nearest covered sample.
    """
    found = distance_transform_edt(~covered, return_indices=True)
    assert found is not None
    distance, (rows, columns) = found
    near = distance <= reach
    flow = np.where(near[..., None], flow[rows, columns], flow)
    return flow, np.where(near, fur[rows, columns], fur)


def pull(picture: np.ndarray, flow: np.ndarray, length: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Takes each sample's colour from nearer the root of its hair.

    Args:
        picture: `(H, W, C)`.
        flow: `(H, W, 2)`, as for `strands`.
        length: `(H, W)` how far back, in samples.
        keep: `(H, W)` bool, samples that stay as they are and lend no colour.

    Returns:
        `(H, W, C)`.
    """
    height, width = length.shape
    direction = flow / np.maximum(np.linalg.norm(flow, axis=-1, keepdims=True), 1e-6)
    rows, columns = np.mgrid[0:height, 0:width]
    source_row = np.clip(np.rint(rows - length * direction[..., 1]), 0, height - 1).astype(int)
    source_column = np.clip(np.rint(columns - length * direction[..., 0]), 0, width - 1).astype(int)
    stay = keep | keep[source_row, source_column]
    return np.where(stay[..., None], picture, picture[source_row, source_column])


def whisker_lines(
    nose: np.ndarray, wide: float, length: float, rng: np.random.Generator
) -> np.ndarray:
    """Curved lines that start on the sides of the muzzle.

    Args:
        nose: `(3,)` in the head's frame.
        wide: half-width of the muzzle.
        length: of a whisker.
        rng: where the randomness comes from.

    Returns:
        `(L, 40, 3)` points in the head's frame.
    """
    t = np.linspace(0, 1, 40)[:, None]
    lines = []
    for side in (-1, 1):
        for number in range(int(rng.integers(4, 7))):
            across = side * wide * rng.uniform(0.55, 0.85)
            root = nose + np.array([across, -0.14 - 0.05 * number, -0.1])
            angle = rng.uniform(-0.35, 0.4) - 0.08 * number
            way = unit(np.array([side * 1.0, np.sin(angle), rng.uniform(0.0, 0.45)]))
            line = root + t * way * length * rng.uniform(0.65, 1.1)
            lines.append(line - t * t * [0, rng.uniform(0.05, 0.25) * length, 0])
    return np.stack(lines)


def draw_lines(
    picture: np.ndarray,
    lines: np.ndarray,
    depth: np.ndarray,
    scene_depth: np.ndarray,
    colour: np.ndarray,
    strength: float,
) -> np.ndarray:
    """Draws thin lines that hide behind what is nearer.

    Args:
        picture: `(H, W, 3)`.
        lines: `(L, T, 2)` positions (column, row) in samples.
        depth: `(L, T)` distance from the camera.
        scene_depth: `(H, W)` distance of what the rays met, infinite for background.
        colour: `(3,)` of the lines.
        strength: opacity at the root; lines fade towards their ends.

    Returns:
        `(H, W, 3)` with the lines.
    """
    height, width = scene_depth.shape
    cover = np.zeros((height, width), np.float32)
    fine = np.linspace(0, lines.shape[1] - 1, 8 * lines.shape[1])
    low = np.minimum(fine.astype(int), lines.shape[1] - 2)
    part = (fine - low)[None, :, None]
    where = lines[:, low] * (1 - part) + lines[:, low + 1] * part
    far = depth[:, low] * (1 - part[..., 0]) + depth[:, low + 1] * part[..., 0]
    fade = strength * (1 - 0.75 * fine / fine[-1])
    for dx in (0, 1):
        for dy in (0, 1):
            column = np.floor(where[..., 0] - 0.5).astype(int) + dx
            row = np.floor(where[..., 1] - 0.5).astype(int) + dy
            inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
            column, row = np.clip(column, 0, width - 1), np.clip(row, 0, height - 1)
            seen = inside & (far < scene_depth[row, column] + 0.06)
            near = 1 - np.abs(where[..., 0] - 0.5 - column)
            near = near * (1 - np.abs(where[..., 1] - 0.5 - row))
            value = np.clip(1.6 * near, 0, 1) * fade * seen
            np.maximum.at(cover, (row, column), value.astype(np.float32))
    return picture + (colour - picture) * cover[..., None]
