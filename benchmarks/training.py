"""What the training loops cost, what memory layout and precision bring, and large images.

    python -m benchmarks.training

Makes its own photographs. Networks are as large as those of the main job, and for 2048×1024 the
published ones of pix2pixHD. Takes some ten minutes on two cores that do nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.record import Figure, best_times, cost, report, speed_up
from exemplar.measured import peak_memory
from exemplar.memory import keep_freed_memory
from exemplar.methods.pix2pix.settings import Pix2PixSettings
from exemplar.methods.pix2pix.training import Pairs, batch_at, start_contest, train_pix2pix
from exemplar.methods.pix2pixhd.model import NetworkSettings, Pix2pixHD
from exemplar.methods.pix2pixhd.objective import ObjectiveSettings, losses
from exemplar.methods.pix2pixhd.photographs import Photographs, draw, with_objects
from exemplar.methods.pix2pixhd.pictures import Pictures
from exemplar.methods.pix2pixhd.schedule import LevelSettings, lengths
from exemplar.methods.pix2pixhd.training import Contest, train_level
from exemplar.training.ahead import Ahead
from exemplar.training.images import generator_at

SIDE, CLASSES, COUNT = 96, tuple("abcdefgh"), 64
LARGE = (1024, 2048)
PLAIN = "a plain loop over batches in memory: no loading, history, pictures or checkpoint"
NETWORK = NetworkSettings.model_validate({
    "generator": {"width": 24, "downsamplings": 3, "blocks": 4, "enhancers": 1,
                  "enhancer_blocks": 2},
    "discriminators": {"scales": 2, "width": 16, "layers": 2},
    "encoder": {"features": 3, "width": 8, "downsamplings": 2},
})  # fmt: skip
PUBLISHED = NetworkSettings(encoder=None)
STEPS = 100  # between two checkpoints of the main job


def main() -> None:
    """Measures, prints, writes reports/benchmarks/training.json."""
    keep_freed_memory()
    torch.set_num_threads(1)
    figures = [
        loop("pix2pix", pix2pix_work()),
        *(loop(f"pix2pixhd_level_{level}", pix2pixhd_work(level)) for level in (0, 1)),
        loading(),
        large_loading(),
        *layouts_and_precisions(),
        *large_images(),
    ]
    report("training", figures)


def loop(name: str, work: tuple[int, Callable[[], object], Callable[[], object]]) -> Figure:
    """Our loop, with everything it does between two checkpoints, against a plain one."""
    images, ours, plain = work
    times = best_times(4, ours=ours, plain=plain)
    return Figure(
        f"{name}_loop_vs_plain", images / times["ours"], "images/s",
        PLAIN, images / times["plain"], times["ours"] / times["plain"],
    )  # fmt: skip


def pix2pix_work() -> tuple[int, Callable[[], object], Callable[[], object]]:
    """Edges to photographs in the main job's settings."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (COUNT, SIDE, SIDE, 3), np.uint8)
    pairs = Pairs(rng.random((COUNT, SIDE, SIDE)).astype(np.float16), images, "edges")
    few = Pairs(pairs.stored[:4], images[:4], "edges")
    length = {"epochs": 2 * STEPS / COUNT, "decay_epochs": 0, "batch": 2, "collapse": 0}
    settings = Pix2PixSettings.model_validate({"training": length | {"checkpoint_every": STEPS}})
    training = settings.training
    batches = [batch_at(step, pairs, training) for step in range(STEPS)]

    def plain() -> None:
        made = start_contest(pairs, settings)
        generator, judge, (first, second) = (
            made.generator, made.discriminator, made.optimizers.values(),
        )  # fmt: skip
        error = functional.binary_cross_entropy_with_logits
        for step, (x, y) in enumerate(batches):
            with torch.autocast("cpu", torch.bfloat16):
                fake = generator(x, generator_at(step, 1))[:, 0]
                seen = [judge(torch.cat([2 * x - 1, image], 1))[-1].float()
                        for image in (fake.detach(), y)]  # fmt: skip
            wrong = error(seen[0], torch.zeros_like(seen[0])) + error(
                seen[1], torch.ones_like(seen[1])
            )
            _descend(second, wrong / 2)
            judge.requires_grad_(False)
            with torch.autocast("cpu", torch.bfloat16):
                logits = judge(torch.cat([2 * x - 1, fake], 1))[-1].float()
            _descend(first, error(logits, torch.ones_like(logits)) + 100 * (fake - y).abs().mean())
            judge.requires_grad_(True)

    def ours() -> None:
        with TemporaryDirectory() as folder:
            train_pix2pix(pairs, settings, Path(folder), few)

    return 2 * STEPS, ours, plain


def pix2pixhd_work(level: int) -> tuple[int, Callable[[], object], Callable[[], object]]:
    """The global network, or it and an enhancer jointly."""
    photographs, settings = blocks(COUNT, (SIDE, SIDE)), level_settings()
    batches = [draw(photographs, step, settings, 2 - level) for step in range(STEPS)]

    def plain() -> None:
        model = _model(NETWORK, level).to(memory_format=torch.channels_last).train()
        makers = [*model.generator.parameters(), *model.encoder.parameters()]  # type: ignore[union-attr]
        optimizers = [torch.optim.Adam(weights, 2e-4, (0.5, 0.999), fused=True)
                      for weights in (makers, model.discriminators.parameters())]  # fmt: skip
        for batch in batches:
            with torch.autocast("cpu", torch.bfloat16):
                found = losses(model, batch, ObjectiveSettings())
            _descend(optimizers[0], found.synthesis)
            _descend(optimizers[1], found.discriminators)

    def ours() -> None:
        with TemporaryDirectory() as folder:
            observe = Pictures(photographs.some(np.arange(4)), Path(folder, "samples"))
            train_level(_model(NETWORK, level), photographs, settings, Path(folder, "work"),
                        f"level {level}", None, observe)  # fmt: skip

    return settings.batch * STEPS, ours, plain


