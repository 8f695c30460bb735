"""Other people's weights: a PyTorch file is read without unpickling and kept as safetensors.

A `.pth` the user names is converted once, into `.work/converted/<hash of its content>.safetensors`;
from then on only that copy is read. Backbones and edge networks take their tensors from here.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from exemplar.store.files import content_hash, written
from exemplar.store.weights import WeightsError

CACHE = Path(".work/converted")
PYTORCH = (".pth", ".pt", ".bin", ".ckpt", ".tar")
# Where training scripts put the tensors inside a checkpoint.
_WRAPPERS = ("state_dict", "model", "model_state_dict", "params_ema", "params", "net")


def read_state(path: Path | str, cache: Path | str = CACHE) -> dict[str, torch.Tensor]:
    """The tensors of a weights file, safetensors or PyTorch.

    Args:
        path: the user's file; it is only read.
        cache: a folder for converted copies.

    Returns:
        name → tensor, on the CPU; a prefix `module.` common to all names is removed.

    Raises:
        WeightsError: the file is missing, damaged, of another kind, or holds more than tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights file; check the path in params.yaml")
    if path.suffix in PYTORCH:
        path = converted(path, cache)
    elif path.suffix != ".safetensors":
        raise WeightsError(
            f"{path}: expected weights as .safetensors or a PyTorch file "
            f"({', '.join(PYTORCH)}), got {path.suffix or 'no suffix'}"
        )
    try:
        return load_file(path)
    except SafetensorError as error:
        raise WeightsError(f"{path}: damaged ({error}); remove it and fetch it again") from error


def converted(path: Path | str, cache: Path | str = CACHE) -> Path:
    """The safetensors copy of a PyTorch file, made if it is not there yet.

    Args:
        path: a file of `torch.save`: a state dict, or a checkpoint with one inside.
        cache: the folder of copies, named by content.

    Returns:
        The copy's path.

    Raises:
        WeightsError: the file is damaged, needs unpickling, or holds no state dict.
    """
    path = Path(path)
    target = Path(cache) / f"{content_hash(path)}.safetensors"
    if not target.is_file():
        # Tensors of a checkpoint may share memory, which safetensors does not store.
        state = {name: value.contiguous().clone() for name, value in read_pytorch(path).items()}
        with written(target) as partial:
            save_file(state, partial)
    return target


def read_pytorch(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a PyTorch file, without a copy as safetensors.

    Args:
        path: a file of `torch.save`, as `converted` takes it.

    Returns:
        name → tensor, on the CPU; they may share memory.

    Raises:
        WeightsError: the file is damaged, needs unpickling, or holds no state dict.
    """
    state = _unprefixed(_state_dict(_load(path), path))
    return {name: value.detach() for name, value in state.items()}


def state_hash(state: Mapping[str, torch.Tensor]) -> str:
    """Eight hexadecimal digits that name the tensors, whatever file they came in."""
    parts: list[Any] = []
    for name in sorted(state):
        value = state[name].detach().cpu().contiguous()
        parts += [name, list(value.shape), str(value.dtype)]
        parts.append(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return content_hash(*parts)[:8]


def _load(path: Path) -> Any:
    """The file's content: tensors and plain containers, nothing else."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path}: not a file of tensors alone: reading it would run code from it, which is "
            "not done here. If you trust it, load it where it was made and store only its tensors: "
            "safetensors.torch.save_file(network.state_dict(), 'weights.safetensors')"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise WeightsError(f"{path}: damaged, or not written by torch.save ({error})") from error


def _state_dict(content: Any, path: Path) -> dict[str, torch.Tensor]:
    """The one mapping of names to tensors in a checkpoint."""
    if isinstance(content, Mapping):
        if _only_tensors(content):
            return dict(content)
        for key in _WRAPPERS:
            if _only_tensors(content.get(key)):
                return dict(content[key])
        found = f"the keys {', '.join(map(str, content))}"
    else:
        found = type(content).__name__
    raise WeightsError(
        f"{path}: expected names and tensors, at the top or under {', '.join(_WRAPPERS)}; "
        f"found {found}"
    )


def _only_tensors(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in value.items())
    )


def _unprefixed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Names without the prefix that training on several GPUs leaves."""
    prefix = "module."
    if all(name.startswith(prefix) for name in state):
        return {name.removeprefix(prefix): value for name, value in state.items()}
    return state
