"""What a breed is: the ranges from which an animal's proportions, eyes and coat are drawn.

The tables are in `cats`, `dogs` and `others`, gathered in `breeds`. Lengths are in units
of a head, whose skull has a radius of about 1.
"""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class Breed:
    """Ranges of proportions and the looks a breed may have; the defaults are a short-haired cat."""

    skull: tuple[Range, Range, Range] = ((0.98, 1.1), (0.8, 0.88), (0.85, 0.95))
    cheek: Range = (0.75, 1.0)  # size of the cheeks
    muzzle: tuple[Range, Range, Range] = ((0.1, 0.22), (0.34, 0.42), (0.24, 0.3))
    # The muzzle is given as long, wide, high.
    drop: Range = (0.0, 0.05)  # how far the muzzle lies below the middle of the face
    brow: Range = (0.3, 0.7)
    chin: Range = (0.8, 1.0)
    eye: Range = (0.22, 0.26)
    eye_at: tuple[Range, Range] = ((0.4, 0.46), (0.12, 0.2))
    lids: tuple[Range, Range] = ((0.7, 0.95), (0.62, 0.8))  # opening above and below the middle
    tilt: Range = (0.1, 0.3)  # outer corners up
    slit: float = 0.75  # chance of a slit pupil
    iris: tuple[str, ...] = ("green", "yellow", "copper", "hazel", "blue")
    iris_size: Range = (0.88, 0.98)
    nose: tuple[Range, Range] = ((0.11, 0.14), (0.075, 0.1))
    nose_colour: tuple[str, ...] = ("pink", "brick", "dark")
    ear: tuple[str, ...] = ("pointed",)
    ear_length: Range = (0.8, 1.0)
    ear_width: Range = (0.36, 0.44)
    ear_angle: Range = (0.6, 0.75)  # of the base, from straight up, in radians
    ear_turn: Range = (0.1, 0.5)
    fur: Range = (0.35, 0.7)
    neck: Range = (0.62, 0.78)
    whiskers: Range = (0.7, 1.0)
    coats: tuple[str, ...] = ("tabby", "solid", "tuxedo", "calico", "smoke")
    palette: tuple[str, ...] = ("grey", "ginger", "brown", "cream", "black", "white", "silver")
    family: str = "cat"


CAT = Breed()
DOG = Breed(
    skull=((0.86, 0.96), (0.76, 0.86), (0.85, 0.98)),
    cheek=(0.55, 0.75),
    muzzle=((0.5, 0.75), (0.38, 0.47), (0.36, 0.44)),
    drop=(0.05, 0.14),
    brow=(0.25, 0.7),
    eye=(0.15, 0.18),
    eye_at=((0.34, 0.41), (0.18, 0.27)),
    lids=((0.6, 0.85), (0.6, 0.8)),
    tilt=(-0.1, 0.12),
    slit=0.0,
    iris=("brown", "dark", "amber"),
    iris_size=(0.9, 1.0),
    nose=((0.18, 0.23), (0.13, 0.17)),
    nose_colour=("black", "black", "dark", "liver"),
    ear=("floppy",),
    ear_length=(1.0, 1.3),
    ear_width=(0.34, 0.44),
    ear_angle=(1.05, 1.25),
    whiskers=(0.0, 0.4),
    coats=("solid", "muzzle", "blaze"),
    palette=("golden", "chocolate", "black", "cream"),
    family="dog",
)
