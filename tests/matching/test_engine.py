"""The engine asks the search that was named, and refuses what a search cannot do."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from exemplar.matching.approximate import match_coarse_to_fine, match_patchmatch
from exemplar.matching.engine import MatchingSettings, match
from exemplar.matching.exact import match_exact
from exemplar.matching.support import Support
from exemplar.matching.windows import WHOLE

X = normalize(torch.randn(3, 30, 28, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
WINDOWS = (1, 5, WHOLE)
GUIDE = torch.rand(30, 28, 3, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, lambda: match_exact(X[0], X[1:], WINDOWS)),
        ({"precision": "bf16"}, lambda: match_exact(X[0], X[1:], WINDOWS, "bf16")),
        ({"search": "coarse_to_fine"}, lambda: match_coarse_to_fine(X[0], X[1:], WINDOWS)),
        (
            {"search": "patchmatch", "seed": 4, "iterations": 1},
            lambda: match_patchmatch(X[0], X[1:], WINDOWS, 4, 1),
        ),
        (
            {"search": "patchmatch", "support": 2},
            lambda: match_patchmatch(X[0], X[1:], WINDOWS, support=Support(2)),
        ),
        (
            {"search": "coarse_to_fine", "support": 2, "softness": 0.2},
            lambda: match_coarse_to_fine(X[0], X[1:], WINDOWS, Support(2, 0.2, GUIDE)),
        ),
    ],
)
def test_the_named_search_is_asked(settings, expected):
    found, wanted = match(X[0], X[1:], WINDOWS, MatchingSettings(**settings), GUIDE), expected()
    assert (found.position == wanted.position).all()
    assert (found.score == wanted.score).all()


def test_searches_differ():
    positions = [
        match(X[0], X[1:], WINDOWS, MatchingSettings(**settings)).position
        for settings in (
            {},
            {"search": "coarse_to_fine"},
            {"search": "coarse_to_fine", "support": 2},
            {"search": "patchmatch"},
            {"search": "patchmatch", "support": 2},
        )
    ]
    for index, one in enumerate(positions):
        for other in positions[:index]:
            assert (one != other).any()


def test_what_cannot_be_done_is_said():
    with pytest.raises(ValueError, match="sides from 1 to 28"):
        match(X[0], X[1:], (29,))
    with pytest.raises(ValueError, match="support 2 needs `search: coarse_to_fine` or `patchma"):
        match(X[0], X[1:], (1,), MatchingSettings(search="exact", support=2))
    with pytest.raises(ValueError, match="tf32 is a GPU's precision, the device is cpu"):
        match(X[0], X[1:], (1,), MatchingSettings(precision="tf32"))
