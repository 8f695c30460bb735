"""Backgrounds: studio, rooms, gardens, walls and clutter, mostly out of focus.

Each is a function of the position on the picture and a few drawn numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from exemplar.data.rendered.coats import linear, mix, soft
from exemplar.data.rendered.noise import noise, spots

WALLS = (
    "d8cfc0", "b9c4c9", "a8b39a", "c9b7a4", "8f9aa5", "e2dccf", "7d8a80", "b58f7a", "94879c",
    "c7cdb8", "5e6a74", "cfc0c4",
)  # fmt: skip
STUDIO = (
    "6e7b8a", "8a7a6a", "a39a8c", "4a5560", "758070", "9a6f62", "c8b8a2", "383c44", "7e6a80",
    "4f6b74", "b0a48e", "d9d4ca",
)  # fmt: skip
GREENS = ("4f6b32", "6d8a3e", "3c5530", "8a9a52", "56703f")
WOODS = ("8a5f3c", "a87c50", "6b4a30", "c49a6c", "7d6650")
CLOTHS = ("7a3b3b", "3f5575", "8c7b66", "c9bda6", "556b5a", "93715a", "4d4658", "a89a98")


class Board:
    """The picture plane: positions, and the draws of one background."""

    def __init__(self, side: int, rng: np.random.Generator) -> None:
        """Prepares positions in [-1, 1], y up."""
        steps = (np.arange(side) + 0.5) / side * 2 - 1
        x, y = np.meshgrid(steps, -steps)
        self.side, self.rng = side, rng
        self.x, self.y = x.ravel().astype(np.float32), y.ravel().astype(np.float32)
        self.p = np.stack([self.x, self.y], -1)
        self.seed = int(rng.integers(1 << 16))

    def pick(self, colours: tuple[str, ...]) -> np.ndarray:
        """One of some colours, slightly varied."""
        chosen = linear(str(self.rng.choice(colours)))
        return np.clip(
            chosen * self.rng.uniform(0.75, 1.25) * self.rng.uniform(0.93, 1.07, 3), 0, 1
        )

    def plain(self, colour: np.ndarray) -> np.ndarray:
        """A colour everywhere, `(N, 3)`."""
        return np.broadcast_to(colour, (len(self.x), 3)).astype(np.float32)

    def blur(self, picture: np.ndarray, sigma: float) -> np.ndarray:
        """Out of focus by `sigma`, in parts of the picture's side."""
        image = picture.reshape(self.side, self.side, 3)
        width = sigma * self.side
        return gaussian_filter(image, (width, width, 0), mode="nearest").reshape(-1, 3)


def plain(b: Board) -> np.ndarray:
    """A studio backdrop: a soft pool of light on one colour."""
    at = b.rng.uniform(-0.5, 0.5, 2)
    pool = np.exp(-(((b.x - at[0]) ** 2 + (b.y - at[1]) ** 2) / b.rng.uniform(0.6, 2.0)))
    tone = b.plain(b.pick(STUDIO)) * (0.55 + 0.7 * pool)[:, None]
    return tone * (1 + 0.06 * noise(b.p, 2.0, 3, b.seed))[:, None]


def _gradient(b: Board) -> np.ndarray:
    angle = b.rng.uniform(0, 2 * np.pi)
    across = soft(b.x * np.cos(angle) + b.y * np.sin(angle), 2.4)
    return mix(b.plain(b.pick(STUDIO)), b.plain(b.pick(WALLS)), across)


def _mottled(b: Board) -> np.ndarray:
    cloud = noise(b.p, b.rng.uniform(1.2, 2.5), 4, b.seed)
    return mix(b.plain(b.pick(STUDIO)), b.plain(b.pick(STUDIO)), soft(cloud, 1.1))


def _discs(b: Board, picture: np.ndarray, count: int, bright: float) -> np.ndarray:
    for _ in range(count):
        at, radius = b.rng.uniform(-1.1, 1.1, 2), b.rng.uniform(0.06, 0.22)
        distance = np.sqrt((b.x - at[0]) ** 2 + (b.y - at[1]) ** 2)
        disc = soft(radius - distance, 0.04) * (0.75 + 0.25 * soft(distance - 0.75 * radius, 0.05))
        tint = picture.mean(0) * 0.5 + 0.5 * b.rng.uniform(0.5, 1.0, 3) * np.array([1, 0.95, 0.8])
        picture = mix(picture, tint * bright, disc * b.rng.uniform(0.15, 0.5))
    return picture


