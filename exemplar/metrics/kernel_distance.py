"""Kernel distance (KID) of two sets of images, which a few hundred images determine.

Stands at the end of the way of the data, beside the Fréchet distance: features of photographs and
of what was made come in. It needs no covariance, has no bias, and so can be read where there are
fewer images than features. It is the full U-statistic over all pairs; nothing is drawn but in the
intervals.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 1000


def kernel(one: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """The polynomial kernel of every pair, (x·y / d + 1)³.

    Args:
        one: (n, d).
        other: (m, d).

    Returns:
        (n, m).

    Source: Bińkowski et al., "Demystifying MMD GANs", 2018, section 4.

    >>> kernel([[1.0, 1.0]], [[1.0, 1.0], [0.0, 0.0]])
    array([[8., 1.]])
    """
    x, y = np.asarray(one, np.float64), np.asarray(other, np.float64)
    return (x @ y.T / x.shape[1] + 1) ** 3


def kernel_distance(photographs: ArrayLike, made: ArrayLike) -> float:
    """The squared maximum mean discrepancy of two sets of features, without bias.

    Images made of one input are no independent draws: pairs of them are left out, as an image's
    pair with itself is. With one image of each input it is the usual estimate.

    Args:
        photographs: (N, M), features of one image a row.
        made: (n, M), or (I, C, M) of C images made of each of I inputs.

    Returns:
        The distance, which is 0 on average of two samples of one distribution, so that it may be
        negative; NaN of fewer than two photographs or inputs.

    Raises:
        ValueError: the shapes do not fit, or a value is not finite.

    Source: Bińkowski et al., 2018, Eq. 4; Gretton et al., "A kernel two-sample test", 2012, Eq. 3.

    >>> kernel_distance([[0.0], [0.0]], [[1.0], [1.0]])
    7.0
    """
    sums = _Sums(photographs, made)
    return sums.distance(np.ones(sums.inputs))


def kernel_interval(photographs: ArrayLike, made: ArrayLike, seed: int = 0) -> tuple[float, float]:
    """Where a distance lies, over the choice of inputs.

    Inputs are drawn anew with all their images. A draw may have one twice; its pairs with itself
    are left out like those of one input, so a draw's distance has no bias either.

    Args:
        photographs: (N, M).
        made: as for `kernel_distance`.
        seed: of the draws.

    Returns:
        The 2.5th and 97.5th percentile; NaN of fewer than two photographs or inputs.
    """
    sums = _Sums(photographs, made)
    return _percentiles(sums.inputs if sums.known else 0, seed, sums.distance)


def kernel_difference_interval(
    photographs: ArrayLike, one: ArrayLike, other: ArrayLike, seed: int = 0
) -> tuple[float, float]:
    """Where the difference of two methods' distances lies, over the choice of inputs.

    Args:
        photographs: (N, M).
        one: (I, C, M), of the images made of I inputs.
        other: (I, D, M), by another method of the same inputs.
        seed: of the draws, the same ones for both methods.

    Returns:
        The 2.5th and 97.5th percentile of other's distance less one's; NaN of fewer than two
        photographs or inputs.

    Raises:
        ValueError: they are not of as many inputs, or as for `kernel_distance`.
    """
    both = [_Sums(photographs, made) for made in (one, other)]
    counts = [sums.inputs for sums in both]
    if counts[0] != counts[1]:
        raise ValueError(f"expected images of the same inputs, got {counts[0]} and {counts[1]}")
    known = all(sums.known for sums in both)
    return _percentiles(
        counts[0] if known else 0,
        seed,
        lambda weight: both[1].distance(weight) - both[0].distance(weight),
    )


class _Sums:
    """Kernels summed over each input's images: of a draw of inputs only these are added up."""

    def __init__(self, photographs: ArrayLike, made: ArrayLike) -> None:
        real, images = np.asarray(photographs, np.float64), np.asarray(made, np.float64)
        if images.ndim == 2:
            images = images[:, None]
        if real.ndim != 2 or images.ndim != 3 or real.shape[1] != images.shape[2]:
            shapes = f"{real.shape} and {np.shape(made)}"
            raise ValueError(f"features: expected (N, M) and (n, M) or (I, C, M), got {shapes}")
        for name, features in (("photographs", real), ("made", images)):
            if not np.isfinite(features).all():
                raise ValueError(f"{name}: expected finite features")
        self.inputs, each = images.shape[:2]
        self.known = min(len(real), self.inputs) > 1
        if not self.known:
            return
        flat = images.reshape(-1, images.shape[2])
        own = kernel(real, real)
        self.photographs = (own.sum() - np.trace(own)) / (len(real) * (len(real) - 1))
        self.across = kernel(flat, real).mean(1).reshape(self.inputs, each).mean(1)
        blocks = kernel(flat, flat).reshape(self.inputs, each, self.inputs, each)
        self.pairs = blocks.mean((1, 3))
        np.fill_diagonal(self.pairs, 0)

    def distance(self, weight: NDArray[np.floating]) -> float:
        """Of inputs that count so often, (I,)."""
        if not self.known:
            return float("nan")
        total = weight.sum()
        pairs = total**2 - np.square(weight).sum()
        if pairs == 0:  # a draw of one input alone
            return float("nan")
        among = weight @ self.pairs @ weight / pairs
        return float(among + self.photographs - 2 * (weight @ self.across) / total)


def _percentiles(
    inputs: int, seed: int, distance: Callable[[NDArray[np.floating]], float]
) -> tuple[float, float]:
    if inputs < 2:
        return float("nan"), float("nan")
    generator = np.random.default_rng(seed)
    draws = generator.multinomial(inputs, np.full(inputs, 1 / inputs), RESAMPLES)
    low, high = np.nanpercentile([distance(draw.astype(float)) for draw in draws], [2.5, 97.5])
    return float(low), float(high)
