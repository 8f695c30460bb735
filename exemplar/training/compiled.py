"""Networks compiled for training, in place: their weights keep their names, so checkpoints fit.

Compiling takes a minute or more, for each shape of input anew; it pays in long trainings.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn


def compile_all(networks: Iterable[nn.Module]) -> None:
    """Compiles each network at its first use, except under `as_written`."""
    for network in networks:
        network.compile()


def as_written(compiled: bool) -> AbstractContextManager[object]:
    """Runs networks uncompiled in its block: for what is done now and then, as pictures are.

    Args:
        compiled: whether there are compiled ones at all.
    """
    return torch.compiler.set_stance("force_eager") if compiled else nullcontext()
