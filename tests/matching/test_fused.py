"""The GPU's search against slices around every pixel; without a GPU in Triton's interpreter."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exemplar.matching import fused
from exemplar.matching.fused import available, match_fused
from exemplar.matching.windows import WHOLE, Matches

PRECISIONS = ("f32", "tf32", "bf16")
Match = Callable[..., Matches]


@pytest.fixture(scope="module")
def match() -> Iterator[Match]:
    """`match_fused` on this machine's GPU, or in a process where Triton interprets its kernels."""
    if available("cuda"):
        yield lambda query, exemplars, *rest: Matches(
            *(found.cpu() for found in match_fused(query.cuda(), exemplars.cuda(), *rest))
        )
        return
    pytest.importorskip("triton", reason="Triton is not installed")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as interpreter:
        # Triton reads this once, when it is imported; here other tests may want it compiled.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TRITON_INTERPRET", "1")
            interpreter.submit(int).result()
        yield lambda *given: interpreter.submit(match_fused, *given).result()


def naive(query: torch.Tensor, exemplars: torch.Tensor, windows: tuple[int, ...]) -> Matches:
    """Each pixel against the slice of the exemplar around it, in float64."""
    height, width, _ = query.shape
    score = np.empty((len(exemplars), len(windows), height, width))
    position = np.empty(score.shape, np.int64)
    for rank, exemplar in enumerate(exemplars.double().numpy()):
        for (y, x), pixel in zip(
            np.ndindex(height, width), query.double().numpy().reshape(height * width, -1),
            strict=True,
        ):  # fmt: skip
            for index, window in enumerate(windows):
                top = max(y - window // 2, 0) if window else 0
                left = max(x - window // 2, 0) if window else 0
                bottom = y - window // 2 + window if window else height
                right = x - window // 2 + window if window else width
                near = exemplar[top:bottom, left:right] @ pixel
                # The first in reading order, as argmax has it.
                v, u = np.unravel_index(near.argmax(), near.shape)
                score[rank, index, y, x] = near[v, u]
                position[rank, index, y, x] = (top + v) * width + left + u
    return Matches(torch.from_numpy(score), torch.from_numpy(position))


def descriptors(seed: int, *shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(shape, generator=generator), dim=-1)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(
    height=st.integers(1, 19),
    width=st.integers(1, 19),
    depth=st.integers(1, 20),
    ranks=st.sampled_from((1, 3)),
    windows=st.sets(st.sampled_from((1, 2, 3, 7, 10, WHOLE)), min_size=1),
    precision=st.sampled_from(PRECISIONS),
    seed=st.integers(0, 999),
)
def test_of_equals_the_first_wins(match, height, width, depth, ranks, windows, precision, seed):
    # Small integers: products are exact in every precision, and ties abound. Negative ones only
    # where ties of negative similarities are promised too.
    rng = np.random.default_rng(seed)
    lowest = -2 if precision == "f32" else 0
    values = rng.integers(lowest, 3, (ranks + 1, height, width, depth)).astype(np.float32)
    query, exemplars = torch.from_numpy(values[0]), torch.from_numpy(values[1:])
    windows = tuple(w for w in windows if w <= min(height, width)) or (WHOLE,)
    found, expected = match(query, exemplars, windows, precision), naive(query, exemplars, windows)
    assert found.score.dtype == torch.float32 and found.position.dtype == torch.int64
    assert torch.equal(found.position, expected.position)
    assert torch.equal(found.score.double(), expected.score)


# Sizes below, at and beside multiples of the blocks of 64 and 128 pixels; channels that are held,
# padded, and multiplied in chunks.
SHAPES = [(16, 16, 100), (21, 13, 7), (10, 15, 130)]


@pytest.mark.parametrize("windows", [(1, 3, 7, 10, WHOLE), (3,), (WHOLE,)], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equals_slices_around_every_pixel(match, shape, windows):
    query, exemplars = descriptors(0, *shape), descriptors(1, 2, *shape)
    found, expected = match(query, exemplars, windows, "f32"), naive(query, exemplars, windows)
    assert torch.equal(found.position, expected.position)
    torch.testing.assert_close(found.score.double(), expected.score, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("precision", "bits"), [("tf32", 10), ("bf16", 9)])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rounded_products_choose_nearly_the_best(match, shape, precision, bits):
    windows = (1, 3, 7, 10, WHOLE)
    query, exemplars = descriptors(0, *shape), descriptors(1, 2, *shape)
    found, expected = match(query, exemplars, windows, precision), naive(query, exemplars, windows)
    pixels = exemplars.flatten(1, 2)
    rank = torch.arange(2).view(2, 1, 1, 1)
    chosen = (pixels[rank, found.position].double() * query.double()).sum(-1)
    torch.testing.assert_close(found.score.double(), chosen, atol=1e-6, rtol=0)
    # Both unit vectors are rounded, and so both similarities that are compared.
    assert (chosen >= expected.score - 4 * 2.0**-bits).all()
    assert (found.position == expected.position).double().mean() > 0.95
    side = torch.tensor([window or 99 for window in windows]).view(-1, 1, 1)
    height, width, _ = shape
    for axis, offset in (
        (height, found.position // width - torch.arange(height).view(-1, 1)),
        (width, found.position % width - torch.arange(width)),
    ):
        inside = (offset >= -(side // 2)) & (offset < side - side // 2)
        assert inside.all(), f"outside the window along the side of {axis}"


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_window_reaches_its_corners_in_the_next_block(match, precision):
    # Pixels 127 and 256, of rows 3 and 6, lie on both sides of a block's edge, and each in the
    # farthest corner of the other's window.
    query, exemplars = descriptors(5, 9, 42, 16), descriptors(6, 1, 9, 42, 16)
    query[3, 1], query[6, 4] = exemplars[0, 6, 4], exemplars[0, 3, 1]
    position = match(query, exemplars, (7,), precision).position[0, 0]
    assert (position[3, 1], position[6, 4]) == (256, 127)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_windows_come_in_the_order_asked(match, precision):
    query, exemplars = descriptors(2, 11, 14, 12), descriptors(3, 1, 11, 14, 12)
    asked = (WHOLE, 10, 1, 10)
    found = match(query, exemplars, asked, precision)
    for index, window in enumerate(asked):
        alone = match(query, exemplars, (window,), precision)
        assert torch.equal(found.score[:, index], alone.score[:, 0])
        assert torch.equal(found.position[:, index], alone.position[:, 0])


def test_views_are_read_by_their_strides(match):
    query = descriptors(4, 9, 8, 16)
    exemplars = torch.stack([query, query.flip(0)])
    found = match(
        query.permute(2, 0, 1).contiguous().permute(1, 2, 0), exemplars[::2], (WHOLE,), "bf16"
    )
    assert torch.equal(found.position[0, 0], torch.arange(72).view(9, 8))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_compiles_for_hopper(precision, tmp_path, monkeypatch):
    triton = pytest.importorskip("triton", reason="Triton is not installed")
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from exemplar.matching.fused_kernel import match_block

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    constants, options = fused._launch((96, 96, 128), (1, 7, 11, WHOLE), precision)
    rounded = "*bf16" if precision == "bf16" else "*fp32"
    types = ["*fp32", "*fp32", rounded, rounded, "*fp32", "*i64"]
    names = match_block.arg_names
    signature = dict(zip(names, types, strict=False)) | dict.fromkeys(constants, "constexpr")
    kernel = triton.compile(
        ASTSource(
            match_block,
            signature,
            {(names.index(name),): value for name, value in constants.items()},
            {(index,): [["tt.divisibility", 16]] for index in range(len(types))},
        ),
        target=GPUTarget("cuda", 90, 32),
        options=options,
    )
    assert kernel.metadata.shared <= 227 * 1024
    assert ("wgmma" in kernel.asm["ptx"]) == (precision != "f32")


def test_says_what_it_needs(monkeypatch):
    query, exemplars = descriptors(0, 4, 4, 2), descriptors(1, 1, 4, 4, 2)
    with pytest.raises(ValueError, match="the tensors are on cpu; use the exact search"):
        match_fused(query, exemplars, (WHOLE,), "f32")
    assert not available("cpu")
    monkeypatch.setitem(sys.modules, "triton", None)
    for cached in (available, fused._interpreted):
        cached.cache_clear()
    try:
        assert not available("cuda")
        with pytest.raises(ValueError, match="needs Triton"):
            match_fused(query, exemplars, (WHOLE,), "f32")
    finally:
        for cached in (available, fused._interpreted):
            cached.cache_clear()
