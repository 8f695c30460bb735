"""Drawing an animal: the first step of a rendering, from a breed's ranges to numbers and names."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from exemplar.data.rendered.breed import Range
from exemplar.data.rendered.breeds import KNOWN


@dataclass(frozen=True)
class Animal:
    """One drawn animal: every proportion a number, every choice a name."""

    breed: str
    family: str
    numbers: dict[str, float]
    choices: dict[str, str]
    seed: int
    asymmetry: np.ndarray = field(repr=False)  # (4,) small left-right differences

    def __getitem__(self, name: str) -> float:
        """A proportion by name."""
        return self.numbers[name]


def _vary(rng: np.random.Generator, bounds: Range) -> float:
    """A draw that sometimes leaves its range a little, so that breeds meet."""
    low, high = bounds
    middle, half = (low + high) / 2, (high - low) / 2
    return float(middle + half * np.clip(rng.normal(0.0, 0.75), -1.7, 1.7))


def draw(rng: np.random.Generator, name: str, *, open_mouth: float, collar: float) -> Animal:
    """Draws one animal of a breed.

    Args:
        rng: where the randomness comes from.
        name: a key of `breeds.KNOWN`.
        open_mouth: chance that its mouth is open.
        collar: chance that it wears a collar (cats and dogs only).

    Returns:
        The animal.
    """
    breed = KNOWN[name]
    numbers = {
        key: _vary(rng, getattr(breed, key))
        for key in (
            "cheek", "drop", "brow", "chin", "eye", "tilt", "iris_size", "ear_length",
            "ear_width", "ear_angle", "ear_turn", "fur", "neck", "whiskers",
        )
    }  # fmt: skip
    for key, names in {
        "skull": ("skull_x", "skull_y", "skull_z"),
        "muzzle": ("muzzle_long", "muzzle_wide", "muzzle_high"),
        "eye_at": ("eye_x", "eye_y"),
        "lids": ("lid_up", "lid_low"),
        "nose": ("nose_wide", "nose_high"),
    }.items():
        for label, bounds in zip(names, getattr(breed, key), strict=True):
            numbers[label] = _vary(rng, bounds)
    # Dogs pant; cats, rabbits and mice seldom open their mouths.
    shy = {"cat": 0.4, "rabbit": 0.4, "mouse": 0.4, "figure": 0.0}.get(breed.family, 1.3)
    gapes = rng.random() < min(open_mouth * shy, 1.0)
    numbers["smile"] = float(rng.uniform(-0.2, 1.0))
    numbers["open"] = float(rng.uniform(0.35, 1.0)) if gapes else 0.0
    numbers["pupil"] = float(rng.uniform(0.25, 0.7))
    numbers["tongue"] = float(rng.uniform(0.3, 1.0)) if rng.random() < 0.7 else 0.0
    numbers["perk"] = float(rng.normal(0.0, 0.12))
    if rng.random() < 0.06:  # drowsy
        numbers["lid_up"] *= 0.35
    choices = {
        "ear": str(rng.choice(breed.ear)),
        "iris": str(rng.choice(breed.iris)),
        "pupil": "slit" if rng.random() < breed.slit else "round",
        "nose": str(rng.choice(breed.nose_colour)),
        "coat": str(rng.choice(breed.coats)),
        "palette": str(rng.choice(breed.palette)),
        "collar": "none",
    }
    tame = breed.family in ("cat", "dog", "rabbit")
    if rng.random() < collar and tame:
        choices["collar"] = str(rng.choice(["plain", "tag", "bell"]))
    return Animal(
        name, breed.family, numbers, choices, int(rng.integers(1 << 16)), rng.normal(0, 1, 4)
    )
