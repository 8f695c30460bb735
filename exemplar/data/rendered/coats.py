"""Coats: the colour of hair at a point of the canonical head, by breed and palette.

Markings are laid out in the canonical frame, so a blaze runs between the eyes and a mask covers
the muzzle whatever the animal's proportions; noise makes each border its own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from exemplar.data.rendered.animals import Animal
from exemplar.data.rendered.noise import noise, spots

# sRGB: main, light, dark.
PALETTES: dict[str, tuple[str, str, str]] = {
    "grey": ("8a8782", "c9c5bd", "45423f"),
    "silver": ("b4b1ab", "e6e2da", "56524e"),
    "ginger": ("c07a3e", "f0d2a6", "84441c"),
    "fox": ("c2622a", "f3ddc4", "3a2a22"),
    "brown": ("8a6544", "d2b48c", "3d2a1c"),
    "chocolate": ("5f3f2b", "a27a58", "2f1e15"),
    "golden": ("c89a5c", "f0dcb4", "8a5e30"),
    "cream": ("dcc6a0", "f6ead2", "a5835a"),
    "black": ("2b2826", "6b625b", "141211"),
    "white": ("ece7de", "fbf8f2", "b0a698"),
    "ash": ("9a9c94", "d3d2c6", "5a5c58"),
    "slate": ("55606b", "98a2aa", "2b323a"),
    "rust": ("8a4a30", "c08a68", "4a2216"),
    "sand": ("b8a27c", "e0d2b4", "7a6648"),
}

WHITE = "f1ece2"


def linear(colour: str) -> np.ndarray:
    """A hexadecimal sRGB colour as linear light, `(3,)` float32."""
    values = np.array([int(colour[i : i + 2], 16) for i in (0, 2, 4)]) / 255.0
    return (values**2.2).astype(np.float32)


def soft(value: np.ndarray, width: float) -> np.ndarray:
    """A step at 0, smoothed over `width`."""
    t = np.clip(0.5 + value / width, 0.0, 1.0)
    return t * t * (3 - 2 * t)


def mix(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """From colours `a` to `b`, `(M, 3)` or `(3,)`, by a weight `(M,)`."""
    return a + (b - a) * weight[:, None]


class Ground:
    """What a coat is painted on: points, and the colours and noises every coat uses."""

    def __init__(self, animal: Animal, kind: str, points: np.ndarray, inner: np.ndarray) -> None:
        """Prepares the ground.

        Args:
            animal: the drawn animal.
            kind: head, jaw, ear or body.
            points: `(M, 3)` canonical positions.
            inner: `(M,)`, for ears: along the ear, 0 at the base; zeros elsewhere.
        """
        self.seed = animal.seed
        self.kind = kind
        self.along = inner
        waver = np.stack([noise(points, 2.6, 2, self.seed + k) for k in range(3)], -1)
        self.p = points + 0.1 * waver
        self.x, self.y, self.z = self.p.T
        self.ax = np.abs(self.x)
        self.cloud = noise(points, 1.3, 3, self.seed + 11)
        self.main, self.light, self.dark = (linear(c) for c in PALETTES[animal.choices["palette"]])
        self.white = linear(WHITE)
        self.rng = np.random.default_rng(animal.seed)
        self.head = kind in ("head", "jaw")

    def base(self) -> np.ndarray:
        """The main colour, darker on the back and lighter below, with slow changes."""
        shade = soft(self.y - 0.2 - 0.3 * self.z, 2.2) if self.kind != "body" else 0.5 + 0 * self.x
        tone = mix(self.light, self.main, 0.62 + 0.38 * shade + 0.12 * self.cloud)
        return mix(tone, self.dark, np.clip(0.1 * shade + 0.08 * self.cloud, 0, 1))

    def muzzle(self) -> np.ndarray:
        """Weight of the muzzle and the chin."""
        around = np.sqrt((self.x / 0.46) ** 2 + ((self.y + 0.36) / 0.36) ** 2)
        return soft(1 - around, 0.35) * soft(self.z - 0.62, 0.3) * self.head

    def chest(self) -> np.ndarray:
        """Weight of the throat and the front of the chest."""
        narrow = 0.55 + 0.1 * self.cloud - 0.12 * (self.y + 1.5)
        return soft(narrow - self.ax, 0.25) * soft(self.z - 0.1, 0.3) * (self.kind == "body")

    def eyes(self, width: float, height: float) -> np.ndarray:
        """Weight of the patches around the eyes."""
        around = np.sqrt(((self.ax - 0.44) / width) ** 2 + ((self.y - 0.12) / height) ** 2)
        return soft(1 - around, 0.3) * soft(self.z - 0.35, 0.3) * self.head

    def ears(self) -> np.ndarray:
        """1 on ears."""
        return np.full(len(self.x), float(self.kind == "ear"), np.float32)


def _solid(g: Ground) -> np.ndarray:
    return g.base()


def _smoke(g: Ground) -> np.ndarray:
    tone = mix(g.base(), g.dark, np.clip(0.35 * soft(g.y - 0.2, 1.2) + 0.3 * g.ears(), 0, 1))
    return mix(tone, g.light, np.clip(0.5 * g.muzzle() + 0.4 * g.chest() + 0.25 * g.cloud, 0, 1))


def _stripes(g: Ground, count: float) -> np.ndarray:
    """Tabby lines: an M on the forehead, bars on the cheeks, rings on the body."""
    if g.kind == "ear":
        return 0.4 * soft(g.along - 0.75, 0.3)
    if g.kind == "body":
        wave = np.sin(count * 1.6 * (g.y + 0.35 * g.ax + 0.12 * g.cloud))
        return soft(wave - 0.15, 0.7) * soft(g.ax - 0.1, 0.3)
    top = np.cos(count * 2.6 * g.x / (0.75 + 0.35 * g.y)) * soft(g.y - 0.38, 0.2)
    bars = np.sin(count * 1.25 * (g.y - 0.55 * g.ax) + 1.5 * g.cloud) * soft(g.ax - 0.55, 0.2)
    line = np.exp(-(((g.y - 0.1 + 0.45 * (g.ax - 0.55)) / 0.06) ** 2)) * soft(g.ax - 0.6, 0.1)
    top = soft(top - 0.1, 0.6)
    bars = soft(bars - 0.2, 0.6) * soft(0.45 - g.y, 0.2)
    return np.clip(np.maximum(np.maximum(top, bars), line), 0, 1) * (1 - g.muzzle())


def _tabby(g: Ground) -> np.ndarray:
    tone = mix(g.base(), g.dark, 0.72 * _stripes(g, g.rng.uniform(7, 10)))
    lit = np.maximum(0.75 * g.muzzle(), 0.45 * (g.eyes(0.3, 0.26) - g.eyes(0.2, 0.16)))
    tone = mix(tone, g.light, lit)
    if g.rng.random() < 0.4:
        return mix(tone, g.white, np.maximum(g.muzzle(), g.chest()))
    return tone


def _tiger(g: Ground) -> np.ndarray:
    pale = np.maximum(g.muzzle(), 0.9 * g.eyes(0.32, 0.26) * soft(g.y - 0.15, 0.1))
    pale = np.maximum(pale, soft(g.ax - 0.68 + 0.3 * g.y, 0.2) * g.head * soft(0.0 - g.y, 0.3))
    tone = mix(g.base(), g.white, np.maximum(pale, 0.8 * g.chest()))
    return mix(tone, linear("1d1714"), 0.92 * _stripes(g, g.rng.uniform(5.5, 7)))


def _leopard(g: Ground) -> np.ndarray:
    distance, _ = spots(g.p, 5.0 if g.head else 3.6, g.seed)
    ring = soft(0.42 - distance, 0.12) * (1 - 0.55 * soft(0.2 - distance, 0.1) * (not g.head))
    pale = np.maximum(g.muzzle(), 0.8 * g.chest())
    tone = mix(g.base(), g.white, pale)
    return mix(tone, linear("2a1d14"), 0.85 * ring * (1 - g.muzzle()) * (1 - g.ears() * 0.7))


def _tuxedo(g: Ground) -> np.ndarray:
    reach = g.rng.uniform(0.0, 0.3)
    wedge = soft(0.2 + 0.75 * (reach - g.y) - g.ax, 0.08) * soft(g.z - 0.35, 0.2) * g.head
    return mix(_solid(g), g.white, np.maximum(wedge * soft(reach + 0.1 - g.y, 0.1), g.chest()))


def _calico(g: Ground) -> np.ndarray:
    first = noise(g.p, 1.15, 2, g.seed + 21)
    second = noise(g.p, 1.4, 2, g.seed + 22)
    tone = mix(linear("b96a2c") + 0 * g.p, linear("26211e"), soft(first, 0.08))
    white = np.maximum(soft(second - 0.18, 0.08), np.maximum(g.muzzle(), g.chest()))
    return mix(tone, g.white, white).astype(np.float32)


def _points(g: Ground) -> np.ndarray:
    face = np.sqrt((g.x / 0.62) ** 2 + ((g.y + 0.16) / 0.6) ** 2)
    mask = soft(1 - face, 0.7) * soft(g.z - 0.5, 0.5) * g.head
    tint = linear(str(g.rng.choice(["3b2a22", "5b5f6b", "7a5238"])))
    weight = np.maximum(mask, 0.95 * g.ears())
    return mix(mix(g.light, g.main, 0.3 + 0.3 * g.cloud), tint, 0.92 * weight)


def _muzzle(g: Ground) -> np.ndarray:
    return mix(_solid(g), g.light, np.maximum(g.muzzle(), 0.7 * g.chest()))


def _blaze(g: Ground) -> np.ndarray:
    wide = 0.06 + 0.08 * g.rng.random() + 0.16 * np.clip(0.3 - g.y, 0, 1)
    stripe = soft(wide - g.ax, 0.07) * soft(g.z - 0.1, 0.2) * soft(1.0 - g.y, 0.4) * g.head
    white = np.maximum(np.maximum(stripe, g.muzzle()), g.chest())
    return mix(_solid(g), g.white, white)


def _saddle(g: Ground) -> np.ndarray:
    cap = soft(g.y - 0.42 + 0.25 * g.z, 0.3) * g.head
    back = soft(0.25 - g.z + 0.2 * g.cloud, 0.4) * (g.kind == "body")
    tone = mix(_muzzle(g), linear("2a211c"), 0.85 * np.maximum(cap, back))
    return mix(tone, g.dark, 0.45 * g.ears())


def _patches(g: Ground) -> np.ndarray:
    field = noise(g.p, 0.9, 2, g.seed + 31)
    side = g.rng.choice([-1.0, 1.0])
    eye = np.sqrt(((g.x * side - 0.5) / 0.48) ** 2 + ((g.y - 0.3) / 0.5) ** 2)
    colour = np.maximum(soft(field - 0.22, 0.06), soft(1 - eye, 0.1) * g.head)
    colour = np.maximum(colour, g.ears() * (g.rng.random() < 0.8))
    return mix(g.white + 0 * g.p, g.base(), colour * (1 - 0.95 * g.muzzle()))


def _mask(g: Ground) -> np.ndarray:
    face = np.sqrt((g.x / 0.5) ** 2 + ((g.y + 0.3) / 0.42) ** 2)
    mask = soft(1 - face, 0.4) * soft(g.z - 0.6, 0.3) * g.head
    weight = np.maximum(np.maximum(mask, 0.75 * g.ears()), 0.55 * g.eyes(0.3, 0.24))
    return mix(_solid(g), linear("241c18"), 0.9 * weight)


def _husky(g: Ground) -> np.ndarray:
    line = 0.3 - 0.35 * np.cos(np.clip(g.x * 6.0, -np.pi, np.pi)) * soft(0.55 - g.ax, 0.1)
    cap = np.maximum(soft(g.y - line - 0.12, 0.12), soft(0.1 - g.z, 0.3)) * g.head
    brows = g.eyes(0.2, 0.3) * soft(g.y - 0.22, 0.1)
    stripe = soft(0.05 - g.ax, 0.04) * soft(g.y - 0.2, 0.2) * g.head
    cap = np.maximum(cap * (1 - brows), 0.8 * stripe)
    cap = np.maximum(cap, np.maximum(g.ears(), (g.kind == "body") * (1 - g.chest())))
    return mix(g.white + 0 * g.p, g.base(), cap)


def _urajiro(g: Ground) -> np.ndarray:
    cheeks = soft(-0.08 - g.y + 0.25 * (g.ax - 0.5), 0.2) * soft(g.z + 0.1, 0.3) * g.head
    bridge = soft(0.16 - g.ax, 0.1) * soft(g.y + 0.25, 0.1)
    brows = 0.7 * np.exp(-(((g.ax - 0.3) / 0.12) ** 2) - ((g.y - 0.48) / 0.08) ** 2) * g.head
    pale = np.maximum(np.maximum(cheeks * (1 - bridge), brows), g.chest())
    return mix(_solid(g), g.white, pale)


def _fox(g: Ground) -> np.ndarray:
    cheeks = soft(-0.12 - g.y + 0.4 * (g.ax - 0.35), 0.12) * soft(g.z + 0.2, 0.3) * g.head
    tone = mix(_solid(g), g.white, np.maximum(cheeks, g.chest()))
    return mix(tone, linear("221a17"), 0.9 * soft(g.along - 0.55, 0.3) * g.ears())


def _panda(g: Ground) -> np.ndarray:
    tilt = np.sqrt(((g.ax - 0.44 - 0.3 * (0.1 - g.y)) / 0.25) ** 2 + ((g.y - 0.06) / 0.3) ** 2)
    patch = soft(1 - tilt, 0.2) * soft(g.z - 0.3, 0.2) * g.head
    dark = np.maximum(np.maximum(patch, g.ears()), g.kind == "body")
    return mix(g.white + 0 * g.p, linear("1f1c1b"), 0.96 * dark)


def _dalmatian(g: Ground) -> np.ndarray:
    distance, name = spots(g.p, 3.6, g.seed)
    dots = soft(0.3 + 0.14 * name - distance, 0.08) * (1 - 0.8 * g.muzzle())
    return mix(g.white + 0 * g.p, g.dark, np.maximum(dots, 0.9 * g.ears()))


def _speckled(g: Ground) -> np.ndarray:
    distance, name = spots(g.p, 9.0, g.seed)
    flecks = soft(0.34 + 0.1 * name - distance, 0.16) * (1 - 0.7 * g.muzzle())
    return mix(mix(g.base(), g.light, 0.8 * g.chest()), g.dark, 0.75 * flecks)


def _banded(g: Ground) -> np.ndarray:
    wave = np.sin(4.5 * (g.y + 0.25 * g.cloud) + 0.6 * g.z)
    return mix(g.base(), g.dark, 0.8 * soft(wave - 0.3, 0.5) * (1 - g.muzzle()))


def _hooded(g: Ground) -> np.ndarray:
    dark = np.maximum(g.head * (1 - g.muzzle()) * soft(g.y + 0.1, 0.3), g.ears())
    return mix(mix(g.light, g.main, 0.4 + 0.3 * g.cloud), g.dark, 0.85 * dark)


COATS: dict[str, Callable[[Ground], np.ndarray]] = {
    "solid": _solid,
    "smoke": _smoke,
    "tabby": _tabby,
    "tiger": _tiger,
    "leopard": _leopard,
    "tuxedo": _tuxedo,
    "calico": _calico,
    "points": _points,
    "muzzle": _muzzle,
    "blaze": _blaze,
    "saddle": _saddle,
    "patches": _patches,
    "mask": _mask,
    "husky": _husky,
    "urajiro": _urajiro,
    "fox": _fox,
    "panda": _panda,
    "dalmatian": _dalmatian,
    "speckled": _speckled,
    "banded": _banded,
    "hooded": _hooded,
}


def coat(animal: Animal, kind: str, points: np.ndarray, along: np.ndarray) -> np.ndarray:
    """The colour of hair.

    Args:
        animal: the drawn animal.
        kind: head, jaw, ear or body.
        points: `(M, 3)` canonical positions.
        along: `(M,)`, for ears: 0 at the base to 1 at the tip; zeros elsewhere.

    Returns:
        `(M, 3)` float32 linear light in [0, 1].
    """
    ground = Ground(animal, kind, np.asarray(points, np.float32), along)
    return np.clip(COATS[animal.choices["coat"]](ground), 0.008, 0.95).astype(np.float32)
