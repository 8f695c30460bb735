"""Checkpoints of any training: all that it needs to go on as if it had never stopped.

A checkpoint is a folder named for its step, with the tensors as safetensors and the rest as JSON;
nothing is unpickled. It is written under another name and renamed, and only then is the one before
the last removed: there is always a whole one, and of the last two one that can be read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Generator, Tensor, nn
from torch.optim import Optimizer

from exemplar.store.files import remove, written
from exemplar.store.weights import fit_weights
from exemplar.training.loop import TrainingError

KEPT = 2  # checkpoints
FOLDER = "step-{:09d}"


class CheckpointError(ValueError):
    """There are checkpoints, but none that this training can go on from."""


class Schedule(Protocol):
    """Anything with a state of JSON values: torch's learning-rate schedulers are such."""

    def state_dict(self) -> dict[str, Any]:
        """The state."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Puts a state back."""
        ...


@dataclass
class TrainingState:
    """What a training consists of; `save_checkpoint` reads it, `load_checkpoint` fills it.

    Attributes:
        modules: networks by name; compiled or wrapped ones by what is inside them.
        optimizers: by name, made from these networks' parameters in the same order each time.
        config: JSON values from which the training is rebuilt (architecture, settings, a hash of
            the data); a checkpoint with another config is refused.
        schedules: by name; learning rates themselves are part of the optimizers.
        generators: random generators by name. Torch's global ones, of the CPU and of CUDA devices,
            which dropout draws from, are kept without being named.
        step: how many steps are done.
        history: what was measured so far, a flat mapping of numbers each time.
    """

    modules: Mapping[str, nn.Module]
    optimizers: Mapping[str, Optimizer]
    config: dict[str, Any] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    generators: Mapping[str, Generator] = field(default_factory=dict)
    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def save_checkpoint(folder: Path, state: TrainingState, write: bool = True) -> None:
    """Writes a checkpoint of `state.step` and removes all but the last two.

    Args:
        folder: of this training alone.
        state: left as it is.
        write: false only checks, as all but one of several processes with the same weights do.

    Raises:
        TrainingError: a weight or an optimizer's value is NaN or infinite; nothing is written, and
            the last good checkpoint stays.
    """
    tensors = {
        f"modules.{name}.{key}": value
        for name, module in state.modules.items()
        for key, value in module.state_dict().items()
    }
    plain: dict[str, Any] = {"optimizers": {}}
    for name, optimizer in state.optimizers.items():
        saved = optimizer.state_dict()
        values: dict[str, dict[str, Any]] = {}
        for index, each in saved["state"].items():
            for key, value in each.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizers.{name}.{index}.{key}"] = value
                else:
                    values.setdefault(str(index), {})[key] = value
        plain["optimizers"][name] = {"groups": saved["param_groups"], "values": values}
    _require_finite(tensors, state.step, folder)
    if not write:
        return
    for name, generator in state.generators.items():
        tensors[f"generators.{name}"] = generator.get_state()
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        for index, value in enumerate(torch.cuda.get_rng_state_all()):
            tensors[f"random.cuda{index}"] = value
    plain |= {
        "config": state.config,
        "schedules": {name: each.state_dict() for name, each in state.schedules.items()},
        "step": state.step,
        "history": state.history,
    }
    with written(folder / FOLDER.format(state.step)) as partial:
        partial.mkdir()
        packed = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        save_file(packed, partial / "state.safetensors")
        (partial / "state.json").write_text(json.dumps(plain) + "\n")
    for old in checkpoints(folder)[:-KEPT]:
        remove(old)


def load_checkpoint(folder: Path, state: TrainingState) -> int:
    """Puts the last checkpoint back, in place; of a damaged one, the one before it.

    Args:
        folder: where checkpoints were written, if any were.
        state: built as for a new training; filled.

    Returns:
        The step to go on from, which is how many are done; 0 without a checkpoint.

    Raises:
        CheckpointError: all of them are damaged, or of another training; every difference is said.
    """
    found = checkpoints(folder)
    damaged = []
    for path in reversed(found):
        try:
            tensors = load_file(path / "state.safetensors")
            plain = json.loads((path / "state.json").read_text())
        except (OSError, SafetensorError, ValueError) as error:
            damaged.append(f"{path}: damaged ({error})")
            continue
        if damaged:
            print("\n".join([*damaged, f"going on from {path}"]), file=sys.stderr, flush=True)
        _fill(state, tensors, plain, path)
        return state.step
    if damaged:
        listed = "\n  ".join(damaged)
        raise CheckpointError(f"no checkpoint can be read; remove {folder}:\n  {listed}")
    return 0


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    return sorted(folder.glob(FOLDER.format(0).replace("0" * 9, "[0-9]*")))


