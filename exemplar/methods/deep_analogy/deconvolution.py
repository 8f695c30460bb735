"""Feature deconvolution: the finer map of which a part of the network makes a given coarse one.

The paper's own way to reconstruct features: a warped map of one level comes in, a map of a finer
level goes out, found by optimisation. Source: Deep Image Analogy, section 4.3, Eq. 5.
"""

from __future__ import annotations

import torch
from torch import Tensor

from exemplar.features.pyramid import Pyramid

# Of the gradient's largest value, in units in which start and target have values of about 1.
_TOLERANCE = 1e-4


def deconvolve(
    target: Tensor,
    pyramid: Pyramid,
    low: int,
    high: int,
    start: Tensor,
    iterations: int = 100,
    history: int = 4,
) -> Tensor:
    """Minimises ‖between(x, low, high) − target‖² (Eq. 5) by L-BFGS.

    In the paper `low` is the level just below and the start random; the released code goes two
    levels down and starts from voted features, and its numbers are the defaults here.

    Args:
        target: (1, C, h, w) float32, of level `high`.
        pyramid: the network.
        low: the level of the result, 0 for an image.
        high: the level of the target.
        start: (1, C0, h0, w0) float32, of level `low`.
        iterations: of L-BFGS at most; fewer where it has converged.
        history: pairs of steps and gradients that stand for the curvature.

    Returns:
        (1, C0, h0, w0) float32, no worse than the start; values may be below 0, as the network
        itself would not have them.

    Raises:
        ValueError: the start is not a map of which the network makes one of the target's shape.
    """
    with torch.no_grad():
        made = pyramid.between(start, low, high)
    if made.shape != target.shape:
        raise ValueError(
            f"expected a start of level {low} for a target {tuple(target.shape)} of level {high}, "
            f"got {tuple(start.shape)}, of which the network makes {tuple(made.shape)}"
        )
    # What was made in inference mode has no gradients; copies have. Voted maps lie pixel by pixel
    # in memory, where the optimizer expects channel by channel.
    with torch.inference_mode(False), torch.enable_grad():
        first = start.clone(memory_format=torch.contiguous_format)
        return _minimised(target.clone(), pyramid, low, high, first, iterations, history)


def _minimised(
    target: Tensor,
    pyramid: Pyramid,
    low: int,
    high: int,
    start: Tensor,
    iterations: int,
    history: int,
) -> Tensor:
    """The optimisation itself."""
    # Levels differ a hundredfold in size; in these units one step and one tolerance do for all.
    unit, wanted = _size(start), _size(target)
    x = (start / unit).detach().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [x],
        max_iter=iterations,
        history_size=history,
        tolerance_grad=_TOLERANCE,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        value = ((pyramid.between(x * unit, low, high) - target) / wanted).square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return (x * unit).detach()


def _size(x: Tensor) -> Tensor:
    """The root mean square of a map; 1 of one that is zero everywhere."""
    size = x.detach().square().mean().sqrt()
    return torch.where(size > 0, size, torch.ones_like(size))
