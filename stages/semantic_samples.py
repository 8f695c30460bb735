"""Stage `semantic_samples`: a source and its GAN → layouts/<source>: all targets by all methods.

Each method works in a process of its own, whose seconds and memory are kept beside its images. A
method that is finished is not begun again.

    python -m stages.semantic_samples --source head
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from PIL import Image

from exemplar.data.problems import Problems, raise_all
from exemplar.measured import in_own_process
from exemplar.memory import keep_freed_memory
from exemplar.methods.deep_analogy.analogy import make_analogy
from exemplar.methods.deep_analogy.networks import load_networks
from exemplar.methods.deep_analogy.settings import AnalogySettings
from exemplar.methods.semantic_analogy.model import load_gan
from exemplar.methods.semantic_analogy.patches import compose
from exemplar.methods.semantic_analogy.settings import LayoutSettings
from exemplar.methods.semantic_analogy.source import Layout
from exemplar.methods.semantic_analogy.source_settings import IDENTITY
from exemplar.methods.semantic_analogy.sources import NamedSource
from exemplar.methods.semantic_analogy.stored import (
    CODE,
    DEEP_ANALOGY,
    GAN,
    PATCHES,
    SAMPLE_COLUMNS,
    SAMPLES,
    gan_path,
    given_source,
    layouts_path,
    training_path,
)
from exemplar.settings import load_params, section
from exemplar.store.files import make_way, replace, sources_hash, workplace, written
from stages.ends import run
from stages.semantic_arguments import source_of

OWN_CODE = (*CODE, "exemplar/methods/deep_analogy", "stages/semantic_samples.py")


class Answer(NamedTuple):
    """What a method made of a target, and in how many seconds."""

    target: str
    layout: Layout
    seconds: float


def main() -> None:
    """Makes all targets by all methods."""
    name, params = source_of("semantic_samples"), load_params()
    given = given_source(params, name)
    chosen: LayoutSettings = section(params, "layout", LayoutSettings)
    analogy: AnalogySettings = section(params, "analogy", AnalogySettings)
    training = pd.read_csv(training_path(name))
    last = training.to_dict("records")[-1]
    learning = {GAN: (float(last["seconds"]), float(last["peak_mb"]))}
    work: dict[str, tuple[Callable[..., list[Answer]], Any]] = {
        GAN: (by_gan, chosen),
        PATCHES: (by_patches, chosen),
        DEEP_ANALOGY: (by_deep_analogy, analogy),
    }
    weights = [gan_path(name), gan_path(name).with_suffix(".json")]
    by = [
        *given.identity(), chosen.model_dump(mode="json"), analogy.model_dump(mode="json"),
        *weights, sources_hash(*OWN_CODE),
    ]  # fmt: skip
    out = layouts_path(name)
    make_way(out)
    with workplace(f"semantic_samples/{name}", *by) as folder:
        made = folder / "layouts"
        for method, (make, settings) in work.items():
            if (made / method).is_dir():
                continue
            answers, peak = in_own_process(make, given, settings)
            seconds, learning_peak = learning.get(method, (0.0, 0.0))
            with written(made / method) as partial:
                write_answers(partial, method, answers, seconds, max(peak, learning_peak))
            told = sum(answer.seconds for answer in answers)
            print(f"{name}: {method}: {len(answers)} in {told:.1f} s", file=sys.stderr, flush=True)
        tables = [pd.read_csv(made / method / SAMPLES) for method in work]
        together = pd.concat([table for table in tables if len(table)], ignore_index=True)
        together.to_csv(made / SAMPLES, index=False, lineterminator="\n")
        replace(made, out)


def by_gan(given: NamedSource, settings: LayoutSettings) -> list[Answer]:
    """The GAN that was learned from the source."""
    _prepare(settings.threads)
    gan = load_gan(gan_path(given.name), settings.device)
    return _timed(given, lambda labels: Layout(gan.render(labels[None])[0]))


def by_patches(given: NamedSource, settings: LayoutSettings) -> list[Answer]:
    """Patches of the source."""
    _prepare(settings.threads)
    return _timed(
        given, lambda labels: compose(given.source, labels, settings.patches, settings.seed)
    )


def by_deep_analogy(given: NamedSource, settings: AnalogySettings) -> list[Answer]:
    """The targets' photographs in the look of the source; nothing of targets without one.

    A is the photograph, B′ the source, and A′ is made of the source's pixels; labels take no part.
    """
    photographs = {
        target.name: target.photograph
        for target in given.targets
        if target.photograph is not None and target.name != IDENTITY
    }
    if not photographs:
        return []
    _prepare(settings.threads)
    problems: Problems = []
    networks = load_networks(settings, problems)
    raise_all(problems)
    assert networks is not None
    answers = []
    for name, photograph in photographs.items():
        begun = time.perf_counter()
        found = make_analogy(
            photograph, given.source.image, networks.pyramid, settings, networks.inverse
        )
        seconds = time.perf_counter() - begun
        layout = Layout(found.a_prime, found.forward, settings.final_patch // 2)
        answers.append(Answer(name, layout, seconds))
    return answers


def write_answers(
    folder: Path, method: str, answers: list[Answer], learning: float, peak: float
) -> None:
    """Writes a method's images, `<target>.png`, the places that they come from, and `SAMPLES`."""
    folder.mkdir()
    for answer in answers:
        Image.fromarray(answer.layout.image).save(folder / f"{answer.target}.png")
        if answer.layout.places is not None:
            np.savez_compressed(
                folder / f"{answer.target}.npz",
                places=answer.layout.places,
                votes=answer.layout.votes,
            )
    rows = [(method, answer.target, answer.seconds, learning, peak) for answer in answers]
    table = pd.DataFrame(rows, columns=list(SAMPLE_COLUMNS))
    table.to_csv(folder / SAMPLES, index=False, float_format="%.6g", lineterminator="\n")


def _prepare(threads: int) -> None:
    torch.set_num_threads(threads)
    keep_freed_memory()


def _timed(given: NamedSource, make: Callable[[np.ndarray], Layout]) -> list[Answer]:
    answers = []
    for target in given.targets:
        begun = time.perf_counter()
        layout = make(target.labels)
        answers.append(Answer(target.name, layout, time.perf_counter() - begun))
    return answers


if __name__ == "__main__":
    run(main)
