"""Normal maps of other programs: conventions, grounds, and what is none."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from exemplar.conditions.normal_maps import normals_of
from exemplar.data.inputs import BadPhoto

SIZE = (48, 48)
DOWN = np.array([1, -1, 1])


def ball(side=96) -> tuple[np.ndarray, np.ndarray]:
    """A ball before nothing: normals (side, side, 3), and where it is."""
    y, x = np.mgrid[1 : -1 : side * 1j, -1 : 1 : side * 1j] / 0.8
    square = x**2 + y**2
    there = square < 0.95
    normals = np.dstack([x, y, np.sqrt(np.maximum(1 - square, 0))])
    return np.where(there[..., None], normals, (0, 0, 1)), there


def relief(seed: int) -> np.ndarray:
    """A wavy wall, by differences of its heights."""
    rng = np.random.default_rng(seed)
    height = gaussian_filter(rng.normal(size=(96, 96)), rng.uniform(2, 6), mode="wrap")
    height *= 2 / np.abs(np.diff(height)).max()
    right, up = np.gradient(height, axis=1), -np.gradient(height, axis=0)
    normals = np.dstack([-right, -up, np.ones_like(height)])
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def coloured(normals: np.ndarray) -> np.ndarray:
    return np.rint((normals + 1) * 127.5).astype(np.uint8)


def read(values: np.ndarray, how="crop"):
    return normals_of(Image.fromarray(values), SIZE, how)


def means(normals: np.ndarray) -> np.ndarray:
    """Of blocks of 2 × 2, of unit length."""
    small = normals.reshape(48, 2, 48, 2, 3).mean((1, 3))
    return small / np.linalg.norm(small, axis=-1, keepdims=True)


def test_a_map_of_the_same_convention_comes_back():
    truth, _ = ball()
    found, notes = read(coloured(truth))
    assert notes == () and found.dtype == np.float32
    assert np.abs(np.linalg.norm(found, axis=-1) - 1).max() < 1e-5
    assert np.abs(found - means(truth)).max() < 0.02


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("compressed", [False, True])
def test_green_down_is_turned_up_and_green_up_is_not(seed, compressed):
    truth = ball()[0] if seed == 0 else relief(seed)
    for sign in (1, -1):
        values = coloured(truth * (1, sign, 1))
        if compressed:
            buffer = io.BytesIO()
            Image.fromarray(values).save(buffer, "JPEG", quality=90)
            values = np.asarray(Image.open(buffer))
        found, notes = read(values)
        assert np.abs(found - means(truth)).mean() < 0.03
        assert bool(notes) == (sign == -1)
        if notes:
            assert notes == ("green is down in it (the convention of DirectX); it was turned up",)


@pytest.mark.parametrize(("name", "level"), [("black", 0), ("grey", 128), ("white", 255)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_ground_without_a_surface_faces_the_viewer(name, level, sign):
    truth, there = ball()
    values = coloured(truth * (1, sign, 1))
    values[~there] = level
    found, notes = read(values)
    assert notes[0] == f"{(~there).mean():.0%} of it ({name}) has no surface and faces the viewer"
    assert len(notes) == (1 if sign == 1 else 2)
    assert np.abs(found - means(truth)).max() < 0.02


def test_what_is_transparent_has_no_surface():
    truth, there = ball()
    values = np.dstack([coloured(truth), np.where(there, 255, 0)]).astype(np.uint8)
    values[~there, :3] = (200, 10, 90)
    found, notes = read(values)
    assert "(transparent) has no surface" in notes[0] and len(notes) == 1
    assert np.abs(found - means(truth)).max() < 0.02


def test_margins_face_the_viewer():
    truth, _ = ball()
    found, _ = read(coloured(truth)[:, 24:72], "pad")
    assert np.abs(found[:, :12] - (0, 0, 1)).max() < 0.01
    assert np.abs(found[:, 12:36] - means(truth)[:, 12:36]).max() < 0.02


def test_what_is_no_normal_map_is_refused():
    rng = np.random.default_rng(0)
    refused = {
        "no unit vectors": rng.integers(0, 256, (40, 40, 3), np.uint8),
        "100% of its surface": np.full((40, 40, 3), 30, np.uint8),
        "expected a normal map .*unit length": np.zeros((40, 40, 3), np.uint8),
        "but 100% of them face away": coloured(ball()[0] * (1, 1, -1))[30:60, 30:60],
        "in red, green and blue, got mode L": np.full((9, 9), 128, np.uint8),
    }
    for message, values in refused.items():
        with pytest.raises(BadPhoto, match=message):
            read(values)
