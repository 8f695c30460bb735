"""Compiled networks compute the same under the same names, or as they are written if asked."""

from __future__ import annotations

import functools

import torch
from torch import nn

from exemplar.training.compiled import as_written, compile_all


class Doubled(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.compiling = []

    def forward(self, x):
        self.compiling.append(torch.compiler.is_compiling())
        return 2 * self.layer(x)


def test_names_and_results_stay(monkeypatch):
    eager = functools.partial(torch.compile, backend="eager")
    monkeypatch.setattr(torch, "compile", eager)
    torch.manual_seed(0)
    network = Doubled()
    x = torch.rand(4, 3)
    names, expected = list(network.state_dict()), network(x)
    compile_all([network])
    with as_written(True):
        network(x)
    assert not any(network.compiling)
    torch.testing.assert_close(network(x), expected)
    assert network.compiling[-1]
    assert list(network.state_dict()) == names
    with as_written(False):
        network(x)
    assert network.compiling[-1]
