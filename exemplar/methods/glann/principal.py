"""Codes to begin with that already say what images look like: their principal components.

Random codes, as published, have to be sorted first, for which the published schedule has the
epochs; a short one has not. Source: Bojanowski et al., "Optimizing the latent space of generative
networks", 2018, section 3.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

SAMPLE = 10_000
"""Images that the components are computed from, at most."""

SIDE = 32
"""Pixels a side, at most, that count: finer ones have no part in the first components."""

LITTLE = 1e-3
"""Of noise in each coordinate: images that are all alike have no components."""


def principal_codes(
    images: np.ndarray, dimensions: int, seed: int, threads: int = 1
) -> Callable[[slice], np.ndarray]:
    """Finds the components; codes are the images' projections onto them.

    Args:
        images: (N, H, W, C) u8.
        dimensions: d; where images have fewer directions, the rest is nearly zero.
        seed: of the images that the components are computed from, and of the noise.
        threads: on which sums depend in the last bits.

    Returns:
        The codes (n, d) f32 of some rows, not on the sphere.
    """
    from sklearn.decomposition import PCA  # takes seconds

    chosen = np.sort(np.random.default_rng(seed).permutation(len(images))[:SAMPLE])
    sample = flat(images[chosen])
    kept = min(dimensions, *sample.shape)
    components = PCA(kept, svd_solver="randomized", random_state=seed)
    # Of images without any variance the share that components explain is 0 / 0; it is not used.
    with threadpool_limits(threads), np.errstate(invalid="ignore"):
        components.fit(sample)

    def codes(part: slice) -> np.ndarray:
        some = images[part]
        noise = np.random.default_rng([seed, part.start]).standard_normal((len(some), dimensions))
        found = (LITTLE * noise).astype(np.float32)
        with threadpool_limits(threads):
            found[:, :kept] += components.transform(flat(some))
        return found

    return codes


def flat(images: np.ndarray) -> np.ndarray:
    """(n, H, W, C) u8 → (n, P) f32 in [0, 1]; larger images are averaged over blocks of pixels."""
    step = -(-max(images.shape[1:3]) // SIDE)
    height, width = (side // step for side in images.shape[1:3])
    x = images[:, : height * step, : width * step].astype(np.float32) / 255
    blocks = x.reshape(len(x), height, step, width, step, -1)
    return blocks.mean((2, 4)).reshape(len(x), -1)
