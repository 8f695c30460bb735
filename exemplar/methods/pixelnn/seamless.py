"""Copies joined without seams: the picture whose steps are those that the sources show.

Where neighbouring pixels come from different places their levels may not meet. The picture is
sought whose differences between neighbours are the sources' own, and which stays near the copies;
what does not meet is spread smoothly. Least squares, solved exactly by cosine transforms. Sources:
Pérez et al., Poisson image editing, 2003; the term that holds the level is Bhat et al., Fourier
analysis of the 2D screened Poisson equation, 2008.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

MANY = 24
"""Candidates joined at a time: more would only take memory."""


def seamless(
    regressed: np.ndarray, residual: np.ndarray, place: np.ndarray, anchor: float
) -> np.ndarray:
    """Candidates from matches, joined in the gradient domain.

    Minimises Σ (u_q − u_p − g_pq)² + anchor · Σ (u_p − c_p)² over the pairs of neighbours and the
    pixels, where c = f + r is the copy and g_pq the larger (as a vector of colours, of residuals)
    of the steps from p to q that p's and q's sources show, or the one whose neighbour lies inside
    its exemplar. Their mean would lose contrast wherever sources change.

    Args:
        regressed: f(x) of the input, (H, W, 3) u8.
        residual: of the exemplars, (R, H, W, 3) int16.
        place: (C, H, W, 3) int, each pixel's match: exemplar from 0, y, x.
        anchor: λ > 0; the larger, the nearer the picture stays to the copies. Differences of
            level are evened out over about 1/√λ pixels.

    Returns:
        (C, H, W, 3) u8.

    Raises:
        ValueError: the anchor is not positive.
    """
    if anchor <= 0:
        raise ValueError(f"anchor: expected a positive number, got {anchor}")
    parts = [place[first : first + MANY] for first in range(0, len(place), MANY)]
    joined = [_joined(regressed.astype(np.float32), residual, part, anchor) for part in parts]
    return np.concatenate(joined)


def _joined(
    regressed: np.ndarray, residual: np.ndarray, place: np.ndarray, anchor: float
) -> np.ndarray:
    """A few of them."""
    height, width = size = (place.shape[1], place.shape[2])
    pixels = residual.reshape(-1, 3)
    own = pixels[_index(place, 0, 0, size)[0]].astype(np.float32)
    copied = regressed + own
    # The normal equations: (anchor + Laplacian) u = anchor · copies − divergence of the steps.
    right = anchor * copied
    for down, across in ((1, 0), (0, 1)):
        before = np.s_[:, : height - down, : width - across]
        after = np.s_[:, down:, across:]
        # What the source of the one shows beside it, and that of the other, towards the one.
        ahead, there = _index(place[before], down, across, size)
        behind, here = _index(place[after], -down, -across, size)
        one, other = pixels[ahead] - own[before], own[after] - pixels[behind]
        larger = np.square(one).sum(-1) >= np.square(other).sum(-1)
        step = own[after] - own[before]
        np.copyto(step, other, where=here[..., None])
        np.copyto(step, one, where=(there & (larger | ~here))[..., None])
        step += (regressed[down:, across:] - regressed[: height - down, : width - across])[None]
        right[before] -= step
        right[after] += step
    sides = [2 - 2 * np.cos(np.pi * np.arange(side) / side) for side in (height, width)]
    laplacian = (sides[0][:, None] + sides[1])[None, :, :, None]
    waves = np.asarray(fft.dctn(right, axes=(1, 2), norm="ortho"))
    found = np.asarray(fft.idctn(waves / (anchor + laplacian), axes=(1, 2), norm="ortho"))
    return np.clip(np.floor(found + 0.5), 0, 255).astype(np.uint8)


def _index(
    place: np.ndarray, down: int, across: int, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The pixel beside each match in a list of all exemplars' pixels, and whether there is one."""
    height, width = size
    y, x = place[..., 1] + down, place[..., 2] + across
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    y, x = y.clip(0, height - 1), x.clip(0, width - 1)
    return (place[..., 0] * height + y) * width + x, inside
