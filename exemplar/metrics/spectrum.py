"""Radial power spectra: how much detail of each fineness an image has.

Stands beside the scores: the spectra of the input, the regressed image, the candidates and the
truth are drawn in one plot, where blur shows as power missing at high frequencies.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

LUMA = (0.299, 0.587, 0.114)
"""The weights of red, green and blue in luma (ITU-R BT.601)."""


def radial_spectrum(
    images: ArrayLike, hann: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The power of images over spatial frequency, averaged over all directions.

    Of each image's luma the mean is taken away; a Hann window then fades it towards its sides,
    which else would meet their opposites in a sharp step and pass for fine detail. Power is the
    squared modulus of the Fourier transform over (pixels^2 x the window's mean square): summed
    over all the coefficients it is the mean square of the windowed image over that of the window.
    A coefficient belongs to the ring of the nearest whole radius.

    Args:
        images: (B, H, W, 3) RGB or (B, H, W) luma; uint8, or floats in [0, 1].
        hann: whether to apply the window; without it the power of a periodic image is exact.

    Returns:
        frequencies: (F,) 0, 1, ..., min(H, W) // 2, cycles per image along its shorter side.
        power: (B, F) the mean power of a coefficient in each ring; at 0 it is 0.

    Raises:
        ValueError: the images have another shape, or are smaller than 4 pixels.

    Source: after PixelNN, Figure 4, which shows Fourier spectra of single images.

    >>> x = np.arange(16) / 16
    >>> waves = np.tile(0.5 + 0.2 * np.cos(2 * np.pi * 3 * x), (1, 16, 1))
    >>> frequencies, power = radial_spectrum(waves)
    >>> float(frequencies[power[0].argmax()])
    3.0
    """
    luma = _luma(np.asarray(images))
    height, width = luma.shape[1:]
    window = np.ones((height, width))
    if hann:
        window = np.outer(_hann(height), _hann(width))
    # The mean under the window: so the windowed image has none.
    mean = (luma * window).sum((1, 2), keepdims=True) / window.sum()
    spectrum = np.asarray(scipy.fft.fft2((luma - mean) * window))
    scale = float((height * width) ** 2 * np.mean(window**2))
    power = np.square(np.abs(spectrum)).reshape(len(luma), -1) / scale

    side = min(height, width)
    rings = np.rint(
        side * np.hypot(scipy.fft.fftfreq(height)[:, None], scipy.fft.fftfreq(width))
    ).astype(int)
    order = np.argsort(rings.ravel(), kind="stable")
    counts = np.bincount(rings.ravel())[: side // 2 + 1]
    # Rings past the shorter side's highest frequency exist only towards the corners: left out.
    order = order[: counts.sum()]
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    return np.arange(side // 2 + 1.0), np.add.reduceat(power[:, order], starts, axis=1) / counts


def _luma(images: NDArray) -> NDArray[np.float64]:
    """Luma in [0, 1], (B, H, W), of either layout and type."""
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3):
        raise ValueError(f"images: expected (B, H, W, 3) or (B, H, W), got {images.shape}")
    if min(images.shape[1:3]) < 4:
        raise ValueError(f"images: expected sides of at least 4 pixels, got {images.shape}")
    scale = 255.0 if images.dtype == np.uint8 else 1.0
    return (images @ np.array(LUMA) if images.ndim == 4 else images.astype(np.float64)) / scale


def _hann(length: int) -> NDArray[np.float64]:
    """One period of a raised cosine, sampled between its zeros."""
    return np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
