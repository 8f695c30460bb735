"""How fast pixels are matched: every claim of docs/performance.md, from one run.

    python -m benchmarks.matching

Needs the default run's features (`make reproduce`) and takes some five minutes on two cores.
"""

from __future__ import annotations

from functools import partial

import faiss
import numpy as np
import torch
from torch import Tensor

from benchmarks.descriptors import query_and_exemplars
from benchmarks.query import SETTINGS, memory
from benchmarks.record import Figure, best_times, cost, report, speed_up
from exemplar.matching.engine import MatchingSettings, match
from exemplar.matching.windows import WHOLE
from exemplar.methods.pixelnn.schedule import Candidate, candidates, exemplars_needed, windows_of

DIMENSIONS = 128


def main() -> None:
    """Measures, prints, writes reports/benchmarks/matching.json."""
    released, paper = candidates("released"), candidates("paper")
    query, exemplars = query_and_exemplars(DIMENSIONS, exemplars_needed(released))
    print(f"{torch.get_num_threads()} threads, D = {DIMENSIONS}, {query.shape[0]} px a side")
    figures = [
        *exact(query, exemplars, released),
        *costliest(query, exemplars, paper),
        *products(query, exemplars),
        *approximate(query, exemplars, released),
        *supported(query, exemplars, released),
        *(memory(1024, 96, 1500, kind) for kind in SETTINGS),
        *(memory(64, 256, 3000, kind) for kind in SETTINGS),
    ]
    report("matching", figures)


def exact(query: Tensor, exemplars: Tensor, members: list[Candidate]) -> list[Figure]:
    """All candidates in one pass against one search, each candidate alone, and FAISS."""
    windows = windows_of(members)

    def each_alone(whole_blocks: bool) -> None:
        for member in members:
            chosen = exemplars[member.ranks]
            match(query, chosen, (member.window, WHOLE) if whole_blocks else (member.window,))

    times = best_times(
        2,
        all=lambda: match(query, exemplars, windows),
        whole=lambda: match(query, exemplars, (WHOLE,)),
    )
    slow = best_times(
        1,
        alone=partial(each_alone, False),
        blocks=partial(each_alone, True),
        knn=lambda: by_faiss(query, exemplars, members),
    )
    return [
        cost("released_vs_whole_search", times["all"],
             f"one whole-window search over {len(exemplars)} exemplars", times["whole"]),
        speed_up("released_vs_each_alone", times["all"],
                 "the same blocks, once for each candidate", slow["blocks"]),
        speed_up("released_vs_each_alone_trimmed", times["all"],
                 "match() once for each candidate, small windows from the rows they touch",
                 slow["alone"]),
        speed_up("released_vs_faiss", times["all"],
                 "faiss.knn once for each whole-window candidate", slow["knn"]),
    ]  # fmt: skip


def by_faiss(query: Tensor, exemplars: Tensor, members: list[Candidate]) -> None:
    """The whole-window candidates' searches by FAISS, each over all pixels of its exemplars."""
    faiss.omp_set_num_threads(torch.get_num_threads())
    pixels = query.flatten(0, 1).numpy()
    for member in members:
        if member.window == WHOLE:
            keys = exemplars[member.ranks].flatten(0, 2).numpy()
            faiss.knn(pixels, keys, 1, metric=faiss.METRIC_INNER_PRODUCT)


def costliest(query: Tensor, exemplars: Tensor, members: list[Candidate]) -> list[Figure]:
    """The paper's schedule against its costliest member."""
    needed = exemplars_needed(members)
    last = max(members, key=lambda member: (member.neighbours, member.window == WHOLE))
    times = best_times(
        2,
        all=lambda: match(query, exemplars[:needed], windows_of(members)),
        last=lambda: match(query, exemplars[last.ranks], (last.window,)),
    )
    return [cost("paper_vs_costliest", times["all"], f"{last} alone", times["last"])]


