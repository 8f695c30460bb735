"""Similarities of pairs against plain products."""

from __future__ import annotations

import numpy as np
import torch

from exemplar.matching.similarity import similarities


def test_equals_plain_products():
    rng = np.random.default_rng(0)
    query, keys = (torch.from_numpy(rng.normal(size=(n, 37)).astype(np.float32)) for n in (9, 14))
    positions = torch.from_numpy(rng.integers(0, 14, (9, 5)))
    found = similarities(query, keys, positions)
    for row in range(9):
        for column in range(5):
            other = keys[positions[row, column]]
            expected = sum(float(a) * float(b) for a, b in zip(query[row], other, strict=True))
            assert abs(found[row, column].item() - expected) < 1e-5


def test_rows_need_not_lie_together():
    x = torch.arange(24.0).view(6, 4).T
    found = similarities(x, x, torch.tensor([[1], [1], [0], [3]]))
    expected = (x * x[[1, 1, 0, 3]]).sum(1, keepdim=True)
    torch.testing.assert_close(found, expected)