def loading() -> Figure:
    """How long a step waits for its batch, of how long it takes: photographs in a file."""
    photographs, settings = blocks(COUNT, (SIDE, SIDE)), level_settings()
    contest = Contest(_model(NETWORK, 0).train(), settings, lengths(settings, COUNT))
    with TemporaryDirectory() as folder:
        np.save(Path(folder, "images.npy"), photographs.images)
        mapped = np.load(Path(folder, "images.npy"), mmap_mode="r")
        photographs = Photographs(mapped, *list(vars(photographs).values())[1:])
        with Ahead(lambda step: draw(photographs, step, settings, 2), STEPS) as batches:
            contest(0, batches(0))
            start, batches.waited = time.perf_counter(), 0.0
            for step in range(1, STEPS):
                contest(step, batches(step))
            each = 1000 * (time.perf_counter() - start) / (STEPS - 1)
    waited = 1000 * batches.waited / (STEPS - 1)
    return cost("waiting_for_batches", waited, "the step that waits", each, "ms")


def large_loading() -> Figure:
    """Drawing an image of 2048×1024 and its maps, against copying the bytes that are read."""
    photographs, settings = blocks(2, LARGE), level_settings(batch=1)

    def copied() -> list[np.ndarray]:
        return [values[:1].copy() for values in vars(photographs).values()]

    times = best_times(3, drawn=lambda: draw(photographs, 0, settings, 1), copied=copied)
    return cost("drawing_2048x1024", times["drawn"], "copying its bytes", times["copied"])


def layouts_and_precisions() -> list[Figure]:
    """A training step of the global network with the channels first or last, in 32 or 16 bits."""
    photographs = blocks(COUNT, (SIDE, SIDE))

    def stepping(precision: str, last: bool) -> Callable[[], object]:
        settings = level_settings(precision=precision)
        layout = torch.channels_last if last else torch.contiguous_format
        model = _model(NETWORK, 0).to(memory_format=layout).train()
        contest = Contest(model, settings, lengths(settings, COUNT))
        batch = draw(photographs, 0, settings, 2)
        return lambda: [contest(0, batch) for _ in range(5)]

    work = {"float32_first": stepping("float32", False), "float32": stepping("float32", True),
            "bfloat16_first": stepping("bfloat16", False),
            "bfloat16": stepping("bfloat16", True)}  # fmt: skip
    times = {name: value / 5 for name, value in best_times(4, **work).items()}
    pairs = [("bfloat16", "bfloat16_first", "channels first, as torch has them"),
             ("float32", "float32_first", "channels first, as torch has them"),
             ("bfloat16", "float32", "float32, channels last")]  # fmt: skip
    return [
        speed_up(f"step_{name}_vs_{other}", times[name], said, times[other])
        for name, other, said in pairs
    ]


def large_images() -> list[Figure]:
    """The published networks on 2048×1024, each way in a process of its own."""
    said = "float32, channels first"
    found = {}
    for name in ("ours", "plain"):
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            found[name] = process.submit(forward, name == "ours").result()
    (seconds, memory), (plain_seconds, plain_memory) = found["ours"], found["plain"]
    return [
        speed_up("forward_2048x1024", seconds, said, plain_seconds),
        cost("forward_2048x1024_memory", memory, said, plain_memory, "MB"),
    ]


def forward(ours: bool) -> tuple[float, float]:
    """Seconds of an image of 2048×1024, the second one, and this process's peak in MB."""
    torch.set_num_threads(2)
    keep_freed_memory()
    model = _model(PUBLISHED, 1).eval()
    del model.discriminators
    if ours:
        model.precision = "bfloat16"
        model.to(memory_format=torch.channels_last)
    labels = torch.from_numpy(blocks(1, LARGE).labels)
    with torch.inference_mode():
        for _ in range(2):
            start = time.perf_counter()
            model(labels, labels, None)
            seconds = time.perf_counter() - start
    return seconds, peak_memory()


def blocks(count: int, size: tuple[int, int]) -> Photographs:
    """Noise in the colours of label maps of 8 × 8 blocks, each block an instance."""
    rng = np.random.default_rng(0)
    instances = np.arange(64).reshape(8, 8).repeat(size[0] // 8, 0).repeat(size[1] // 8, 1)
    labels = np.stack([rng.permutation(64)[instances] % len(CLASSES) for _ in range(count)])
    images = rng.integers(0, 256, (count, *size, 3), np.uint8)
    return with_objects(images, labels.astype(np.uint8), np.stack([instances] * count))


def level_settings(batch: int = 4, precision: str = "bfloat16") -> LevelSettings:
    """As in the main job, as long as from one checkpoint to the next."""
    return LevelSettings.model_validate({
        "unit": "steps", "plateau": STEPS, "decay": 0, "batch": batch, "precision": precision,
        "checkpoint_every": STEPS, "collapse": 0,
    })  # fmt: skip


def _model(settings: NetworkSettings, level: int) -> Pix2pixHD:
    torch.manual_seed(0)
    return Pix2pixHD(settings, CLASSES, level)


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


if __name__ == "__main__":
    main()