def _bokeh(b: Board) -> np.ndarray:
    colours = GREENS if b.rng.random() < 0.6 else STUDIO
    cloud = noise(b.p, 1.6, 2, b.seed)
    picture = mix(b.plain(b.pick(colours)), b.plain(b.pick(colours)) * 0.5, soft(cloud, 0.9))
    return b.blur(_discs(b, picture, int(b.rng.integers(8, 22)), b.rng.uniform(0.8, 1.4)), 0.008)


def _foliage(b: Board) -> np.ndarray:
    cloud = noise(b.p, 2.2, 3, b.seed)
    distance, name = spots(b.p, b.rng.uniform(4, 8), b.seed)
    leaf = soft(0.6 - distance, 0.5) * (0.6 + 0.5 * name)
    picture = mix(
        b.plain(b.pick(GREENS) * 0.4), b.plain(b.pick(GREENS)), soft(cloud + leaf - 0.3, 1.0)
    )
    picture = picture + (np.clip(name - 0.7, 0, 1) * leaf)[:, None] * np.array([0.9, 0.9, 0.5])
    return b.blur(picture, b.rng.uniform(0.008, 0.04))


def _meadow(b: Board) -> np.ndarray:
    horizon = b.rng.uniform(-0.2, 0.6)
    down = np.clip(horizon - b.y, 0.02, 3)
    streak = noise(np.stack([b.x / (0.15 + down), 0.35 / (down + 0.1)], -1), 9.0, 3, b.seed)
    blades = noise(np.stack([b.x * 26, b.y * 5], -1), 1.0, 2, b.seed + 5)
    ground = b.plain(b.pick(GREENS)) * (1 + 0.3 * streak + 0.35 * blades)[:, None]
    far = mix(b.plain(b.pick(GREENS) * 0.5), b.plain(linear("a9c0d4")), soft(b.y - horizon - 0.25
              + 0.25 * noise(b.p, 3.0, 3, b.seed + 9), 0.2))  # fmt: skip
    far = b.blur(far, 0.03)
    picture = mix(far, ground, soft(horizon - b.y, 0.05))
    return b.blur(picture, b.rng.uniform(0.003, 0.012))


