"""Training a GAN on a single image: varied images of it are made from it, and it from itself.

A source in, a trained `model` out. Source: Li et al., "Semantic Image Analogy with a Conditional
Single-Image GAN", 2020, sections 3.2.1 and 4.1; what its released code does otherwise is a preset.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch

from exemplar.features.backbone import Backbone
from exemplar.methods.semantic_analogy.coherence import Coherence
from exemplar.methods.semantic_analogy.contest import Contest
from exemplar.methods.semantic_analogy.gan_settings import GanSettings
from exemplar.methods.semantic_analogy.model import Gan
from exemplar.methods.semantic_analogy.source import Source
from exemplar.store.files import content_hash
from exemplar.training.checkpoint import TrainingState
from exemplar.training.steps import Pace, run_steps

Observer = Callable[[int, Gan], None]
"""Looks at a GAN, in evaluation mode, after so many iterations."""


def train_gan(
    source: Source,
    settings: GanSettings,
    folder: Path,
    name: str,
    backbone: Callable[[], Backbone] | None = None,
    observe: Observer | None = None,
    threads: int = 1,
    seed: int = 0,
    device: torch.device | str = "cpu",
    interrupted: Observer | None = None,
) -> tuple[Gan, list[dict[str, float]]]:
    """Trains a GAN, going on from a checkpoint if the folder has one.

    Args:
        source: of at least 32 pixels a side.
        settings: how.
        folder: where checkpoints are kept, for this training alone.
        name: for the lines of progress on standard error.
        backbone: loads the one of the patch loss; without it there is no such loss.
        observe: called before each checkpoint, to write pictures or to stop by an exception; an
            exception leaves the checkpoint before.
        threads: of the CPU; sums depend on it in the last bits.
        seed: of weights and of what is drawn.
        device: where to run.
        interrupted: called by Ctrl-C with what was learned, unless that is nothing; of that, a
            resumed training only knows the checkpoint before.

    Returns:
        The GAN in evaluation mode; and a row for each checkpoint: `step`, the mean of each loss
        over the iterations that have it, and `seconds` of training so far, whatever was resumed.

    Raises:
        TrainingError: a loss or a weight is NaN or infinite.
        CheckpointError: the folder has a checkpoint of another training.
        ValueError: the source is too small or does not fit together, or the backbone has too few
            layers.
        KeyboardInterrupt: Ctrl-C, after `interrupted`.
    """
    begun = time.monotonic()
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    gan = Gan(source, settings.generator, settings.code).to(device).train()
    coherence = None
    if backbone and settings.weights.patch:
        coherence = Coherence(backbone(), gan.image, gan.labels, settings.coherence)
    contest = Contest(gan, settings, coherence, seed)
    config = {
        "settings": settings.identity(),
        "source": content_hash(source.image.tobytes(), source.labels.tobytes()),
        "classes": len(source.classes),
        "patches": coherence is not None,
        "seed": seed,
    }
    state = TrainingState(contest.networks, contest.optimizers, config)
    clock = _Clock(state.history, begun)

    def observed(done: int) -> None:
        clock.stop()
        if observe:
            observe(done, contest.finished())
        clock.start()

    training = settings.training
    images = training.generator_steps
    pace = Pace(training.iterations, images, training.checkpoint_every)
    try:
        run_steps(name, folder, state, contest, pace, observed)
    except KeyboardInterrupt:
        if interrupted and state.step:
            interrupted(state.step, contest.finished())
        raise
    return contest.finished(), state.history


class _Clock:
    """Writes into a history how long training has taken, without what observers take."""

    def __init__(self, history: list[dict[str, float]], begun: float) -> None:
        self.history, self.begun = history, begun

    def stop(self) -> None:
        # Rows from before a resumption have their own seconds.
        before = self.history[-2]["seconds"] if len(self.history) > 1 else 0.0
        self.history[-1]["seconds"] = before + time.monotonic() - self.begun

    def start(self) -> None:
        self.begun = time.monotonic()
