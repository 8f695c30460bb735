"""Agreement against loops over pixels, and what it must be at its ends."""

from __future__ import annotations

import numpy as np
import torch

from exemplar.metrics.agreement import match_agreement


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a = a.reshape(-1, a.shape[-1]) / np.linalg.norm(a.reshape(-1, a.shape[-1]), axis=1)[:, None]
    b = b.reshape(-1, b.shape[-1]) / np.linalg.norm(b.reshape(-1, b.shape[-1]), axis=1)[:, None]
    return a @ b.T


def test_equals_plain_loops():
    rng = np.random.default_rng(0)
    queries, exemplars = rng.normal(size=(2, 3, 6, 7, 8)).astype(np.float32)
    table = match_agreement(torch.from_numpy(queries), torch.from_numpy(exemplars), [2, 5], (0,))
    for d, agreement, similarity in table[["dimensions", "agreement", "similarity"]].to_numpy():
        near, share = [], []
        for query, exemplar in zip(queries, exemplars, strict=True):
            full, short = (
                cosines(query, exemplar),
                cosines(query[..., : int(d)], exemplar[..., : int(d)]),
            )
            a, b = full.argmax(1), short.argmax(1)
            apart = [
                max(abs(i // 7 - j // 7), abs(i % 7 - j % 7)) for i, j in zip(a, b, strict=True)
            ]
            near.append(np.mean([x <= 1 for x in apart]))
            share.append(full[np.arange(42), b].mean() / full.max(1).mean())
        assert abs(agreement - np.mean(near)) < 1e-6
        assert abs(similarity - np.mean(share)) < 1e-5


def test_all_dimensions_agree_wholly():
    x = torch.randn(2, 1, 9, 8, 6, generator=torch.Generator().manual_seed(0))
    table = match_agreement(x[0], x[1], [1, 6], (3, 0))
    assert table["dimensions"].tolist() == [1, 1, 6, 6]
    assert table["window"].tolist() == [3, 0, 3, 0]
    assert (table["agreement"][2:] == 1).all()
    assert np.allclose(table["similarity"][2:], 1)
    assert (table["agreement"][:2] < 1).all()
