"""Networks on disk: safetensors beside a JSON config from which the network is rebuilt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from exemplar.store.files import DiskError, written


class WeightsError(ValueError):
    """A weights file is missing, damaged, or does not fit its network."""


def save_weights(path: Path | str, state: dict[str, torch.Tensor], config: dict[str, Any]) -> None:
    """Writes tensors to `path` and their config to the same name with `.json`.

    Args:
        path: a file ending in `.safetensors`.
        state: name → tensor, on any device.
        config: JSON values from which the network is rebuilt.

    Raises:
        WeightsError: the name is another.
        DiskError: the disk is full or fails; what was there is as it was.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise WeightsError(f"{path}: expected a name ending in .safetensors")
    with written(path) as partial:
        tensors = {name: t.detach().cpu().contiguous() for name, t in state.items()}
        try:
            save_file(tensors, partial)
        except SafetensorError as error:  # its own kind also where the disk is full
            raise DiskError(f"{path}: cannot be written ({error}); see to the disk") from error
    with written(path.with_suffix(".json")) as partial:
        partial.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def load_weights(path: Path | str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Reads what `save_weights` wrote.

    Args:
        path: a file ending in `.safetensors`, its config beside it.

    Returns:
        The tensors, on the CPU, and the config.

    Raises:
        WeightsError: either file is missing or damaged.
    """
    path = Path(path)
    config_path = path.with_suffix(".json")
    for file in (path, config_path):
        if not file.is_file():
            raise WeightsError(
                f"{file}: no such file; expected weights as safetensors with a JSON config beside"
            )
    try:
        return load_file(path), json.loads(config_path.read_text())
    except (SafetensorError, json.JSONDecodeError) as error:
        raise WeightsError(f"{path}: damaged ({error}); remove it and make it again") from error


def fit_weights(network: torch.nn.Module, state: dict[str, torch.Tensor], where: str) -> None:
    """Loads tensors into a network, all of them and nothing else.

    Args:
        network: built from the config.
        state: its tensors.
        where: the file's name, for messages.

    Raises:
        WeightsError: names or shapes differ; every difference is listed.
    """
    own = network.state_dict()
    problems = [f"missing {name}" for name in own.keys() - state.keys()]
    problems += [f"unexpected {name}" for name in state.keys() - own.keys()]
    problems += [
        f"{name}: expected {tuple(own[name].shape)}, got {tuple(state[name].shape)}"
        for name in own.keys() & state.keys()
        if own[name].shape != state[name].shape
    ]
    if problems:
        listed = "\n  ".join(sorted(problems))
        raise WeightsError(f"{where}: the weights do not fit the network:\n  {listed}")
    network.load_state_dict(state)
