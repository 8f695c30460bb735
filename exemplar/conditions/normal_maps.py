"""Normal maps of any program: their convention is recognised, and so is what has no surface.

Here x is right, y up and z towards the viewer, and a colour is (n + 1) / 2: red right, green up,
blue towards the viewer (the convention of OpenGL). In that of DirectX green is down.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_erosion, gaussian_filter

from exemplar.data.fit import Fit, shaped
from exemplar.data.inputs import BadPhoto

Normals = NDArray[np.float32]

FACING = (0.0, 0.0, 1.0)
"""Where there is no surface, as in the rendered domain."""
NEAR = 0.25
"""How far from unit length a normal's colour may be: compression and smoothing shorten it."""
MOST_WRONG, LEAST_RIGHT = 0.2, 0.02
"""Share of the surface that is no unit vector, at most; share of the map that is, at least."""
AWAY, MOST_AWAY = -0.1, 0.05
"""z of a normal that points away from the viewer, and the share of those at most."""
GROUNDS = {"black": 0, "grey": 128, "white": 255}
GROUND = 24
"""Levels between a ground's colour and a pixel of it: compression moves it."""
LOOKED_AT, SMOOTH = 256, 1.0
"""Pixels of the longer side at which the convention is looked for, and a blur for JPEG files."""
STEEP = 0.3
"""z below which slopes are too steep to be compared."""
BETTER = 1.6
"""Times that the curl of slopes is smaller with green down, if it is."""


def normals_of(
    image: Image.Image, size: tuple[int, int], how: Fit
) -> tuple[Normals, tuple[str, ...]]:
    """A normal map in the convention of this project.

    What is transparent, black, grey (128) or white is no surface, and faces the viewer; a map with
    green down is turned. Of a map whose surface is flat no convention can be seen.

    Args:
        image: as it is stored, RGB or RGBA, or with a palette.
        size: (H, W) of the result.
        how: the map gets this shape; margins face the viewer.

    Returns:
        (H, W, 3) float32, unit, x right, y up, z towards the viewer; and what was recognised.

    Raises:
        BadPhoto: it is no map of unit vectors that face the viewer.
    """
    if image.mode not in ("RGB", "RGBA", "RGBX", "P", "PA"):
        raise BadPhoto(f"expected a normal map in red, green and blue, got mode {image.mode}")
    pixels = np.asarray(image.convert("RGBA"))
    normals = pixels[..., :3].astype(np.float32) / 127.5 - 1
    length = np.linalg.norm(normals, axis=-1)
    unit = np.abs(length - 1) < NEAR
    surface, notes = _surface(pixels, unit)
    wrong = 1 - unit[surface].mean() if surface.any() else 1.0
    if wrong > MOST_WRONG or (surface & unit).mean() < LEAST_RIGHT:
        raise BadPhoto(
            f"expected a normal map (colour = (n + 1) / 2, unit length), but {wrong:.0%} of its "
            "surface are no unit vectors"
        )
    away = (normals[surface & unit][:, 2] < AWAY).mean()
    if away > MOST_AWAY:
        raise BadPhoto(
            f"expected normals that face the viewer (blue of 128 or more), but {away:.0%} of them "
            "face away"
        )
    normals = np.where((surface & unit)[..., None], normals, np.array(FACING, np.float32))
    if _green_is_down(normals, surface & unit):
        normals = normals * np.array([1, -1, 1], np.float32)
        notes += ("green is down in it (the convention of DirectX); it was turned up",)
    return _unit(_means(shaped(normals, size, how, FACING), size)), notes


def _surface(
    pixels: NDArray[np.uint8], unit: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Where there is one, and what is said of the rest."""
    clear = pixels[..., 3] < 128
    empty, kinds = clear.copy(), ["transparent"] if clear.any() else []
    for name, level in GROUNDS.items():
        flat = np.abs(pixels[..., :3].astype(np.int16) - level).max(-1) <= GROUND
        if (flat & ~unit & ~clear).mean() >= 0.01:
            empty |= flat & ~unit
            kinds.append(name)
    if not kinds:
        return ~empty, ()
    said = f"{empty.mean():.0%} of it ({' or '.join(kinds)}) has no surface and faces the viewer"
    return ~empty, (said,)


def _green_is_down(normals: Normals, surface: NDArray[np.bool_]) -> bool:
    """Whether the map is one of a surface only with y turned over: slopes of one have no curl."""
    stride = max(1, max(surface.shape) // LOOKED_AT)
    small, there = normals[::stride, ::stride], surface[::stride, ::stride]
    x, y, z = np.moveaxis(gaussian_filter(small, (SMOOTH, SMOOTH, 0)), -1, 0)
    inner = binary_erosion(there & (z > STEEP), np.ones((3, 3)))
    if min(there.shape) < 8 or inner.sum() < 32:
        return False
    depth = np.maximum(z, STEEP)
    # Rows go down, y goes up.
    p_up, q_right = np.gradient(x / depth, axis=0), -np.gradient(y / depth, axis=1)
    # Steps from one object to another have curl in any convention, so few pixels must not decide.
    curl, turned = (
        np.minimum(np.abs(each[inner]), 1).mean() for each in (p_up - q_right, p_up + q_right)
    )
    return bool(curl > BETTER * turned)


def _means(normals: Normals, size: tuple[int, int]) -> Normals:
    """Means of areas (nearest where it is enlarged)."""
    planes = [
        Image.fromarray(np.ascontiguousarray(plane)).resize(
            (size[1], size[0]), Image.Resampling.BOX
        )
        for plane in np.moveaxis(normals, -1, 0)
    ]
    return np.stack([np.asarray(plane) for plane in planes], -1)


def _unit(normals: Normals) -> Normals:
    """Of length one."""
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.where(length > 1e-3, normals / np.maximum(length, 1e-3), np.array(FACING, np.float32))
