"""How fast a GPU makes all candidates of an input, and the kernel's share of the chip's peak.

    python -m benchmarks.gpu

Needs an NVIDIA GPU; its descriptors are random, which changes no figure. One input's matching is
2 · 11 · (96 · 96)² · 128 = 0.24 TFLOP.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch.nn.functional import normalize

from benchmarks.record import Figure, report
from exemplar.matching.exact import Precision, match_exact
from exemplar.matching.fused import available, match_fused
from exemplar.matching.windows import WHOLE
from exemplar.methods.pixelnn.compose import compose
from exemplar.methods.pixelnn.followers import by_rank
from exemplar.methods.pixelnn.schedule import candidates, exemplars_needed, windows_of

SIDE, DIMENSIONS, INPUTS = 96, 128, 200


def main() -> None:
    """Measures, prints, writes reports/benchmarks/gpu.json."""
    if not available("cuda"):
        raise SystemExit("benchmarks.gpu needs an NVIDIA GPU (Ampere or later) and Triton")
    device = torch.device("cuda")
    print(torch.cuda.get_device_name(device))
    members = candidates("released")
    windows, ranks = windows_of(members), exemplars_needed(members)
    generator = torch.Generator(device).manual_seed(0)
    shape = (ranks + 1, SIDE, SIDE, DIMENSIONS)
    pixels = normalize(torch.randn(shape, device=device, generator=generator), dim=-1)
    query, exemplars = pixels[0], pixels[1:]
    figures = []
    precisions: tuple[Precision, ...] = ("bf16", "tf32", "f32")
    for precision in precisions:
        fused = seconds(partial(match_fused, query, exemplars, windows, precision))
        plain = seconds(partial(match_exact, query, exemplars, windows, precision))
        figures.append(Figure(
            f"fused_{precision}_vs_torch", 1 / fused, "inputs/s", "blocks by torch", 1 / plain,
            plain / fused,
        ))  # fmt: skip
        if precision == "bf16":
            work = 2 * ranks * (SIDE * SIDE) ** 2 * DIMENSIONS / 1e12
            whole = seconds(lambda: match_fused(query, exemplars, (WHOLE,), "bf16"))
            peak = product_rate(device)
            figures += [
                Figure("fused_bf16_share_of_peak", work / fused, "TFLOP/s",
                       "the rate of an 8,192³ product", peak, work / fused / peak),
                Figure("released_vs_whole_search", fused, "s", "the whole window alone", whole,
                       fused / whole),
            ]  # fmt: skip
    residual = torch.randint(-99, 99, (ranks, SIDE, SIDE, 3), device=device).short()
    image = torch.randint(0, 256, (SIDE, SIDE, 3), device=device).byte()

    def candidates_of_one() -> None:
        matches = match_fused(query, exemplars, windows, "bf16")
        compose(image, residual, by_rank(np.arange(ranks), members), matches, members)

    each = seconds(candidates_of_one)
    alone = figures[0].value
    figures.append(
        Figure("released_inputs_a_second", 1 / each, "inputs/s", "matching alone", alone,
               1 / each / alone)
    )  # fmt: skip
    report("gpu", figures)


def seconds(call: Callable[[], object], count: int = INPUTS) -> float:
    """The time of one call, over many, after a few to warm up."""
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(count):
        call()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / count


def product_rate(device: torch.device) -> float:
    """The matrix-product rate in bf16, TFLOP/s."""
    side = 8192
    a = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    return 2 * side**3 / seconds(lambda: a @ a, 20) / 1e12


if __name__ == "__main__":
    main()
