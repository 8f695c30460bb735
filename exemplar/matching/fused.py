"""Exact pixel matching on a GPU, in one kernel: no block of similarities ever leaves the chip.

The same answers as `exact`, whose torch search is this one's reference and its fallback. A query's
candidates are then reductions over what comes back. Without a GPU it runs, slowly, in Triton's
interpreter, which the environment's TRITON_INTERPRET=1 turns on.
"""

from __future__ import annotations

import math
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from exemplar.matching.windows import WHOLE, Matches, empty_matches

if TYPE_CHECKING:
    from exemplar.matching.exact import Precision

# Query pixels a program. Every program reads all keys: with fewer, reading them from the L2 cache
# would take longer than the products.
_QUERIES = 128

# Wide enough to keep the tensor cores busy: eight warps are two Hopper warp groups of 64 queries.
_WARPS = 8


class _Blocks(NamedTuple):
    """How one precision's work is cut; sized for Hopper's registers and shared memory."""

    keys: int  # exemplar pixels a step, a power of two
    held: int  # at most so many channels are multiplied at once, the queries staying in place
    chunk: int  # more channels are multiplied in chunks of so many
    stages: int  # blocks of keys on their way from memory
    registers: int | None  # a thread, where a bound lets two programs share a multiprocessor


_BLOCKS: dict[Precision, _Blocks] = {
    # 96 KiB of shared memory a program: while one takes its maxima the other multiplies.
    "bf16": _Blocks(keys=128, held=128, chunk=64, stages=2, registers=128),
    # Twice the bytes: one program a multiprocessor, so registers need no bound.
    "tf32": _Blocks(keys=64, held=128, chunk=64, stages=2, registers=None),
    # Without tensor cores the products are unrolled, and longer chunks outgrow the code cache.
    "f32": _Blocks(keys=64, held=16, chunk=16, stages=3, registers=128),
}


@cache
def available(device: torch.device | str) -> bool:
    """Whether `match_fused` runs on tensors of a device.

    It does on an NVIDIA GPU of compute capability 8.0 (Ampere) or later where Triton is installed.
    """
    device = torch.device(device)
    return (
        device.type == "cuda"
        and torch.version.hip is None
        and torch.cuda.is_available()
        and torch.cuda.get_device_capability(device) >= (8, 0)
        and find_spec("triton") is not None
    )


def match_fused(
    query: Tensor, exemplars: Tensor, windows: tuple[int, ...], precision: Precision
) -> Matches:
    """The best match of every pixel, for all exemplars and windows in one kernel.

    Windows are clipped at the border and never wrap. With `f32`, of equal similarities the first
    position in reading order wins. With `tf32` and `bf16` positions are chosen by similarities of
    rounded descriptors, of which 16 bits count; among equals the first wins where they are
    positive, and the score is the chosen position's in float32.

    Args:
        query: (H, W, D) float32, unit length over D, on a GPU.
        exemplars: (R, H, W, D), likewise.
        windows: sides in pixels, or `WHOLE`.
        precision: of the products.

    Returns:
        Scores and positions for every exemplar and window.

    Raises:
        ValueError: the tensors are not on a GPU that can run this.
    """
    if not (_interpreted() or available(query.device)):
        raise ValueError(
            "the fused search needs Triton and an NVIDIA GPU of compute capability 8.0 or later, "
            f"the tensors are on {query.device}; use the exact search"
        )
    from exemplar.matching.fused_kernel import match_block

    height, width, channels = query.shape
    # Ascending, the whole image last, each once: as the kernel has them.
    ordered = tuple(sorted(set(windows), key=lambda window: (window == WHOLE, window)))
    constants, options = _launch((height, width, channels), ordered, precision)
    missing = constants["DEPTH"] - channels
    query, exemplars = (pad(x, (0, missing)).contiguous() for x in (query, exemplars))
    rounded, keys = query, exemplars
    if precision == "bf16":
        rounded, keys = query.bfloat16(), exemplars.bfloat16()
    if _interpreted():
        # The interpreter would multiply the bits of bf16 as integers.
        rounded, keys = rounded.float(), keys.float()
    found = empty_matches(query, exemplars, ordered)
    grid = (math.ceil(height * width / _QUERIES), len(exemplars))
    with torch.cuda.device_of(query):
        match_block[grid](
            query, exemplars, rounded, keys, found.score, found.position, **constants, **options
        )
    if ordered == windows:
        return found
    places = [ordered.index(window) for window in windows]
    return Matches(found.score[:, places], found.position[:, places])


@cache
def _interpreted() -> bool:
    """Whether Triton interprets its kernels, which then take the CPU's tensors too."""
    if find_spec("triton") is None:
        return False
    from triton import knobs

    return knobs.runtime.interpret


def _launch(
    shape: tuple[int, int, int], windows: tuple[int, ...], precision: Precision
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The kernel's constants and the compiler's options for a query's shape."""
    height, width, channels = shape
    blocks = _BLOCKS[precision]
    # Tensor cores multiply 16 channels or more, and blocks are powers of two.
    depth = chunk = max(16, 1 << (channels - 1).bit_length())
    if depth > blocks.held:
        chunk = blocks.chunk
        depth = math.ceil(channels / chunk) * chunk
    constants = {
        "HEIGHT": height,
        "WIDTH": width,
        "DEPTH": depth,
        "WINDOWS": windows,
        "LARGEST": max(windows),
        "QUERIES": _QUERIES,
        "KEYS": blocks.keys,
        "CHUNK": chunk,
        "PRODUCTS": "tf32" if precision == "tf32" else "ieee",
        "PACKED": precision != "f32",
    }
    options = {
        "num_warps": _WARPS,
        "num_stages": blocks.stages,
        "maxnreg": blocks.registers,
        "enable_fp_fusion": True,
    }
    return constants, options
