"""Checkpoints: everything comes back, bit by bit, or it is said why not."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from exemplar.training.checkpoint import (
    CheckpointError,
    TrainingState,
    checkpoints,
    load_checkpoint,
    save_checkpoint,
)
from exemplar.training.loop import TrainingError


def _state(width=3, seed=0, **config):
    torch.manual_seed(seed)
    a, b = nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width)), nn.Linear(width, 1)
    optimizers = {
        "adam": torch.optim.Adam(a.parameters(), 0.1, (0.5, 0.9)),
        "momentum": torch.optim.SGD(b.parameters(), 0.1, momentum=0.9),
    }
    return TrainingState(
        {"a": a, "b": b, "pool": nn.AvgPool2d(2)},
        optimizers,
        {"width": width, "size": (4, 4)} | config,
        {"plateau": ReduceLROnPlateau(optimizers["adam"], factor=0.5, patience=1)},
        {"noise": torch.Generator().manual_seed(seed)},
    )


def _step(state):
    """A step that depends on everything a state has."""
    x = torch.rand(8, 2) + torch.rand(8, 2, generator=state.generators["noise"])
    out = state.modules["b"](nn.functional.dropout(state.modules["a"](x), 0.5))
    loss = (out - x.sum(1, keepdim=True)).square().mean()
    for optimizer in state.optimizers.values():
        optimizer.zero_grad()
    loss.backward()
    for optimizer in state.optimizers.values():
        optimizer.step()
    state.schedules["plateau"].step(1.0)  # never gets better, so rates fall
    state.step += 1
    state.history.append({"step": state.step, "loss": loss.item()})


def _numbers(state):
    weights = {
        f"{m}.{k}": v for m, module in state.modules.items() for k, v in module.state_dict().items()
    }
    rates = [group["lr"] for o in state.optimizers.values() for group in o.param_groups]
    return weights, rates, state.history


def _assert_same(ours, theirs):
    for a, b in zip(_numbers(ours)[1:], _numbers(theirs)[1:], strict=True):
        assert a == b
    for name, value in _numbers(ours)[0].items():
        assert torch.equal(value, _numbers(theirs)[0][name]), name


@pytest.mark.parametrize("killed_after", range(6))
def test_a_training_goes_on_as_if_it_had_never_stopped(tmp_path, killed_after):
    whole = _state()
    for _ in range(7):
        _step(whole)
    begun = _state()
    for _ in range(killed_after):
        _step(begun)
    save_checkpoint(tmp_path, begun)
    _step(begun)  # lost in the kill
    resumed = _state()
    torch.manual_seed(99)
    assert load_checkpoint(tmp_path, resumed) == killed_after == resumed.step
    for _ in range(7 - killed_after):
        _step(resumed)
    _assert_same(resumed, whole)
    assert whole.optimizers["adam"].param_groups[0]["lr"] < 0.1
    assert resumed.optimizers["adam"].param_groups[0]["betas"] == (0.5, 0.9)


def test_without_checkpoints_training_begins(tmp_path):
    assert load_checkpoint(tmp_path / "none", _state()) == 0


def test_the_last_two_are_kept_and_nothing_else(tmp_path):
    state = _state()
    for _ in range(4):
        _step(state)
        save_checkpoint(tmp_path, state)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-000000003", "step-000000004"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000003", "step-000000004"]
    names = sorted(path.name for path in checkpoints(tmp_path)[0].iterdir())
    assert names == ["state.json", "state.safetensors"]


@pytest.mark.parametrize("file", ["state.json", "state.safetensors"])
def test_of_a_damaged_one_the_one_before_serves(tmp_path, capsys, file):
    state = _state()
    for _ in range(3):
        _step(state)
        save_checkpoint(tmp_path, state)
    earlier, last = checkpoints(tmp_path)
    (last / file).write_bytes((last / file).read_bytes()[:40])
    resumed = _state()
    assert load_checkpoint(tmp_path, resumed) == 2
    said = capsys.readouterr().err
    assert f"{last}: damaged" in said and f"going on from {earlier}" in said
    (earlier / file).unlink()
    with pytest.raises(CheckpointError, match="no checkpoint can be read; remove") as caught:
        load_checkpoint(tmp_path, resumed)
    assert str(last) in str(caught.value) and str(earlier) in str(caught.value)


def test_what_is_not_finite_is_not_saved_and_the_last_good_one_stays(tmp_path):
    state = _state()
    with torch.no_grad():
        state.modules["b"].bias.fill_(torch.nan)
    with pytest.raises(TrainingError, match=r"modules\.b\.bias; there is no checkpoint yet"):
        save_checkpoint(tmp_path, state)
    state = _state()
    _step(state)
    save_checkpoint(tmp_path, state)
    _step(state)
    for values in state.optimizers["adam"].state.values():
        values["exp_avg"].fill_(torch.inf)
    with pytest.raises(TrainingError, match=r"after step 2: optimizers\.adam\.0\.exp_avg") as error:
        save_checkpoint(tmp_path, state)
    assert "the last good checkpoint is" in str(error.value)
    assert "step-000000001" in str(error.value)
    assert load_checkpoint(tmp_path, _state()) == 1


def test_another_training_s_checkpoint_is_refused_and_nothing_is_changed(tmp_path):
    state = _state(data="abc", rate=1)
    _step(state)
    save_checkpoint(tmp_path, state)
    other = _state(data="def", rate=1, extra=None)
    before = _numbers(_state())
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(tmp_path, other)
    assert "data: expected 'def', got 'abc'" in str(caught.value)
    assert "rate" not in str(caught.value) and "of another training" in str(caught.value)
    # Under the same settings, but with other networks.
    other = _state(4, data="abc", rate=1)
    other.config["width"] = 3
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(tmp_path, other)
    assert "a.0.weight: expected (4, 2), got (3, 2)" in str(caught.value)
    assert "b.weight: expected (1, 4), got (1, 3)" in str(caught.value)
    other = _state(data="abc", rate=1)
    other.modules = {"a": other.modules["a"], "c": other.modules["b"]}
    other.generators = {}
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(tmp_path, other)
    assert "modules: expected ['a', 'c'], got ['a', 'b']" in str(caught.value)
    assert "generators: expected [], got ['noise']" in str(caught.value)
    for name, value in before[0].items():
        if name.startswith("a."):
            assert torch.equal(value, _numbers(other)[0][name])


def test_the_json_says_what_the_training_is(tmp_path):
    state = _state(data="abc")
    _step(state)
    save_checkpoint(tmp_path, state)
    said = json.loads((checkpoints(tmp_path)[0] / "state.json").read_text())
    assert said["config"] == {"width": 3, "size": [4, 4], "data": "abc"}
    assert said["step"] == 1 and said["history"] == state.history


def test_moments_lie_in_memory_as_their_weights_do(tmp_path):
    """Fused optimizers read both in the order in which they lie."""

    def begin():
        torch.manual_seed(0)
        layer = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(layer.parameters(), 0.1, fused=True)
        return TrainingState({"a": layer}, {"adam": optimizer}), layer, optimizer

    def step(layer, optimizer, number):
        x = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(number))
        optimizer.zero_grad()
        layer(x).square().mean().backward()
        optimizer.step()

    state, whole, optimizer = begin()
    step(whole, optimizer, 0)
    save_checkpoint(tmp_path, state)
    step(whole, optimizer, 1)
    state, resumed, optimizer = begin()
    load_checkpoint(tmp_path, state)
    moment = optimizer.state[resumed.weight]["exp_avg"]
    assert moment.stride() == resumed.weight.stride() != moment.contiguous().stride()
    step(resumed, optimizer, 1)
    assert torch.equal(resumed.weight, whole.weight)