def _boards(b: Board, across: np.ndarray, along: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Wooden boards: each its own shade, with grain along it."""
    number = np.floor(across)
    edge = np.abs(across - number - 0.5)
    own = noise(np.stack([number * 7.7, 0 * number, 0 * number], -1), 1.0, 1, b.seed)
    grain = noise(np.stack([across * 9, along * 0.7, number * 3], -1), 1.0, 3, b.seed + 2)
    tone = (1 + 0.22 * own + 0.28 * grain) * (1 - 0.6 * soft(edge - 0.46, 0.04))
    return b.plain(colour) * tone[:, None]


def _wood(b: Board) -> np.ndarray:
    count = b.rng.uniform(2, 5)
    upright = b.rng.random() < 0.5
    across, along = (b.x, b.y) if upright else (b.y, b.x)
    picture = _boards(b, across * count + 10, along * 2, b.pick(WOODS))
    return b.blur(picture, b.rng.uniform(0.0, 0.012))


def _brick(b: Board) -> np.ndarray:
    scale = b.rng.uniform(4, 7)
    row = np.floor(b.y * scale)
    column = b.x * scale * 0.45 + 0.5 * (row % 2)
    number = np.floor(column)
    gap = np.minimum(
        0.5 - np.abs(column - number - 0.5), 0.45 * (0.5 - np.abs(b.y * scale - row - 0.5))
    )
    own = noise(np.stack([number * 5.3, row * 3.1], -1), 1.0, 1, b.seed)
    rough = noise(b.p, 16.0, 3, b.seed + 1)
    clay = b.pick(("8f4f3c", "a5654a", "7a5a4c", "b9b0a4", "6f6a68"))
    brick = b.plain(clay) * (1 + 0.35 * own + 0.2 * rough)[:, None]
    picture = mix(
        b.plain(linear("a39a8e")) * (1 + 0.15 * rough)[:, None], brick, soft(gap - 0.035, 0.03)
    )
    return b.blur(picture, b.rng.uniform(0.0, 0.015))


def _room(b: Board) -> np.ndarray:
    """A wall, perhaps papered, a skirting board, and a floor of boards or carpet."""
    level = b.rng.uniform(-0.7, 0.0)
    wall = b.plain(b.pick(WALLS))
    if b.rng.random() < 0.4:
        wave = np.cos(b.x * b.rng.uniform(10, 24) + b.rng.uniform(0, 6))
        wall = mix(wall, wall * b.rng.uniform(0.7, 0.9), soft(wave, 0.5))
    wall = wall * (1 + 0.1 * b.y + 0.15 * b.x * b.rng.uniform(-1, 1))[:, None]
    down = np.clip(level - b.y, 0.01, 3) + 0.35
    if b.rng.random() < 0.5:
        floor = _boards(b, b.x / down * 2.2 + 20, 1.5 / down, b.pick(WOODS))
    else:
        pile = noise(np.stack([b.x / down, 1.2 / down], -1), 22.0, 2, b.seed)
        floor = b.plain(b.pick(CLOTHS)) * (1 + 0.22 * pile)[:, None]
    picture = mix(wall, floor, soft(level - b.y, 0.015))
    skirting = soft(0.035 - np.abs(b.y - level - 0.035), 0.015)
    picture = mix(picture, b.plain(linear("ddd6ca")), skirting * (b.rng.random() < 0.7))
    return b.blur(picture, b.rng.uniform(0.002, 0.015))


def _folds(b: Board) -> np.ndarray:
    """A sofa or a blanket: cloth with soft folds and a weave."""
    bend = noise(b.p, 1.3, 2, b.seed)
    angle = b.rng.uniform(0, np.pi)
    across = b.x * np.cos(angle) + b.y * np.sin(angle)
    fold = np.sin(across * b.rng.uniform(4, 8) + 3.0 * bend)
    weave = np.sin(b.x * 90) * np.sin(b.y * 90)
    tone = 0.85 + 0.3 * fold * (0.6 + 0.4 * bend) + 0.04 * weave
    cloth = b.plain(b.pick(CLOTHS))
    if b.rng.random() < 0.4:
        checks = soft(np.cos(b.x * 14 + bend), 0.4) + soft(np.cos(b.y * 14 + bend), 0.4)
        cloth = mix(cloth, b.plain(b.pick(CLOTHS)), 0.45 * checks)
    return b.blur(cloth * tone[:, None], b.rng.uniform(0.0, 0.012))


def _clutter(b: Board) -> np.ndarray:
    """Shelves, books, boxes, frames: upright rectangles of many colours."""
    picture = b.plain(b.pick(WALLS) * 0.6)
    for _ in range(int(b.rng.integers(12, 36))):
        centre, half = b.rng.uniform(-1.1, 1.1, 2), b.rng.uniform(0.04, 0.35, 2)
        dx, dy = np.abs(b.x - centre[0]) - half[0], np.abs(b.y - centre[1]) - half[1]
        inside = soft(-np.maximum(dx, dy), 0.01)
        tone = b.pick(CLOTHS + WOODS + WALLS) * (1 + 0.2 * (b.x - centre[0]) / half[0])[:, None]
        picture = mix(picture, np.clip(tone, 0, 1), inside)
    return b.blur(picture, b.rng.uniform(0.006, 0.035))


def _window(b: Board) -> np.ndarray:
    """A bright window beside a dim wall, out of focus."""
    left = b.rng.uniform(-1.2, 0.3)
    pane = soft(np.minimum(b.x - left, left + 0.9 - b.x), 0.03) * soft(b.y + 0.5, 0.03)
    bars = soft(0.03 - np.abs(b.x - left - 0.45), 0.02) + soft(0.03 - np.abs(b.y - 0.25), 0.02)
    cloud = noise(b.p, 2.0, 3, b.seed)
    view = mix(b.plain(linear("dfe6ea")), b.plain(b.pick(GREENS)), soft(cloud - b.y, 0.8))
    picture = mix(b.plain(b.pick(WALLS) * 0.55), view * 1.15, pane * np.clip(1 - bars, 0, 1))
    return b.blur(picture, b.rng.uniform(0.006, 0.03))


TEXTURED: dict[str, Callable[[Board], np.ndarray]] = {
    "gradient": _gradient,
    "mottled": _mottled,
    "bokeh": _bokeh,
    "foliage": _foliage,
    "meadow": _meadow,
    "wood": _wood,
    "brick": _brick,
    "room": _room,
    "folds": _folds,
    "clutter": _clutter,
    "window": _window,
}


def background(name: str, side: int, rng: np.random.Generator) -> np.ndarray:
    """Paints a background.

    Args:
        name: `plain` or a key of `TEXTURED`.
        side: samples along a side.
        rng: where the randomness comes from.

    Returns:
        `(side, side, 3)` float32 linear light.
    """
    board = Board(side, rng)
    picture = plain(board) if name == "plain" else TEXTURED[name](board)
    return np.clip(picture, 0.003, 1.3).reshape(side, side, 3).astype(np.float32)
