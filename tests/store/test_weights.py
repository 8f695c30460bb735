"""Weights: they come back exactly, and every way not to fit is named."""

from __future__ import annotations

import resource

import pytest
import torch
from torch import nn

from exemplar.store.weights import WeightsError, fit_weights, load_weights, save_weights


def test_they_come_back(tmp_path):
    state = {"a": torch.randn(3, 2), "b": torch.arange(4)}
    save_weights(tmp_path / "n.safetensors", state, {"width": 3})
    again, config = load_weights(tmp_path / "n.safetensors")
    assert config == {"width": 3}
    assert all(torch.equal(state[name], again[name]) for name in state)


def test_damage_is_named(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        load_weights(tmp_path / "none.safetensors")
    save_weights(tmp_path / "n.safetensors", {"a": torch.ones(9)}, {})
    (tmp_path / "n.safetensors").write_bytes(b"\x00" * 12)
    with pytest.raises(WeightsError, match="damaged"):
        load_weights(tmp_path / "n.safetensors")
    with pytest.raises(WeightsError, match="ending in .safetensors"):
        save_weights(tmp_path / "n.pth", {}, {})


def test_every_difference_is_listed():
    state = {"weight": torch.ones(2, 3), "more": torch.ones(1)}
    with pytest.raises(WeightsError) as caught:
        fit_weights(nn.Linear(4, 2), state, "file.safetensors")
    text = str(caught.value)
    assert "missing bias" in text and "unexpected more" in text
    assert "weight: expected (2, 4), got (2, 3)" in text


def test_a_full_disk_is_an_error_of_the_disk(tmp_path):
    path = tmp_path / "net.safetensors"
    save_weights(path, {"w": torch.zeros(3)}, {})
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OSError, match=r"net.safetensors: cannot be written \(.*; see to the"):
            save_weights(path, {"w": torch.zeros(100_000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert sorted(each.suffix for each in tmp_path.iterdir()) == [".json", ".safetensors"]
