"""Adversarial training step by step: resumed at any step, and halted when it goes wrong."""

from __future__ import annotations

import math

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from exemplar.training.checkpoint import TrainingState, checkpoints
from exemplar.training.loop import TrainingError
from exemplar.training.steps import Pace, linear_decay, run_steps, write_history


class Killed(Exception):
    pass


def _problem(die_at=None, values=None):
    torch.manual_seed(0)
    network = nn.Linear(3, 3)
    state = TrainingState({"n": network}, {"n": torch.optim.Adam(network.parameters(), 0.1)})

    def step(number):
        if number == die_at:
            raise Killed
        x = torch.randn(4, 3, generator=torch.Generator().manual_seed(number))
        loss = (network(x) - x).square().mean()
        state.optimizers["n"].zero_grad()
        loss.backward()
        state.optimizers["n"].step()
        return {"loss": loss, "given": torch.tensor(values[number] if values else 1.0)}

    return state, step


@pytest.mark.parametrize("die_at", range(11))
def test_killed_at_any_step_it_ends_the_same(tmp_path, die_at):
    pace = Pace(steps=11, images=4, every=3)
    whole, step = _problem()
    seen = []
    run_steps("toy", tmp_path / "whole", whole, step, pace, seen.append)
    assert seen == [3, 6, 9, 11]
    state, step = _problem(die_at)
    again = []
    with pytest.raises(Killed):
        run_steps("toy", tmp_path / "killed", state, step, pace, again.append)
    state, step = _problem()
    run_steps("toy", tmp_path / "killed", state, step, pace, again.append)
    assert again == seen and state.step == 11
    assert state.history == whole.history and len(state.history) == 4
    for name, value in whole.modules["n"].state_dict().items():
        assert torch.equal(value, state.modules["n"].state_dict()[name])


def test_a_finished_training_does_nothing_more(tmp_path):
    state, step = _problem()
    run_steps("toy", tmp_path, state, step, Pace(4, 1, 2))
    state, step = _problem(die_at=0)
    run_steps("toy", tmp_path, state, step, Pace(4, 1, 2))
    assert state.step == 4


def test_rows_are_means_of_their_interval(tmp_path, capsys):
    state, step = _problem(values=[1.0, 2.0, 6.0, 10.0])
    run_steps("toy", tmp_path, state, step, Pace(4, 8, 3))
    assert [(row["step"], row["given"]) for row in state.history] == [(3, 3.0), (4, 10.0)]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("toy: step 3/4, loss ") and "given 3.0000" in lines[0]
    write_history(tmp_path / "losses.csv", state.history)
    table = pd.read_csv(tmp_path / "losses.csv")
    assert table.columns.tolist() == ["step", "loss", "given"]
    assert table["step"].tolist() == [3, 4] and table["given"].tolist() == [3.0, 10.0]


def test_a_diverged_loss_stops_with_the_last_good_checkpoint(tmp_path):
    state, step = _problem(values=[1.0] * 5 + [math.nan] * 3)
    with pytest.raises(TrainingError) as caught:
        run_steps("toy", tmp_path, state, step, Pace(8, 1, 2))
    last = checkpoints(tmp_path)[-1]
    assert last.name == "step-000000004"
    said = str(caught.value)
    assert said.startswith("toy: given is nan near step 6; the last good checkpoint is ")
    assert str(last) in said and "lower the learning rate" in said


def test_diverged_weights_stop_it_even_if_losses_were_finite(tmp_path):
    state, step = _problem()

    def spoiling(number):
        losses = step(number)
        if number == 5:
            with torch.no_grad():
                state.modules["n"].weight[0, 0] = torch.inf
        return losses

    with pytest.raises(TrainingError, match=r"after step 6: modules\.n\.weight"):
        run_steps("toy", tmp_path, state, spoiling, Pace(8, 1, 2))
    assert checkpoints(tmp_path)[-1].name == "step-000000004"


def test_a_loss_that_stays_low_has_collapsed(tmp_path):
    values = [1.0, 1.0, 0.001, 1.0, *[0.001] * 4]
    state, step = _problem(values=values)
    with pytest.raises(TrainingError, match="given has collapsed: below 0.01 from step 5 to 7"):
        run_steps("toy", tmp_path / "low", state, step, Pace(8, 1, 1, {"given": 0.01}))
    assert checkpoints(tmp_path / "low")[-1].name == "step-000000006"
    state, step = _problem(values=values)
    run_steps("toy", tmp_path / "on", state, step, Pace(8, 1, 1, {"given": 0}))


@given(st.integers(0, 50), st.integers(0, 50))
def test_the_rate_is_constant_and_then_falls_evenly_to_nothing(constant, falling):
    rates = [linear_decay(step, constant, falling) for step in range(constant + falling)]
    assert rates[:constant] == [1.0] * constant
    for place, rate in enumerate(rates[constant:], start=1):
        assert rate == pytest.approx((falling + 1 - place) / (falling + 1))
    assert all(rate > 0 for rate in rates)
    assert linear_decay(constant + falling, constant, falling) == 0
