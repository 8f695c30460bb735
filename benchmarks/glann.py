"""What GLANN's training costs: with many codes, in its search, and on the paper's whole schedule.

    python -m benchmarks.glann
    python -m benchmarks.glann --device cuda --threads 8     # where there is a GPU: all four sets

Images are noise, and the weights of VGG-16 are random: neither changes a time. Takes some ten
minutes on one core that does nothing else, and 2 GB of temporary files.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count as counted
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import faiss
import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import vgg16

from benchmarks.record import Figure, best_times, cost, report
from exemplar.features.torchvision_backbone import TorchvisionSettings
from exemplar.memory import keep_freed_memory
from exemplar.methods.glann.codes import Codes
from exemplar.methods.glann.generator import Generator
from exemplar.methods.glann.glo import Embedded, Fit, to_tensor
from exemplar.methods.glann.imle import Matches, train_imle
from exemplar.methods.glann.losses import ReconstructionSettings, reconstruction
from exemplar.methods.glann.mapping import Mapping
from exemplar.methods.glann.settings import GloSettings, ImleSettings
from exemplar.training.images import steps_an_epoch

FEW, MANY, STEPS = 10_000, 1_000_000, 20
TARGETS = 60_000
AT_HAND = 4096  # images of which batches are drawn where an epoch is timed
TURNS = 4
PART = 1 << 14


@dataclass(frozen=True)
class DataSet:
    """A data set of the paper, and which of its schedules it is trained by."""

    images: int
    side: int
    channels: int
    preset: str
    batch: int = 128


DATA_SETS = {
    "mnist_or_fashion": DataSet(60_000, 28, 1, "paper"),
    "cifar10": DataSet(50_000, 32, 3, "paper"),
    "celeba": DataSet(162_770, 64, 3, "celeba"),
    "celeba_hq_256": DataSet(30_000, 256, 3, "celeba_hq", 32),  # 128 fit into no GPU's memory
}
ON_CPU = ("mnist_or_fashion", "cifar10")


def main() -> None:
    """Measures, prints, writes reports/benchmarks/glann.json."""
    parser = argparse.ArgumentParser("python -m benchmarks.glann", allow_abbrev=False)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--sets", nargs="*", choices=DATA_SETS, help="by default what is bearable")
    parser.add_argument("--seconds", type=float, default=60, help="for each epoch, at most or so")
    given = parser.parse_args()
    device = torch.device(given.device)
    if device.type == "cuda":
        print(torch.cuda.get_device_name(device))
    keep_freed_memory()
    torch.set_num_threads(given.threads)
    faiss.omp_set_num_threads(given.threads)
    names = given.sets if given.sets is not None else DATA_SETS if given.device != "cpu" else ON_CPU
    figures = [*many_codes(device, given.threads), search(device, given.threads)]
    figures += [arithmetic(name) for name in DATA_SETS]
    for name in names:
        figures += schedule(name, device, given.threads, given.seconds)
    report("glann", figures)


def many_codes(device: torch.device, threads: int) -> list[Figure]:
    """A step's time and the process's memory with a hundred times as many codes."""
    with training(FEW, device, threads) as few, training(MANY, device, threads) as many:
        times = best_times(4, few=steps(few), many=steps(many))
    memory = {}
    for count in (FEW, MANY):
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            memory[count] = process.submit(memory_with, count, str(device), threads).result()
    said = f"{FEW:,} codes in place of {MANY:,}"
    return [
        cost("step_many_codes", times["many"] / STEPS, said, times["few"] / STEPS),
        cost("memory_many_codes", memory[MANY], said, memory[FEW], "MB"),
    ]


def memory_with(count: int, device: str, threads: int) -> float:
    """What a process with so many codes holds after some steps, in MB: not the files it maps."""
    keep_freed_memory()
    torch.set_num_threads(threads)
    with training(count, torch.device(device), threads) as fit:
        for number in range(2 * STEPS):
            fit(number)
        (line,) = re.findall(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(line) / 1024


@contextmanager
def training(
    count: int, device: torch.device, threads: int, data: DataSet = DATA_SETS["mnist_or_fashion"]
) -> Iterator[Fit]:
    """The steps of a training on so many images; by pixels' L1, the cheapest, so all else shows."""
    settings = settings_of(data, device, threads, ReconstructionSettings(kind="l1"))
    with TemporaryDirectory() as folder:
        yield fit_of(Path(folder), count, data, settings, device)


def fit_of(
    folder: Path, count: int, data: DataSet, settings: GloSettings, device: torch.device
) -> Fit:
    """What does the steps of a training, with codes and images in files."""
    rng = np.random.default_rng(0)
    shape = (count, data.side, data.side, data.channels)
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, shape)
    for start in range(0, count, PART):
        part = images[start : start + PART]
        part[:] = rng.integers(0, 256, part.shape, np.uint8)
    torch.manual_seed(0)
    generator = Generator(settings.generator, data.side, data.channels)
    generator.to(device).to(memory_format=torch.channels_last).train()
    # As the stage has them.
    ids = cast(Sequence[str], pd.Series(np.arange(count)).astype("string[pyarrow]"))
    optimizer = torch.optim.Adam(
        generator.parameters(), settings.training.generator_rate, (0.5, 0.999), fused=True
    )
    codes = Codes(folder / "codes", ids, generator.codes, 0)
    codes.begin(0)
    loss = reconstruction(settings.loss, data.side, None, device)
    return Fit(generator, codes, Embedded(ids, images, 0), settings, optimizer, loss)


def settings_of(
    data: DataSet, device: torch.device, threads: int, loss: ReconstructionSettings
) -> GloSettings:
    """A published schedule."""
    run = {"batch": data.batch, "device": str(device), "threads": threads}
    return GloSettings.model_validate({"preset": data.preset, "loss": loss, "training": run})


