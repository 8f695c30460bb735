"""IMLE: a mapping from noise learns to reach every latent code.

The second stage of GLANN: the codes of `glo` in, a mapping out from which codes are sampled. Each
epoch draws noise, maps it, and pulls towards each code what has come nearest to it. Source: paper,
section 3.4.2, Eqs. 4 and 5.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from exemplar.methods.glann.mapping import Mapping
from exemplar.methods.glann.settings import ImleSettings, ImleTraining
from exemplar.store.arrays import StoreError
from exemplar.training.checkpoint import TrainingState
from exemplar.training.images import generator_at, rows_within_epochs, steps_an_epoch
from exemplar.training.steps import Pace, run_steps

PART_BYTES = 128 << 20
"""Of targets, and of what was drawn, compared at a time."""

BATCH = 4096
"""Noise vectors mapped at a time."""


def nearest(
    targets: np.ndarray, count: int, drawn: Callable[[slice], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Of all that was drawn, what is nearest to each target (Eq. 4).

    Args:
        targets: (N, D), of any type; mapped into memory or in it.
        count: M, how many there are to choose from.
        drawn: some of them, (m, D) float32.

    Returns:
        (N,) int64 in 0…M−1, of equally near ones the first; and the squared Euclidean distances
        (N,) float32.
    """
    part = max(1, PART_BYTES // (4 * targets.shape[1]))
    found = np.zeros(len(targets), np.int64)
    distance = np.full(len(targets), np.inf, np.float32)
    for first in range(0, count, part):
        some = np.ascontiguousarray(drawn(slice(first, min(first + part, count))), np.float32)
        for start in range(0, len(targets), part):
            rows = slice(start, min(start + part, len(targets)))
            wanted = np.ascontiguousarray(targets[rows], np.float32)
            near, place = (column[:, 0] for column in faiss.knn(wanted, some, 1))
            better = near < distance[rows]
            distance[rows] = np.where(better, near, distance[rows])
            found[rows] = np.where(better, first + place, found[rows])
    return found, distance


def train_imle(
    mapping: Mapping,
    codes: np.ndarray,
    settings: ImleSettings,
    folder: Path,
    name: str,
    seed: int,
) -> list[dict[str, float]]:
    """Learns the mapping in place, going on from a checkpoint if the folder has one.

    Args:
        mapping: on its device; left in evaluation mode.
        codes: (N, d) f32, of unit length.
        settings: of the section `imle`.
        folder: where checkpoints are kept, for this training alone.
        name: for the lines of progress on standard error.
        seed: of noise and order.

    Returns:
        Losses, a row an epoch: `step` and `distance`, the mean squared distance of a code from what
        is mapped nearest to it.

    Raises:
        TrainingError: the loss or a weight is NaN or infinite.
        CheckpointError: the folder has a checkpoint of another training.
        StoreError: there are fewer than two codes.
    """
    if len(codes) < 2:
        raise StoreError(f"expected at least two codes, got {len(codes)}")
    training = settings.training
    torch.set_num_threads(training.threads)
    faiss.omp_set_num_threads(training.threads)
    optimizer = torch.optim.Adam(
        mapping.parameters(), training.rate, betas=(0.5, 0.999), weight_decay=training.decay
    )
    config = {"settings": settings.model_dump(mode="json"), "codes": list(codes.shape)}
    state = TrainingState({"mapping": mapping}, {"mapping": optimizer}, config | {"seed": seed})
    epoch = steps_an_epoch(training.batch, len(codes))
    matches = Matches(mapping, codes, training, seed)

    def step(number: int) -> dict[str, Tensor]:
        rows = rows_within_epochs(number, training.batch, len(codes), seed)
        noise, wanted = matches(number // epoch, rows)
        for group in optimizer.param_groups:
            group["lr"] = training.rate * 0.5 ** (number // epoch // training.halve_every)
        mapping.train()
        value = functional.mse_loss(mapping(noise), wanted, reduction="sum") / len(rows)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        optimizer.step()
        return {"distance": value}

    # A checkpoint falls between two epochs, where the next match is all that is needed.
    pace = Pace(training.epochs * epoch, min(training.batch, len(codes)), epoch)
    run_steps(name, folder, state, step, pace)
    mapping.eval()
    return state.history


class Matches:
    """Gives the noise that is mapped nearest to each code, searched anew as settings say.

    Args:
        mapping: searched with in evaluation mode, as samples are made.
        codes: (N, d) f32.
        training: how many are drawn, and when is searched.
        seed: of the noise.
    """

    def __init__(
        self, mapping: Mapping, codes: np.ndarray, training: ImleTraining, seed: int
    ) -> None:
        self.mapping, self.codes, self.training, self.seed = mapping, codes, training, seed
        self.epoch = -1
        self.noise = torch.empty(0)
        self.found = np.empty(0, np.int64)

    def __call__(self, epoch: int, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """The noise (B, e) and the codes (B, d) of some rows, on the mapping's device."""
        device = next(self.mapping.parameters()).device
        if epoch != self.epoch:
            count = max(1, round(self.training.draws * len(self.codes)))
            drawn = generator_at(epoch, self.seed)
            self.noise = torch.randn(count, self.mapping.noise, generator=drawn)
            self.epoch = epoch
            if self.training.search == "epoch":
                self.found = self.search(self.codes)
        wanted = self.codes[rows]
        found = self.found[rows] if self.training.search == "epoch" else self.search(wanted)
        return self.noise[found].to(device), torch.from_numpy(wanted).to(device)

    def search(self, codes: np.ndarray) -> np.ndarray:
        """For each code (B, d), the row of the noise that is mapped nearest to it."""
        self.mapping.eval()
        return nearest(codes, len(self.noise), lambda part: self.mapped(self.noise[part]))[0]

    def mapped(self, noise: Tensor) -> np.ndarray:
        """Codes (M, d) f32 of noise (M, e), neither on the sphere."""
        device = next(self.mapping.parameters()).device
        with torch.inference_mode():
            parts = [self.mapping(part.to(device)).cpu() for part in noise.split(BATCH)]
        return torch.cat(parts).numpy()
