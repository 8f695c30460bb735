"""The two-term energy of Eq. 2 as one similarity of descriptors, for the shared field search.

With features of unit length ‖x − y‖² = 2 − 2 x·y, so the two terms of the energy, between A and B
and between A′ and B′, are one scalar product of the features set side by side; the search for its
largest mean over patches is the search for the least energy.

Features of places without texture are weak, and made to unit length they are noise. So weak ones
are made shorter, x / √(|x|² + ε²), and what is missing to unit length goes to further channels:
a constant, or cues such as colours. Flat places then match flat places with like cues. With ε = 0
this is the published energy. Source: section 4.2, and section 7 on textureless regions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from exemplar.matching.field import Pair, pair
from exemplar.matching.support import Support, taps
from exemplar.matching.windows import WHOLE


def softening(own: list[Tensor], floor: float) -> Tensor:
    """ε, the activation below which a place counts as flat.

    Args:
        own: features (1, C, H, W) of both images.
        floor: as a share of their mean length.
    """
    return floor * torch.cat([x.square().sum(1).sqrt().flatten() for x in own]).mean()


def described(features: Tensor, epsilon: Tensor, cues: Tensor | None = None) -> Tensor:
    """Features of unit length, flat places told apart by cues.

    Args:
        features: (1, C, H, W).
        epsilon: see `softening`; 0 for the published energy.
        cues: (1, K, H, W), at most of length 1; None: flat places are all alike.

    Returns:
        (H, W, C + 1) or, with cues, (H, W, C + K + 1), float32, of unit length.
    """
    energy = features.square().sum(1, keepdim=True)
    length = (energy + epsilon.square()).sqrt()
    # Without any activation a place is flat, whatever ε is.
    known = length > 0
    unit = torch.where(known, features / length.clamp_min(torch.finfo(length.dtype).tiny), 0)
    flat = torch.where(known, epsilon / length.clamp_min(torch.finfo(length.dtype).tiny), 1)
    parts = [unit, flat]
    if cues is not None:
        rest = (1 - cues.square().sum(1, keepdim=True)).clamp_min(0).sqrt()
        parts = [unit, flat * cues, flat * rest]
    return torch.cat(parts, dim=1)[0].movedim(0, -1)


def match_pair(query: list[Tensor], keys: list[Tensor], patch: int) -> Pair:
    """What the field search matches, for one direction.

    Args:
        query: descriptors (H, W, D) of unit length, one for each term of the energy.
        keys: (H', W', D), likewise.
        patch: the side of the patches compared.
    """
    share = len(query) ** -0.5
    first = (torch.cat(query, dim=-1) * share).contiguous()
    second = (torch.cat(keys, dim=-1) * share).contiguous()
    size = (first.shape[0], first.shape[1])
    return pair(first, second, WHOLE, taps(Support(patch // 2), size, first.device))
