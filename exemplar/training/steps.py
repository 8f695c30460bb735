"""Adversarial training, step by step: progress, checkpoints, and a halt when it goes wrong.

What a step does is the method's; `loop` is for trainings with one loss and one optimizer.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from torch import Tensor

from exemplar.store.files import written
from exemplar.training.checkpoint import TrainingState, left, load_checkpoint, save_checkpoint
from exemplar.training.loop import TrainingError
from exemplar.training.precision import LEAST_SCALE
from exemplar.training.processes import ALONE, Processes

PATIENCE = 3
"""Intervals in a row for which a loss must be collapsed."""


@dataclass(frozen=True)
class Pace:
    """How a training proceeds.

    Attributes:
        steps: how many in all.
        images: a step.
        every: steps between checkpoints, each with a line of progress and a row of history.
        floors: loss → the mean over an interval below which it has collapsed.
    """

    steps: int
    images: int
    every: int
    floors: Mapping[str, float] = field(default_factory=dict)


def run_steps(
    name: str,
    folder: Path,
    state: TrainingState,
    step: Callable[[int], dict[str, Tensor]],
    pace: Pace,
    observe: Callable[[int], None] | None = None,
    processes: Processes = ALONE,
) -> None:
    """Trains, going on from a checkpoint if the folder has one.

    Args:
        name: for the lines of progress on standard error.
        folder: where checkpoints are kept.
        state: networks and optimizers, on their device; changed in place. `history` gets a row an
            interval: `step` and the mean of each loss.
        step: does one step, given its number from 0, and returns its losses by name.
        pace: how many steps, and how often they are looked at.
        observe: called before each checkpoint with the number of steps done, to write pictures.
        processes: that train together; all write the same history, the first alone writes files.

    Raises:
        TrainingError: a loss or a weight became NaN or infinite, or a loss collapsed; the last
            good checkpoint is kept.
        CheckpointError: there is a checkpoint of another training.
    """
    first = load_checkpoint(folder, state)
    started, sums, count = time.monotonic(), {}, 0
    for number in range(first, pace.steps):
        for loss, value in step(number).items():
            # Summed where it is: to read it would wait for the device at every step.
            sums[loss] = sums.get(loss, 0) + value.detach()
        count += 1
        state.step = number + 1
        if state.step % pace.every and state.step != pace.steps:
            continue
        row = processes.means({loss: float(total) / count for loss, total in sums.items()})
        state.history.append({"step": state.step} | row)
        if processes.rank == 0:
            rate = (state.step - first) * pace.images / (time.monotonic() - started)
            _say(name, state, pace, rate)
        _require_sound(name, folder, state, pace.floors)
        if observe and processes.rank == 0:
            observe(state.step)
        save_checkpoint(folder, state, write=processes.rank == 0)
        processes.meet()
        sums, count = {}, 0


def _say(name: str, state: TrainingState, pace: Pace, rate: float) -> None:
    """A line of progress on standard error."""
    values = {loss: value for loss, value in state.history[-1].items() if loss != "step"}
    said = ", ".join(f"{loss} {value:.4f}" for loss, value in values.items())
    line = f"{name}: step {state.step}/{pace.steps}, {said}, {rate:.1f} images/s"
    print(line, file=sys.stderr, flush=True)


def _require_sound(
    name: str, folder: Path, state: TrainingState, floors: Mapping[str, float]
) -> None:
    """Stops a training that has diverged or collapsed."""
    wrong = {k: v for k, v in state.history[-1].items() if not math.isfinite(v)}
    if wrong:
        said = ", ".join(f"{loss} is {value}" for loss, value in wrong.items())
        raise TrainingError(
            f"{name}: {said} near step {state.step}; {left(folder)}; lower the learning rate or "
            "use precision: float32"
        )
    scale = state.history[-1].get("scale", LEAST_SCALE)
    if scale < LEAST_SCALE:
        raise TrainingError(
            f"{name}: gradients overflow in float16 at every step, the last at step {state.step}, "
            f"whose losses were scaled by {scale:.2g}, so nothing is learned any more; "
            f"{left(folder)}; use precision: bfloat16 or float32"
        )
    recent = state.history[-PATIENCE:]
    for loss, floor in floors.items():
        if len(recent) == PATIENCE and all(row[loss] < floor for row in recent):
            raise TrainingError(
                f"{name}: {loss} has collapsed: below {floor} from step {recent[0]['step']} to "
                f"{state.step}, so nothing is learned from it any more; {left(folder)}; give the "
                "discriminator less width or a lower rate, train for fewer epochs, or set "
                "collapse: 0 to go on regardless"
            )


def linear_decay(step: int, constant: int, falling: int) -> float:
    """The learning rate's factor: 1 for `constant` steps, then down to 0 in `falling` steps.

    Source: pix2pix's and pix2pixHD's code, where it falls once an epoch.
    """
    return 1.0 if step < constant else max(0.0, 1 - (step - constant + 1) / (falling + 1))


def write_history(path: Path, history: list[dict[str, float]]) -> None:
    """Writes losses as a CSV that `dvc plots` shows: `step` and a column for each loss."""
    with written(path) as partial:
        table = pd.DataFrame(history).astype({"step": int})
        table.to_csv(partial, index=False, float_format="%.6g")
