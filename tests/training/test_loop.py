"""The training loop: it learns, resumes to the very same weights, and refuses a diverged loss."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from exemplar.training.loop import CHECKPOINT, TrainingError, TrainingSettings, schedule, train


def _problem(dtype=torch.float32):
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1)).to(
        dtype
    )

    def loss(x):
        return (network(x).float() - x.sum(1, keepdim=True)).square().mean()

    return network, loss


def _draw(generator):
    return torch.randn(32, 4, generator=generator)


def _settings(**changes):
    return TrainingSettings(
        **{"steps": 60, "precision": "float32", "checkpoint_every": 7, "rate": 0.02} | changes
    )


def test_it_learns(tmp_path):
    network, loss = _problem()
    before = loss(_draw(torch.Generator())).item()
    train(network, _draw, loss, _settings(steps=300), tmp_path, "toy")
    assert loss(_draw(torch.Generator())).item() < 0.1 * before
    assert not network.training


def test_a_killed_training_resumes_to_the_same_bits(tmp_path):
    whole, loss = _problem()
    train(whole, _draw, loss, _settings(), tmp_path / "whole", "toy")

    class Killed(Exception):
        pass

    killed, inner = _problem()
    calls = 0

    def dying(x):
        nonlocal calls
        calls += 1
        if calls == 40:
            raise Killed
        return inner(x)

    with pytest.raises(Killed):
        train(killed, _draw, dying, _settings(), tmp_path / "killed", "toy")
    assert (tmp_path / "killed" / CHECKPOINT).is_file()
    resumed, loss = _problem()
    calls = 0

    def counting(x):
        nonlocal calls
        calls += 1
        return loss(x)

    train(resumed, _draw, counting, _settings(), tmp_path / "killed", "toy")
    assert calls == 60 - 35  # the last checkpoint before the 40th step was after the 35th
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_a_diverged_loss_is_an_error_that_names_the_rate(tmp_path):
    network, loss = _problem()
    with pytest.raises(TrainingError, match="toy: the loss is nan near step 7; lower the learning"):
        train(network, _draw, lambda x: loss(x) * torch.nan, _settings(), tmp_path, "toy")


def test_the_schedule_rises_then_falls_to_nothing():
    rates = [schedule(step, 200) for step in range(200)]
    assert rates[9] == 1.0 and rates[0] == 0.1
    assert all(a > b for a, b in zip(rates[10:], rates[11:], strict=False))
    assert rates[-1] < 1e-3