def products(query: Tensor, exemplars: Tensor) -> list[Figure]:
    """The whole-window search against the matrix product alone, and bf16 against f32."""
    pixels, keys = query.flatten(0, 1), exemplars[0].flatten(0, 1)
    # As large a product at a time as the machine is best at.
    out = torch.empty(1024, len(keys))

    def multiply() -> None:
        for start in range(0, len(pixels), len(out)):
            rows = pixels[start : start + len(out)]
            torch.mm(rows, keys.T, out=out[: len(rows)])

    bf16 = MatchingSettings(precision="bf16")
    times = best_times(
        5,
        product=multiply,
        whole=lambda: match(query, exemplars[:1], (WHOLE,)),
        rounded=lambda: match(query, exemplars[:1], (WHOLE,), bf16),
    )
    work = 2 * len(pixels) * len(keys) * query.shape[-1] / 1e9
    score = match(query, exemplars, (WHOLE,)).score.mean()
    rounded = match(query, exemplars, (WHOLE,), bf16).score.mean()
    rate, reference = work / times["whole"], work / times["product"]
    return [
        Figure("whole_window_vs_matmul", rate, "GFLOP/s", "the matrix product alone", reference,
               rate / reference),
        speed_up("bf16_vs_f32", times["rounded"], "the same search in f32", times["whole"]),
        cost("bf16_score", rounded.item(), "mean best cosine in f32", score.item(), "cosine"),
    ]  # fmt: skip


def approximate(query: Tensor, exemplars: Tensor, members: list[Candidate]) -> list[Figure]:
    """The approximate searches against the exact one: time, and mean best cosine."""
    windows = windows_of(members)
    ways = {
        "exact": MatchingSettings(),
        "coarse_to_fine": MatchingSettings(search="coarse_to_fine"),
        "patchmatch": MatchingSettings(search="patchmatch"),
    }
    work = {name: partial(match, query, exemplars, windows, way) for name, way in ways.items()}
    times = best_times(2, **work)
    score = {name: float(np.mean(call().score.numpy())) for name, call in work.items()}
    figures = []
    for name in ("coarse_to_fine", "patchmatch"):
        figures += [
            speed_up(f"{name}_vs_exact", times[name], "all windows, exact", times["exact"]),
            cost(f"{name}_score", score[name], "mean best cosine, exact", score["exact"], "cosine"),
        ]
    return figures


def supported(query: Tensor, exemplars: Tensor, members: list[Candidate]) -> list[Figure]:
    """Matching by neighbourhoods against matching pixel by pixel: time, and how good it is."""
    windows, radius = windows_of(members), 5
    ways = {
        "alone": MatchingSettings(),
        "box": MatchingSettings(search="coarse_to_fine", support=radius),
        "guided": MatchingSettings(search="coarse_to_fine", support=radius, softness=0.1),
        "patchmatch": MatchingSettings(search="patchmatch", support=radius),
    }
    guide = query[..., :3].clamp(0, 1)
    work = {
        name: partial(match, query, exemplars, windows, way, guide) for name, way in ways.items()
    }
    times = best_times(2, **work)
    rows = list(range(8, query.shape[0], 16))
    best = torch.stack([supported_best(query, exemplars[0], row, radius) for row in rows])
    figures = []
    for name in ("box", "guided", "patchmatch"):
        figures.append(cost(f"support_{name}_vs_alone", times[name],
                            "all windows, exact, pixels alone", times["alone"]))  # fmt: skip
        if name != "guided":
            score = work[name]().score[0, windows.index(WHOLE), rows]
            figures.append(cost(f"support_{name}_score", score.mean().item(),
                                "mean best neighbourhood of the whole image, by all pairs",
                                best.mean().item(), "cosine"))  # fmt: skip
    return figures


def supported_best(query: Tensor, exemplar: Tensor, row: int, radius: int) -> Tensor:
    """The mean similarity of each pixel's best neighbourhood (W,), found by comparing all pairs."""
    height, width, _ = query.shape
    total, norm = torch.zeros(2, width, height, width)
    for down in range(-radius, radius + 1):
        if not 0 <= row + down < height:
            continue
        similar = (query[row + down] @ exemplar.flatten(0, 1).T).view(width, height, width)
        v = slice(max(0, -down), height - max(0, down))
        v_there = slice(max(0, down), height - max(0, -down))
        for right in range(-radius, radius + 1):
            x = slice(max(0, -right), width - max(0, right))
            x_there = slice(max(0, right), width - max(0, -right))
            total[x, v, x] += similar[x_there, v_there, x_there]
            norm[x, v, x] += 1
    return (total / norm).flatten(1).amax(1)


if __name__ == "__main__":
    main()
