"""Cats, small and big. See `breed` for what the numbers are."""

from __future__ import annotations

from dataclasses import replace

from exemplar.data.rendered.breed import CAT, Breed

CATS: dict[str, Breed] = {
    "shorthair": CAT,
    "siamese": replace(
        CAT,
        skull=((0.86, 0.93), (0.8, 0.88), (0.85, 0.95)),
        cheek=(0.5, 0.65),
        muzzle=((0.22, 0.34), (0.3, 0.36), (0.24, 0.28)),
        ear_length=(1.0, 1.2),
        ear_width=(0.46, 0.52),
        tilt=(0.25, 0.4),
        iris=("blue",),
        coats=("points",),
        palette=("cream", "white", "silver"),
        fur=(0.2, 0.4),
    ),
    "persian": replace(
        CAT,
        skull=((1.08, 1.2), (0.9, 1.0), (0.85, 0.92)),
        cheek=(1.0, 1.2),
        muzzle=((0.0, 0.08), (0.36, 0.44), (0.24, 0.28)),
        drop=(-0.04, 0.02),
        eye=(0.25, 0.29),
        eye_at=((0.42, 0.48), (0.08, 0.14)),
        ear_length=(0.55, 0.7),
        ear_angle=(0.75, 0.9),
        iris=("copper", "yellow", "blue", "green"),
        fur=(0.9, 1.3),
        coats=("solid", "smoke", "calico", "points", "tuxedo"),
        neck=(0.85, 1.0),
    ),
    "fold": replace(
        CAT,
        skull=((1.05, 1.15), (0.9, 1.0), (0.88, 0.95)),
        cheek=(0.95, 1.1),
        eye=(0.25, 0.29),
        ear=("folded",),
        ear_length=(0.6, 0.75),
        ear_width=(0.32, 0.38),
        slit=0.3,
        iris=("copper", "yellow", "amber"),
    ),
    "lion": replace(
        CAT,
        muzzle=((0.35, 0.5), (0.4, 0.46), (0.32, 0.38)),
        eye=(0.16, 0.19),
        nose=((0.17, 0.21), (0.1, 0.13)),
        nose_colour=("brick", "dark", "pink"),
        ear=("round",),
        ear_length=(0.5, 0.6),
        ear_width=(0.32, 0.38),
        ear_angle=(0.75, 0.9),
        slit=0.0,
        iris=("amber", "yellow", "copper"),
        coats=("tiger", "leopard", "muzzle"),
        palette=("ginger", "golden", "fox"),
        family="big cat",
    ),
}