def _require_finite(tensors: dict[str, Tensor], step: int, folder: Path) -> None:
    bad = [
        name
        for name, value in tensors.items()
        if value.is_floating_point() and not torch.isfinite(value).all()
    ]
    if bad:
        more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        raise TrainingError(
            f"NaN or infinite after step {step}: {', '.join(bad[:5])}{more}; {left(folder)}; lower "
            "the learning rate or use precision: float32"
        )


def left(folder: Path) -> str:
    """Words for what is left when a training stops: the last good checkpoint, or none."""
    found = checkpoints(folder)
    return f"the last good checkpoint is {found[-1]}" if found else "there is no checkpoint yet"


def _fill(
    state: TrainingState, tensors: dict[str, Tensor], plain: dict[str, Any], path: Path
) -> None:
    """Checks that a checkpoint fits before anything is changed, then puts it back."""
    problems = _differences(state, tensors, plain)
    if problems:
        listed = "\n  ".join(problems)
        raise CheckpointError(
            f"{path}: of another training; train with what it was begun with, or remove "
            f"{path.parent} to begin anew:\n  {listed}"
        )
    for name, module in state.modules.items():
        fit_weights(module, _under(tensors, f"modules.{name}."), f"{path}: {name}")
    for name, optimizer in state.optimizers.items():
        saved = plain["optimizers"][name]
        values: dict[int, dict[str, Any]] = {int(i): dict(v) for i, v in saved["values"].items()}
        for key, value in _under(tensors, f"optimizers.{name}.").items():
            index, _, what = key.partition(".")
            values.setdefault(int(index), {})[what] = value
        groups = []
        for own, group in zip(optimizer.param_groups, saved["groups"], strict=True):
            # JSON has lists where some options are tuples.
            typed = {k: tuple(v) if isinstance(own.get(k), tuple) else v for k, v in group.items()}
            groups.append(typed)
        optimizer.load_state_dict({"state": values, "param_groups": groups})
        _lay_out(optimizer)
    for name, each in state.schedules.items():
        each.load_state_dict(plain["schedules"][name])
    for name, generator in state.generators.items():
        generator.set_state(tensors[f"generators.{name}"])
    torch.set_rng_state(tensors["random.cpu"])
    devices = _under(tensors, "random.cuda")
    if torch.cuda.is_available() and len(devices) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([devices[str(index)] for index in range(len(devices))])
    state.step = plain["step"]
    state.history[:] = plain["history"]


def _lay_out(optimizer: Optimizer) -> None:
    """Gives moments the memory layout of their weights, which files do not keep.

    Fused optimizers read both in the order in which they lie, whatever their strides say.
    """
    for weight, values in optimizer.state.items():
        for key, value in values.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                values[key] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


def _differences(
    state: TrainingState, tensors: dict[str, Tensor], plain: dict[str, Any]
) -> list[str]:
    """Everything in which a checkpoint is not one of this training."""
    own = json.loads(json.dumps(state.config))
    keys = sorted(own.keys() | plain["config"].keys())
    problems = [
        f"{key}: expected {own.get(key)!r}, got {plain['config'].get(key)!r}"
        for key in keys
        if own.get(key) != plain["config"].get(key)
    ]
    names = {
        "modules": {name.split(".")[1] for name in tensors if name.startswith("modules.")},
        "generators": {name.split(".")[1] for name in tensors if name.startswith("generators.")},
        "optimizers": set(plain["optimizers"]),
        "schedules": set(plain["schedules"]),
    }
    for kind, found in names.items():
        wanted = set(getattr(state, kind))
        if kind == "modules":  # those without parameters have nothing in the file
            wanted = {name for name, module in state.modules.items() if module.state_dict()}
        if wanted != found:
            problems.append(f"{kind}: expected {sorted(wanted)}, got {sorted(found)}")
    if problems:
        return problems
    for name, module in state.modules.items():
        theirs = _under(tensors, f"modules.{name}.")
        ours = module.state_dict()
        problems += [
            f"{name}.{key}: expected {_shape(ours.get(key))}, got {_shape(theirs.get(key))}"
            for key in sorted(ours.keys() | theirs.keys())
            if _shape(ours.get(key)) != _shape(theirs.get(key))
        ]
    for name, optimizer in state.optimizers.items():
        ours = [len(group["params"]) for group in optimizer.param_groups]
        theirs = [len(group["params"]) for group in plain["optimizers"][name]["groups"]]
        if ours != theirs:
            problems.append(f"{name}: expected groups of {ours} parameters, got {theirs}")
    return problems


def _shape(value: Tensor | None) -> str:
    return "nothing" if value is None else str(tuple(value.shape))


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin so, without that beginning."""
    return {name[len(prefix) :]: v for name, v in tensors.items() if name.startswith(prefix)}
