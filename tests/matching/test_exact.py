"""The exact search against a quadruple loop, and in real numbers against one big product."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

from exemplar.matching import exact
from exemplar.matching.exact import match_exact
from exemplar.matching.windows import WHOLE
from tests.matching import naive


@contextmanager
def blocks_of(size: int, read: str = "_near_loops") -> Iterator[None]:
    """Blocks of so many bytes, or of one image row if that is more; windows read in one way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(exact._BLOCK, "cpu", size)
        patch.setattr(exact, "_near_loops", getattr(exact, read))
        yield


@settings(max_examples=15, deadline=None)
@given(
    height=st.integers(1, 7), width=st.integers(1, 7), depth=st.integers(1, 4), seed=st.integers(0)
)
@pytest.mark.parametrize("precision", ["f32", "bf16"])
@pytest.mark.parametrize("block", [0, 1 << 9, 1 << 20])
@pytest.mark.parametrize("read", ["_near_loops", "_near"])
def test_equals_a_quadruple_loop_for_every_window(
    precision, block, read, height, width, depth, seed
):
    # Small integers: products are exact in any order, also in bf16, and ties abound.
    rng = np.random.default_rng(seed)
    query = rng.integers(-2, 3, (height, width, depth)).astype(np.float32)
    exemplars = rng.integers(-2, 3, (2, height, width, depth)).astype(np.float32)
    windows = (*range(1, min(height, width) + 1), WHOLE)
    for asked in (windows, windows[:-1]):
        with blocks_of(block, read):
            found = match_exact(
                torch.from_numpy(query), torch.from_numpy(exemplars), asked, precision
            )
        for rank, exemplar in enumerate(exemplars):
            for index, window in enumerate(asked):
                score, position = naive.best(query, exemplar, window)
                np.testing.assert_array_equal(found.score[rank, index], score)
                np.testing.assert_array_equal(found.position[rank, index], position)


def some(*shape: int, seed: int = 0) -> torch.Tensor:
    return normalize(torch.randn(shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_real_descriptors_agree_with_one_big_product():
    query, exemplars = some(12, 20, 16), some(3, 12, 20, 16, seed=1)
    found = match_exact(query, exemplars, (WHOLE, 5))
    similarity = torch.einsum("pd,rqd->rpq", query.flatten(0, 1), exemplars.flatten(1, 2))
    torch.testing.assert_close(found.score[:, 0].flatten(1), similarity.amax(2))
    near = torch.from_numpy(naive.allowed(12, 20, 5))
    expected = similarity.masked_fill(~near, -torch.inf).amax(2)
    torch.testing.assert_close(found.score[:, 1].flatten(1), expected)


def test_rounded_products_choose_well_and_report_true_scores():
    query, exemplars = some(12, 20, 64), some(2, 12, 20, 64, seed=1)
    true = match_exact(query, exemplars, (5, WHOLE))
    rounded = match_exact(query, exemplars, (5, WHOLE), "bf16")
    similarity = torch.einsum("pd,rqd->rpq", query.flatten(0, 1), exemplars.flatten(1, 2))
    for index in range(2):
        chosen = rounded.position[:, index].flatten(1)[..., None]
        torch.testing.assert_close(
            rounded.score[:, index].flatten(1), similarity.gather(2, chosen)[..., 0]
        )
    # A bf16 similarity is off by at most its last bit and the factors', 2⁻⁷ in all.
    assert (rounded.score <= true.score + 1e-6).all()
    assert (rounded.score >= true.score - 2**-7).all()


def test_itself_is_the_best_match():
    x = some(6, 9, 8)
    found = match_exact(x, x[None], (1, 3, WHOLE))
    assert (found.position == torch.arange(54).view(6, 9)).all()
    torch.testing.assert_close(found.score, torch.ones(1, 3, 6, 9))


def test_never_more_than_a_block_is_multiplied():
    sizes = []
    original = torch.mm

    def watched(*args, out):
        sizes.append(out.numel())
        return original(*args, out=out)

    with blocks_of(4 * 10 * 200), pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "mm", watched)
        match_exact(some(20, 10, 4), some(2, 20, 10, 4), (1, WHOLE))
    assert sizes == [10 * 200] * 40


def test_tf32_is_a_gpu_s():
    with pytest.raises(ValueError, match="tf32 is a GPU's precision, the device is cpu"):
        match_exact(some(4, 5, 2), some(1, 4, 5, 2), (1,), "tf32")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["f32", "tf32", "bf16"])
def test_a_gpu_agrees_with_the_cpu(precision):
    query, exemplars = some(24, 32, 64), some(3, 24, 32, 64, seed=1)
    windows = (1, 7, 10, WHOLE)
    here = match_exact(query, exemplars, windows)
    there = match_exact(query.cuda(), exemplars.cuda(), windows, precision)
    tolerance = 1e-5 if precision == "f32" else 2**-7
    torch.testing.assert_close(there.score.cpu(), here.score, atol=tolerance, rtol=0)
