"""Radial spectra against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.metrics.spectrum import radial_spectrum


def wave(y: int, x: int, size: int = 48, amplitude: float = 0.2) -> np.ndarray:
    """One image of a cosine with whole cycles."""
    rows, columns = np.mgrid[:size, :size] / size
    return 0.5 + amplitude * np.cos(2 * np.pi * (y * rows + x * columns) + 0.3)[None]


@given(st.integers(-16, 16), st.integers(1, 16))
def test_a_wave_has_its_power_in_its_own_ring(y: int, x: int) -> None:
    ring = round(float(np.hypot(y, x)))
    frequencies, power = radial_spectrum(wave(y, x), hann=False)
    assert frequencies.tolist() == list(range(25))
    radii = np.hypot(*np.meshgrid(np.arange(-24, 24), np.arange(-24, 24)))
    in_ring = np.count_nonzero(np.floor(radii + 0.5) == ring)
    # Two coefficients of (amplitude / 2)^2 each.
    assert power[0, ring] == pytest.approx(2 * 0.1**2 / in_ring)
    assert np.delete(power[0], ring) == pytest.approx(0, abs=1e-20)
    _, faded = radial_spectrum(wave(y, x))
    assert abs(int(faded[0].argmax()) - ring) <= 1


def test_rings_add_up_to_the_variance() -> None:
    # Parseval: an image with nothing beyond the outermost ring keeps all its variance in the rings.
    generator = np.random.default_rng(0)
    spectrum = np.fft.fft2(generator.normal(size=(3, 32, 32)))
    cycles = np.fft.fftfreq(32) * 32
    radii = np.hypot(cycles[:, None], cycles)
    spectrum[:, radii > 15] = 0
    images = np.fft.ifft2(spectrum).real
    _, power = radial_spectrum(images, hann=False)
    counts = [np.count_nonzero(np.abs(radii - ring) < 0.5) for ring in range(17)]
    assert power @ counts == pytest.approx(images.var((1, 2)))


def test_white_noise_has_its_variance_in_each_coefficient_with_and_without_the_window() -> None:
    images = np.random.default_rng(1).normal(0, 0.3, (64, 32, 32))
    for hann in (False, True):
        _, power = radial_spectrum(images, hann)
        assert power[:, 4:].mean(0) * 32**2 == pytest.approx(0.09, rel=0.15)


def test_contrast_scales_power_by_its_square_and_brightness_not_at_all() -> None:
    images = np.random.default_rng(2).random((2, 20, 20))
    _, power = radial_spectrum(images)
    _, louder = radial_spectrum(3 * images + 0.7)
    assert louder == pytest.approx(9 * power)
    assert power[:, 0] == pytest.approx(0, abs=1e-20)


def test_the_window_keeps_a_ramp_from_passing_for_detail() -> None:
    ramp = np.tile(np.linspace(0, 1, 64), (1, 64, 1))
    _, faded = radial_spectrum(ramp)
    _, bare = radial_spectrum(ramp, hann=False)
    assert faded[0, 10:].max() < 1e-3 * bare[0, 10:].max()


def test_luma_and_bytes() -> None:
    colours = np.random.default_rng(3).integers(0, 256, (2, 16, 12, 3), dtype=np.uint8)
    grey = (0.299 * colours[..., 0] + 0.587 * colours[..., 1] + 0.114 * colours[..., 2]) / 255
    frequencies, power = radial_spectrum(colours)
    assert frequencies.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert power == pytest.approx(radial_spectrum(grey)[1])
    assert power == pytest.approx(radial_spectrum((colours / 255).astype(np.float32))[1], rel=1e-4)


def test_oblong_images_count_cycles_along_the_shorter_side() -> None:
    y = np.arange(16)[:, None] / 16
    images = np.cos(2 * np.pi * 4 * y)[None] * np.ones((1, 1, 40))
    frequencies, power = radial_spectrum(images, hann=False)
    assert frequencies[-1] == 8
    assert power[0].argmax() == 4


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(ValueError, match=r"\(B, H, W, 3\) or \(B, H, W\), got \(2, 8, 8, 4\)"):
        radial_spectrum(np.zeros((2, 8, 8, 4)))
    with pytest.raises(ValueError, match="at least 4 pixels"):
        radial_spectrum(np.zeros((2, 8, 3)))
