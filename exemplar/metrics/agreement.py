"""How well short descriptors find what full hypercolumns find: the measure behind D.

The projection's directions are ordered, so the first d entries of the longest descriptor are the
descriptor of d dimensions, and all lengths are compared on one set of images.
"""

from __future__ import annotations

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from exemplar.matching.exact import match_exact
from exemplar.matching.similarity import similarities

NEAR = 1  # pixels: a match this close, in rows and columns, is the same


def match_agreement(
    queries: Tensor, exemplars: Tensor, dimensions: list[int], windows: tuple[int, ...]
) -> pd.DataFrame:
    """Matches by the first d dimensions against matches by all of them.

    Args:
        queries: (N, H, W, C) float32, full descriptors; any length.
        exemplars: (N, H, W, C), an exemplar for each query.
        dimensions: the d to try, each from 1 to C.
        windows: sides in pixels, or 0 for the whole image.

    Returns:
        One row for each d and window: `dimensions`; `window`; `agreement`, the share of pixels
        matched within one pixel of the full match; `similarity`, the mean full cosine of the
        matches divided by that of the best matches. Both are 1 for d = C.
    """
    found = []
    for query, exemplar in zip(queries, exemplars, strict=True):
        full = _unit(query), _unit(exemplar)
        best = match_exact(full[0], full[1][None], windows)
        width = query.shape[1]
        for d in dimensions:
            short = match_exact(_unit(query[..., :d]), _unit(exemplar[..., :d])[None], windows)
            places = short.position[0].flatten(1).T
            cosine = similarities(full[0].flatten(0, 1), full[1].flatten(0, 1), places).mean(0)
            for index, window in enumerate(windows):
                a, b = best.position[0, index], short.position[0, index]
                apart = torch.maximum(
                    (a // width - b // width).abs(), (a % width - b % width).abs()
                )
                near = (apart <= NEAR).float().mean()
                share = cosine[index] / best.score[0, index].mean()
                found.append((d, window, near.item(), share.item()))
    columns = ["dimensions", "window", "agreement", "similarity"]
    each = pd.DataFrame(found, columns=columns)
    return pd.DataFrame(each.groupby(columns[:2], sort=False, as_index=False).mean())


def _unit(x: Tensor) -> Tensor:
    return functional.normalize(x, dim=-1).contiguous()
