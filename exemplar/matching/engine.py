"""The matching engine: one interface to the exact search and the approximate ones.

Query and exemplar descriptors come in, the best match of every pixel for every exemplar and window
goes out; every candidate is a cheap reduction over that. docs/performance.md has the measurements
by which the defaults were chosen.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor

from exemplar.matching.approximate import match_coarse_to_fine, match_patchmatch
from exemplar.matching.exact import Precision, match_exact
from exemplar.matching.fused import available, match_fused
from exemplar.matching.support import Support
from exemplar.matching.windows import Matches, check
from exemplar.settings import Settings, SettingsError


class MatchingSettings(Settings):
    """How pixels are matched."""

    search: Literal["exact", "coarse_to_fine", "patchmatch"] = "exact"
    """`coarse_to_fine` is some fifteen times faster and finds matches almost as similar."""
    precision: Precision = "f32"
    """Of the exact search's products: `bf16` is twice as fast; `tf32` needs a GPU."""
    support: int = Field(default=0, ge=0)
    """Radius in pixels of the neighbourhood whose mean similarity makes a match good, so that
    neighbouring pixels match alike; 0 compares pixels alone, as published. Small windows are then
    searched exactly, the whole image by one of the approximate searches."""
    softness: float = Field(default=0, ge=0)
    """Difference of colour in the regressed image (black and white are √3 apart) over which a
    neighbour's support falls to e^(−1/2); 0 gives all neighbours the same weight."""
    iterations: int = Field(default=2, ge=1)
    """Of `patchmatch`."""
    seed: int = Field(default=0, ge=0)
    """Of `patchmatch`."""


def match(
    query: Tensor,
    exemplars: Tensor,
    windows: tuple[int, ...],
    settings: MatchingSettings | None = None,
    guide: Tensor | None = None,
) -> Matches:
    """The best match of every query pixel in every exemplar, for every window.

    Windows are clipped at the border and never wrap.

    Args:
        query: (H, W, D) float32, unit length over D.
        exemplars: (R, H, W, D), likewise, on the same device.
        windows: sides in pixels, or `WHOLE`.
        settings: which search; exact in float32 by default.
        guide: (H, W, C) float32 in [0, 1], across whose edges support does not reach; needed if
            `softness` is set.

    Returns:
        Scores and positions for every exemplar and window.

    Raises:
        ValueError: shapes differ, a window does not fit the image, a value is not finite, or the
            device cannot do what is asked for.

    Example:
        >>> import torch
        >>> x = torch.nn.functional.normalize(torch.rand(5, 6, 8), dim=-1)
        >>> bool((match(x, x[None], (1,)).position[0, 0] == torch.arange(30).view(5, 6)).all())
        True
    """
    settings = settings or MatchingSettings()
    check(query, exemplars, windows)
    if settings.support and settings.search == "exact":
        raise SettingsError(
            f"support {settings.support} needs `search: coarse_to_fine` or `patchmatch`, got "
            "`search: exact`, which compares pixels alone; change `matching` in params.yaml"
        )
    support = Support(settings.support, settings.softness, guide)
    if settings.search == "coarse_to_fine":
        return match_coarse_to_fine(query, exemplars, windows, support)
    if settings.search == "patchmatch":
        effort = (settings.seed, settings.iterations)
        return match_patchmatch(query, exemplars, windows, *effort, support)
    if available(query.device):
        return match_fused(query, exemplars, windows, settings.precision)
    return match_exact(query, exemplars, windows, settings.precision)