def steps(fit: Fit) -> Callable[[], object]:
    """The next steps of a training."""
    numbers = counted()

    def some() -> None:
        for number in islice(numbers, STEPS):
            fit(number)
        _wait(fit)

    return some


def search(device: torch.device, threads: int) -> Figure:
    """Finding the nearest of twice as many mapped noise vectors to each code, and mapping them."""
    settings = imle_settings("paper", device, threads)
    codes = sphere(TARGETS, 64)
    torch.manual_seed(0)
    matches = Matches(Mapping(settings.mapping, 64).to(device), codes, settings.training, 0)
    matches(0, np.arange(2))
    drawn = matches.mapped(matches.noise)
    times = best_times(
        2, ours=lambda: matches.search(codes), faiss=lambda: faiss.knn(codes, drawn, 1)
    )
    said = f"faiss.knn on the same {TARGETS:,} × {len(drawn):,}, {threads} threads"
    return cost("imle_search", times["ours"], said, times["faiss"])


def imle_settings(preset: str, device: torch.device, threads: int, epochs: int = 1) -> ImleSettings:
    """A published schedule, but for its length."""
    run = {"epochs": epochs, "device": str(device), "threads": threads}
    return ImleSettings.model_validate({"preset": preset, "training": run})


def sphere(count: int, dimensions: int) -> np.ndarray:
    """Random codes (count, d) f32 of unit length."""
    codes = np.random.default_rng(0).standard_normal((count, dimensions), np.float32)
    return codes / np.linalg.norm(codes, axis=1, keepdims=True)


def arithmetic(name: str) -> Figure:
    """What the published schedule of GLO computes, counted: what it takes on any device."""
    data, few = DATA_SETS[name], 4
    with TemporaryDirectory() as folder:
        settings = settings_of(data, torch.device("cpu"), 1, published_loss(Path(folder)))
        generator = Generator(settings.generator, data.side, data.channels)
        loss = reconstruction(settings.loss, data.side, None)
    codes = torch.randn(few, generator.codes, requires_grad=True)
    with FlopCounterMode(display=False) as counted_here:
        loss(generator(codes), torch.rand(few, data.channels, data.side, data.side)).backward()
    image = counted_here.get_total_flops() / few / 1e12
    whole = image * data.images * settings.training.epochs
    said = f"one image, forward and back; {settings.training.epochs} epochs of {data.images:,}"
    return cost(f"{name}_arithmetic", whole, said, image, "TFLOP")


def schedule(name: str, device: torch.device, threads: int, seconds: float) -> list[Figure]:
    """An epoch of each stage, and from both the time of the whole published schedule."""
    data = DATA_SETS[name]
    with TemporaryDirectory() as folder:
        settings = settings_of(data, device, threads, published_loss(Path(folder)))
        each, plain, timed = glo_steps(Path(folder), data, settings, device, seconds)
    length = steps_an_epoch(data.batch, data.images)
    glo = each * length
    started = time.perf_counter()
    with TemporaryDirectory() as folder:
        imle = imle_settings(data.preset, device, threads)
        codes = sphere(data.images, settings.generator.codes)
        mapping = Mapping(imle.mapping, settings.generator.codes).to(device)
        train_imle(mapping, codes, imle, Path(folder), f"imle {name}", 0)
    search_and_steps = time.perf_counter() - started
    epochs = settings.training.epochs
    last = ImleSettings.model_validate({"preset": data.preset}).training.epochs
    hours = (epochs * glo + last * search_and_steps) / 3600
    said = f"networks, loss and Adam alone; {timed} of {length} steps of {data.batch} timed"
    return [
        cost(f"{name}_glo_epoch", glo, said, plain * length),
        cost(f"{name}_imle_epoch", search_and_steps, "an epoch of GLO", glo),
        cost(f"{name}_schedule", hours, f"one of its {epochs} epochs of GLO; {last} of IMLE follow",
             glo / 3600, "h"),
    ]  # fmt: skip


def glo_steps(
    folder: Path, data: DataSet, settings: GloSettings, device: torch.device, seconds: float
) -> tuple[float, float, int]:
    """Seconds of a step, of the same without codes and images in files, and how many were timed."""
    fit = fit_of(folder, AT_HAND, data, settings, device)
    rows = np.arange(data.batch)
    codes, wanted = fit.codes.gather(rows, device), to_tensor(fit.embedded.images[rows], device)

    def plain(_: int) -> None:
        fit.optimizer.zero_grad(set_to_none=True)
        fit.loss(fit.generator(codes), wanted).backward()
        fit.optimizer.step()

    def timed(step: Callable[[int], object], count: int) -> float:
        _wait(fit)
        start = time.perf_counter()
        for number in islice(numbers, count):
            step(number)
        _wait(fit)
        return time.perf_counter() - start

    numbers = counted()
    timed(fit, 1)
    guess, length = timed(fit, 1), steps_an_epoch(data.batch, data.images)
    part = max(1, min(length, round(seconds / 2 / guess)) // TURNS)
    ours, theirs = np.mean([(timed(fit, part), timed(plain, part)) for _ in range(TURNS)], 0) / part
    return float(ours), float(theirs), part * TURNS


def published_loss(folder: Path) -> ReconstructionSettings:
    """The perceptual loss on VGG-16's layers, of random weights."""
    state = {f"features.{name}": value for name, value in vgg16().features.state_dict().items()}
    save_file(state, folder / "vgg16.safetensors")
    weights = folder / "vgg16.safetensors"
    return ReconstructionSettings(backbone=TorchvisionSettings(name="vgg16", weights=weights))


def _wait(fit: Fit) -> None:
    """Until a device has done what it was asked for."""
    if next(fit.generator.parameters()).is_cuda:
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
