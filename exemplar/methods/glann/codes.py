"""The latent codes of training images: parameters on the unit sphere, indexed by image.

`glo` optimises them with its generator; a step reads and writes the codes of its batch alone. They
lie in files that are mapped into memory, so neither memory nor a step's time grows with their
number. What a step overwrites is kept in a journal until the checkpoint after next, so that a
training that was killed finds the codes as they were at its checkpoint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from scipy.special import ndtri
from torch import Tensor

from exemplar.store.files import remove, written
from exemplar.store.weights import WeightsError

BETAS, EPSILON = (0.5, 0.999), 1e-8
"""Of Adam; as in the released code."""

KEPT = 2
"""Journals: those since the last two checkpoints, of which the later one may be damaged."""

PART = 1 << 14
"""Codes at a time where all are touched."""


Start = Callable[[], Callable[[slice], np.ndarray]]
"""Makes a function from rows to the codes (n, d) f32 that they begin with, on the sphere or not."""


class Codes:
    """The codes of a training, with Adam's moments of each.

    Every code has its own number of steps, so Adam's correction of its first steps is right for
    images that came later, and moments stand still between a code's steps.

    Args:
        folder: of the files, for this training alone; what is there is gone on with.
        ids: of the training images, in the order of their rows; each once. Not kept.
        dimensions: d.
        seed: of the codes that images begin with.
        start: makes what gives other codes to begin with; called once, if there are none yet.
        rank: of the process, if several train together, each with rows of its own in every step.

    Raises:
        ValueError: an id repeats.
        WeightsError: codes to begin with have another length, or the folder is of other images.
    """

    def __init__(
        self,
        folder: Path,
        ids: Sequence[str],
        dimensions: int,
        seed: int,
        start: Start | None = None,
        rank: int = 0,
    ) -> None:
        self.folder, self.rank = folder, rank
        digest = _identity(ids, dimensions, seed)
        if not (folder / "images").is_file():
            if not pd.Index(ids).is_unique:
                raise ValueError("expected each image's id once, but some repeat")
            _begin(folder, ids, dimensions, seed, start)
            with written(folder / "images") as partial:
                partial.write_text(digest)
        elif (folder / "images").read_text() != digest:
            raise WeightsError(
                f"{folder}: codes of other images; remove {folder.parent} to begin anew"
            )
        self.code, self.mean, self.square, self.steps = (
            np.load(folder / f"{name}.npy", mmap_mode="r+", allow_pickle=False)
            for name in ("code", "mean", "square", "steps")
        )
        self.journal: Path | None = None

    def __len__(self) -> int:
        return len(self.code)

    def gather(self, rows: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
        """The codes (B, d) of some rows, ready to receive gradients."""
        return torch.from_numpy(np.array(self.code[rows])).to(device).requires_grad_()

    def descend(self, rows: np.ndarray, gradient: Tensor, rate: float) -> None:
        """One step of Adam for some codes, and back to the sphere.

        Args:
            rows: (B,), each once.
            gradient: (B, d).
            rate: the learning rate.

        Raises:
            RuntimeError: no journal was begun.
        """
        if self.journal is None:
            raise RuntimeError("expected `begin` or `roll_back` before the first step")
        before = [values[rows] for values in (self.code, self.mean, self.square, self.steps)]
        with self.journal.open("ab", buffering=0) as file:
            file.write(_record(rows, before))
        code, mean, square, steps = before
        g = gradient.detach().cpu().numpy().astype(np.float32)
        steps = steps + 1
        mean = BETAS[0] * mean + (1 - BETAS[0]) * g
        square = BETAS[1] * square + (1 - BETAS[1]) * g * g
        first, second = (1 - beta ** steps[:, None] for beta in BETAS)
        code = code - rate * (mean / first) / (np.sqrt(square / second) + EPSILON)
        self._put(rows, [_on_sphere(code), mean, square, steps])

    def begin(self, step: int) -> None:
        """Begins a journal; called by every process before the first step after a checkpoint.

        Args:
            step: of the checkpoint; 0 if there is none yet.
        """
        self.journal = _journal(self.folder, step, self.rank)
        if self.rank == 0:
            for old in sorted(self.folder.glob("journal-*"))[:-KEPT]:
                remove(old)

    def roll_back(self, step: int) -> None:
        """Puts all codes back to what they were at a step; called by one process before it begins.

        Args:
            step: of a checkpoint that is still there, or 0 if there is none.
        """
        for journal in sorted(self.folder.glob("journal-*"), reverse=True):
            if int(journal.name.split("-")[1]) < step:
                break
            # Processes take their steps together, so entries of one place are of one step.
            entries = [_records(path, self.code.shape[1]) for path in journal.iterdir()]
            for step_entries in reversed(list(zip_longest(*entries))):
                for rows, before in filter(None, step_entries):
                    self._put(rows, before)
            # At once: of a part of them, what is undone would depend on what is not.
            remove(self.folder / "undone")
            remove(journal.rename(self.folder / "undone"))
        self.begin(step)

    def _put(self, rows: np.ndarray, values: list[np.ndarray]) -> None:
        arrays = (self.code, self.mean, self.square, self.steps)
        for array, value in zip(arrays, values, strict=True):
            array[rows] = value


def write_codes(path: Path | str, ids: Sequence[str], codes: np.ndarray) -> None:
    """Writes codes (N, d) f32 with the ids of their images: a row for each, `id` and `code`."""
    flat = pa.array(np.ascontiguousarray(codes, np.float32).reshape(-1))
    lists = pa.FixedSizeListArray.from_arrays(flat, codes.shape[1])
    table = pa.table({"id": pa.array(ids, pa.string()), "code": lists})
    with written(path) as partial:
        pq.write_table(table, partial, compression="zstd")


def read_codes(path: Path | str) -> tuple[list[str], np.ndarray]:
    """Reads what `write_codes` wrote.

    Returns:
        The ids, and codes (N, d) f32 of unit length.

    Raises:
        WeightsError: the file is missing or damaged.
    """
    if not Path(path).is_file():
        raise WeightsError(f"{path}: no such file; run `exemplar reproduce glo`")
    try:
        table = pq.read_table(path, columns=["id", "code"]).combine_chunks()
        lists = table["code"].combine_chunks()
        codes = lists.flatten().to_numpy(zero_copy_only=False).reshape(-1, lists.type.list_size)
    except (pa.ArrowInvalid, KeyError, AttributeError) as error:
        raise WeightsError(f"{path}: damaged ({error}); remove it and make it again") from error
    return table["id"].to_pylist(), np.ascontiguousarray(codes, np.float32)


def first_codes(ids: Sequence[str], dimensions: int, seed: int) -> np.ndarray:
    """The codes (N, d) f32 that images begin with: each depends on its own id and the seed alone.

    Directions are uniform: normal numbers, from a hash, brought to unit length.
    """
    size = 4 * dimensions
    text = b"".join(hashlib.shake_128(f"{seed}/{name}".encode()).digest(size) for name in ids)
    uniform = (np.frombuffer(text, "<u4").astype(np.float64) + 0.5) / 2**32
    return _on_sphere(ndtri(uniform).reshape(-1, dimensions).astype(np.float32))


def _on_sphere(codes: np.ndarray) -> np.ndarray:
    return codes / np.maximum(np.linalg.norm(codes, axis=-1, keepdims=True), 1e-12)


def _identity(ids: Sequence[str], dimensions: int, seed: int) -> str:
    """A hash of what a folder of codes is for."""
    digest = hashlib.sha256(f"{dimensions}/{seed}".encode())
    for name in ids:
        digest.update(json.dumps(name).encode())
    return digest.hexdigest()


def _begin(
    folder: Path, ids: Sequence[str], dimensions: int, seed: int, start: Start | None
) -> None:
    """Makes the files; what a kill leaves of them is made again."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob("journal-*"), folder / "undone"]:
        remove(old)
    first = start() if start else lambda part: first_codes(ids[part], dimensions, seed)
    shape = (len(ids), dimensions)
    for name, form, kind in (
        ("code", shape, np.float32),
        ("mean", shape, np.float32),
        ("square", shape, np.float32),
        ("steps", shape[:1], np.int32),
    ):
        with written(folder / f"{name}.npy") as partial:
            values = np.lib.format.open_memmap(partial, "w+", kind, form)  # zeros, not yet on disk
            for begin in range(0, len(ids), PART) if name == "code" else ():
                part = slice(begin, min(begin + PART, len(ids)))
                codes = first(part)
                if codes.shape != (part.stop - begin, dimensions):
                    raise WeightsError(
                        f"codes to begin with: expected {dimensions} values of each image, got "
                        f"{codes.shape[1:]}; train from the beginning, or set "
                        "glo.generator.codes in params.yaml to what it was"
                    )
                values[part] = _on_sphere(codes) if start else codes
            values.flush()


def _journal(folder: Path, step: int, rank: int) -> Path:
    """What a process has overwritten after a step; a folder has those of all processes."""
    path = folder / f"journal-{step:09d}" / str(rank)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def _record(rows: np.ndarray, before: list[np.ndarray]) -> bytes:
    """One step's entry: how many rows, which, and what was there."""
    parts = [np.array([len(rows)], np.int64), rows.astype(np.int64), *before]
    return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


def _records(path: Path, dimensions: int) -> list[tuple[np.ndarray, list[np.ndarray]]]:
    """All whole entries; one that a kill cut short stands for rows that were not touched."""
    data, place, found = path.read_bytes(), 0, []
    while place + 8 <= len(data):
        count = int(np.frombuffer(data, np.int64, 1, place)[0])
        end = place + 8 + count * (8 + 12 * dimensions + 4)
        if end > len(data):
            break
        rows = np.frombuffer(data, np.int64, count, place + 8)
        place += 8 + 8 * count
        before = []
        for _ in range(3):
            values = np.frombuffer(data, np.float32, count * dimensions, place)
            before.append(values.reshape(count, dimensions))
            place += values.nbytes
        before.append(np.frombuffer(data, np.int32, count, place))
        place = end
        found.append((rows, before))
    return found
