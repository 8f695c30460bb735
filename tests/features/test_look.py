"""The look of photographs against means and deviations taken cell by cell, in floats."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter, uniform_filter

from exemplar.features.look import LENGTH, TEXTURE, looks


def naive(photograph: np.ndarray) -> np.ndarray:
    rgb = photograph / 255
    luma = rgb @ [77 / 256, 150 / 256, 29 / 256]
    planes = [luma, (rgb[..., 2] - luma) / 1.772, (rgb[..., 0] - luma) / 1.402]
    near, far = (uniform_filter(luma, side, mode="nearest") for side in (3, 9))
    bands = [TEXTURE[0] * (luma - near), TEXTURE[1] * (near - far)]
    height, width = luma.shape
    values = []
    for i in range(4):
        for j in range(4):
            cell = np.s_[i * height // 4 : (i + 1) * height // 4,
                         j * width // 4 : (j + 1) * width // 4]  # fmt: skip
            values += [plane[cell].mean() for plane in planes]
            values += [np.sqrt((band[cell] ** 2).mean()) for band in bands]
    return np.array(values) / 4


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**31),
    height=st.integers(4, 30),
    width=st.integers(4, 30),
    flat=st.booleans(),
)
def test_equals_the_naive_statistics(seed, height, width, flat):
    rng = np.random.default_rng(seed)
    low, high = (250, 256) if flat else (0, 256)
    photographs = rng.integers(low, high, (2, height, width, 3)).astype(np.uint8)
    got = looks(photographs)
    assert got.shape == (2, LENGTH) and got.dtype == np.float32
    np.testing.assert_allclose(got, [naive(x) for x in photographs], atol=2e-6)


def test_the_batch_does_not_matter():
    photographs = np.random.default_rng(0).integers(0, 256, (9, 20, 22, 3)).astype(np.uint8)
    alone = np.concatenate([looks(x[None]) for x in photographs])
    np.testing.assert_array_equal(looks(photographs), alone)
    np.testing.assert_array_equal(looks(photographs[::2]), alone[::2])


def test_black_and_white_are_one_apart():
    grey = np.stack([np.full((12, 12, 3), v, np.uint8) for v in (0, 255)])
    black, white = looks(grey)
    assert np.linalg.norm(white - black) == pytest.approx(1, abs=1e-6)


def photograph(seed: int, tint: tuple[int, int, int], grain: float) -> np.ndarray:
    """A smooth random picture in a colour, with fine noise."""
    rng = np.random.default_rng(seed)
    shape = gaussian_filter(rng.normal(size=(48, 48)), 8)
    values = np.array(tint) + 400 * shape[..., None] + grain * rng.normal(size=(48, 48, 1))
    return values.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("other", "why"), [(((90, 120, 160), 25), "colour"), (((160, 120, 90), 2), "texture")]
)
def test_colour_and_texture_tell_apart_what_shows_different_things(other, why):
    """Two pictures of one look are nearer than two that differ in `why` alone."""
    look = ((160, 120, 90), 25)
    pictures = [photograph(0, *look), photograph(1, *look), photograph(1, *other)]
    first, same, differs = looks(np.stack(pictures))
    assert np.linalg.norm(first - same) < 0.5 * np.linalg.norm(first - differs), why


def test_a_copy_stays_near():
    original = photograph(3, (120, 140, 100), 10)
    file = io.BytesIO()
    Image.fromarray(original).save(file, "JPEG", quality=80)
    copy, other = np.asarray(Image.open(file)), photograph(4, (120, 140, 100), 10)
    look, near, far = looks(np.stack([original, copy, other]))
    assert np.linalg.norm(look - near) < 0.5 * np.linalg.norm(look - far)


@pytest.mark.parametrize(
    ("photographs", "message"),
    [
        (np.zeros((8, 8, 3), np.uint8), r"expected \(B, H, W, 3\) uint8, got \(8, 8, 3\) uint8"),
        (np.zeros((1, 8, 8, 3), np.float32), r"got \(1, 8, 8, 3\) float32"),
        (np.zeros((1, 8, 3, 3), np.uint8), r"at least 4 pixels, got \(1, 8, 3, 3\)"),
    ],
)
def test_errors_say_what_was_expected(photographs, message):
    with pytest.raises(ValueError, match=message):
        looks(photographs)
